//! Rooms: which are ours, who of us is in them, which are encrypted, which were greeted.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{
    Store, StoreError,
    columns::{all, id, run, word},
};
use crate::model::{EntityName, RoomId, RoomKey};

/// Account by account, since those are few, and what they ever had to do with rooms is much.
pub(super) const STANDINGS: &str =
    "SELECT entity, state FROM accounts CROSS JOIN memberships USING (entity) WHERE room = ?1";
/// A room and those it replaced, newest first, each once, so that a circle of tombstones ends; as many as anybody looks back.
pub(super) const LINEAGE: &str =
    "WITH RECURSIVE line (room) AS (SELECT ?1 UNION SELECT predecessor FROM line JOIN room_facts USING (room)
     WHERE predecessor IS NOT NULL LIMIT 32) SELECT room FROM line";

/// A room that the configuration names, found or made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedRoom {
    /// How the configuration names it.
    pub key: RoomKey,
    /// Its id.
    pub room: RoomId,
    /// Whether we created it.
    pub made_by_us: bool,
}

/// Where an entity stands towards a room, as its own stream last told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Membership {
    /// Asked in.
    Invited,
    /// In it.
    Joined,
    /// Gone by itself.
    Left,
    /// Put out.
    Kicked,
    /// Put out for good.
    Banned,
}

impl Store {
    /// The room behind `key`, if it was found or made before.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn room(&self, key: &RoomKey) -> Result<Option<RoomId>, StoreError> {
        let key = key.clone();
        self.read(move |db| {
            let mut query = db.prepare_cached("SELECT room FROM rooms WHERE key = ?1")?;
            Ok(query.query_row([key.as_str()], |row| id(row, "room")).optional()?)
        })
        .await
    }

    /// Every room behind a key, by key.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn rooms(&self) -> Result<Vec<ManagedRoom>, StoreError> {
        self.read(|db| Ok(all(db, "SELECT * FROM rooms ORDER BY key", [], read_room)?)).await
    }

    /// Forgets which room is behind a key.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn forget_room(&self, key: &RoomKey) -> Result<(), StoreError> {
        let key = key.clone();
        self.write(move |db| {
            run(db, "DELETE FROM rooms WHERE key = ?1", [key.as_str()])?;
            Ok(())
        })
        .await
    }

    /// Keeps which room is behind a key. A room that we made stays made by us, also when it is found again later.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn save_room(&self, room: ManagedRoom) -> Result<(), StoreError> {
        self.write(move |db| {
            let sql = "INSERT INTO rooms VALUES (?1, ?2, ?3) ON CONFLICT (key) DO UPDATE SET room = excluded.room,
                       made_by_us = max(excluded.made_by_us, made_by_us AND room = excluded.room)";
            run(db, sql, params![room.key.as_str(), room.room.as_str(), room.made_by_us])?;
            Ok(())
        })
        .await
    }

    /// Moves what is bound to `old` to its successor `new`: keys, the welcome, what was set for it, and the line of history.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn rebind(&self, old: &RoomId, new: &RoomId) -> Result<(), StoreError> {
        let (old, new) = (old.clone(), new.clone());
        self.write(move |db| Ok(rebind(db, &old, &new)?)).await
    }

    /// `room` and the rooms it replaced, newest first; at most 32.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn lineage(&self, room: &RoomId) -> Result<Vec<RoomId>, StoreError> {
        let room = room.clone();
        self.read(move |db| Ok(all(db, LINEAGE, [room.as_str()], |row| id(row, "room"))?)).await
    }

    /// The rooms in which nothing may be said in plain text.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn encrypted_rooms(&self) -> Result<BTreeSet<RoomId>, StoreError> {
        self.read(|db| Ok(all(db, "SELECT room FROM room_facts WHERE encrypted = 1", [], |row| id(row, "room"))?)).await
    }

    /// Remembers that `room` is encrypted. There is no way back.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn mark_encrypted(&self, room: &RoomId) -> Result<(), StoreError> {
        let room = room.clone();
        self.write(move |db| Ok(encrypt(db, &room)?)).await
    }

    /// Where `entity` stands towards every room that it ever had to do with.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn memberships(&self, entity: &EntityName) -> Result<BTreeMap<RoomId, Membership>, StoreError> {
        let entity = entity.clone();
        self.read(move |db| {
            let sql = "SELECT room, state FROM memberships WHERE entity = ?1";
            Ok(all(db, sql, [entity.as_str()], |row| Ok((id(row, "room")?, word(row, "state")?)))?)
        })
        .await
    }

    /// Where every account stands towards `room`, if it ever had to do with it.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn standings(&self, room: &RoomId) -> Result<BTreeMap<EntityName, Membership>, StoreError> {
        let room = room.clone();
        self.read(move |db| Ok(standings(db, &room)?)).await
    }

    /// Whether the welcome stands in `room`.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn welcomed(&self, room: &RoomId) -> Result<bool, StoreError> {
        let room = room.clone();
        self.read(move |db| Ok(db.prepare_cached("SELECT 1 FROM welcomes WHERE room = ?1")?.exists([room.as_str()])?))
            .await
    }

    /// Remembers that the welcome stands in `room`.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn save_welcome(&self, room: &RoomId) -> Result<(), StoreError> {
        let room = room.clone();
        self.write(move |db| {
            run(db, "INSERT INTO welcomes VALUES (?1) ON CONFLICT DO NOTHING", [room.as_str()])?;
            Ok(())
        })
        .await
    }
}

/// Where every account stands towards `room`, if it ever had to do with it.
pub(super) fn standings(db: &Connection, room: &RoomId) -> rusqlite::Result<BTreeMap<EntityName, Membership>> {
    all(db, STANDINGS, [room.as_str()], |row| Ok((id(row, "entity")?, word(row, "state")?)))
}

/// Remembers that `room` is encrypted.
pub(super) fn encrypt(db: &Connection, room: &RoomId) -> rusqlite::Result<()> {
    let sql = "INSERT INTO room_facts (room, encrypted) VALUES (?1, 1) ON CONFLICT (room) DO UPDATE SET encrypted = 1";
    run(db, sql, [room.as_str()])?;
    Ok(())
}

fn rebind(db: &Connection, old: &RoomId, new: &RoomId) -> rusqlite::Result<()> {
    if old == new {
        return Ok(());
    }
    let both = [old.as_str(), new.as_str()];
    run(db, "UPDATE rooms SET room = ?2 WHERE room = ?1", both)?;
    run(db, "INSERT INTO welcomes SELECT ?2 FROM welcomes WHERE room = ?1 ON CONFLICT DO NOTHING", both)?;
    run(db, "DELETE FROM welcomes WHERE room = ?1", [old.as_str()])?;
    // What was set in the new room already counts there. Nothing stays behind that could come again when this is repeated.
    run(db, "UPDATE OR IGNORE settings SET room = ?2 WHERE room = ?1 AND thread = ''", both)?;
    run(db, "DELETE FROM settings WHERE room = ?1 AND thread = ''", [old.as_str()])?;
    let sql = "INSERT INTO room_facts (room, predecessor) VALUES (?2, ?1)
               ON CONFLICT (room) DO UPDATE SET predecessor = coalesce(predecessor, excluded.predecessor)";
    run(db, sql, both)?;
    Ok(())
}

fn read_room(row: &Row<'_>) -> rusqlite::Result<ManagedRoom> {
    Ok(ManagedRoom { key: id(row, "key")?, room: id(row, "room")?, made_by_us: row.get("made_by_us")? })
}
