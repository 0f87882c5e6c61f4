//! What the homeserver keeps: accounts, rooms, streams, and which requests it has seen.

use std::{collections::BTreeMap, time::Duration};

use maitre::{
    matrix::MatrixError,
    model::{AliasId, DeviceId, EventId, RoomId, TransactionId, UserId},
    observe,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    SERVER,
    faults::Faults,
    rooms::{Room, Seen},
    stream::WRITERS,
};
use crate::dice::Dice;

/// How long somebody is shown as writing who doesn't say so again.
const TYPING_TIME: Duration = Duration::from_secs(15);

/// What was under way when its sender went, and is carried out later.
pub(super) type Late = Box<dyn FnOnce(&mut Server) + Send>;

/// The homeserver.
pub(super) struct Server {
    pub(super) faults: Faults,
    /// How many lives of the program there were.
    pub(super) life: u64,
    pub(super) rooms: BTreeMap<RoomId, Room>,
    pub(super) aliases: BTreeMap<AliasId, RoomId>,
    users: BTreeMap<UserId, Profile>,
    /// Who may act, by token. A device has one at a time.
    tokens: BTreeMap<String, (UserId, DeviceId)>,
    transactions: BTreeMap<Request, (EventId, Instant)>,
    /// Which rooms each account's client knows that it is in. The client keeps that on disk, so it outlives a crash.
    pub(super) known: BTreeMap<(UserId, RoomId), bool>,
    typing: BTreeMap<(RoomId, UserId), Instant>,
    /// The newest place in the streams.
    pub(super) last: u64,
    made: u64,
    late: BTreeMap<(Instant, u64), Late>,
    /// Who was refused a join, each once.
    pub(super) refused: BTreeMap<(UserId, RoomId), bool>,
    pub(super) counts: BTreeMap<&'static str, u64>,
    pub(super) requests: BTreeMap<&'static str, u64>,
}

/// What a repeated request is recognised by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Request {
    pub(super) user: UserId,
    pub(super) device: DeviceId,
    pub(super) room: RoomId,
    pub(super) transaction: TransactionId,
}

/// A user.
#[derive(Debug, Clone, Default)]
struct Profile {
    password: Option<String>,
    name: Option<String>,
}

impl Server {
    pub(super) fn new(faults: Faults) -> Self {
        Self {
            faults,
            life: 0,
            rooms: BTreeMap::new(),
            aliases: BTreeMap::new(),
            users: BTreeMap::new(),
            tokens: BTreeMap::new(),
            transactions: BTreeMap::new(),
            known: BTreeMap::new(),
            typing: BTreeMap::new(),
            last: 0,
            made: 0,
            late: BTreeMap::new(),
            refused: BTreeMap::new(),
            counts: BTreeMap::new(),
            requests: BTreeMap::new(),
        }
    }

    pub(super) fn count(&mut self, fault: &'static str) {
        *self.counts.entry(fault).or_default() += 1;
    }

    pub(super) fn count_times(&mut self, fault: &'static str, times: usize) {
        *self.counts.entry(fault).or_default() += times as u64;
    }

    /// Begins a life, and gives its number.
    pub(super) fn begin_life(&mut self, dice: &Dice) -> u64 {
        self.life += 1;
        let (now, kept_for) = (Instant::now(), self.faults.forget_after);
        let is_old = |since: &Instant| now.duration_since(*since) > kept_for;
        if dice.chance(self.faults.forget_transactions) && self.transactions.values().any(|(_, since)| is_old(since)) {
            self.transactions.retain(|_, (_, since)| !is_old(since));
            self.count("homeserver: forgot transactions");
        }
        self.life
    }

    /// Something is to be carried out at `due`, or when somebody looks after that.
    pub(super) fn put_off(&mut self, due: Instant, deed: Late) {
        self.made += 1;
        self.late.insert((due, self.made), deed);
    }

    /// When something is to be carried out next.
    pub(super) fn next_late(&self) -> Option<Instant> {
        self.late.keys().next().map(|(due, _)| *due)
    }

    pub(super) fn carry_out_late(&mut self, now: Instant) {
        while let Some(entry) = self.late.first_entry().filter(|entry| entry.key().0 <= now) {
            let deed = entry.remove();
            deed(self);
        }
    }

    /// Makes a user, unless there is one.
    pub(super) fn make_user(&mut self, user: &UserId, password: Option<String>) {
        self.users.entry(user.clone()).or_insert(Profile { password, name: None });
    }

    pub(super) fn register(&mut self, user: &UserId, password: &str) -> Result<(), MatrixError> {
        if self.users.contains_key(user) {
            return Err(MatrixError::NameTaken { localpart: user.localpart().to_owned() });
        }
        self.make_user(user, Some(password.to_owned()));
        Ok(())
    }

