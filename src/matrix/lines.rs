//! Everybody's line to the homeserver, as they come and go.

use std::{collections::BTreeMap, fmt, sync::Arc};

use tokio::sync::watch;

use super::Session;
use crate::model::{EntityName, UserId};

type Connected = Arc<BTreeMap<EntityName, Arc<dyn Session>>>;

/// Where lines are plugged in and out.
pub struct Switchboard(watch::Sender<Connected>);

/// The lines of those who are up. Clones see the same ones.
#[derive(Clone)]
pub struct Lines(watch::Receiver<Connected>);

impl Switchboard {
    /// An empty one, and the view of it.
    #[must_use]
    pub fn new() -> (Self, Lines) {
        let (sender, receiver) = watch::channel(Connected::default());
        (Self(sender), Lines(receiver))
    }

    /// `entity` is up.
    pub fn connect(&self, entity: EntityName, session: Arc<dyn Session>) {
        self.0.send_modify(|connected| {
            Arc::make_mut(connected).insert(entity, session);
        });
    }

    /// `entity` isn't up any more.
    pub fn disconnect(&self, entity: &EntityName) {
        self.0.send_if_modified(|connected| {
            connected.contains_key(entity) && Arc::make_mut(connected).remove(entity).is_some()
        });
    }
}

impl Lines {
    /// The line of `entity`, if it is up.
    #[must_use]
    pub fn of(&self, entity: &EntityName) -> Option<Arc<dyn Session>> {
        self.0.borrow().get(entity).cloned()
    }

    /// Everybody who is up, with their user.
    #[must_use]
    pub fn users(&self) -> BTreeMap<EntityName, UserId> {
        self.0.borrow().iter().map(|(entity, session)| (entity.clone(), session.user().clone())).collect()
    }

    /// Waits until somebody comes or goes. Never returns once the switchboard is gone.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.borrow().keys()).finish()
    }
}

impl fmt::Debug for Switchboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Switchboard")
    }
}
