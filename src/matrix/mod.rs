//! The door to the homeserver: the only code that knows the Matrix SDK.
//!
//! It has two halves. Below is a thin adapter: one [`Homeserver`], one [`Session`] per account, each verb one request
//! or one step of the sync stream, translated into nouns at once. Above it stands [`Catchup`], a pure machine that turns
//! what the adapter brings into a batch for admission: what is new, what is history, and which gaps must be fetched first.
//!
//! **Invariant**: the SDK's own sync position never decides what is delivered. It is overwritten with ours before every
//! restore, and every restart of a sync loop rebuilds the client, so a crash between the SDK's commit and ours only
//! repeats a response.
//!
//! **Invariant**: the homeserver is shown a position only when the SDK has taken in whatever it keeps of the stream up to there:
//! what devices send to each other is deleted up to that position.
//!
//! **Invariant**: nothing is sent in the clear into a room that any of our accounts ever saw encrypted. Where none did, the
//! homeserver is asked before every message, or was asked by [`Session::prepare`] a quarter of a second before at most.

mod adapter;
mod catchup;
mod error;
mod hex;
mod lines;
mod locked;
mod login;
mod marks;
mod names;
mod register;
#[cfg(test)]
mod stand_in;
mod watch;
mod wire;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use futures_util::future::BoxFuture;

pub use adapter::open;
pub use catchup::{Bounds, Catchup, CatchupStep, Gap};
pub use error::{MatrixError, Retry};
pub use lines::{Lines, Switchboard};
#[cfg(test)]
pub use stand_in::StandIn;

use crate::{
    config::{Credential, Registration},
    model::{
        Account, AliasId, Change, Content, EntityName, EventId, Incoming, Millis, RoomId, Secret, SyncToken, Tokens,
        TransactionId, UserId,
    },
};

/// What every verb of the door gives.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, MatrixError>>;

/// The homeserver as everybody may see it.
pub trait Homeserver: Send + Sync {
    /// Asks whether it is there.
    fn reach(&self) -> Answer<'_, ()>;

    /// Makes sure the account exists and is logged in on its one device. The session must be opened before use.
    fn sign_in(&self, applicant: Applicant) -> Answer<'_, Arc<dyn Session>>;

    /// The same after the homeserver stopped accepting the account's token: logs in anew, on the same device.
    fn sign_in_again(&self, applicant: Applicant) -> Answer<'_, Arc<dyn Session>>;

    /// Deactivates an account whose password we made, for good. Where it is no more, there is nothing to do.
    fn deactivate(&self, account: Account) -> Answer<'_, ()>;

    /// Remembers rooms that are encrypted, from what the store kept.
    fn remember_encrypted(&self, rooms: &[RoomId]);
}

/// One account on its one device.
pub trait Session: Send + Sync {
    /// Who this is.
    fn user(&self) -> &UserId;

    /// Opens the line, anew where it was open: the next step of the stream goes on after `since`; `None` begins at the beginning.
    fn open(&self, since: Option<SyncToken>) -> Answer<'_, ()>;

    /// Checks that the homeserver knows our keys and no others, and sets up cross-signing and recovery where missing.
    fn establish(&self) -> Answer<'_, ()>;

    /// Asks whether the homeserver still accepts the account's token.
    fn check_login(&self) -> Answer<'_, ()>;

    /// From the next step of the sync stream on, also tells who is typing.
    fn hear_typing(&self);

    /// One step of the sync stream.
    fn sync(&self, since: Option<SyncToken>, wait: Duration) -> Answer<'_, Page>;

    /// A piece of a room's past: older than `from`, newer than `until`, newest first.
    fn history(&self, room: RoomId, from: String, until: Option<SyncToken>) -> Answer<'_, HistoryPage>;

    /// The newest piece of a room's timeline, newest first.
    fn latest(&self, room: RoomId) -> Answer<'_, HistoryPage>;

    /// Tries once more to read an encrypted event.
    fn unseal(&self, room: RoomId, raw: String) -> Answer<'_, Content>;

    /// From where an event came that says `content`, a JSON object, as far as can be told now.
    fn provenance(&self, room: RoomId, event: EventId, content: String) -> Answer<'_, Provenance>;

