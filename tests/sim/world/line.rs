//! One account's line, in one life of the program.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64},
    time::Duration,
};

use futures_util::{FutureExt as _, future::BoxFuture};
use maitre::{
    matrix::{
        AccountBook, Answer, HistoryPage, MatrixError, Outgoing, Page, Presence, Provenance, RoomPlan, Session, Typing,
        Unplaced,
    },
    model::{Account, AliasId, Content, EventId, RoomId, Secret, SyncToken, TransactionId, UserId},
};
use serde_json::{Value, json};
use tokio::{
    sync::{RwLock, RwLockReadGuard},
    time::{Instant, sleep},
};

use super::{
    World,
    server::{Request, Server},
    stream::Position,
    verbs::refused,
    wire::Life,
};

/// How long a client takes to open its files.
const OPENING_MILLIS: std::ops::Range<u64> = 1..20;

/// The line.
pub(super) struct Line {
    pub(super) world: World,
    accounts: Arc<dyn AccountBook>,
    pub(super) life: Life,
    account: Account,
    pub(super) user: UserId,
    pub(super) token: Secret,
    /// Whether the client is open. As in the adapter, whoever opens or closes it waits for every request that is under way.
    client: RwLock<bool>,
    has_recovery_key: Mutex<bool>,
    /// The position before the last one, from which an answer may bring things once more.
    pub(super) before: Mutex<Option<Position>>,
    /// How often in a row the past couldn't be read.
    past_failures: AtomicU64,
}

impl Line {
    pub(super) fn new(
        world: World,
        accounts: Arc<dyn AccountBook>,
        life: Life,
        account: Account,
        (user, token): (UserId, Secret),
    ) -> Self {
        let (client, has_recovery_key) = (RwLock::new(false), Mutex::new(account.recovery_key.is_some()));
        let (before, past_failures) = (Mutex::new(None), AtomicU64::new(0));
        Self { world, accounts, life, account, user, token, client, has_recovery_key, before, past_failures }
    }

    /// The open client, for as long as one request needs it.
    pub(super) async fn client(&self) -> Result<RwLockReadGuard<'_, bool>, MatrixError> {
        self.world.unless_over(self.life).await;
        let client = self.client.read().await;
        if *client { Ok(client) } else { Err(MatrixError::NotOpen) }
    }

    /// One request by this account.
    fn ask<'a, T: Send + 'static>(
        &'a self,
        verb: &'static str,
        deed: impl FnOnce(&mut Server, &UserId) -> Result<T, MatrixError> + Send + 'static,
    ) -> Answer<'a, T> {
        async move {
            let _client = self.client().await?;
            self.lose_token();
            self.world.request(self.life, verb, self.as_us(deed)).await
        }
        .boxed()
    }

    /// The same in a room that the client must know first.
    fn ask_in<'a, T: Send + 'static>(
        &'a self,
        room: RoomId,
        verb: &'static str,
        deed: impl FnOnce(&mut Server, &UserId) -> Result<T, MatrixError> + Send + 'static,
    ) -> Answer<'a, T> {
        async move {
            let _client = self.client().await?;
            self.world.with(|server| server.client_knows(&self.user, &room))?;
            self.lose_token();
            self.world.request(self.life, verb, self.as_us(deed)).await
        }
        .boxed()
    }

    /// What is done only for whom the homeserver still knows.
    fn as_us<T, D>(&self, deed: D) -> impl FnOnce(&mut Server) -> Result<T, MatrixError> + use<T, D>
    where
        D: FnOnce(&mut Server, &UserId) -> Result<T, MatrixError>,
    {
        let (token, user) = (self.token.clone(), self.user.clone());
        move |server| {
            server.check(token.reveal())?;
            deed(server, &user)
        }
    }

    pub(super) fn lose_token(&self) {
        self.world.with(|server| {
            if self.world.dice.chance(server.faults.token_unknown) {
                server.forget_token(self.token.reveal());
            }
        });
    }

    fn request(&self, room: &RoomId, transaction: TransactionId) -> Request {
        Request { user: self.user.clone(), device: self.account.device.clone(), room: room.clone(), transaction }
    }

    /// Once a room is entered, the client knows without being told by the stream.
    fn entered(&self, room: &RoomId) {
        self.world.with(|server| server.client_learns(&self.user, room, true));
    }

    async fn past(
        &self,
        room: RoomId,
        from: Option<String>,
        until: Option<SyncToken>,
    ) -> Result<HistoryPage, MatrixError> {
        let _client = self.client().await?;
        self.world.with(|server| server.client_knows(&self.user, &room))?;
        let deed = self
            .as_us(move |server: &mut Server, user: &UserId| server.past(user, &room, from.as_deref(), until.as_ref()));
        self.world.look_back(self.life, &self.past_failures, deed).await
    }

    /// The homeserver lets nobody in whose invitation hasn't reached it yet: once for each room.
    fn held_up_at_the_door(&self, server: &mut Server, room: &RoomId) -> bool {
        let key = (self.user.clone(), room.clone());
        if server.refused.contains_key(&key) || !self.world.dice.chance(server.faults.join_refused) {
            return false;
        }
        server.refused.insert(key, true);
        server.count("homeserver: join refused once");
        true
    }
}

