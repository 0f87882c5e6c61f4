//! Accounts: the same user and the same device for life.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};

use super::{
    Store, StoreError,
    columns::{all, id, optional_id, run},
};
use crate::model::{Account, EntityName, Password, Secret, Tokens, UserId};

impl Store {
    /// The account of `entity`. The person at the keyboard has one under the name `user`.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn account(&self, entity: &EntityName) -> Result<Option<Account>, StoreError> {
        let entity = entity.clone();
        self.read(move |db| Ok(find_account(db, &entity)?)).await
    }

    /// Every account, by entity.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        self.read(|db| Ok(all(db, "SELECT * FROM accounts ORDER BY entity", [], read_account)?)).await
    }

    /// Whose account each known user is.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn users(&self) -> Result<BTreeMap<UserId, EntityName>, StoreError> {
        self.read(|db| Ok(users(db)?)).await
    }

    /// Keeps `account` as it is, in place of what was known of it.
    ///
    /// All of it is replaced, the tokens too: while a session may refresh them, use [`Store::save_recovery_key`] or
    /// [`Store::save_tokens_blocking`] instead of saving an older picture.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn save_account(&self, account: Account) -> Result<(), StoreError> {
        self.write_for_good(move |db| Ok(save(db, &account)?)).await
    }

    /// Keeps the key that unlocks the account's secret storage.
    ///
    /// # Errors
    /// [`StoreError::NoAccount`] when nothing is known of `entity`; else when it could not be committed.
    pub async fn save_recovery_key(&self, entity: &EntityName, key: Secret) -> Result<(), StoreError> {
        let entity = entity.clone();
        self.write_for_good(move |db| {
            let sql = "UPDATE accounts SET recovery_key = ?2 WHERE entity = ?1";
            one(run(db, sql, [entity.as_str(), key.reveal()])?, &entity)
        })
        .await
    }

    /// Keeps new tokens, and returns when they are on the disk: the old refresh token dies with the new one's first use.
    ///
    /// For callbacks that can't await; holds up the calling thread, which may be one that runs tasks.
    ///
    /// # Errors
    /// [`StoreError::NoAccount`] when nothing is known of `entity`; else when it could not be committed.
    pub fn save_tokens_blocking(&self, entity: &EntityName, tokens: Tokens) -> Result<(), StoreError> {
        let entity = entity.clone();
        self.write_blocking(move |db| {
            let sql = "UPDATE accounts SET access_token = ?2, refresh_token = ?3 WHERE entity = ?1";
            let refresh = tokens.refresh.as_ref().map(Secret::reveal);
            one(run(db, sql, params![entity.as_str(), tokens.access.reveal(), refresh])?, &entity)
        })
    }
}

fn one(changed: usize, entity: &EntityName) -> Result<(), StoreError> {
    if changed == 1 { Ok(()) } else { Err(StoreError::NoAccount { entity: entity.clone() }) }
}

fn save(db: &Connection, account: &Account) -> rusqlite::Result<()> {
    let tokens = account.tokens.as_ref();
    run(
        db,
        "INSERT OR REPLACE INTO accounts VALUES (:entity, :localpart, :user, :device, :password, :password_ours,
         :access_token, :refresh_token, :recovery_key, :store_key)",
        named_params! {
            ":entity": account.entity.as_str(),
            ":localpart": account.localpart,
            ":user": account.user.as_ref().map(UserId::as_str),
            ":device": account.device.as_str(),
            ":password": account.password.as_ref().map(|password| password.secret.reveal()),
            ":password_ours": account.password.as_ref().map(|password| password.ours),
            ":access_token": tokens.map(|tokens| tokens.access.reveal()),
            ":refresh_token": tokens.and_then(|tokens| tokens.refresh.as_ref()).map(Secret::reveal),
            ":recovery_key": account.recovery_key.as_ref().map(Secret::reveal),
            ":store_key": account.store_key.reveal(),
        },
    )?;
    Ok(())
}

/// Whose account each known user is.
pub(super) fn users(db: &Connection) -> rusqlite::Result<BTreeMap<UserId, EntityName>> {
    let sql = "SELECT user, entity FROM accounts WHERE user IS NOT NULL";
    all(db, sql, [], |row| Ok((id(row, "user")?, id(row, "entity")?)))
}

/// The account of `entity`.
pub(super) fn find_account(db: &Connection, entity: &EntityName) -> rusqlite::Result<Option<Account>> {
    let mut query = db.prepare_cached("SELECT * FROM accounts WHERE entity = ?1")?;
    query.query_row([entity.as_str()], read_account).optional()
}

fn read_account(row: &Row<'_>) -> rusqlite::Result<Account> {
    let password = match (secret(row, "password")?, row.get("password_ours")?) {
        (Some(secret), Some(ours)) => Some(Password { secret, ours }),
        (_, _) => None,
    };
    let refresh = secret(row, "refresh_token")?;
    Ok(Account {
        entity: id(row, "entity")?,
        localpart: row.get("localpart")?,
        user: optional_id(row, "user")?,
        device: id(row, "device")?,
        password,
        tokens: secret(row, "access_token")?.map(|access| Tokens { access, refresh }),
        recovery_key: secret(row, "recovery_key")?,
        store_key: Secret::new(row.get::<_, String>("store_key")?),
    })
}

fn secret(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Secret>> {
    Ok(row.get::<_, Option<String>>(column)?.map(Secret::new))
}
