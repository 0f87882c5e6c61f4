//! An entity's line to a homeserver that isn't there: it knows names and files, and notes what is sent.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use futures_util::FutureExt as _;
use serde_json::Value;

use crate::{
    matrix::{Answer, Outgoing, StandIn},
    model::{EventId, RoomId, UserId},
};

/// The line.
pub(super) struct FakeLine {
    pub(super) user: UserId,
    pub(super) names: BTreeMap<UserId, String>,
    pub(super) file: Vec<u8>,
    pub(super) sent: Arc<Mutex<Vec<Outgoing>>>,
}

impl StandIn for FakeLine {
    fn user(&self) -> &UserId {
        &self.user
    }

    fn send(&self, message: Outgoing) -> Answer<'_, EventId> {
        self.sent.lock().unwrap().push(message);
        async { Ok(EventId::parse("$sent").unwrap()) }.boxed()
    }

    fn names(&self, _: RoomId) -> Answer<'_, BTreeMap<UserId, String>> {
        async { Ok(self.names.clone()) }.boxed()
    }

    fn media(&self, _: Value, _: usize) -> Answer<'_, Vec<u8>> {
        async { Ok(self.file.clone()) }.boxed()
    }
}
