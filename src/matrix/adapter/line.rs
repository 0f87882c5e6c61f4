//! One account's line to the homeserver: the client behind it can be replaced while the line stays.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{FutureExt as _, future::BoxFuture};
use matrix_sdk::Client;
use tokio::sync::{RwLock, RwLockReadGuard};

use super::{
    client::{self, Shared},
    crypto, rooms, send, sync,
};
use crate::{
    matrix::{
        AccountBook, Answer, HistoryPage, MatrixError, Outgoing, Page, Presence, RoomPlan, Session, marks::Marks,
    },
    model::{Account, AliasId, Content, EventId, RoomId, SyncToken, Tokens, UserId},
    observe::PlaintextRefused,
};

/// One account's line.
pub(super) struct Line {
    shared: Shared,
    folder: PathBuf,
    user: UserId,
    account: Mutex<Account>,
    accounts: Arc<dyn AccountBook>,
    marks: Arc<Marks>,
    /// The client, while the line is open. Requests share it; replacing it waits for them, so no two clients ever work
    /// on one key store.
    client: RwLock<Option<Client>>,
    /// The version of each room's membership that this account's client knows of.
    members_seen: Mutex<HashMap<RoomId, u64>>,
}

impl Line {
    pub(super) fn new(
        shared: Shared,
        folder: PathBuf,
        user: UserId,
        account: Account,
        accounts: Arc<dyn AccountBook>,
        marks: Arc<Marks>,
    ) -> Arc<Self> {
        let (account, members_seen) = (Mutex::new(account), Mutex::new(HashMap::new()));
        Arc::new(Self { shared, folder, user, account, accounts, marks, client: RwLock::new(None), members_seen })
    }

    async fn client(&self) -> Result<OpenClient<'_>, MatrixError> {
        let guard = self.client.read().await;
        RwLockReadGuard::try_map(guard, Option::as_ref).map_err(|_| MatrixError::NotOpen)
    }

    fn account(&self) -> Account {
        self.account.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn replace(self: Arc<Self>, since: Option<SyncToken>) -> Result<(), MatrixError> {
        let mut slot = self.client.write().await;
        *slot = None;
        let keeper = Arc::clone(&self);
        let keep = Arc::new(move |tokens| keeper.keep_tokens(tokens));
        *slot = Some(client::build(&self.shared, &self.folder, &self.account(), since.as_ref(), keep).await?);
        Ok(())
    }

    fn keep_tokens(&self, tokens: Tokens) -> Result<(), MatrixError> {
        let entity = self.account().entity;
        self.accounts.save_tokens(&entity, tokens.clone())?;
        self.account.lock().unwrap_or_else(PoisonError::into_inner).tokens = Some(tokens);
        Ok(())
    }

    /// Whether somebody of ours saw members come or go here since this account last looked; asked once, it counts as
    /// looked.
    fn members_stale(&self, room: &RoomId, version: u64) -> bool {
        let mut seen = self.members_seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(room.clone(), version).unwrap_or_default() != version
    }
}

/// The client, for as long as one request needs it.
type OpenClient<'a> = RwLockReadGuard<'a, Client>;

/// [`Line`] behind an [`Arc`], so that a replaced client's callback can reach it.
pub(super) struct SharedLine(pub(super) Arc<Line>);

impl SharedLine {
    /// Runs one verb on the open client.
    fn with<'a, T, F>(&'a self, verb: impl FnOnce(OpenClient<'a>) -> F + Send + 'a) -> Answer<'a, T>
    where
        F: Future<Output = Result<T, MatrixError>> + Send + 'a,
        T: Send + 'a,
    {
        async move { verb(self.0.client().await?).await }.boxed()
    }
}

impl Session for SharedLine {
    fn user(&self) -> &UserId {
        &self.0.user
    }

