//! Facts about the house that have no table of their own, by name.

use rusqlite::OptionalExtension as _;

use super::{Store, StoreError, columns::run};

impl Store {
    /// The fact called `name`, such as the homeserver's address at the first start.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn fact(&self, name: &str) -> Result<Option<String>, StoreError> {
        let name = name.to_owned();
        self.read(move |db| {
            let mut query = db.prepare_cached("SELECT value FROM facts WHERE name = ?1")?;
            Ok(query.query_row([name], |row| row.get(0)).optional()?)
        })
        .await
    }

    /// Keeps `value` as the fact called `name`.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn save_fact(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.write(move |db| {
            run(db, "INSERT OR REPLACE INTO facts VALUES (?1, ?2)", [name, value])?;
            Ok(())
        })
        .await
    }
}
