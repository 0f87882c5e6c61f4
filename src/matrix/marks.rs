//! What any of our accounts learnt about a room and every other one must know before it sends there.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::model::RoomId;

/// Shared by all sessions. A task would not do: the answer is needed in the middle of a send, and the lock is held for
/// a look-up only.
#[derive(Debug, Default)]
pub(super) struct Marks {
    rooms: Mutex<HashMap<RoomId, Mark>>,
}

/// What is known about one room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// Whether anybody of ours ever saw it encrypted. Never taken back.
    pub(super) encrypted: bool,
    /// Grows whenever anybody of ours sees somebody come or go.
    pub(super) members_version: u64,
}

impl Marks {
    pub(super) fn of(&self, room: &RoomId) -> Mark {
        self.locked().get(room).copied().unwrap_or_default()
    }

    pub(super) fn encrypted(&self, room: &RoomId) {
        self.locked().entry(room.clone()).or_default().encrypted = true;
    }

    pub(super) fn members_changed(&self, room: &RoomId) {
        self.locked().entry(room.clone()).or_default().members_version += 1;
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<RoomId, Mark>> {
        // A panic elsewhere leaves plain values behind, never half-written ones.
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// E4: once any account saw encryption, all of them know, for good.
    #[test]
    fn what_one_sees_all_know() {
        let (marks, room) = (Marks::default(), RoomId::parse("!r").unwrap());
        assert_eq!(marks.of(&room), Mark::default());
        marks.encrypted(&room);
        marks.members_changed(&room);
        assert_eq!(marks.of(&room), Mark { encrypted: true, members_version: 1 });
    }
}