    fn open(&self, since: Option<SyncToken>) -> Answer<'_, ()> {
        Arc::clone(&self.0).replace(since).boxed()
    }

    fn establish(&self) -> Answer<'_, ()> {
        self.with(async |client| {
            let account = self.0.account();
            crypto::check_device(&client, &account, &self.0.folder).await?;
            if let Some(recovery_key) = crypto::set_up(&client, &account).await? {
                self.0.accounts.save_recovery_key(&account.entity, recovery_key.clone()).await?;
                self.0.account.lock().unwrap_or_else(PoisonError::into_inner).recovery_key = Some(recovery_key);
            }
            Ok(())
        })
    }

    fn sync(&self, since: Option<SyncToken>, wait: Duration) -> Answer<'_, Page> {
        self.with(async move |client| sync::step(&client, &self.0.marks, since, wait).await)
    }

    fn history(&self, room: RoomId, from: String, until: Option<SyncToken>) -> Answer<'_, HistoryPage> {
        self.with(async move |client| sync::history(&client, &room, Some(from), until).await)
    }

    fn latest(&self, room: RoomId) -> Answer<'_, HistoryPage> {
        self.with(async move |client| sync::history(&client, &room, None, None).await)
    }

    fn unseal(&self, room: RoomId, raw: String) -> Answer<'_, Content> {
        self.with(async move |client| crypto::unseal(&client, &room, &raw).await)
    }

    fn send(&self, message: Outgoing) -> Answer<'_, EventId> {
        self.with(async move |client| {
            let mark = self.0.marks.of(&message.room);
            if self.0.members_stale(&message.room, mark.members_version) {
                send::forget_members(&client, &message.room);
            }
            let sent = send::send(&client, &self.0.marks, message).await;
            if let Err(MatrixError::PlaintextRefused { room }) = &sent {
                PlaintextRefused { entity: &self.0.account().entity, room }.emit();
            }
            sent
        })
    }

    fn create_room(&self, plan: RoomPlan) -> Answer<'_, RoomId> {
        self.with(async move |client| rooms::create(&client, plan).await)
    }

    fn resolve(&self, alias: AliasId) -> Answer<'_, Option<RoomId>> {
        self.with(async move |client| rooms::resolve(&client, &alias).await)
    }

    fn join(&self, room: RoomId, via: Vec<String>) -> Answer<'_, ()> {
        self.with(async move |client| rooms::join(&client, room.as_str(), &via).await.map(drop))
    }

    fn join_alias(&self, alias: AliasId) -> Answer<'_, RoomId> {
        self.with(async move |client| rooms::join(&client, alias.as_str(), &[]).await)
    }

    fn leave(&self, room: RoomId) -> Answer<'_, ()> {
        self.with(async move |client| rooms::leave(&client, &room).await)
    }

    fn invite(&self, room: RoomId, user: UserId) -> Answer<'_, ()> {
        self.with(async move |client| {
            self.0.marks.members_changed(&room);
            rooms::invite(&client, &room, &user).await
        })
    }

    fn remove(&self, room: RoomId, user: UserId, reason: String) -> Answer<'_, ()> {
        self.with(async move |client| {
            self.0.marks.members_changed(&room);
            rooms::remove(&client, &room, &user, reason).await
        })
    }

    fn members(&self, room: RoomId) -> Answer<'_, BTreeMap<UserId, Presence>> {
        self.with(async move |client| rooms::members(&client, &room).await)
    }

    fn state(&self, room: RoomId, kind: &'static str, key: String) -> Answer<'_, Option<serde_json::Value>> {
        self.with(async move |client| rooms::state(&client, &room, kind, key).await)
    }

    fn set_state(&self, room: RoomId, kind: &'static str, key: String, content: serde_json::Value) -> Answer<'_, ()> {
        self.with(async move |client| rooms::set_state(&client, &room, kind, key, &content).await)
    }

    fn set_display_name(&self, name: String) -> Answer<'_, ()> {
        self.with(async move |client| rooms::set_display_name(&client, &name).await)
    }

    fn set_avatar(&self, picture: Vec<u8>, mime: &'static str) -> Answer<'_, ()> {
        self.with(async move |client| rooms::set_avatar(&client, picture, mime).await)
    }

    fn remove_avatar(&self) -> Answer<'_, ()> {
        self.with(async move |client| rooms::remove_avatar(&client).await)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async {
            *self.0.client.write().await = None;
        }
        .boxed()
    }
}
