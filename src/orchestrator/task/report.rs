//! What the orchestrator's tasks tell each other.

use std::{sync::Arc, time::Duration};

use crate::{
    matrix::Session,
    model::{EntityName, Millis, RoomId, RoomKey},
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
}

/// An entity, or the person, is up and can act.
pub(super) struct Arrival {
    /// Who.
    pub(super) entity: EntityName,
    /// Its line.
    pub(super) session: Arc<dyn Session>,
}
