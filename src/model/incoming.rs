//! What comes in from the homeserver, translated and ready for admission.

use super::{EntityName, EventId, Millis, RoomId, SyncToken, UserId};

/// One step of one entity's sync stream: admitted whole, together with its token, or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Whose stream it is.
    pub entity: EntityName,
    /// Where the stream goes on after this batch. `None` leaves the position alone: late keys bring events, not progress.
    pub token: Option<SyncToken>,
    /// When it reached us, by our clock.
    pub received_at: Millis,
    /// Whether it brings what happened while the entity was away.
    pub after_absence: bool,
    /// The events, in the order of arrival.
    pub events: Vec<Incoming>,
    /// What else changed, in the order of arrival.
    pub changes: Vec<Change>,
}

/// One event of a room's timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// The room it stands in.
    pub room: RoomId,
    /// Its id: with the room, the unique key.
    pub event: EventId,
    /// Who sent it.
    pub sender: UserId,
    /// When the sender's server says it was sent. For people's eyes only: the sender controls it.
    pub sent_at: Millis,
    /// Whether it may call for an answer.
    pub standing: Standing,
    /// What it says, if we can tell.
    pub content: Content,
}

/// Whether an event may call for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It came while the entity was a member, after its first start.
    Live,
    /// From before the entity joined or first started: context, never answered.
    History,
}

/// What an event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Readable: the event type and its content as JSON.
    Clear {
        /// The event type, such as `m.room.message`.
        kind: String,
        /// The content, a JSON object.
        json: String,
    },
    /// Encrypted, and this entity has no key yet.
    Sealed(Sealed),
}

/// An event that could not be decrypted, kept so that it can be tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The whole encrypted event, as JSON.
    pub raw: String,
    /// The session whose key is missing, if the event names one.
    pub session: Option<String>,
    /// Why it could not be read.
    pub cause: SealedCause,
}

/// Why an event could not be decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedCause {
    /// No key has come (yet).
    KeyMissing,
    /// The sender's client refuses to give keys to this device.
    KeyWithheld,
    /// The key is there, but the message does not fit it.
    Broken,
}

/// A change beside the timeline that somebody must act on or remember.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The entity was invited.
    Invited {
        /// Into this room.
        room: RoomId,
        /// By this user.
        by: UserId,
        /// Whether the inviter meant it as a direct chat.
        direct: bool,
    },
    /// The entity is now a member.
    Joined {
        /// Of this room.
        room: RoomId,
    },
    /// The entity is no longer a member.
    Departed {
        /// Of this room.
        room: RoomId,
        /// Who made it so, if known.
        by: Option<UserId>,
        /// In which way.
        how: Departure,
    },
    /// The room is encrypted from now on, and stays so.
    Encrypted {
        /// This room.
        room: RoomId,
    },
    /// Somebody's membership in the room changed, so keys must be shared anew.
    MembersChanged {
        /// This room.
        room: RoomId,
    },
    /// A gap in the room's timeline was too long to be filled: what lies beyond stays unread.
    Missed {
        /// This room.
        room: RoomId,
        /// How many pages were fetched before giving up.
        pages: usize,
    },
    /// The room was replaced by another one.
    Upgraded {
        /// The old room.
        room: RoomId,
        /// Its replacement.
        successor: RoomId,
        /// Who says so.
        by: UserId,
    },
}

/// How a membership ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Departure {
    /// By the entity itself.
    Left,
    /// By somebody else; it may not come back uninvited.
    Kicked,
    /// By somebody else, for good.
    Banned,
}

/// What became of batches that were admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Admitted {
    /// Events seen for the first time.
    pub fresh: u64,
    /// Events that another entity, or an earlier try, had brought already.
    pub known: u64,
    /// Events that were kept sealed until now and became readable.
    pub healed: u64,
    /// How many of all these somebody may have to look at now.
    pub due: u64,
}
