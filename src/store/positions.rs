//! Positions: where each entity's sync stream goes on. They move with admission alone.

use rusqlite::{Connection, OptionalExtension as _};

use super::{
    Store, StoreError,
    columns::{id, run},
};
use crate::model::{EntityName, SyncToken};

impl Store {
    /// Where the stream of `entity` goes on; `None` before its first batch.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn position(&self, entity: &EntityName) -> Result<Option<SyncToken>, StoreError> {
        let entity = entity.clone();
        self.read(move |db| {
            let mut query = db.prepare_cached("SELECT token FROM positions WHERE entity = ?1")?;
            Ok(query.query_row([entity.as_str()], |row| id(row, "token")).optional()?)
        })
        .await
    }
}

/// Moves the stream of `entity` on to `token`.
pub(super) fn save(db: &Connection, entity: &EntityName, token: &SyncToken) -> rusqlite::Result<()> {
    let sql = "INSERT INTO positions VALUES (?1, ?2) ON CONFLICT (entity) DO UPDATE SET token = excluded.token";
    run(db, sql, [entity.as_str(), token.as_str()])?;
    Ok(())
}
