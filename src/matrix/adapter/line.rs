//! One account's line to the homeserver. Most of what goes over it are plain requests; the library is loaded when keys matter, and
//! the client behind it can be replaced while the line stays.

use std::{
    collections::{BTreeSet, HashMap},
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use matrix_sdk::{Client, Room};
use tokio::{
    sync::{Mutex as Turn, RwLock, RwLockReadGuard},
    time,
};

use super::{
    client::{self, Shared, ruma_room},
    devices::Devices,
    failure,
    feed::Feed,
    keys::Arrivals,
    notes::{Notes, PutAway},
    prepared::Prepared,
    request::{self, Plain, Unanswered},
    rest::Rest,
};
use crate::{
    matrix::{AccountBook, Keys, MatrixError, locked::locked, marks::Marks, watch::Post},
    model::{Account, EntityName, RoomId, Secret, SyncToken, Tokens, UserId},
};

/// How long a client that is let go may take to finish what it does for its keys.
const SETTLE_TIME_MAX: Duration = Duration::from_secs(5);

/// One account's line.
pub(super) struct Line {
    pub(super) shared: Shared,
    pub(super) marks: Arc<Marks>,
    /// What is known without the library.
    pub(super) notes: Notes,
    user: UserId,
    account: Mutex<Account>,
    accounts: Arc<dyn AccountBook>,
    /// Where the stream goes on, while the line is open.
    position: Mutex<Option<Position>>,
    /// The library, while somebody needs it. Whoever uses it shares it; replacing it waits for them, so no two clients ever
    /// work on one key store.
    library: RwLock<Option<Library>>,
    /// Whose turn it is to load it. Nobody may queue for the library's own lock behind a long-poll.
    loading: Turn<()>,
    /// The version of each room's membership that the library knows of.
    members_seen: Mutex<HashMap<RoomId, u64>>,
    /// What was asked about rooms a moment ago.
    pub(super) prepared: Prepared,
    /// What the library took in of the sync stream.
    pub(super) feed: Feed,
    /// What this line is to the others.
    pub(super) post: Post,
    pub(super) rest: Rest,
    /// Whether somebody wants to hear who is typing.
    hears_typing: AtomicBool,
}

/// The position before the first response is none.
type Position = Option<SyncToken>;

/// What a step of the stream brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hears {
    /// What is said and done.
    Words,
    /// And who is typing.
    TypingToo,
}

/// The SDK's client and what belongs to it.
pub(super) struct Library {
    pub(super) client: Client,
    user: UserId,
    /// What it has to ask about devices.
    pub(super) devices: Option<Devices>,
    /// The room keys that it gets.
    arrivals: Mutex<Option<Arrivals>>,
}

/// The library, for as long as one request needs it.
pub(super) type OpenLibrary<'a> = RwLockReadGuard<'a, Library>;

impl Line {
    pub(super) fn new(
        shared: Shared,
        folder: PathBuf,
        user: UserId,
        account: Account,
        accounts: Arc<dyn AccountBook>,
        marks: Arc<Marks>,
    ) -> Arc<Self> {
        let post = shared.watch.post();
        Arc::new(Self {
            shared,
            marks,
            notes: Notes::of(folder),
            user,
            account: Mutex::new(account),
            accounts,
            position: Mutex::default(),
            library: RwLock::default(),
            loading: Turn::default(),
            members_seen: Mutex::default(),
            prepared: Prepared::default(),
            feed: Feed::default(),
            post,
            rest: Rest::default(),
            hears_typing: AtomicBool::new(false),
        })
    }

    /// Who this is.
    pub(super) fn user(&self) -> &UserId {
        &self.user
    }

    /// Whose it is.
    pub(super) fn entity(&self) -> EntityName {
        locked(&self.account).entity.clone()
    }

    /// The account as it is now.
    pub(super) fn account(&self) -> Account {
        locked(&self.account).clone()
    }

    /// Opens the line, so that the next response is the one after `since`. Whatever the library was doing has ended.
    pub(super) async fn open(&self, since: Position) {
        self.close().await;
        *locked(&self.position) = Some(since);
    }