    /// Gives the device a token. One that it had before is no good any more.
    pub(super) fn log_in(&mut self, user: &UserId, password: &str, device: &DeviceId) -> Result<String, MatrixError> {
        let known = self.users.get(user).and_then(|profile| profile.password.as_deref());
        if known != Some(password) {
            return Err(MatrixError::WrongPassword { localpart: user.localpart().to_owned() });
        }
        self.tokens.retain(|_, (owner, of)| (&*owner, &*of) != (user, device));
        self.made += 1;
        let token = format!("token-{}-{}", user.localpart(), self.made);
        self.tokens.insert(token.clone(), (user.clone(), device.clone()));
        Ok(token)
    }

    /// Takes a token's worth.
    pub(super) fn forget_token(&mut self, token: &str) {
        if self.tokens.remove(token).is_some() {
            self.count("homeserver: token unknown");
        }
    }

    /// Whether the token is good.
    pub(super) fn check(&self, token: &str) -> Result<(), MatrixError> {
        if self.tokens.contains_key(token) { Ok(()) } else { Err(MatrixError::LoggedOut) }
    }

    /// Does something once, however often it is asked for.
    pub(super) fn once(
        &mut self,
        request: Request,
        deed: impl FnOnce(&mut Self) -> Result<EventId, MatrixError>,
    ) -> Result<EventId, MatrixError> {
        if let Some((event, _)) = self.transactions.get(&request) {
            let event = event.clone();
            self.count("homeserver: a repeated request was recognised");
            return Ok(event);
        }
        let event = deed(self)?;
        self.transactions.insert(request, (event.clone(), Instant::now()));
        Ok(event)
    }

    pub(super) fn name_of(&self, user: &UserId) -> Option<&str> {
        self.users.get(user)?.name.as_deref()
    }

    /// Shows another name, in every room.
    pub(super) fn rename(&mut self, user: &UserId, name: String) {
        let Some(profile) = self.users.get_mut(user) else { return };
        if profile.name.as_ref() == Some(&name) {
            return;
        }
        profile.name = Some(name);
        let rooms: Vec<RoomId> =
            self.rooms.values().filter(|room| room.is_in(user)).map(|room| room.id.clone()).collect();
        for room in rooms {
            self.set_membership(&room, user, user, "join");
        }
    }

    /// Makes an empty room.
    pub(super) fn make_room(&mut self) -> RoomId {
        self.made += 1;
        let id = RoomId::parse(format!("!room{}:{SERVER}", self.made)).expect("a number makes a room id");
        let writer = self.rooms.len() % WRITERS;
        self.rooms.insert(id.clone(), Room::new(id.clone(), writer));
        id
    }

    /// Adds an event to a room that there is. Nobody is asked whether it may be.
    pub(super) fn append(
        &mut self,
        room: &RoomId,
        sender: &UserId,
        (kind, state_key): (&str, Option<&str>),
        content: Value,
    ) -> EventId {
        self.last += 1;
        let event = EventId::parse(format!("$e{}", self.last)).expect("a number makes an event id");
        if let Some(known) = self.rooms.get_mut(room) {
            let before = state_key.and_then(|key| known.state(kind, key)).filter(|seen| seen.kind == "m.room.member");
            let was = before.map(|seen| seen.membership().to_owned());
            known.push(Seen {
                event: event.clone(),
                sender: sender.clone(),
                kind: kind.to_owned(),
                content,
                redacted: false,
                at: observe::now(),
                position: self.last,
                state_key: state_key.map(str::to_owned),
                was,
            });
        }
        event
    }

    pub(super) fn set_membership(&mut self, room: &RoomId, by: &UserId, user: &UserId, membership: &str) {
        let mut content = json!({ "membership": membership });
        if let Some(name) = self.name_of(user) {
            content["displayname"] = name.into();
        }
        self.append(room, by, ("m.room.member", Some(user.as_str())), content);
    }

    /// Shows that somebody writes, or no longer.
    pub(super) fn set_typing(&mut self, room: &RoomId, user: &UserId, writes: bool, now: Instant) {
        let key = (room.clone(), user.clone());
        if writes {
            self.typing.insert(key, now + TYPING_TIME);
        } else {
            self.typing.remove(&key);
        }
    }

    /// Who is shown as writing.
    pub(super) fn typing(&self, room: &RoomId, now: Instant) -> Vec<UserId> {
        let shown = self.typing.iter().filter(|((at, _), until)| at == room && **until > now);
        shown.map(|((_, user), _)| user.clone()).collect()
    }
}
