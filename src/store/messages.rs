//! Messages as people see them: their newest words, in order of arrival, each in its thread.

use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};
use serde::{Deserialize, Serialize};

use super::{
    Ordinal, Store, StoreError,
    columns::{Word as _, all, from_millis, id, json, millis, optional_id, rows, run, to_json, word},
};
use crate::model::{Conversation, EventId, Millis, RoomId, Standing, TurnId, UserId};

/// How many replies a thread is looked for through.
const REPLIES_MAX: u32 = 50;
/// How many messages are a few.
const NEIGHBOURS_MAX: u32 = 20;

/// A message as people see it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its place in the order of arrival.
    pub ordinal: Ordinal,
    /// The room it stands in.
    pub room: RoomId,
    /// Its id.
    pub event: EventId,
    /// Who sent it.
    pub sender: UserId,
    /// When the sender's server says it was sent.
    pub sent_at: Millis,
    /// When it reached us.
    pub received_at: Millis,
    /// Whether it may call for an answer.
    pub standing: Standing,
    /// The root of the thread it belongs to, by its own word or through what it replies to; none on the main timeline.
    pub thread: Option<EventId>,
    /// What it replies to.
    pub in_reply_to: Option<EventId>,
    /// What it says now.
    pub wording: Wording,
    /// Whether that is not its first wording.
    pub edited: bool,
    /// Whether it was taken back. Its words are gone then.
    pub deleted: bool,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wording {
    /// What sort it is.
    pub sort: Sort,
    /// The visible text.
    pub body: String,
    /// The whole content, a JSON object.
    pub content: String,
    /// Whom it mentions, in the order of the text.
    pub mentions: Vec<UserId>,
    /// What one of our own entities wrote on it.
    pub mark: Option<Mark>,
}

/// What sort of message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Text, or an emote.
    Text,
    /// A picture, a file, a voice message.
    Media,
    /// A notice: never answered.
    Notice,
}

/// What entities write on the messages of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The turn that gives the answer, if it is named.
    pub turn: Option<TurnId>,
    /// Whether these are its last words.
    pub last: bool,
    /// How many entities the question has gone through, the one that answers included.
    pub hops: u32,
    /// The person's message that all of this goes back to.
    pub root: Option<EventId>,
}

/// What an event does to what people see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Projection {
    /// There is a new message.
    Message(Box<Message>),
    /// A message has a new wording, if it is its sender's.
    Edit {
        /// This message.
        of: EventId,
        /// The event that says so.
        event: EventId,
        /// Who sent that.
        sender: UserId,
        /// When its server says it was sent: the newest edit counts.
        sent_at: Millis,
        /// What the message says now.
        wording: Box<Wording>,
    },
    /// An event was taken back.
    Deletion {
        /// This one.
        of: EventId,
    },
    /// Nothing.
    Nothing,
}

impl Store {
    /// The message, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn message(&self, room: &RoomId, event: &EventId) -> Result<Option<Message>, StoreError> {
        let (room, event) = (room.clone(), event.clone());
        self.read(move |db| {
            let mut query = db.prepare_cached(MESSAGE)?;
            Ok(query.query_row([room.as_str(), event.as_str()], read_message).optional()?)
        })
        .await
    }

    /// The newest `limit` messages of a conversation, oldest first. A thread begins with its root, whatever the limit;
    /// without a thread it is everything that was said in the room, since that is one conversation then.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn thread(&self, conversation: &Conversation, limit: usize) -> Result<Vec<Message>, StoreError> {
        let conversation = conversation.clone();
        self.read(move |db| Ok(thread(db, &conversation, limit)?)).await
    }

    /// What `sender` said last in `room` before that place, if it is among the few messages before it.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn said_before(
        &self,
        room: &RoomId,
        place: Ordinal,
        sender: &UserId,
    ) -> Result<Option<Message>, StoreError> {
        let (room, sender) = (room.clone(), sender.clone());
        self.read(move |db| {
            let mut query = db.prepare_cached(SAID_BEFORE)?;
            let before = params![room.as_str(), place.0, NEIGHBOURS_MAX, sender.as_str()];
            Ok(query.query_row(before, read_message).optional()?)
        })
        .await
    }

    /// Whether an event was taken back, known or not.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn is_deleted(&self, room: &RoomId, event: &EventId) -> Result<bool, StoreError> {
        let (room, event) = (room.clone(), event.clone());
        self.read(move |db| Ok(db.prepare_cached(DELETED)?.exists([room.as_str(), event.as_str()])?)).await
    }

    /// The thread that a reply to `event` belongs to: that of the message, or of the one that it replies to, through 50
    /// replies.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn thread_through(&self, room: &RoomId, event: &EventId) -> Result<Option<EventId>, StoreError> {
        let (room, event) = (room.clone(), event.clone());
        self.read(move |db| {
            let mut query = db.prepare_cached(THREAD_THROUGH)?;
            let found = query.query_row(params![room.as_str(), event.as_str(), REPLIES_MAX], |row| id(row, "thread"));
            Ok(found.optional()?)
        })
        .await
    }
}