    /// Asks what must be known before a message can be sent, so that one that follows at once need not. Without it, or when
    /// it fails, the message itself asks.
    fn prepare(&self, _room: RoomId) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    /// Sends a message; the same transaction id sends it once.
    fn send(&self, message: Outgoing) -> Answer<'_, EventId>;

    /// Takes back what an event says; the same transaction id takes it back once. Gives the event that does so.
    fn redact(
        &self,
        room: RoomId,
        event: EventId,
        reason: Option<String>,
        transaction: TransactionId,
    ) -> Answer<'_, EventId>;

    /// Shows others whether something is being written. Unless repeated, it ends by itself after a while.
    fn typing(&self, room: RoomId, typing: Typing) -> Answer<'_, ()>;

    /// Shows others that everything up to `event` was read, in its thread or, without one, in the main timeline.
    fn read_up_to(&self, room: RoomId, event: EventId, thread: Option<EventId>) -> Answer<'_, ()>;

    /// What each member is called, in one line that can be told to a model. The homeserver is asked only after somebody came,
    /// went or took another name.
    fn names(&self, room: RoomId) -> Answer<'_, BTreeMap<UserId, String>>;

    /// The account's own newest events in a thread or, without one, in the room; newest first, readable ones only.
    fn find_own(&self, room: RoomId, thread: Option<EventId>) -> Answer<'_, Vec<Unplaced>>;

    /// The file that an event's content attaches, readable also where it is encrypted. What is longer than `bytes_max` isn't
    /// taken in.
    fn media(&self, content: serde_json::Value, bytes_max: usize) -> Answer<'_, Vec<u8>>;

    /// Makes a room.
    fn create_room(&self, plan: RoomPlan) -> Answer<'_, RoomId>;

    /// Finds the room behind an alias.
    fn resolve(&self, alias: AliasId) -> Answer<'_, Option<RoomId>>;

    /// Joins a room by id, with servers that may know the way.
    fn join(&self, room: RoomId, via: Vec<String>) -> Answer<'_, ()>;

    /// Joins a room by alias.
    fn join_alias(&self, alias: AliasId) -> Answer<'_, RoomId>;

    /// Leaves a room, or declines an invitation.
    fn leave(&self, room: RoomId) -> Answer<'_, ()>;

    /// Invites somebody.
    fn invite(&self, room: RoomId, user: UserId) -> Answer<'_, ()>;

    /// Removes somebody.
    fn remove(&self, room: RoomId, user: UserId, reason: String) -> Answer<'_, ()>;

    /// Everybody who has, or had, to do with the room.
    fn members(&self, room: RoomId) -> Answer<'_, BTreeMap<UserId, Presence>>;

