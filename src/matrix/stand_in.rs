//! A line to a homeserver that isn't there, for tests of other folders.

use std::{collections::BTreeMap, time::Duration};

use futures_util::{FutureExt as _, future::BoxFuture};
use serde_json::Value;

use super::{Answer, HistoryPage, Outgoing, Page, Presence, Provenance, RoomPlan, Session, Typing, Unplaced};
use crate::model::{AliasId, Content, EventId, RoomId, SyncToken, TransactionId, UserId};

/// What a test's line can do. Whoever writes these verbs is a [`Session`]; the verbs that are left out, and all others of a
/// session, are a mistake to ask for.
pub trait StandIn: Send + Sync {
    /// Who this is.
    fn user(&self) -> &UserId;

    /// See [`Session::prepare`]; there is nothing to prepare.
    fn prepare(&self, _: RoomId) -> Answer<'_, ()> {
        async { Ok(()) }.boxed()
    }

    /// See [`Session::send`].
    fn send(&self, _: Outgoing) -> Answer<'_, EventId> {
        unasked("send")
    }

    /// See [`Session::redact`].
    fn redact(&self, _: RoomId, _: EventId) -> Answer<'_, EventId> {
        unasked("redact")
    }

    /// See [`Session::typing`].
    fn typing(&self, _: RoomId, _: Typing) -> Answer<'_, ()> {
        unasked("typing")
    }

    /// See [`Session::read_up_to`].
    fn read_up_to(&self, _: RoomId, _: EventId, _: Option<EventId>) -> Answer<'_, ()> {
        unasked("read_up_to")
    }

    /// See [`Session::names`].
    fn names(&self, _: RoomId) -> Answer<'_, BTreeMap<UserId, String>> {
        unasked("names")
    }

    /// See [`Session::find_own`].
    fn find_own(&self, _: RoomId, _: Option<EventId>) -> Answer<'_, Vec<Unplaced>> {
        unasked("find_own")
    }

    /// See [`Session::media`].
    fn media(&self, _: Value, _: usize) -> Answer<'_, Vec<u8>> {
        unasked("media")
    }

    /// See [`Session::provenance`].
    fn provenance(&self, _: RoomId, _: EventId) -> Answer<'_, Provenance> {
        unasked("provenance")
    }

    /// See [`Session::members`].
    fn members(&self, _: RoomId) -> Answer<'_, BTreeMap<UserId, Presence>> {
        unasked("members")
    }
}

fn unasked<T>(verb: &str) -> Answer<'static, T> {
    panic!("nothing in this test should ask for `{verb}`")
}

impl<S: StandIn> Session for S {
    fn user(&self) -> &UserId {
        StandIn::user(self)
    }
    fn prepare(&self, room: RoomId) -> Answer<'_, ()> {
        StandIn::prepare(self, room)
    }
    fn send(&self, message: Outgoing) -> Answer<'_, EventId> {
        StandIn::send(self, message)
    }
    fn redact(&self, room: RoomId, event: EventId, _: Option<String>, _: TransactionId) -> Answer<'_, EventId> {
        StandIn::redact(self, room, event)
    }
    fn typing(&self, room: RoomId, typing: Typing) -> Answer<'_, ()> {
        StandIn::typing(self, room, typing)
    }
    fn read_up_to(&self, room: RoomId, event: EventId, thread: Option<EventId>) -> Answer<'_, ()> {
        StandIn::read_up_to(self, room, event, thread)
    }
    fn names(&self, room: RoomId) -> Answer<'_, BTreeMap<UserId, String>> {
        StandIn::names(self, room)
    }
    fn find_own(&self, room: RoomId, thread: Option<EventId>) -> Answer<'_, Vec<Unplaced>> {
        StandIn::find_own(self, room, thread)
    }
    fn media(&self, content: Value, bytes_max: usize) -> Answer<'_, Vec<u8>> {
        StandIn::media(self, content, bytes_max)
    }
    fn members(&self, room: RoomId) -> Answer<'_, BTreeMap<UserId, Presence>> {
        StandIn::members(self, room)
    }
    fn provenance(&self, room: RoomId, event: EventId, _: String) -> Answer<'_, Provenance> {
        StandIn::provenance(self, room, event)
    }
    fn hear_typing(&self) {}
    fn close(&self) -> BoxFuture<'_, ()> {
        async {}.boxed()
    }
    fn open(&self, _: Option<SyncToken>) -> Answer<'_, ()> {
        unasked("open")
    }
    fn establish(&self) -> Answer<'_, ()> {
        unasked("establish")
    }
    fn check_login(&self) -> Answer<'_, ()> {
        unasked("check_login")
    }
    fn sync(&self, _: Option<SyncToken>, _: Duration) -> Answer<'_, Page> {
        unasked("sync")
    }
    fn history(&self, _: RoomId, _: String, _: Option<SyncToken>) -> Answer<'_, HistoryPage> {
        unasked("history")
    }
    fn latest(&self, _: RoomId) -> Answer<'_, HistoryPage> {
        unasked("latest")
    }
    fn unseal(&self, _: RoomId, _: String) -> Answer<'_, Content> {
        unasked("unseal")
    }
    fn create_room(&self, _: RoomPlan) -> Answer<'_, RoomId> {
        unasked("create_room")
    }
    fn resolve(&self, _: AliasId) -> Answer<'_, Option<RoomId>> {
        unasked("resolve")
    }
    fn join(&self, _: RoomId, _: Vec<String>) -> Answer<'_, ()> {
        unasked("join")
    }
    fn join_alias(&self, _: AliasId) -> Answer<'_, RoomId> {
        unasked("join_alias")
    }
    fn leave(&self, _: RoomId) -> Answer<'_, ()> {
        unasked("leave")
    }
    fn invite(&self, _: RoomId, _: UserId) -> Answer<'_, ()> {
        unasked("invite")
    }
    fn remove(&self, _: RoomId, _: UserId, _: String) -> Answer<'_, ()> {
        unasked("remove")
    }
    fn state(&self, _: RoomId, _: &'static str, _: String) -> Answer<'_, Option<Value>> {
        unasked("state")
    }
    fn state_event(&self, _: RoomId, _: &'static str, _: String) -> Answer<'_, Option<Value>> {
        unasked("state_event")
    }
    fn set_state(&self, _: RoomId, _: &'static str, _: String, _: Value) -> Answer<'_, ()> {
        unasked("set_state")
    }
    fn set_display_name(&self, _: String) -> Answer<'_, ()> {
        unasked("set_display_name")
    }
    fn set_avatar(&self, _: Vec<u8>, _: &'static str) -> Answer<'_, ()> {
        unasked("set_avatar")
    }
    fn remove_avatar(&self) -> Answer<'_, ()> {
        unasked("remove_avatar")
    }
}
