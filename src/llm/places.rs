//! The places for those who ask models: so many at once, some of them only for what people wait for, in the order of asking.
//!
//! Whoever asks takes a place first: an answer for as long as it is given, the router for its pick, a team's leader for each
//! question of its own. **Invariant**: nobody who holds a place waits for somebody else who needs one.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::model::Priority;

/// The places. Cloning gives the same ones.
#[derive(Debug, Clone)]
pub struct Places {
    /// One permit for each place.
    all: Arc<Semaphore>,
    /// One permit for each place that agents' questions may take.
    open: Arc<Semaphore>,
}

/// A place that is taken, until it is dropped.
#[derive(Debug)]
pub struct Place {
    _one_of_all: OwnedSemaphorePermit,
    _one_of_open: Option<OwnedSemaphorePermit>,
}

impl Places {
    /// `places` at once, `reserved` of them only for people. At least one is open to agents.
    #[must_use]
    pub fn new(places: usize, reserved: usize) -> Self {
        let places = places.clamp(1, Semaphore::MAX_PERMITS);
        let open = places.saturating_sub(reserved).max(1);
        Self { all: Arc::new(Semaphore::new(places)), open: Arc::new(Semaphore::new(open)) }
    }

    /// Waits for a place. Who waits longer gets one first; agents wait for their share before they stand in anybody's way.
    pub async fn place(&self, priority: Priority) -> Place {
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
        let places = Places::new(3, 1);
        let first = places.place(Priority::Agent).await;
        let _second = places.place(Priority::Agent).await;
        let mut third = pin!(places.place(Priority::Agent));
        assert!(poll!(&mut third).is_pending(), "the last place is for people");
        let person = places.place(Priority::Person).now_or_never().expect("a person gets it at once");
        let mut other = pin!(places.place(Priority::Person));
        assert!(poll!(&mut other).is_pending(), "three at once");
        drop(person);
        assert!(poll!(&mut other).is_ready());
        drop(first);
        assert!(poll!(&mut third).is_ready());
    }

    #[tokio::test]
    async fn who_asks_first_is_first() {
        let places = Places::new(1, 0);
        let taken = places.place(Priority::Person).await;
        let mut agent = pin!(places.place(Priority::Agent));
        let mut person = pin!(places.place(Priority::Person));
        assert!(poll!(&mut agent).is_pending() && poll!(&mut person).is_pending());
        drop(taken);
        assert!(poll!(&mut person).is_pending(), "it is behind the agent, once that has its share");
        assert!(poll!(&mut agent).is_ready());
    }

    #[tokio::test]
    async fn agents_always_have_a_place_somewhere() {
        let places = Places::new(2, 9);
        let _place = places.place(Priority::Agent).now_or_never().expect("one place is open to agents");
        assert!(places.place(Priority::Agent).now_or_never().is_none());
    }
}