    /// A state event's content, if there is one.
    fn state(&self, room: RoomId, kind: &'static str, key: String) -> Answer<'_, Option<serde_json::Value>>;

    /// A state event as a whole, with who set it, if there is one.
    fn state_event(&self, room: RoomId, kind: &'static str, key: String) -> Answer<'_, Option<serde_json::Value>>;

    /// Sets a state event.
    fn set_state(&self, room: RoomId, kind: &'static str, key: String, content: serde_json::Value) -> Answer<'_, ()>;

    /// Sets the name that others see.
    fn set_display_name(&self, name: String) -> Answer<'_, ()>;

    /// Uploads a picture and shows it.
    fn set_avatar(&self, picture: Vec<u8>, mime: &'static str) -> Answer<'_, ()>;

    /// Shows no picture any more.
    fn remove_avatar(&self) -> Answer<'_, ()>;

    /// Lets go of the client. Nothing more is sent until it is opened again.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// Where accounts are kept. Every write is durable when it returns.
pub trait AccountBook: Send + Sync {
    /// The account, if there is one. One that is deactivated, or about to be, is an error.
    fn load<'a>(&'a self, entity: &'a EntityName) -> Answer<'a, Option<Account>>;

    /// Writes the account.
    fn save(&self, account: Account) -> Answer<'_, ()>;

    /// Writes the account's recovery key.
    fn save_recovery_key<'a>(&'a self, entity: &'a EntityName, key: Secret) -> Answer<'a, ()>;

    /// Writes new tokens before their first use. Blocks the calling thread.
    ///
    /// # Errors
    /// When the tokens are not durable; they must not be used then.
    fn save_tokens(&self, entity: &EntityName, tokens: Tokens) -> Result<(), MatrixError>;
}

/// What the door needs to open.
#[derive(Clone)]
pub struct Section {
    /// The homeserver's base address.
    pub url: String,
    /// How long a request may take.
    pub request_timeout: Duration,
    /// The folder that holds one key store per account.
    pub folder: PathBuf,
    /// What devices are called.
    pub device_name: String,
    /// The means of making accounts, in order.
    pub registration: Vec<Registration>,
    /// Where accounts are kept.
    pub accounts: Arc<dyn AccountBook>,
}

/// Who wants to sign in.
#[derive(Debug, Clone, PartialEq)]
pub struct Applicant {
    /// Its name in the configuration.
    pub entity: EntityName,
    /// The local part of its user id.
    pub localpart: String,
    /// What the operator gave for an account that exists.
    pub credential: Option<Credential>,
}

/// One translated sync response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Where the stream goes on.
    pub token: SyncToken,
    /// When it reached us.
    pub received_at: Millis,
    /// What happened in rooms, room by room.
    pub rooms: Vec<RoomPage>,
    /// Invitations and other changes outside a timeline.
    pub changes: Vec<Change>,
    /// The room keys that came meanwhile, so that events sealed under them deserve another try.
    pub keys: Keys,
}

/// Room keys that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keys {
    /// Those of these sessions, each in its room.
    Of(BTreeSet<(RoomId, String)>),
    /// So many that nobody counted.
    Many,
}

/// One room's part of a sync response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomPage {
    /// The room.
    pub room: RoomId,
    /// What happened, in the order of arrival.
    pub timeline: Vec<Slip>,
    /// Changes that came as state, outside the timeline. They are older than the timeline or as old.
    pub state: Vec<Change>,
    /// Where the missing part before the timeline begins, if the homeserver left something out.
    pub gap: Option<String>,
    /// Who is typing, where that changed and somebody wants to hear it.
    pub typing: Option<BTreeSet<UserId>>,
}

/// One thing on a room's timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slip {
    /// Something said or done. Its standing isn't known yet.
    Event(Unplaced),
    /// The account itself became a member here.
    OwnJoin,
    /// The account itself ceased to be a member here.
    OwnLeave,
    /// Another change.
    Change(Change),
}

/// An event whose standing isn't known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unplaced {
    /// Its id.
    pub event: EventId,
    /// Who sent it.
    pub sender: UserId,
    /// When the sender's server says it was sent.
    pub sent_at: Millis,
    /// What it says.
    pub content: Content,
}

impl Unplaced {
    /// The same event, placed in `room` with `standing`.
    #[must_use]
    pub fn place(self, room: RoomId, standing: crate::model::Standing) -> Incoming {
        Incoming {
            room,
            event: self.event,
            sender: self.sender,
            sent_at: self.sent_at,
            standing,
            content: self.content,
        }
    }
}

/// A piece of a room's past, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryPage {
    /// What happened.
    pub slips: Vec<Slip>,
    /// Where the piece before this one begins, if there is more.
    pub older: Option<String>,
}

/// A message to send.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// Where.
    pub room: RoomId,
    /// The event type.
    pub kind: &'static str,
    /// The content.
    pub content: serde_json::Value,
    /// The key that makes a repetition harmless.
    pub transaction: TransactionId,
}

/// From where an event came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provenance {
    /// Encrypted, from a device that its owner has verified.
    Verified,
    /// Encrypted, from another device or one that isn't known, or saying something else.
    Unverified,
    /// In the clear: from whoever the homeserver says.
    Clear,
}

/// Whether something is being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typing {
    /// Yes.
    On,
    /// No longer.
    Off,
}

/// A room to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomPlan {
    /// Its alias' local part, if it gets one.
    pub alias: Option<String>,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub topic: Option<String>,
    /// Whether it is encrypted from the start.
    pub encrypted: bool,
    /// Its version, where it isn't the homeserver's default.
    pub version: Option<String>,
    /// Whether it is a space.
    pub space: bool,
    /// Who is invited at once.
    pub invite: Vec<UserId>,
    /// Who may administer it beside its maker.
    pub admins: Vec<UserId>,
}

/// How somebody stands to a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// A member.
    Joined,
    /// Invited, not yet a member.
    Invited,
    /// No longer, by their own hand or another's.
    Departed,
    /// Put out for good.
    Banned,
}
