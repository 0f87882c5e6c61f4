//! What the orchestrator's tasks tell each other.

use std::{sync::Arc, time::Duration};

use tokio::sync::oneshot;

use crate::{
    config::Config,
    matrix::Session,
    model::{EntityName, Millis, Reload, RoomId, RoomKey},
};

/// How long to wait before an attempt that failed is made again, where nobody needs to be told.
pub(super) const QUIET_PAUSE: Duration = Duration::from_secs(5);

/// What somebody tells the house.
pub(super) enum Report {
    /// The homeserver isn't there yet.
    Waiting {
        /// What was tried and how it failed.
        reason: String,
    },
    /// The homeserver is there.
    Reached,
    /// An entity is being started.
    Starting {
        /// Who.
        entity: EntityName,
    },
    /// A response was admitted.
    Heard {
        /// Whose.
        entity: EntityName,
        /// Its line, for those who act in its name.
        session: Arc<dyn Session>,
        /// When it came.
        at: Millis,
    },
    /// An entity failed.
    Failed {
        /// Who.
        entity: EntityName,
        /// In plain words.
        reason: String,
        /// When it is tried again.
        next_try_at: Millis,
        /// Whether it needs somebody's help.
        down: bool,
    },
    /// How far an entity has come into its rooms.
    Housed {
        /// Who.
        entity: EntityName,
        /// The rooms it should be in and isn't.
        missing: Vec<RoomKey>,
    },
    /// How the person at the keyboard fares.
    Person {
        /// What keeps them from being signed in.
        trouble: Option<String>,
    },
    /// A room was looked after.
    Room {
        /// Its key in the configuration, or what else it goes by.
        key: String,
        /// Its id, once known.
        room: Option<RoomId>,
        /// What is wrong with it.
        trouble: Option<String>,
    },
    /// Another configuration holds from now on.
    Renewed(Arc<Config>),
    /// The configuration's files were read.
    Reloaded(Reload),
    /// An entity's task has ended, or the person's: nobody may use its line any more.
    Gone {
        /// Who.
        entity: EntityName,
        /// Dropped once its line is closed.
        done: oneshot::Sender<()>,
    },
}

/// What the house tells the keeper of rooms about an entity, or the person.
pub(super) enum Arrival {
    /// It is up and can act on this line.
    Here(Arc<dyn Session>),
    /// It is gone. Its lines are to be closed: the one that is known, and one that nobody has heard of yet.
    Gone {
        /// The line that nobody has heard of.
        unheard: Option<Arc<dyn Session>>,
        /// Dropped once they are closed.
        done: oneshot::Sender<()>,
    },
}

/// What the keeper of rooms is asked for.
pub(super) enum Wish {
    /// To go by this configuration from now on.
    Renew(Arc<Config>),
    /// To look after a room, or, where it isn't configured any more, to see that everybody leaves it.
    Visit(RoomKey),
    /// To look after the space.
    Space,
}
