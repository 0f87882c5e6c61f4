//! Rooms that were replaced and still have to be followed.

use rusqlite::Row;

use super::{
    Store, StoreError,
    columns::{all, id, run},
};
use crate::model::{RoomId, UserId};

/// A room that was replaced by another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade {
    /// The old room.
    pub room: RoomId,
    /// Its replacement.
    pub successor: RoomId,
    /// Who says so.
    pub by: UserId,
}

impl Store {
    /// Every upgrade that was not settled yet. Each comes up once per successor, however many entities saw it.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn upgrades(&self) -> Result<Vec<Upgrade>, StoreError> {
        self.read(|db| {
            Ok(all(db, "SELECT * FROM upgrades WHERE settled = 0 ORDER BY room, successor", [], read_upgrade)?)
        })
        .await
    }

    /// Remembers that `upgrade` was followed, or won't be.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn settle_upgrade(&self, upgrade: &Upgrade) -> Result<(), StoreError> {
        let Upgrade { room, successor, by: _ } = upgrade.clone();
        self.write(move |db| {
            let sql = "UPDATE upgrades SET settled = 1 WHERE room = ?1 AND successor = ?2";
            run(db, sql, [room.as_str(), successor.as_str()])?;
            Ok(())
        })
        .await
    }
}

fn read_upgrade(row: &Row<'_>) -> rusqlite::Result<Upgrade> {
    Ok(Upgrade { room: id(row, "room")?, successor: id(row, "successor")?, by: id(row, "upgrader")? })
}
