//! Notices: what is said outside answers, kept until people see it, with what they tapped.

use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};

use super::{
    Store, StoreError,
    columns::{all, from_millis, id, millis, optional_id, optional_json, rows, run, to_json},
};
use crate::model::{Conversation, EventId, Millis, Notice, RoomId, UserId};

/// A notice as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredNotice {
    /// The notice, with its newest text.
    pub notice: Notice,
    /// Counts what its text was changed to, from 1.
    pub wording: u32,
    /// The wording that people see; 0 as long as they see none.
    pub shown: u32,
    /// The messages in the room that show it, in order.
    pub parts: Vec<EventId>,
    /// What was answered, if it asks something.
    pub answer: Option<PollAnswer>,
    /// When it was written down.
    pub created_at: Millis,
}

/// What somebody answered to a question with taps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PollAnswer {
    /// The value of the option.
    pub value: String,
    /// Who chose it.
    pub by: UserId,
}

impl Store {
    /// Keeps a notice until it is said. One with the same id is kept once. Answers whether it was new.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn save_notice(&self, notice: &Notice, now: Millis) -> Result<bool, StoreError> {
        let notice = notice.clone();
        let fresh = self.write(move |db| Ok(insert_notice(db, &notice, now)?)).await?;
        self.ring();
        Ok(fresh)
    }

    /// The oldest `limit` notices that people don't see yet, or not as they are worded now.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn pending_notices(&self, limit: usize) -> Result<Vec<StoredNotice>, StoreError> {
        self.read(move |db| {
            let mut notices: Vec<StoredNotice> = all(db, PENDING, [rows(limit)], read)?;
            notices.iter_mut().try_for_each(|notice| add_parts(db, notice))?;
            Ok(notices)
        })
        .await
    }

    /// Remembers a message in the room as part number `part` of a notice.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn notice_sent(&self, id: &str, part: u32, event: &EventId) -> Result<(), StoreError> {
        let (id, event) = (id.to_owned(), event.clone());
        self.write(move |db| {
            let sql = "INSERT OR REPLACE INTO notice_parts (notice, part, room, event)
                       SELECT id, ?2, room, ?3 FROM notices WHERE id = ?1";
            run(db, sql, params![id, part, event.as_str()])?;
            Ok(())
        })
        .await
    }

    /// Remembers that people see a notice in this wording, with everything they may tap.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn notice_shown(&self, id: &str, wording: u32) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write(move |db| {
            run(db, "UPDATE notices SET shown = max(shown, ?2) WHERE id = ?1", params![id, wording])?;
            Ok(())
        })
        .await
    }

    /// Remembers that a notice can't be said. It isn't tried again.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn notice_failed(&self, id: &str) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write(move |db| {
            run(db, "UPDATE notices SET failed = 1 WHERE id = ?1", [id])?;
            Ok(())
        })
        .await
    }

    /// The notice with this id.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn notice(&self, id: &str) -> Result<Option<StoredNotice>, StoreError> {
        let id = id.to_owned();
        self.read(move |db| Ok(with_id(db, &id)?)).await
    }

    /// The notice that a message of ours is part of.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn notice_at(&self, room: &RoomId, event: &EventId) -> Result<Option<StoredNotice>, StoreError> {
        let (room, event) = (room.clone(), event.clone());
        self.read(move |db| Ok(one(db, AT, [room.as_str(), event.as_str()])?)).await
    }

    /// Changes what a notice says; where it stands in the room, it is edited. Answers whether anything changed.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn reword_notice(&self, id: &str, text: &str) -> Result<bool, StoreError> {
        let (id, text) = (id.to_owned(), text.to_owned());
        let changed = self.write(move |db| Ok(reword_notice(db, &id, &text)?)).await?;
        self.ring();
        Ok(changed)
    }

    /// Keeps what somebody answered. The first answer counts; answers whether this is it.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn record_answer(&self, id: &str, value: &str, by: &UserId) -> Result<bool, StoreError> {
        let Some(asked) = self.notice(id).await? else { return Ok(false) };
        let (id, value, by) = (id.to_owned(), value.to_owned(), by.clone());
        self.write_in(asked.notice.conversation.room, move |db| Ok(record_answer(db, &id, &value, &by)?)).await
    }

    /// What was answered to a notice that asks something.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn answer_of(&self, id: &str) -> Result<Option<PollAnswer>, StoreError> {
        Ok(self.notice(id).await?.and_then(|stored| stored.answer))
    }
}

