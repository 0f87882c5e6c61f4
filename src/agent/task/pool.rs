//! The places for turns: so many at once, some of them only for people's questions, in the order of asking.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::model::Priority;

/// The places. Cloning gives the same ones.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    /// One permit for each place.
    all: Arc<Semaphore>,
    /// One permit for each place that agents' questions may take.
    open: Arc<Semaphore>,
}

/// A place that is taken, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _one_of_all: OwnedSemaphorePermit,
    _one_of_open: Option<OwnedSemaphorePermit>,
}

impl Pool {
    /// `places` at once, `reserved` of them only for people. At least one is open to agents.
    pub(super) fn new(places: usize, reserved: usize) -> Self {
        let places = places.clamp(1, Semaphore::MAX_PERMITS);
        let open = places.saturating_sub(reserved).max(1);
        Self { all: Arc::new(Semaphore::new(places)), open: Arc::new(Semaphore::new(open)) }
    }

    /// Waits for a place. Who waits longer gets one first; agents wait for their share before they stand in anybody's way.
    pub(super) async fn place(&self, priority: Priority) -> Place {
        let one_of_open = match priority {
            Priority::Person => None,
            Priority::Agent => Some(permit(&self.open).await),
        };
        Place { _one_of_all: permit(&self.all).await, _one_of_open: one_of_open }
    }
}

async fn permit(semaphore: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    Arc::clone(semaphore).acquire_owned().await.expect("the places are never closed")
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::{FutureExt as _, poll};

    use super::*;

    #[tokio::test]
    async fn agents_leave_places_for_people() {
        let pool = Pool::new(3, 1);
        let first = pool.place(Priority::Agent).await;
        let _second = pool.place(Priority::Agent).await;
        let mut third = pin!(pool.place(Priority::Agent));
        assert!(poll!(&mut third).is_pending(), "the last place is for people");
        let person = pool.place(Priority::Person).now_or_never().expect("a person gets it at once");
        let mut other = pin!(pool.place(Priority::Person));
        assert!(poll!(&mut other).is_pending(), "three at once");
        drop(person);
        assert!(poll!(&mut other).is_ready());
        drop(first);
        assert!(poll!(&mut third).is_ready());
    }

    #[tokio::test]
    async fn who_asks_first_is_first() {
        let pool = Pool::new(1, 0);
        let taken = pool.place(Priority::Person).await;
        let mut agent = pin!(pool.place(Priority::Agent));
        let mut person = pin!(pool.place(Priority::Person));
        assert!(poll!(&mut agent).is_pending() && poll!(&mut person).is_pending());
        drop(taken);
        assert!(poll!(&mut person).is_pending(), "it is behind the agent, once that has its share");
        assert!(poll!(&mut agent).is_ready());
    }

    #[tokio::test]
    async fn agents_always_have_a_place_somewhere() {
        let pool = Pool::new(2, 9);
        let _place = pool.place(Priority::Agent).now_or_never().expect("one place is open to agents");
        assert!(pool.place(Priority::Agent).now_or_never().is_none());
    }
}
