//! What people ask about: answers by the beginning of their id, answers that failed, and messages that nobody can read.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    Store, StoreError, StoredTurn,
    columns::{all, id, optional_millis, rows},
    turns,
};
use crate::model::{Millis, RoomId, TurnId, UserId};

/// How many rows one question returns at most.
const ROWS_MAX: usize = 1_000;

impl Store {
    /// Up to `limit` turns whose id begins with `beginning`.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn turns_beginning(&self, beginning: &str, limit: usize) -> Result<Vec<StoredTurn>, StoreError> {
        let beginning = beginning.to_owned();
        self.read(move |db| {
            let range = params![beginning, end(&beginning), rows(limit.min(ROWS_MAX))];
            let ids: Vec<TurnId> = all(db, BEGINNING, range, |row| id(row, "id"))?;
            Ok(turns::stored(db, &ids)?)
        })
        .await
    }

    /// The newest `limit` turns that failed and were not tried again, newest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn failed_turns(&self, limit: usize) -> Result<Vec<StoredTurn>, StoreError> {
        self.read(move |db| {
            let ids: Vec<TurnId> = all(db, FAILED, [rows(limit.min(ROWS_MAX))], |row| id(row, "id"))?;
            Ok(turns::stored(db, &ids)?)
        })
        .await
    }

    /// Who sent the messages of `room` that nobody of ours can read, one entry for each of up to `limit` messages.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn sealed_senders(&self, room: &RoomId, limit: usize) -> Result<Vec<UserId>, StoreError> {
        let room = room.clone();
        self.read(move |db| {
            Ok(all(db, SEALED_SENDERS, params![room.as_str(), rows(limit.min(ROWS_MAX))], |row| id(row, "sender"))?)
        })
        .await
    }

    /// When the newest of the notices was written down whose id begins with `beginning`.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn newest_notice(&self, beginning: &str) -> Result<Option<Millis>, StoreError> {
        let beginning = beginning.to_owned();
        self.read(move |db| Ok(newest_notice(db, &beginning)?)).await
    }

    /// The ids of up to `limit` notices that begin with `beginning`, say something else than `text`, and reply to a message
    /// that could not be read at first and now can.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn notices_on_healed(
        &self,
        beginning: &str,
        text: &str,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let (beginning, text) = (beginning.to_owned(), text.to_owned());
        self.read(move |db| {
            let range = params![beginning, end(&beginning), text, rows(limit.min(ROWS_MAX))];
            Ok(all(db, ON_HEALED, range, |row| row.get("id"))?)
        })
        .await
    }
}

pub(super) const BEGINNING: &str = "SELECT id FROM turns WHERE id >= ?1 AND id < ?2 LIMIT ?3";
pub(super) const FAILED: &str = "SELECT id FROM turns WHERE state = 'failed' ORDER BY started_at DESC LIMIT ?1";
pub(super) const SEALED_SENDERS: &str = "SELECT sender FROM events WHERE sealed = 1 AND room = ?1 LIMIT ?2";
pub(super) const NEWEST_NOTICE: &str = "SELECT max(created_at) AS at FROM notices WHERE id >= ?1 AND id < ?2";
pub(super) const ON_HEALED: &str = "SELECT id FROM notices
    JOIN events ON events.room = notices.room AND events.event = notices.reply_to AND events.healed = 1
    WHERE id >= ?1 AND id < ?2 AND text <> ?3 LIMIT ?4";

fn newest_notice(db: &Connection, beginning: &str) -> rusqlite::Result<Option<Millis>> {
    let mut query = db.prepare_cached(NEWEST_NOTICE)?;
    let found = query.query_row([beginning, &end(beginning)], |row| optional_millis(row, "at"));
    found.optional().map(Option::flatten)
}

/// What comes after every text that begins with `beginning`.
pub(super) fn end(beginning: &str) -> String {
    format!("{beginning}\u{10ffff}")
}