pub(super) const PENDING: &str = "SELECT * FROM notices WHERE shown < wording AND failed = 0 ORDER BY serial LIMIT ?1";
pub(super) const AT: &str =
    "SELECT * FROM notices WHERE id = (SELECT notice FROM notice_parts WHERE room = ?1 AND event = ?2)";

/// Keeps a notice until it is said. Answers whether it was new.
pub(super) fn insert_notice(db: &Connection, notice: &Notice, now: Millis) -> rusqlite::Result<bool> {
    let inserted = run(
        db,
        "INSERT INTO notices (id, entity, room, thread, reply_to, text, poll, created_at) VALUES
         (:id, :entity, :room, :thread, :reply_to, :text, :poll, :created_at) ON CONFLICT (id) DO NOTHING",
        named_params! {
            ":id": notice.id,
            ":entity": notice.speaker.as_str(),
            ":room": notice.conversation.room.as_str(),
            ":thread": notice.conversation.thread.as_ref().map(EventId::as_str),
            ":reply_to": notice.reply_to.as_ref().map(EventId::as_str),
            ":text": notice.text,
            ":poll": notice.poll.as_ref().map(to_json),
            ":created_at": from_millis(now),
        },
    )?;
    Ok(inserted == 1)
}

/// Changes what a notice says. Answers whether anything changed.
pub(super) fn reword_notice(db: &Connection, id: &str, text: &str) -> rusqlite::Result<bool> {
    let sql = "UPDATE notices SET text = ?2, wording = wording + 1 WHERE id = ?1 AND text <> ?2";
    Ok(run(db, sql, [id, text])? == 1)
}

/// Keeps what somebody answered, unless somebody did before. Answers whether it was kept.
pub(super) fn record_answer(db: &Connection, id: &str, value: &str, by: &UserId) -> rusqlite::Result<bool> {
    let sql = "UPDATE notices SET answer = ?2, answered_by = ?3 WHERE id = ?1 AND answer IS NULL";
    Ok(run(db, sql, [id, value, by.as_str()])? == 1)
}

/// The notice with this id.
pub(super) fn with_id(db: &Connection, id: &str) -> rusqlite::Result<Option<StoredNotice>> {
    one(db, "SELECT * FROM notices WHERE id = ?1", [id])
}

fn one<const N: usize>(db: &Connection, sql: &str, keys: [&str; N]) -> rusqlite::Result<Option<StoredNotice>> {
    let keys = rusqlite::params_from_iter(keys);
    let mut found = db.prepare_cached(sql)?.query_row(keys, read).optional()?;
    found.as_mut().map_or(Ok(()), |notice| add_parts(db, notice))?;
    Ok(found)
}

fn add_parts(db: &Connection, stored: &mut StoredNotice) -> rusqlite::Result<()> {
    let sql = "SELECT event FROM notice_parts WHERE notice = ?1 ORDER BY part";
    stored.parts = all(db, sql, [&stored.notice.id], |row| id(row, "event"))?;
    Ok(())
}

/// A notice without its parts.
fn read(row: &Row<'_>) -> rusqlite::Result<StoredNotice> {
    let notice = Notice {
        id: row.get("id")?,
        speaker: id(row, "entity")?,
        conversation: Conversation { room: id(row, "room")?, thread: optional_id(row, "thread")? },
        reply_to: optional_id(row, "reply_to")?,
        text: row.get("text")?,
        poll: optional_json(row, "poll")?,
    };
    let value: Option<String> = row.get("answer")?;
    let by: Option<UserId> = optional_id(row, "answered_by")?;
    let answer = value.zip(by).map(|(value, by)| PollAnswer { value, by });
    let (wording, shown, created_at) = (row.get("wording")?, row.get("shown")?, millis(row, "created_at")?);
    Ok(StoredNotice { notice, wording, shown, parts: Vec::new(), answer, created_at })
}