pub(super) const MESSAGE: &str = "SELECT * FROM said WHERE room = ?1 AND event = ?2";
pub(super) const THREAD: &str = "SELECT * FROM said WHERE room = ?1 AND thread = ?2 ORDER BY ordinal DESC LIMIT ?3";
pub(super) const RECENT: &str = "SELECT * FROM said WHERE room = ?1 ORDER BY ordinal DESC LIMIT ?2";
pub(super) const SAID_BEFORE: &str = "SELECT * FROM
    (SELECT * FROM said WHERE room = ?1 AND ordinal < ?2 ORDER BY ordinal DESC LIMIT ?3) WHERE sender = ?4 LIMIT 1";
pub(super) const DELETED: &str = "SELECT 1 FROM deletions WHERE room = ?1 AND event = ?2";
/// UNION keeps each row once, so a circle of replies ends, too.
const THREAD_THROUGH: &str = "WITH RECURSIVE chain (event, thread, in_reply_to, depth) AS (
        SELECT event, thread, in_reply_to, 1 FROM messages WHERE room = ?1 AND event = ?2
        UNION
        SELECT m.event, m.thread, m.in_reply_to, depth + 1 FROM chain JOIN messages AS m
        ON m.room = ?1 AND m.event = chain.in_reply_to WHERE chain.thread IS NULL AND depth < ?3
    ) SELECT thread FROM chain WHERE thread IS NOT NULL LIMIT 1";

/// The newest `limit` messages of a conversation, oldest first.
pub(super) fn thread(db: &Connection, conversation: &Conversation, limit: usize) -> rusqlite::Result<Vec<Message>> {
    let Conversation { room, thread } = conversation;
    let mut messages: Vec<Message> = match thread {
        None => all(db, RECENT, params![room.as_str(), rows(limit)], read_message)?,
        Some(root) => {
            let mut replies: Vec<Message> =
                all(db, THREAD, params![room.as_str(), root.as_str(), rows(limit)], read_message)?;
            let mut query = db.prepare_cached(MESSAGE)?;
            replies.extend(query.query_row([room.as_str(), root.as_str()], read_message).optional()?);
            replies
        }
    };
    messages.reverse();
    Ok(messages)
}

/// Shows what an event does, as part of a larger change. Doing it twice, or in another order, comes to the same.
pub(super) fn project(db: &Connection, room: &RoomId, projection: &Projection) -> rusqlite::Result<()> {
    match projection {
        Projection::Message(message) => insert(db, message),
        Projection::Edit { of, event, sender, sent_at, wording } => {
            reword(db, [room.as_str(), of.as_str(), event.as_str(), sender.as_str()], *sent_at, wording)
        }
        Projection::Deletion { of } => delete(db, room, of),
        Projection::Nothing => Ok(()),
    }
}

