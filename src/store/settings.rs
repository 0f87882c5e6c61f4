//! What people set by command: for a room as a whole, or for one thread in it.

use rusqlite::{OptionalExtension as _, params};

use super::{Store, StoreError, columns::run};
use crate::model::{Conversation, EventId};

impl Store {
    /// What `key` was set to for exactly this conversation; without a thread, for the room.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn setting(&self, place: &Conversation, key: &str) -> Result<Option<String>, StoreError> {
        let (place, key) = (place.clone(), key.to_owned());
        self.read(move |db| {
            let sql = "SELECT value FROM settings WHERE room = ?1 AND thread = ?2 AND key = ?3";
            let mut query = db.prepare_cached(sql)?;
            Ok(query.query_row(params![place.room.as_str(), thread(&place), key], |row| row.get(0)).optional()?)
        })
        .await
    }

    /// Sets `key` for exactly this conversation; without a thread, for the room. No value takes the setting back.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn set_setting(&self, place: &Conversation, key: &str, value: Option<&str>) -> Result<(), StoreError> {
        let (place, key, value) = (place.clone(), key.to_owned(), value.map(str::to_owned));
        self.write(move |db| {
            let (room, thread) = (place.room.as_str(), thread(&place));
            match &value {
                Some(value) => {
                    run(db, "INSERT OR REPLACE INTO settings VALUES (?1, ?2, ?3, ?4)", [room, thread, &key, value])?
                }
                None => {
                    run(db, "DELETE FROM settings WHERE room = ?1 AND thread = ?2 AND key = ?3", [room, thread, &key])?
                }
            };
            Ok(())
        })
        .await
    }
}

/// Empty for the room as a whole: a column of the key can't be.
fn thread(place: &Conversation) -> &str {
    place.thread.as_ref().map_or("", EventId::as_str)
}
