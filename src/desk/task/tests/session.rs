//! An entity's line to a homeserver that isn't there: it knows who is in rooms, and notes what is taken back.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use futures_util::FutureExt as _;

use crate::{
    matrix::{Answer, Presence, StandIn},
    model::{EventId, RoomId, UserId},
};

/// The line.
pub(super) struct FakeLine {
    pub(super) user: UserId,
    /// Who is in every room.
    pub(super) members: Vec<UserId>,
    /// How often that was asked.
    pub(super) asked: Arc<Mutex<usize>>,
    pub(super) redacted: Arc<Mutex<Vec<EventId>>>,
}

impl StandIn for FakeLine {
    fn user(&self) -> &UserId {
        &self.user
    }

    fn redact(&self, _: RoomId, event: EventId) -> Answer<'_, EventId> {
        self.redacted.lock().unwrap().push(event.clone());
        async { Ok(event) }.boxed()
    }

    fn members(&self, _: RoomId) -> Answer<'_, BTreeMap<UserId, Presence>> {
        *self.asked.lock().unwrap() += 1;
        let joined = self.members.iter().map(|user| (user.clone(), Presence::Joined)).collect();
        async { Ok(joined) }.boxed()
    }
}
