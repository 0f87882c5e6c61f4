//! Events as they are kept, in order of arrival, and how many there are.

use rusqlite::{Connection, Row, params};

use super::{
    Store, StoreError,
    columns::{all, id, millis, rows, word},
};
use crate::model::{Content, Counts, EntityName, EventId, Millis, RoomId, Sealed, SealedCause, Standing, UserId};

/// How many events one question returns at most.
const PAGE_EVENTS_MAX: usize = 10_000;

/// An event's place in the order of arrival. It never changes and is never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ordinal(pub u64);

/// An event as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
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
    /// Whether it may call for an answer: so it is if it was live to any of our entities.
    pub standing: Standing,
    /// What it says, if any of ours could read it.
    pub content: Content,
    /// Whether it could not be read at first.
    pub healed: bool,
    /// Which entity brought it first.
    pub entity: EntityName,
    /// When that was.
    pub admitted_at: Millis,
    /// Whether it happened while that entity was away.
    pub missed: bool,
}

/// An event that nobody of ours could read so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedEvent {
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
    /// Whether it may call for an answer.
    pub standing: Standing,
    /// The whole encrypted event, as JSON.
    pub raw: String,
    /// The session whose key is missing, if the event names one.
    pub session: Option<String>,
    /// Why it could not be read when it came.
    pub cause: SealedCause,
    /// When that was.
    pub admitted_at: Millis,
}

impl Store {
    /// How many events are kept. Each is live or history; sealed and healed ones are counted there as well.
    ///
    /// Costs one look at each room, however many events there are.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn counts(&self) -> Result<Counts, StoreError> {
        self.read(|db| Ok(counts(db)?)).await
    }

    /// Up to `limit` events of `room` in order of arrival, from the first one `after` that place.
    ///
    /// At most 10 000 are returned; go on after the last of them.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn events(
        &self,
        room: &RoomId,
        after: Option<Ordinal>,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let room = room.clone();
        self.read(move |db| {
            let place = params![room.as_str(), place(after), rows(limit.min(PAGE_EVENTS_MAX))];
            Ok(all(db, EVENTS, place, read_event)?)
        })
        .await
    }

    /// Up to `limit` sealed events in order of arrival, from the first one `after` that place.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn sealed(&self, after: Option<Ordinal>, limit: usize) -> Result<Vec<SealedEvent>, StoreError> {
        self.read(move |db| Ok(all(db, SEALED, params![place(after), rows(limit.min(PAGE_EVENTS_MAX))], read_sealed)?))
            .await
    }

    /// Up to `limit` sealed events of `room` that were encrypted under `session`, in order of arrival: those that this
    /// session's key may open.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn sealed_under(
        &self,
        room: &RoomId,
        session: &str,
        limit: usize,
    ) -> Result<Vec<SealedEvent>, StoreError> {
        let (room, session) = (room.clone(), session.to_owned());
        self.read(move |db| {
            let place = params![room.as_str(), session, rows(limit.min(PAGE_EVENTS_MAX))];
            Ok(all(db, SEALED_UNDER, place, read_sealed)?)
        })
        .await
    }

    /// Up to `limit` sealed events in order of arrival, only from rooms that `entity` has joined: those it may get a key for.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn sealed_for(
        &self,
        entity: &EntityName,
        after: Option<Ordinal>,
        limit: usize,
    ) -> Result<Vec<SealedEvent>, StoreError> {
        let entity = entity.clone();
        self.read(move |db| {
            let place = params![place(after), rows(limit.min(PAGE_EVENTS_MAX)), entity.as_str()];
            Ok(all(db, SEALED_FOR, place, read_sealed)?)
        })
        .await
    }
}

pub(super) const SEALED_UNDER: &str = "SELECT * FROM events WHERE sealed = 1 AND room = ?1 AND session = ?2
    ORDER BY ordinal LIMIT ?3";
pub(super) const COUNTS: &str = "SELECT coalesce(sum(live), 0) AS live, coalesce(sum(history), 0) AS history,
    coalesce(sum(sealed), 0) AS sealed, coalesce(sum(healed), 0) AS healed, count(*) AS rooms FROM counters";
pub(super) const EVENTS: &str = "SELECT * FROM events WHERE room = ?1 AND ordinal > ?2 ORDER BY ordinal LIMIT ?3";
pub(super) const SEALED: &str = "SELECT * FROM events WHERE sealed = 1 AND ordinal > ?1 ORDER BY ordinal LIMIT ?2";
pub(super) const SEALED_FOR: &str = "SELECT * FROM events WHERE sealed = 1 AND ordinal > ?1
    AND EXISTS (SELECT 1 FROM memberships WHERE entity = ?3 AND memberships.room = events.room AND state = 'joined')
    ORDER BY ordinal LIMIT ?2";

fn counts(db: &Connection) -> rusqlite::Result<Counts> {
    db.prepare_cached(COUNTS)?.query_row([], |row| {
        Ok(Counts {
            live: row.get("live")?,
            history: row.get("history")?,
            sealed: row.get("sealed")?,
            healed: row.get("healed")?,
            rooms: row.get("rooms")?,
        })
    })
}

fn place(after: Option<Ordinal>) -> i64 {
    after.map_or(0, |ordinal| i64::try_from(ordinal.0).unwrap_or(i64::MAX))
}

pub(super) fn read_event(row: &Row<'_>) -> rusqlite::Result<StoredEvent> {
    let content = if row.get("sealed")? {
        Content::Sealed(Sealed { raw: row.get("raw")?, session: row.get("session")?, cause: word(row, "cause")? })
    } else {
        Content::Clear { kind: row.get("kind")?, json: row.get("json")? }
    };
    Ok(StoredEvent {
        ordinal: Ordinal(row.get("ordinal")?),
        room: id(row, "room")?,
        event: id(row, "event")?,
        sender: id(row, "sender")?,
        sent_at: millis(row, "sent_at")?,
        standing: word(row, "standing")?,
        content,
        healed: row.get("healed")?,
        entity: id(row, "entity")?,
        admitted_at: millis(row, "admitted_at")?,
        missed: row.get("missed")?,
    })
}

fn read_sealed(row: &Row<'_>) -> rusqlite::Result<SealedEvent> {
    Ok(SealedEvent {
        ordinal: Ordinal(row.get("ordinal")?),
        room: id(row, "room")?,
        event: id(row, "event")?,
        sender: id(row, "sender")?,
        sent_at: millis(row, "sent_at")?,
        standing: word(row, "standing")?,
        raw: row.get("raw")?,
        session: row.get("session")?,
        cause: word(row, "cause")?,
        admitted_at: millis(row, "admitted_at")?,
    })
}