    /// Closes the line, and lets go of the library.
    pub(super) async fn close(&self) {
        *locked(&self.position) = None;
        self.let_go(&mut *self.library.write().await).await;
    }

    /// The stream goes on after `since`.
    pub(super) fn goes_on_after(&self, since: Position) -> Result<(), MatrixError> {
        let mut position = locked(&self.position);
        *position.as_mut().ok_or(MatrixError::NotOpen)? = since;
        Ok(())
    }

    /// The library, for whoever needs it for anything but the stream.
    pub(super) async fn library(self: &Arc<Self>) -> Result<OpenLibrary<'_>, MatrixError> {
        let library = self.loaded_now().await?;
        self.feed.needed();
        Ok(library)
    }

    /// The library, loaded now if it isn't there.
    pub(super) async fn loaded_now(self: &Arc<Self>) -> Result<OpenLibrary<'_>, MatrixError> {
        if let Some(loaded) = self.loaded().await {
            return Ok(loaded);
        }
        let _turn = self.loading.lock().await;
        if let Some(loaded) = self.loaded().await {
            return Ok(loaded);
        }
        let mut slot = self.library.write().await;
        let since = locked(&self.position).clone().ok_or(MatrixError::NotOpen)?;
        *slot = Some(self.load(since).await?);
        RwLockReadGuard::try_map(slot.downgrade(), Option::as_ref).map_err(|_| MatrixError::NotOpen)
    }

    /// The library, if it is there.
    pub(super) async fn loaded(&self) -> Option<OpenLibrary<'_>> {
        RwLockReadGuard::try_map(self.library.read().await, Option::as_ref).ok()
    }

    /// Lets go of the library, unless somebody is using it. Who needs it next loads it again.
    pub(super) async fn put_library_away(&self) {
        if let Ok(mut slot) = self.library.try_write() {
            self.let_go(&mut slot).await;
        }
    }

    async fn load(self: &Arc<Self>, since: Position) -> Result<Library, MatrixError> {
        // The client must not keep its own line alive, or neither would ever go.
        let keeper = Arc::downgrade(self);
        let unwritten = |error: io::Error| MatrixError::KeyStore { cause: error.to_string() };
        self.notes.forget_put_away().map_err(unwritten)?;
        let keep = Arc::new(move |tokens| keeper.upgrade().ok_or(MatrixError::NotOpen)?.keep_tokens(tokens));
        let (client, devices) =
            client::build(&self.shared, self.notes.folder(), &self.account(), since.as_ref(), keep).await?;
        let arrivals = Mutex::new(Arrivals::of(&client).await);
        self.feed.begin();
        Ok(Library { client, user: self.user.clone(), devices, arrivals })
    }

    /// Lets go of the library, once what it does in the background for its keys is done: two clients must not work on one key
    /// store.
    async fn let_go(&self, slot: &mut Option<Library>) {
        if let Some(library) = slot.take() {
            let encryption = library.client.encryption();
            let settled = encryption.wait_for_e2ee_initialization_tasks();
            // A homeserver that hangs would hold us up; what is left then fails on its own.
            drop(time::timeout(SETTLE_TIME_MAX, settled).await);
            if let Some(devices) = &library.devices
                && let Some(followed) = devices.followed().await
            {
                self.notes.note_put_away(PutAway { followed, rooms: library.rooms() });
            }
        }
        locked(&self.members_seen).clear();
        self.prepared.forget();
        self.shared.watch.leaves(self.post);
        self.rest.allow(None);
    }

    /// The rooms that the account is in, where that can be told.
    pub(super) async fn rooms(&self) -> Option<BTreeSet<RoomId>> {
        match self.loaded().await {
            Some(library) => Some(library.rooms()),
            None => self.notes.rooms(),
        }
    }

    /// Makes one plain request.
    pub(super) async fn ask<R: Plain>(self: &Arc<Self>, request: R) -> Result<R::IncomingResponse, MatrixError> {
        self.ask_within(request, self.shared.request_timeout).await
    }

    /// Makes one plain request, whose answer may take `within`.
    pub(super) async fn ask_within<R: Plain>(
        self: &Arc<Self>,
        request: R,
        within: Duration,
    ) -> Result<R::IncomingResponse, MatrixError> {
        let token = self.token()?;
        match request::ask(&self.shared, &token, request.clone(), within).await {
            Ok(answer) => return Ok(answer),
            Err(Unanswered::Failed(error)) => return Err(error),
            Err(Unanswered::TokenRefused) => {}
        }
        let token = self.token_after(token).await?;
        match request::ask(&self.shared, &token, request, within).await {
            Ok(answer) => Ok(answer),
            Err(Unanswered::Failed(error)) => Err(error),
            Err(Unanswered::TokenRefused) => Err(MatrixError::LoggedOut),
        }
    }

    /// What proves who we are, while the line is open.
    pub(super) fn token(&self) -> Result<Secret, MatrixError> {
        if locked(&self.position).is_none() {
            return Err(MatrixError::NotOpen);
        }
        let account = locked(&self.account);
        account.tokens.as_ref().map(|tokens| tokens.access.clone()).ok_or(MatrixError::LoggedOut)
    }

    /// The token that came in the place of one that was `refused`.
    pub(super) async fn token_after(self: &Arc<Self>, refused: Secret) -> Result<Secret, MatrixError> {
        if self.token()? == refused {
            if locked(&self.account).tokens.as_ref().is_none_or(|tokens| tokens.refresh.is_none()) {
                return Err(MatrixError::LoggedOut);
            }
            // The library gets a new one with whatever it asks, and only one at a time.
            self.library().await?.client.whoami().await.map_err(|error| failure::request(&error))?;
        }
        self.token()
    }

    fn keep_tokens(&self, tokens: Tokens) -> Result<(), MatrixError> {
        let entity = self.entity();
        self.accounts.save_tokens(&entity, tokens.clone())?;
        locked(&self.account).tokens = Some(tokens);
        Ok(())
    }

    /// Keeps the key that unlocks the account's secret storage.
    pub(super) async fn keep_recovery_key(&self, key: Secret) -> Result<(), MatrixError> {
        let entity = self.entity();
        self.accounts.save_recovery_key(&entity, key.clone()).await?;
        locked(&self.account).recovery_key = Some(key);
        Ok(())
    }

    /// The room keys that came since the last look.
    pub(super) async fn new_keys(&self) -> Keys {
        self.loaded().await.map_or_else(|| Keys::Of(BTreeSet::new()), |library| library.new_keys())
    }

    /// Whether somebody of ours saw members come or go here since this account last sent.
    pub(super) fn members_stale(&self, room: &RoomId, version: u64) -> bool {
        locked(&self.members_seen).get(room).copied().unwrap_or_default() != version
    }

    /// Notes that a message went out to the members as of `version`.
    pub(super) fn members_known(&self, room: RoomId, version: u64) {
        locked(&self.members_seen).insert(room, version);
    }

    /// From now on it is told who is typing.
    pub(super) fn hear_typing(&self) {
        self.hears_typing.store(true, Ordering::Relaxed);
    }

    /// What a step of the stream brings.
    pub(super) fn hears(&self) -> Hears {
        if self.hears_typing.load(Ordering::Relaxed) { Hears::TypingToo } else { Hears::Words }
    }
}

impl Library {
    /// The handle of a room that the account is in.
    pub(super) fn room(&self, room: &RoomId) -> Result<Room, MatrixError> {
        let handle = self.client.get_room(&ruma_room(room)?);
        handle.ok_or_else(|| MatrixError::NotJoined { user: self.user.clone(), room: room.clone() })
    }

    /// The rooms that the account is in.
    fn rooms(&self) -> BTreeSet<RoomId> {
        let joined = self.client.joined_rooms();
        joined.iter().filter_map(|room| RoomId::parse(room.room_id().as_str()).ok()).collect()
    }

    /// The room keys that came since the last look.
    pub(super) fn new_keys(&self) -> Keys {
        locked(&self.arrivals).as_mut().map_or_else(|| Keys::Of(BTreeSet::new()), Arrivals::so_far)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.shared.watch.leaves(self.post);
    }
}
