//! What can be done over a line: each verb in its place.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::{FutureExt as _, future::BoxFuture};
use matrix_sdk::ruma::api::client::account::whoami;

use super::{
    crypto,
    line::{Line, OpenLibrary},
    media, presence, rooms, send, sync,
};
use crate::{
    matrix::{
        Answer, HistoryPage, MatrixError, Outgoing, Page, Presence, Provenance, RoomPlan, Session, Typing, Unplaced,
    },
    model::{AliasId, Content, EventId, RoomId, SyncToken, TransactionId, UserId},
    observe::fault_point,
};

/// [`Line`] behind an [`Arc`], so that the library's callbacks can reach it.
pub(super) struct SharedLine(pub(super) Arc<Line>);

impl SharedLine {
    /// Runs one verb that needs the library.
    fn with<'a, T, F>(&'a self, verb: impl FnOnce(OpenLibrary<'a>) -> F + Send + 'a) -> Answer<'a, T>
    where
        F: Future<Output = Result<T, MatrixError>> + Send + 'a,
        T: Send + 'a,
    {
        async move { verb(self.0.library().await?).await }.boxed()
    }
}

impl Session for SharedLine {
    fn user(&self) -> &UserId {
        self.0.user()
    }

    fn open(&self, since: Option<SyncToken>) -> Answer<'_, ()> {
        self.0.open(since).map(Ok).boxed()
    }

    fn establish(&self) -> Answer<'_, ()> {
        crypto::establish(&self.0).boxed()
    }

    fn check_login(&self) -> Answer<'_, ()> {
        async { self.0.ask(whoami::v3::Request::new()).await.map(drop) }.boxed()
    }

    fn hear_typing(&self) {
        self.0.hear_typing();
    }

    fn sync(&self, since: Option<SyncToken>, wait: Duration) -> Answer<'_, Page> {
        async move {
            let line = &self.0;
            line.goes_on_after(since.clone())?;
            let step = line.shared.watch.step(line.post);
            line.rest.take(wait).await;
            let page = sync::step(line, since, wait).await?;
            fault_point(&format!("sync.persisted.{}", line.entity()));
            line.rest.allow(step.brought(&page, line.rooms().await));
            Ok(page)
        }
        .boxed()
    }

    fn history(&self, room: RoomId, from: String, until: Option<SyncToken>) -> Answer<'_, HistoryPage> {
        sync::history(&self.0, room, Some(from), until).boxed()
    }

    fn latest(&self, room: RoomId) -> Answer<'_, HistoryPage> {
        sync::history(&self.0, room, None, None).boxed()
    }

    fn unseal(&self, room: RoomId, raw: String) -> Answer<'_, Content> {
        self.with(async move |library| crypto::unseal(&library, &room, &raw).await)
    }

    fn provenance(&self, room: RoomId, event: EventId, content: String) -> Answer<'_, Provenance> {
        self.with(async move |library| crypto::provenance(&library, &room, &event, &content).await)
    }

    fn prepare(&self, room: RoomId) -> Answer<'_, ()> {
        async move { send::prepare(&self.0, room).await }.boxed()
    }

    fn send(&self, message: Outgoing) -> Answer<'_, EventId> {
        async move { send::send(&self.0, message).await }.boxed()
    }

    fn redact(
        &self,
        room: RoomId,
        event: EventId,
        reason: Option<String>,
        transaction: TransactionId,
    ) -> Answer<'_, EventId> {
        async move { presence::redact(&self.0, &room, &event, reason, &transaction).await }.boxed()
    }

    fn typing(&self, room: RoomId, typing: Typing) -> Answer<'_, ()> {
        async move { presence::typing(&self.0, &room, typing).await }.boxed()
    }

    fn read_up_to(&self, room: RoomId, event: EventId, thread: Option<EventId>) -> Answer<'_, ()> {
        async move { presence::read_up_to(&self.0, &room, &event, thread.as_ref()).await }.boxed()
    }

    fn names(&self, room: RoomId) -> Answer<'_, BTreeMap<UserId, String>> {
        async move {
            let marks = &self.0.marks;
            if let Some(known) = marks.names(&room) {
                return Ok(known.as_ref().clone());
            }
            let version = marks.of(&room).names_version;
            let asked = rooms::names(&self.0, &room).await?;
            marks.keep_names(room, version, Arc::new(asked.clone()));
            Ok(asked)
        }
        .boxed()
    }

    fn find_own(&self, room: RoomId, thread: Option<EventId>) -> Answer<'_, Vec<Unplaced>> {
        async move { sync::own_events(&self.0, &room, thread.as_ref()).await }.boxed()
    }

    fn media(&self, content: serde_json::Value, bytes_max: usize) -> Answer<'_, Vec<u8>> {
        async move { media::fetch(&self.0, &content, bytes_max).await }.boxed()
    }

    fn create_room(&self, plan: RoomPlan) -> Answer<'_, RoomId> {
        async move { rooms::create(&self.0, plan).await }.boxed()
    }

    fn resolve(&self, alias: AliasId) -> Answer<'_, Option<RoomId>> {
        async move { rooms::resolve(&self.0, &alias).await }.boxed()
    }

    fn join(&self, room: RoomId, via: Vec<String>) -> Answer<'_, ()> {
        async move { rooms::join(&self.0, room.as_str(), &via).await.map(drop) }.boxed()
    }

    fn join_alias(&self, alias: AliasId) -> Answer<'_, RoomId> {
        async move { rooms::join(&self.0, alias.as_str(), &[]).await }.boxed()
    }

    fn leave(&self, room: RoomId) -> Answer<'_, ()> {
        async move { rooms::leave(&self.0, &room).await }.boxed()
    }

    fn invite(&self, room: RoomId, user: UserId) -> Answer<'_, ()> {
        async move {
            let invited = rooms::invite(&self.0, &room, &user).await;
            self.0.marks.members_changed(&room);
            invited
        }
        .boxed()
    }

    fn remove(&self, room: RoomId, user: UserId, reason: String) -> Answer<'_, ()> {
        async move {
            let removed = rooms::remove(&self.0, &room, &user, reason).await;
            self.0.marks.members_changed(&room);
            removed
        }
        .boxed()
    }

    fn members(&self, room: RoomId) -> Answer<'_, BTreeMap<UserId, Presence>> {
        async move { rooms::members(&self.0, &room).await }.boxed()
    }

    fn state(&self, room: RoomId, kind: &'static str, key: String) -> Answer<'_, Option<serde_json::Value>> {
        async move { rooms::state(&self.0, &room, kind, key).await }.boxed()
    }

    fn state_event(&self, room: RoomId, kind: &'static str, key: String) -> Answer<'_, Option<serde_json::Value>> {
        async move { rooms::state_event(&self.0, &room, kind, key).await }.boxed()
    }

    fn set_state(&self, room: RoomId, kind: &'static str, key: String, content: serde_json::Value) -> Answer<'_, ()> {
        async move { rooms::set_state(&self.0, &room, kind, key, &content).await }.boxed()
    }

    fn set_display_name(&self, name: String) -> Answer<'_, ()> {
        self.with(async move |library| rooms::set_display_name(&library.client, &name).await)
    }

    fn set_avatar(&self, picture: Vec<u8>, mime: &'static str) -> Answer<'_, ()> {
        self.with(async move |library| rooms::set_avatar(&library.client, picture, mime).await)
    }

    fn remove_avatar(&self) -> Answer<'_, ()> {
        self.with(async move |library| rooms::remove_avatar(&library.client).await)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.0.close().boxed()
    }
}
