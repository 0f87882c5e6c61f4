//! One account's line to the homeserver: the client behind it can be replaced while the line stays.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt as _, future::BoxFuture};
use matrix_sdk::Client;
use tokio::{
    sync::{RwLock, RwLockReadGuard},
    time::{self, Instant},
};

use super::{
    client::{self, Shared},
    crypto,
    devices::Devices,
    failure,
    feed::Feed,
    keys::Arrivals,
    media,
    prepared::Prepared,
    presence, rooms,
    send::{self, Asked},
    sync::{self, Hears, Stream},
};
use crate::{
    matrix::{
        AccountBook, Answer, HistoryPage, Keys, MatrixError, Outgoing, Page, Presence, Provenance, RoomPlan, Session,
        Typing, Unplaced, marks::Marks, watch::Post,
    },
    model::{Account, AliasId, Content, EventId, RoomId, SyncToken, Tokens, TransactionId, UserId},
    observe::{PlaintextRefused, fault_point},
};

/// How long a client that is let go may take to finish what it does for its keys.
const SETTLE_TIME_MAX: Duration = Duration::from_secs(5);

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
    /// What was asked about rooms a moment ago.
    prepared: Prepared,
    /// What the open client took in of the sync stream.
    feed: Feed,
    /// What this line is to the others, and until when it rests.
    post: Post,
    rests_until: Mutex<Option<Instant>>,
    /// The room keys that the open client gets.
    arrivals: Mutex<Option<Arrivals>>,
    /// What the open client has to ask about devices.
    devices: Mutex<Option<Devices>>,
    /// Whether somebody wants to hear who is typing.
    hears_typing: AtomicBool,
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
        let (account, client, post) = (Mutex::new(account), RwLock::new(None), shared.watch.post());
        let (members_seen, arrivals, devices) = (Mutex::default(), Mutex::default(), Mutex::default());
        let (prepared, feed, hears_typing) = (Prepared::default(), Feed::default(), AtomicBool::new(false));
        Arc::new(Self {
            shared,
            folder,
            user,
            account,
            accounts,
            marks,
            client,
            members_seen,
            prepared,
            feed,
            post,
            rests_until: Mutex::default(),
            arrivals,
            devices,
            hears_typing,
        })
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
        self.let_go(&mut slot).await;
        // The client must not keep its own line alive, or neither would ever go.
        let keeper = Arc::downgrade(&self);
        let keep = Arc::new(move |tokens| keeper.upgrade().ok_or(MatrixError::NotOpen)?.keep_tokens(tokens));
        let (client, devices) =
            client::build(&self.shared, &self.folder, &self.account(), since.as_ref(), keep).await?;
        *self.arrivals.lock().unwrap_or_else(PoisonError::into_inner) = Arrivals::of(&client).await;
        *self.devices.lock().unwrap_or_else(PoisonError::into_inner) = devices;
        self.feed.begin();
        *slot = Some(client);
        Ok(())
    }

    /// Lets go of the client, once what it does in the background for its keys is done: two clients must not work on one
    /// key store.
    async fn let_go(&self, slot: &mut Option<Client>) {
        if let Some(client) = slot.take() {
            let encryption = client.encryption();
            let settled = encryption.wait_for_e2ee_initialization_tasks();
            // A homeserver that hangs would hold us up; what is left then fails on its own.
            drop(time::timeout(SETTLE_TIME_MAX, settled).await);
        }
        self.members_seen.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.prepared.forget();
        self.shared.watch.leaves(self.post);
        *self.rests_until() = None;
        *self.arrivals.lock().unwrap_or_else(PoisonError::into_inner) = None;
        *self.devices.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn keep_tokens(&self, tokens: Tokens) -> Result<(), MatrixError> {
        let entity = self.account().entity;
        self.accounts.save_tokens(&entity, tokens.clone())?;
        self.account.lock().unwrap_or_else(PoisonError::into_inner).tokens = Some(tokens);
        Ok(())
    }

    /// Whether somebody of ours saw members come or go here since this account last sent.
    fn members_stale(&self, room: &RoomId, version: u64) -> bool {
        let seen = self.members_seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(room).copied().unwrap_or_default() != version
    }

    /// Notes that a message went out to the members as of `version`.
    fn members_known(&self, room: RoomId, version: u64) {
        self.members_seen.lock().unwrap_or_else(PoisonError::into_inner).insert(room, version);
    }

    /// Waits while the line may rest, but no longer than half the time that a step may wait for news: whoever watches over the step
    /// must not take a rest for silence.
    async fn rest(&self, wait: Duration) {
        let until = self.rests_until().take();
        if let Some(until) = until {
            time::sleep_until(until.min(Instant::now() + wait / 2)).await;
        }
    }

    fn rests_until(&self) -> MutexGuard<'_, Option<Instant>> {
        self.rests_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn devices(&self) -> Option<Devices> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn new_keys(&self) -> Keys {
        let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        arrivals.as_mut().map_or_else(|| Keys::Of(BTreeSet::new()), Arrivals::so_far)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.shared.watch.leaves(self.post);
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

    fn check_login(&self) -> Answer<'_, ()> {
        self.with(async |client| client.whoami().await.map(drop).map_err(|error| failure::request(&error)))
    }

    fn hear_typing(&self) {
        self.0.hears_typing.store(true, Ordering::Relaxed);
    }

    fn sync(&self, since: Option<SyncToken>, wait: Duration) -> Answer<'_, Page> {
        self.with(async move |client| {
            let hears = if self.0.hears_typing.load(Ordering::Relaxed) { Hears::TypingToo } else { Hears::Words };
            let Line { marks, feed, shared: Shared { request_timeout, .. }, .. } = self.0.as_ref();
            let step = self.0.shared.watch.step(self.0.post);
            self.0.rest(wait).await;
            let (devices, request_timeout) = (self.0.devices(), *request_timeout);
            let stream = Stream { client: &client, marks, feed, devices, hears, request_timeout };
            let page = stream.step(since, wait).await?;
            fault_point(&format!("sync.persisted.{}", self.0.account().entity));
            let page = Page { keys: self.0.new_keys(), ..page };
            *self.0.rests_until() = step.brought(&page, sync::rooms(&client)).map(|rest| Instant::now() + rest);
            Ok(page)
        })
    }

    fn history(&self, room: RoomId, from: String, until: Option<SyncToken>) -> Answer<'_, HistoryPage> {
        self.with(async move |client| sync::history(&client, &self.0.marks, &room, Some(from), until).await)
    }

    fn latest(&self, room: RoomId) -> Answer<'_, HistoryPage> {
        self.with(async move |client| sync::history(&client, &self.0.marks, &room, None, None).await)
    }

    fn unseal(&self, room: RoomId, raw: String) -> Answer<'_, Content> {
        self.with(async move |client| crypto::unseal(&client, &room, &raw).await)
    }

    fn provenance(&self, room: RoomId, event: EventId, content: String) -> Answer<'_, Provenance> {
        self.with(async move |client| crypto::provenance(&client, &room, &event, &content).await)
    }

    fn prepare(&self, room: RoomId) -> Answer<'_, ()> {
        self.with(async move |client| {
            let began = self.0.prepared.begin(&room);
            send::prepare(&client, &room).await?;
            self.0.prepared.answered(room, began);
            Ok(())
        })
    }

    fn send(&self, message: Outgoing) -> Answer<'_, EventId> {
        self.with(async move |client| {
            let asked = if self.0.prepared.holds(&message.room) { Asked::JustNow } else { Asked::NotYet };
            if !send::is_secret(&message) {
                return send::send(&client, &self.0.marks, None, asked, message).await;
            }
            let mark = self.0.marks.of(&message.room);
            let room = message.room.clone();
            if self.0.members_stale(&room, mark.members_version) {
                send::forget_members(&client, &room).await?;
            }
            let devices = self.0.devices();
            let sent = send::send(&client, &self.0.marks, devices.as_ref(), asked, message).await;
            if let Err(MatrixError::PlaintextRefused { room }) = &sent {
                PlaintextRefused { entity: &self.0.account().entity, room }.emit();
            }
            if sent.is_ok() {
                self.0.members_known(room, mark.members_version);
            }
            sent
        })
    }

    fn redact(
        &self,
        room: RoomId,
        event: EventId,
        reason: Option<String>,
        transaction: TransactionId,
    ) -> Answer<'_, EventId> {
        self.with(async move |client| presence::redact(&client, &room, &event, reason, &transaction).await)
    }

    fn typing(&self, room: RoomId, typing: Typing) -> Answer<'_, ()> {
        self.with(async move |client| presence::typing(&client, &room, typing).await)
    }

    fn read_up_to(&self, room: RoomId, event: EventId, thread: Option<EventId>) -> Answer<'_, ()> {
        self.with(async move |client| presence::read_up_to(&client, &room, &event, thread.as_ref()).await)
    }

    fn names(&self, room: RoomId) -> Answer<'_, BTreeMap<UserId, String>> {
        self.with(async move |client| {
            if let Some(known) = self.0.marks.names(&room) {
                return Ok(known.as_ref().clone());
            }
            let version = self.0.marks.of(&room).names_version;
            let asked = rooms::names(&client, &room).await?;
            self.0.marks.keep_names(room, version, Arc::new(asked.clone()));
            Ok(asked)
        })
    }

    fn find_own(&self, room: RoomId, thread: Option<EventId>) -> Answer<'_, Vec<Unplaced>> {
        self.with(async move |client| sync::own_events(&client, &room, thread.as_ref()).await)
    }

    fn media(&self, content: serde_json::Value, bytes_max: usize) -> Answer<'_, Vec<u8>> {
        self.with(async move |client| media::fetch(&self.0.shared, &client, &content, bytes_max).await)
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
            let invited = rooms::invite(&client, &room, &user).await;
            self.0.marks.members_changed(&room);
            invited
        })
    }

    fn remove(&self, room: RoomId, user: UserId, reason: String) -> Answer<'_, ()> {
        self.with(async move |client| {
            let removed = rooms::remove(&client, &room, &user, reason).await;
            self.0.marks.members_changed(&room);
            removed
        })
    }

    fn members(&self, room: RoomId) -> Answer<'_, BTreeMap<UserId, Presence>> {
        self.with(async move |client| rooms::members(&client, &room).await)
    }

    fn state(&self, room: RoomId, kind: &'static str, key: String) -> Answer<'_, Option<serde_json::Value>> {
        self.with(async move |client| rooms::state(&client, &room, kind, key).await)
    }

    fn state_event(&self, room: RoomId, kind: &'static str, key: String) -> Answer<'_, Option<serde_json::Value>> {
        self.with(async move |client| rooms::state_event(&client, &room, kind, key).await)
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
            let mut slot = self.0.client.write().await;
            self.0.let_go(&mut slot).await;
        }
        .boxed()
    }
}
