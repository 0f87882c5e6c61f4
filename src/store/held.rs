//! N7: messages that were missed and are held back until people say which of them are answered.
//!
//! They bear a decision by that rule that asks. Released, each of them counts as one for which somebody is yet to be found,
//! so that a start after a crash goes on with those that nobody judged anew.

use rusqlite::{Connection, OptionalExtension as _};

use super::{
    Decision, Store, StoreError, StoredNotice,
    columns::{all, id, run},
    decisions::read_decision,
    lookups::end,
    notices,
};
use crate::model::RoomId;

/// Which of the messages that are held back are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// All of them.
    All,
    /// The one that came last.
    Newest,
    /// None of them.
    None,
}

/// What comes of an answer to the question about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Which of them are answered.
    pub fate: Fate,
    /// What the question says from then on.
    pub said: String,
}

impl Store {
    /// The messages of `room` that are held back and still stand, in order of arrival.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn held(&self, room: &RoomId) -> Result<Vec<Decision>, StoreError> {
        let room = room.clone();
        self.read(move |db| Ok(all(db, HELD, [room.as_str()], read_decision)?)).await
    }

    /// The rooms that have messages held back.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn rooms_with_held(&self) -> Result<Vec<RoomId>, StoreError> {
        self.read(|db| Ok(all(db, ROOMS, [], |row| id(row, "room"))?)).await
    }

    /// How many events of `room` were missed and are yet to be looked at.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn missed_due(&self, room: &RoomId) -> Result<usize, StoreError> {
        let room = room.clone();
        self.read(move |db| Ok(db.prepare_cached(MISSED_DUE)?.query_row([room.as_str()], |row| row.get("events"))?))
            .await
    }

    /// Lets go what is held back in `room` without anybody having been asked.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn release(&self, room: &RoomId, fate: Fate) -> Result<(), StoreError> {
        let room = room.clone();
        self.write(move |db| Ok(release(db, &room, fate)?)).await
    }

    /// The newest notice whose id begins with `beginning`.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn newest_notice_of(&self, beginning: &str) -> Result<Option<StoredNotice>, StoreError> {
        let beginning = beginning.to_owned();
        self.read(move |db| {
            let range = [beginning.as_str(), &end(&beginning)];
            let newest: Option<String> = db.prepare_cached(NEWEST)?.query_row(range, |row| row.get("id")).optional()?;
            Ok(newest.map_or(Ok(None), |id| notices::with_id(db, &id))?)
        })
        .await
    }
}

pub(super) const HELD: &str = "SELECT decisions.* FROM decisions JOIN messages ON messages.ordinal = decisions.ordinal
    WHERE decisions.room = ?1 AND rule = 'N7' AND action = 'ask' AND deleted = 0 ORDER BY decisions.ordinal";
const ROOMS: &str = "SELECT DISTINCT room FROM decisions WHERE rule = 'N7' AND action = 'ask'";
pub(super) const MISSED_DUE: &str =
    "SELECT count(*) AS events FROM events INDEXED BY events_due WHERE due = 1 AND missed = 1 AND room = ?1";
const NEWEST: &str = "SELECT id FROM notices WHERE id >= ?1 AND id < ?2 ORDER BY serial DESC LIMIT 1";
const LEAVE: &str = "UPDATE decisions SET action = 'ignore', reason = 'it was missed, and nobody wanted it answered'
    WHERE room = ?1 AND rule = 'N7' AND action = 'ask'";
const LEAVE_OLDER: &str = "UPDATE decisions SET action = 'ignore', reason = 'it was missed, and only the newest was wanted'
    WHERE room = ?1 AND rule = 'N7' AND action = 'ask' AND ordinal < (SELECT max(d.ordinal) FROM decisions AS d
    JOIN messages AS m ON m.ordinal = d.ordinal WHERE d.room = ?1 AND d.rule = 'N7' AND d.action = 'ask' AND m.deleted = 0)";
const TAKE_UP: &str = "UPDATE decisions SET action = 'route' WHERE room = ?1 AND rule = 'N7' AND action = 'ask'";

/// Lets go what is held back in a room, as part of a larger change.
pub(super) fn release(db: &Connection, room: &RoomId, fate: Fate) -> rusqlite::Result<()> {
    let steps: &[&str] = match fate {
        Fate::All => &[TAKE_UP],
        Fate::Newest => &[LEAVE_OLDER, TAKE_UP],
        Fate::None => &[LEAVE],
    };
    for sql in steps {
        run(db, sql, [room.as_str()])?;
    }
    Ok(())
}
