//! Which rooms the homeserver was asked about a moment ago, so that a message there need not ask again.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use tokio::time::Instant;

use crate::{matrix::locked::locked, model::RoomId};

/// How long an answer holds, from the moment of the question. Whoever switches encryption on is heard of by our own loops
/// within that time, as a rule.
const HOLDS_FOR: Duration = Duration::from_millis(250);

/// One account's questions. A lock rather than a task: it is held for a look-up in the middle of a send.
#[derive(Debug, Default)]
pub(super) struct Prepared(Mutex<HashMap<RoomId, Instant>>);

impl Prepared {
    /// A question begins; what was answered before it counts no more.
    pub(super) fn begin(&self, room: &RoomId) -> Instant {
        self.locked().remove(room);
        Instant::now()
    }

    /// The question that began then was answered.
    pub(super) fn answered(&self, room: RoomId, began: Instant) {
        let mut rooms = self.locked();
        rooms.retain(|_, began| began.elapsed() < HOLDS_FOR);
        rooms.insert(room, began);
    }

    /// Whether an answer still holds.
    pub(super) fn holds(&self, room: &RoomId) -> bool {
        self.locked().get(room).is_some_and(|began| began.elapsed() < HOLDS_FOR)
    }

    /// Forgets all answers.
    pub(super) fn forget(&self) {
        self.locked().clear();
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<RoomId, Instant>> {
        locked(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    /// E4: an answer holds for a moment, counted from its question, and not beyond the next question.
    #[tokio::test(start_paused = true)]
    async fn an_answer_holds_for_a_moment() {
        let (prepared, room) = (Prepared::default(), RoomId::parse("!r").unwrap());
        let began = prepared.begin(&room);
        assert!(!prepared.holds(&room), "not answered yet");
        advance(HOLDS_FOR / 2).await;
        prepared.answered(room.clone(), began);
        assert!(prepared.holds(&room) && !prepared.holds(&RoomId::parse("!other").unwrap()));
        let again = prepared.begin(&room);
        assert!(!prepared.holds(&room), "somebody wants to know anew");
        prepared.answered(room.clone(), again);
        advance(HOLDS_FOR).await;
        assert!(!prepared.holds(&room));
        prepared.answered(room.clone(), began);
        assert!(!prepared.holds(&room), "it was late");
    }
}
