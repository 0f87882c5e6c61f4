//! Accounts that are deactivated for good, since their entities are configured no longer.

use rusqlite::OptionalExtension as _;

use super::{
    Store, StoreError,
    accounts::find_account,
    columns::{Word as _, all, id, run, word},
};
use crate::model::{Account, EntityName};

/// How far the end of an account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retirement {
    /// Its entity goes. Until it has begun, it may come back.
    Due,
    /// The homeserver was asked, or is about to be.
    Begun,
    /// The account is no more.
    Done,
}

impl Store {
    /// Keeps how far the end of `entity`'s account is.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn retire(&self, entity: &EntityName, state: Retirement) -> Result<(), StoreError> {
        let entity = entity.clone();
        self.write_for_good(move |db| {
            run(db, "INSERT OR REPLACE INTO retirements VALUES (?1, ?2)", [entity.as_str(), state.word()])?;
            Ok(())
        })
        .await
    }

    /// The account of `entity` is not to end after all, unless that has begun.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn stay(&self, entity: &EntityName) -> Result<(), StoreError> {
        let entity = entity.clone();
        self.write_for_good(move |db| {
            run(db, "DELETE FROM retirements WHERE entity = ?1 AND state = 'due'", [entity.as_str()])?;
            Ok(())
        })
        .await
    }

    /// Everybody whose account ends or has ended.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn retirements(&self) -> Result<Vec<(EntityName, Retirement)>, StoreError> {
        let sql = "SELECT * FROM retirements ORDER BY entity";
        self.read(move |db| Ok(all(db, sql, [], |row| Ok((id(row, "entity")?, word(row, "state")?)))?)).await
    }

    /// The account of `entity`, and how far its end is.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn account_in_use(
        &self,
        entity: &EntityName,
    ) -> Result<(Option<Account>, Option<Retirement>), StoreError> {
        let entity = entity.clone();
        self.read(move |db| {
            let account = find_account(db, &entity)?;
            let mut query = db.prepare_cached("SELECT state FROM retirements WHERE entity = ?1")?;
            Ok((account, query.query_row([entity.as_str()], |row| word(row, "state")).optional()?))
        })
        .await
    }
}