impl Session for Line {
    fn user(&self) -> &UserId {
        &self.user
    }

    fn open(&self, _: Option<SyncToken>) -> Answer<'_, ()> {
        async move {
            self.world.unless_over(self.life).await;
            let mut client = self.client.write().await;
            *client = false;
            sleep(self.world.dice.millis(OPENING_MILLIS)).await;
            *self.before.lock().unwrap_or_else(PoisonError::into_inner) = None;
            *client = true;
            Ok(())
        }
        .boxed()
    }

    fn establish(&self) -> Answer<'_, ()> {
        async move {
            self.ask("keys", |_, _| Ok(())).await?;
            if *self.has_recovery_key.lock().unwrap_or_else(PoisonError::into_inner) {
                return Ok(());
            }
            self.ask("keys", |_, _| Ok(())).await?;
            let key = Secret::new(format!("recovery-{:016x}", self.world.dice.next()));
            self.accounts.save_recovery_key(&self.account.entity, key).await?;
            *self.has_recovery_key.lock().unwrap_or_else(PoisonError::into_inner) = true;
            Ok(())
        }
        .boxed()
    }

    fn check_login(&self) -> Answer<'_, ()> {
        self.ask("who am i", |_, _| Ok(()))
    }

    /// Only the person at the keyboard hears it, and there is none here.
    fn hear_typing(&self) {}

    fn sync(&self, since: Option<SyncToken>, wait: Duration) -> Answer<'_, Page> {
        self.step(since, wait).boxed()
    }

    fn history(&self, room: RoomId, from: String, until: Option<SyncToken>) -> Answer<'_, HistoryPage> {
        self.past(room, Some(from), until).boxed()
    }

    fn latest(&self, room: RoomId) -> Answer<'_, HistoryPage> {
        self.past(room, None, None).boxed()
    }

    fn unseal(&self, _: RoomId, _: String) -> Answer<'_, Content> {
        async { Err(MatrixError::Nonsense { cause: "nothing is encrypted in this world".to_owned() }) }.boxed()
    }

    fn provenance(&self, _: RoomId, _: EventId, _: String) -> Answer<'_, Provenance> {
        async { Ok(Provenance::Clear) }.boxed()
    }

    fn prepare(&self, room: RoomId) -> Answer<'_, ()> {
        let of = room.clone();
        self.ask_in(room, "prepare", move |server, user| server.state(user, &of, "m.room.encryption", "").map(drop))
    }

    fn send(&self, message: Outgoing) -> Answer<'_, EventId> {
        let request = self.request(&message.room, message.transaction.clone());
        self.ask_in(message.room.clone(), "send", move |server, user| {
            server.once(request, |server| server.post(&message.room, user, message.kind, message.content))
        })
    }

    fn redact(
        &self,
        room: RoomId,
        event: EventId,
        reason: Option<String>,
        transaction: TransactionId,
    ) -> Answer<'_, EventId> {
        let request = self.request(&room, transaction);
        self.ask("redact", move |server, user| {
            server.once(request, |server| server.redact(&room, user, &event, reason))
        })
    }

    fn typing(&self, room: RoomId, typing: Typing) -> Answer<'_, ()> {
        self.ask("typing", move |server, user| {
            server.room_of(&room, user)?;
            server.set_typing(&room, user, typing == Typing::On, Instant::now());
            Ok(())
        })
    }

    fn read_up_to(&self, room: RoomId, event: EventId, _: Option<EventId>) -> Answer<'_, ()> {
        self.ask("read up to", move |server, user| match server.room_of(&room, user)?.event(event.as_str()) {
            Some(_) => Ok(()),
            None => Err(refused("M_NOT_FOUND", "no such event")),
        })
    }

    fn names(&self, room: RoomId) -> Answer<'_, BTreeMap<UserId, String>> {
        self.ask("names", move |server, user| server.names(user, &room))
    }

    fn find_own(&self, room: RoomId, thread: Option<EventId>) -> Answer<'_, Vec<Unplaced>> {
        let of = room.clone();
        self.ask_in(room, "find own", move |server, user| server.own_events(user, &of, thread.as_ref()))
    }

    fn media(&self, _: Value, _: usize) -> Answer<'_, Vec<u8>> {
        self.ask("media", |_, _| Err(refused("M_NOT_FOUND", "no such file")))
    }

    fn create_room(&self, plan: RoomPlan) -> Answer<'_, RoomId> {
        async move {
            let room = self.ask("create room", move |server, user| server.create_room(user, &plan)).await?;
            self.entered(&room);
            Ok(room)
        }
        .boxed()
    }

    fn resolve(&self, alias: AliasId) -> Answer<'_, Option<RoomId>> {
        self.ask("resolve", move |server, _| Ok(server.resolve(&alias)))
    }

    fn join(&self, room: RoomId, _: Vec<String>) -> Answer<'_, ()> {
        async move {
            if self.world.with(|server| self.held_up_at_the_door(server, &room)) {
                return Err(refused("M_FORBIDDEN", "you are not invited to this room"));
            }
            let of = room.clone();
            self.ask("join", move |server, user| server.join(user, &of)).await?;
            self.entered(&room);
            Ok(())
        }
        .boxed()
    }

    fn join_alias(&self, alias: AliasId) -> Answer<'_, RoomId> {
        async move {
            let room = self.ask("join", move |server, user| {
                let room = server.resolve(&alias).ok_or_else(|| refused("M_NOT_FOUND", "no such alias"))?;
                server.join(user, &room)?;
                Ok(room)
            });
            let room = room.await?;
            self.entered(&room);
            Ok(room)
        }
        .boxed()
    }

    fn leave(&self, room: RoomId) -> Answer<'_, ()> {
        self.ask("leave", move |server, user| server.leave(user, &room))
    }

    fn invite(&self, room: RoomId, whom: UserId) -> Answer<'_, ()> {
        self.ask("invite", move |server, user| server.invite(user, &room, &whom))
    }

    fn remove(&self, room: RoomId, whom: UserId, _: String) -> Answer<'_, ()> {
        self.ask("remove", move |server, user| server.remove(user, &room, &whom))
    }

    fn members(&self, room: RoomId) -> Answer<'_, BTreeMap<UserId, Presence>> {
        self.ask("members", move |server, user| server.members(user, &room))
    }

    fn state(&self, room: RoomId, kind: &'static str, key: String) -> Answer<'_, Option<Value>> {
        self.ask("state", move |server, user| {
            Ok(server.state(user, &room, kind, &key)?.map(|seen| seen.content.clone()))
        })
    }

    fn state_event(&self, room: RoomId, kind: &'static str, key: String) -> Answer<'_, Option<Value>> {
        self.ask("state", move |server, user| {
            let seen = server.state(user, &room, kind, &key)?;
            Ok(seen.map(|seen| {
                json!({
                    "type": seen.kind, "event_id": seen.event.as_str(), "sender": seen.sender.as_str(),
                    "state_key": seen.state_key, "content": seen.content, "origin_server_ts": seen.at.0,
                })
            }))
        })
    }

    fn set_state(&self, room: RoomId, kind: &'static str, key: String, content: Value) -> Answer<'_, ()> {
        self.ask("set state", move |server, user| server.set_state(user, &room, (kind, &key), content))
    }

    fn set_display_name(&self, name: String) -> Answer<'_, ()> {
        self.ask("set name", move |server, user| {
            server.rename(user, name);
            Ok(())
        })
    }

    fn set_avatar(&self, _: Vec<u8>, _: &'static str) -> Answer<'_, ()> {
        self.ask("set picture", |_, _| Ok(()))
    }

    fn remove_avatar(&self) -> Answer<'_, ()> {
        self.ask("set picture", |_, _| Ok(()))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async {
            *self.client.write().await = false;
        }
        .boxed()
    }
}
