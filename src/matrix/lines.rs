//! Everybody's line to the homeserver, as they come and go.

use std::{
    collections::BTreeMap,
    fmt,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard},
};

use futures_util::{StreamExt as _, stream};
use tokio::sync::Notify;

use super::{Session, locked::locked};
use crate::model::{EntityName, UserId};

/// How many lines close at once.
const CLOSING_MAX: usize = 16;

type Connected = BTreeMap<EntityName, Arc<dyn Session>>;

/// Where lines are plugged in and out.
pub struct Switchboard(Arc<Board>);

/// The lines of those who are up. Clones see the same ones.
#[derive(Clone)]
pub struct Lines {
    board: Arc<Board>,
    /// The change that was seen last.
    seen: u64,
}

/// What both ends look at. No `watch` channel: those wake who waits in an order that nobody can foretell, and a run that
/// is to be repeated must not depend on it.
#[derive(Default)]
struct Board {
    now: Mutex<Plugged>,
    /// Rung at every change; it wakes in the order of waiting.
    changed: Notify,
}

#[derive(Default)]
struct Plugged {
    lines: Connected,
    /// Counts changes.
    changes: u64,
}

impl Switchboard {
    /// An empty one, and the view of it.
    #[must_use]
    pub fn new() -> (Self, Lines) {
        let board = Arc::<Board>::default();
        (Self(Arc::clone(&board)), Lines { board, seen: 0 })
    }

    /// `entity` is up.
    pub fn connect(&self, entity: EntityName, session: Arc<dyn Session>) {
        self.0.change(|lines| {
            lines.insert(entity, session);
            true
        });
    }

    /// `entity` isn't up any more.
    pub fn disconnect(&self, entity: &EntityName) {
        self.0.change(|lines| lines.remove(entity).is_some());
    }
}

impl Lines {
    /// The line of `entity`, if it is up.
    #[must_use]
    pub fn of(&self, entity: &EntityName) -> Option<Arc<dyn Session>> {
        self.board.now().lines.get(entity).cloned()
    }

    /// Everybody who is up, with their user.
    #[must_use]
    pub fn users(&self) -> BTreeMap<EntityName, UserId> {
        self.board.now().lines.iter().map(|(entity, session)| (entity.clone(), session.user().clone())).collect()
    }

    /// Closes the lines of everybody who is up, each in order.
    pub async fn close(&self) {
        let lines: Vec<Arc<dyn Session>> = self.board.now().lines.values().cloned().collect();
        stream::iter(&lines).for_each_concurrent(CLOSING_MAX, |line| line.close()).await;
    }

    /// Waits until somebody comes or goes. Never returns once the switchboard is gone.
    pub async fn changed(&mut self) {
        let mut change = pin!(self.board.changed.notified());
        loop {
            // Registered before the look, so that no change in between is missed.
            change.as_mut().enable();
            let changes = self.board.now().changes;
            if changes != self.seen {
                self.seen = changes;
                return;
            }
            change.as_mut().await;
            change.set(self.board.changed.notified());
        }
    }
}

impl Board {
    fn now(&self) -> MutexGuard<'_, Plugged> {
        locked(&self.now)
    }

    fn change(&self, change: impl FnOnce(&mut Connected) -> bool) {
        let mut now = self.now();
        if change(&mut now.lines) {
            now.changes += 1;
            drop(now);
            self.changed.notify_waiters();
        }
    }
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.board.now().lines.keys()).finish()
    }
}

impl fmt::Debug for Switchboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Switchboard")
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_change_is_seen_once_and_none_is_missed() {
        let (switchboard, mut lines) = Switchboard::new();
        let mut early = lines.clone();
        let ada = EntityName::parse("ada").unwrap();
        assert!(lines.changed().now_or_never().is_none());
        switchboard.disconnect(&ada);
        assert!(lines.changed().now_or_never().is_none(), "nobody went");
        let waiting = tokio::time::timeout(std::time::Duration::from_secs(5), early.changed());
        let change = async { switchboard.0.change(|_| true) };
        tokio::join!(waiting, change).0.unwrap();
        assert!(lines.changed().now_or_never().is_some(), "it was changed before anybody waited");
        assert!(lines.changed().now_or_never().is_none() && early.changed().now_or_never().is_none());
    }
}