fn insert(db: &Connection, message: &Message) -> rusqlite::Result<()> {
    let wording = &message.wording;
    run(
        db,
        "INSERT INTO messages (ordinal, room, event, sender, sent_at, received_at, standing, thread, in_reply_to, sort, body,
                               content, mentions, mark)
         VALUES (:ordinal, :room, :event, :sender, :sent_at, :received_at, :standing, :thread, :in_reply_to, :sort, :body,
                 :content, :mentions, :mark)
         ON CONFLICT DO UPDATE SET standing = excluded.standing, thread = excluded.thread WHERE standing = 'history'",
        named_params! {
            ":ordinal": message.ordinal.0,
            ":room": message.room.as_str(),
            ":event": message.event.as_str(),
            ":sender": message.sender.as_str(),
            ":sent_at": from_millis(message.sent_at),
            ":received_at": from_millis(message.received_at),
            ":standing": message.standing.word(),
            ":thread": message.thread.as_ref().map(EventId::as_str),
            ":in_reply_to": message.in_reply_to.as_ref().map(EventId::as_str),
            ":sort": wording.sort.word(),
            ":body": wording.body,
            ":content": wording.content,
            ":mentions": to_json(&wording.mentions),
            ":mark": wording.mark.as_ref().map(to_json),
        },
    )?;
    let both = [message.room.as_str(), message.event.as_str()];
    let deleted = db.prepare_cached(DELETED)?.exists(both)?;
    if deleted { silence(db, both) } else { Ok(()) }
}

fn reword(
    db: &Connection,
    [room, of, event, sender]: [&str; 4],
    sent_at: Millis,
    wording: &Wording,
) -> rusqlite::Result<()> {
    run(
        db,
        "INSERT INTO edits SELECT :room, :of, :sender, :event, :sent_at, :sort, :body, :content, :mentions, :mark
         WHERE NOT EXISTS (SELECT 1 FROM deletions WHERE room = :room AND event IN (:of, :event))
         ON CONFLICT DO UPDATE SET event = excluded.event, sent_at = excluded.sent_at, sort = excluded.sort,
            body = excluded.body, content = excluded.content, mentions = excluded.mentions, mark = excluded.mark
         WHERE (excluded.sent_at, excluded.event) > (sent_at, event)",
        named_params! {
            ":room": room,
            ":of": of,
            ":sender": sender,
            ":event": event,
            ":sent_at": from_millis(sent_at),
            ":sort": wording.sort.word(),
            ":body": wording.body,
            ":content": wording.content,
            ":mentions": to_json(&wording.mentions),
            ":mark": wording.mark.as_ref().map(to_json),
        },
    )?;
    Ok(())
}

/// Takes back an event: a message with all its wordings, or one of the wordings.
fn delete(db: &Connection, room: &RoomId, of: &EventId) -> rusqlite::Result<()> {
    let both = [room.as_str(), of.as_str()];
    run(db, "INSERT INTO deletions VALUES (?1, ?2) ON CONFLICT DO NOTHING", both)?;
    silence(db, both)
}

/// Wipes the words, also from the journal.
fn silence(db: &Connection, both: [&str; 2]) -> rusqlite::Result<()> {
    run(db, "UPDATE events SET json = '{}' WHERE room = ?1 AND event = ?2 AND sealed = 0", both)?;
    let wordings = "UPDATE events SET json = '{}' WHERE room = ?1 AND sealed = 0 AND kind = 'm.room.message'
                    AND ordinal > (SELECT ordinal FROM messages WHERE room = ?1 AND event = ?2)
                    AND json LIKE '%m.replace%' AND json ->> '$.\"m.relates_to\".event_id' = ?2";
    run(db, wordings, both)?;
    run(db, "DELETE FROM edits WHERE room = ?1 AND (of = ?2 OR event = ?2)", both)?;
    let words = "UPDATE messages SET deleted = 1, body = '', content = '{}', mentions = '[]'
                 WHERE room = ?1 AND event = ?2";
    run(db, words, both)?;
    Ok(())
}

pub(super) fn read_message(row: &Row<'_>) -> rusqlite::Result<Message> {
    let mark: Option<String> = row.get("mark")?;
    Ok(Message {
        ordinal: Ordinal(row.get("ordinal")?),
        room: id(row, "room")?,
        event: id(row, "event")?,
        sender: id(row, "sender")?,
        sent_at: millis(row, "sent_at")?,
        received_at: millis(row, "received_at")?,
        standing: word(row, "standing")?,
        thread: optional_id(row, "thread")?,
        in_reply_to: optional_id(row, "in_reply_to")?,
        wording: Wording {
            sort: word(row, "sort")?,
            body: row.get("body")?,
            content: row.get("content")?,
            mentions: json(row, "mentions")?,
            mark: mark.map(|_| json(row, "mark")).transpose()?,
        },
        edited: row.get::<_, Option<String>>("edited_by")?.is_some(),
        deleted: row.get("deleted")?,
    })
}
