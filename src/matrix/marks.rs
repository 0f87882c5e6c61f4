//! What any of our accounts learnt about a room and every other one must know before it sends there.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard},
};

use super::locked::locked;
use crate::model::{RoomId, UserId};

/// What each member of a room is called.
pub(super) type Names = Arc<BTreeMap<UserId, String>>;

/// Shared by all sessions. A task would not do: the answer is needed in the middle of a send, and the lock is held for
/// a look-up only.
#[derive(Debug, Default)]
pub(super) struct Marks {
    rooms: Mutex<HashMap<RoomId, Mark>>,
    /// What members are called, as of that version of a room's names.
    names: Mutex<HashMap<RoomId, (u64, Names)>>,
}

/// What is known about one room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// Whether anybody of ours ever saw it encrypted. Never taken back.
    pub(super) encrypted: bool,
    /// Grows whenever anybody of ours sees somebody come or go.
    pub(super) members_version: u64,
    /// Grows whenever anybody of ours sees somebody come, go or take another name.
    pub(super) names_version: u64,
}

impl Marks {
    pub(super) fn of(&self, room: &RoomId) -> Mark {
        self.locked().get(room).copied().unwrap_or_default()
    }

    pub(super) fn encrypted(&self, room: &RoomId) {
        self.locked().entry(room.clone()).or_default().encrypted = true;
    }

    pub(super) fn members_changed(&self, room: &RoomId) {
        let mut rooms = self.locked();
        let mark = rooms.entry(room.clone()).or_default();
        mark.members_version += 1;
        mark.names_version += 1;
    }

    pub(super) fn names_changed(&self, room: &RoomId) {
        self.locked().entry(room.clone()).or_default().names_version += 1;
    }

    /// What members are called, if that was asked since it last changed.
    pub(super) fn names(&self, room: &RoomId) -> Option<Names> {
        let version = self.of(room).names_version;
        let names = locked(&self.names);
        names.get(room).filter(|(known, _)| *known == version).map(|(_, names)| Arc::clone(names))
    }

    /// Keeps what members are called, as asked when the names were at `version`.
    pub(super) fn keep_names(&self, room: RoomId, version: u64, asked: Names) {
        locked(&self.names).insert(room, (version, asked));
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<RoomId, Mark>> {
        locked(&self.rooms)
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
        assert_eq!(marks.of(&room), Mark { encrypted: true, members_version: 1, names_version: 1 });
    }

    /// S2: names are asked once, and again after a change, also when it came while they were being asked.
    #[test]
    fn names_are_kept_until_they_change() {
        let (marks, room) = (Marks::default(), RoomId::parse("!r").unwrap());
        assert_eq!(marks.names(&room), None);
        let asked = Names::default();
        marks.keep_names(room.clone(), marks.of(&room).names_version, Arc::clone(&asked));
        assert_eq!(marks.names(&room), Some(asked.clone()));
        let version = marks.of(&room).names_version;
        marks.names_changed(&room);
        assert_eq!(marks.names(&room), None);
        marks.keep_names(room.clone(), version, asked.clone());
        assert_eq!(marks.names(&room), None, "asked before the change");
        marks.keep_names(room.clone(), marks.of(&room).names_version, asked);
        marks.members_changed(&room);
        assert_eq!(marks.names(&room), None, "somebody came or went");
    }
}
