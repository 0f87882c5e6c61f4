//! An entity's line to a homeserver that isn't there: it knows names and files, and notes what is sent.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{FutureExt as _, future::BoxFuture};
use serde_json::Value;

use crate::{
    matrix::{Answer, HistoryPage, Outgoing, Page, Presence, RoomPlan, Session, Typing, Unplaced},
    model::{AliasId, Content, EventId, RoomId, SyncToken, TransactionId, UserId},
};

/// The line.
pub(super) struct FakeLine {
    pub(super) user: UserId,
    pub(super) names: BTreeMap<UserId, String>,
    pub(super) file: Vec<u8>,
    pub(super) sent: Arc<Mutex<Vec<Outgoing>>>,
}

fn never<T>() -> Answer<'static, T> {
    panic!("a mind doesn't do this by itself")
}

impl Session for FakeLine {
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
    fn open(&self, _: Option<SyncToken>) -> Answer<'_, ()> {
        never()
    }
    fn establish(&self) -> Answer<'_, ()> {
        never()
    }
    fn check_login(&self) -> Answer<'_, ()> {
        never()
    }
    fn hear_typing(&self) {}
    fn sync(&self, _: Option<SyncToken>, _: Duration) -> Answer<'_, Page> {
        never()
    }
    fn history(&self, _: RoomId, _: String, _: Option<SyncToken>) -> Answer<'_, HistoryPage> {
        never()
    }
    fn latest(&self, _: RoomId) -> Answer<'_, HistoryPage> {
        never()
    }
    fn unseal(&self, _: RoomId, _: String) -> Answer<'_, Content> {
        never()
    }
    fn redact(&self, _: RoomId, _: EventId, _: Option<String>, _: TransactionId) -> Answer<'_, EventId> {
        never()
    }
    fn typing(&self, _: RoomId, _: Typing) -> Answer<'_, ()> {
        never()
    }
    fn read_up_to(&self, _: RoomId, _: EventId, _: Option<EventId>) -> Answer<'_, ()> {
        never()
    }
    fn find_own(&self, _: RoomId, _: Option<EventId>) -> Answer<'_, Vec<Unplaced>> {
        never()
    }
    fn create_room(&self, _: RoomPlan) -> Answer<'_, RoomId> {
        never()
    }
    fn resolve(&self, _: AliasId) -> Answer<'_, Option<RoomId>> {
        never()
    }
    fn join(&self, _: RoomId, _: Vec<String>) -> Answer<'_, ()> {
        never()
    }
    fn join_alias(&self, _: AliasId) -> Answer<'_, RoomId> {
        never()
    }
    fn leave(&self, _: RoomId) -> Answer<'_, ()> {
        never()
    }
    fn invite(&self, _: RoomId, _: UserId) -> Answer<'_, ()> {
        never()
    }
    fn remove(&self, _: RoomId, _: UserId, _: String) -> Answer<'_, ()> {
        never()
    }
    fn members(&self, _: RoomId) -> Answer<'_, BTreeMap<UserId, Presence>> {
        never()
    }
    fn state(&self, _: RoomId, _: &'static str, _: String) -> Answer<'_, Option<Value>> {
        never()
    }
    fn state_event(&self, _: RoomId, _: &'static str, _: String) -> Answer<'_, Option<Value>> {
        never()
    }
    fn set_state(&self, _: RoomId, _: &'static str, _: String, _: Value) -> Answer<'_, ()> {
        never()
    }
    fn set_display_name(&self, _: String) -> Answer<'_, ()> {
        never()
    }
    fn set_avatar(&self, _: Vec<u8>, _: &'static str) -> Answer<'_, ()> {
        never()
    }
    fn remove_avatar(&self) -> Answer<'_, ()> {
        never()
    }
    fn close(&self) -> BoxFuture<'_, ()> {
        panic!("a mind doesn't do this by itself")
    }
}
