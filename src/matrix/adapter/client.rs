//! Builds the SDK's client for one account: its stores, its settings, and our token in place of its own.

use std::{path::Path, sync::Arc, time::Duration};

use matrix_sdk::{
    AuthSession, Client, SessionMeta, SessionTokens, SqliteCryptoStore, SqliteStateStore, SqliteStoreConfig,
    authentication::matrix::MatrixSession,
    config::RequestConfig,
    encryption::{BackupDownloadStrategy, EncryptionSettings},
    ruma::{OwnedDeviceId, RoomId as RumaRoomId, UserId as RumaUserId},
    store::{StateStoreDataKey, StateStoreDataValue, StoreConfig},
};

use super::{devices::Devices, failure};
use crate::{
    matrix::{MatrixError, hex::from_hex, watch::Watch},
    model::{Account, RoomId, Secret, SyncToken, Tokens, UserId},
};

/// Connections to one SQLite file of the SDK.
const POOL_SIZE: usize = 2;
/// SQLite's page cache for each connection, in bytes.
const CACHE_BYTES: u32 = 64 * 1024;

/// What all clients share.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub(super) http: reqwest::Client,
    pub(super) url: String,
    pub(super) request_timeout: Duration,
    pub(super) watch: Arc<Watch>,
}

/// Called with new tokens before they are used.
pub(super) type KeepTokens = Arc<dyn Fn(Tokens) -> Result<(), MatrixError> + Send + Sync>;

/// One HTTP client for all accounts. HTTP/1.1 only: over HTTP/2 all long-polls would share one connection, and sends
/// would wait behind a proxy's limit on streams.
pub(super) fn http_client(connect_timeout: Duration) -> Result<reqwest::Client, MatrixError> {
    reqwest::Client::builder()
        .http1_only()
        .connect_timeout(connect_timeout)
        .user_agent(concat!("maitre/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| MatrixError::Nonsense { cause: error.to_string() })
}

/// Builds a client that is logged in as `account` and whose next sync can only go on after `since`, and what watches over its
/// questions about devices.
pub(super) async fn build(
    shared: &Shared,
    folder: &Path,
    account: &Account,
    since: Option<&SyncToken>,
    keep_tokens: KeepTokens,
) -> Result<(Client, Option<Devices>), MatrixError> {
    let config = SqliteStoreConfig::with_low_memory_config(folder)
        .key(Some(&store_key(&account.store_key)?))
        .pool_max_size(POOL_SIZE)
        .cache_size(CACHE_BYTES)
        .optimize(false);
    let state = SqliteStateStore::open_with_config(&config).await.map_err(|error| key_store(&error))?;
    let crypto = SqliteCryptoStore::open_with_config(&config).await.map_err(|error| key_store(&error))?;
    // Events and media are kept by our own store or not at all, so the SDK's caches for them stay in memory and empty.
    let stores = StoreConfig::new(matrix_sdk::cross_process_lock::CrossProcessLockConfig::SingleProcess)
        .state_store(state)
        .crypto_store(crypto.clone());
    let client = Client::builder()
        .homeserver_url(&shared.url)
        .http_client(shared.http.clone())
        .respect_login_well_known(false)
        .handle_refresh_tokens()
        .store_config(stores)
        .request_config(RequestConfig::new().timeout(shared.request_timeout).disable_retry())
        .with_encryption_settings(EncryptionSettings {
            auto_enable_cross_signing: false,
            auto_enable_backups: false,
            backup_download_strategy: BackupDownloadStrategy::AfterDecryptionFailure,
        })
        .build()
        .await
        .map_err(|error| MatrixError::KeyStore { cause: error.to_string() })?;
    put_back_token(&client, since).await?;
    watch_tokens(&client, keep_tokens)?;
    client.restore_session(AuthSession::Matrix(session(account)?)).await.map_err(|error| failure::verb(&error))?;
    let devices = Devices::of(&client, crypto);
    Ok((client, devices))
}

/// Overwrites the SDK's own position with ours.
///
/// The SDK stores its position before we have seen the response, and drops a response whose position it has already:
/// after a crash in between, the response would be lost. With our position in place the homeserver sends it again.
async fn put_back_token(client: &Client, since: Option<&SyncToken>) -> Result<(), MatrixError> {
    if crate::observe::fault_switch("sync.unseeded") {
        return Ok(());
    }
    let store = client.state_store();
    let own = store.get_kv_data(StateStoreDataKey::SyncToken).await.map_err(|error| key_store(&error))?;
    let own = own.and_then(StateStoreDataValue::into_sync_token);
    // After an orderly stop both are the same, and a write to the disk is worth sparing: every account starts with it.
    if own.as_deref() == since.map(SyncToken::as_str) {
        return Ok(());
    }
    let outcome = match since {
        Some(token) => {
            let value = StateStoreDataValue::SyncToken(token.as_str().to_owned());
            store.set_kv_data(StateStoreDataKey::SyncToken, value).await
        }
        None => store.remove_kv_data(StateStoreDataKey::SyncToken).await,
    };
    crate::observe::fault_point("sync.seeded");
    outcome.map_err(|error| key_store(&error))
}

fn watch_tokens(client: &Client, keep: KeepTokens) -> Result<(), MatrixError> {
    let reload = Box::new(|client: Client| client.session_tokens().ok_or_else(|| "no session".into()));
    let save = Box::new(move |client: Client| {
        let tokens = client.session_tokens().ok_or("no session")?;
        keep(Tokens { access: Secret::new(tokens.access_token), refresh: tokens.refresh_token.map(Secret::new) })?;
        Ok(())
    });
    client.set_session_callbacks(reload, save).map_err(|error| failure::verb(&error))
}

fn session(account: &Account) -> Result<MatrixSession, MatrixError> {
    let (Some(user), Some(tokens)) = (&account.user, &account.tokens) else { return Err(MatrixError::NotOpen) };
    Ok(MatrixSession {
        meta: SessionMeta { user_id: ruma_user(user)?, device_id: OwnedDeviceId::from(account.device.as_str()) },
        tokens: SessionTokens {
            access_token: tokens.access.reveal().to_owned(),
            refresh_token: tokens.refresh.as_ref().map(|token| token.reveal().to_owned()),
        },
    })
}

/// The SDK's form of one of our user ids.
pub(super) fn ruma_user(user: &UserId) -> Result<matrix_sdk::ruma::OwnedUserId, MatrixError> {
    RumaUserId::parse(user.as_str()).map_err(|error| MatrixError::Nonsense { cause: error.to_string() })
}

/// The SDK's form of one of our room ids.
pub(super) fn ruma_room(room: &RoomId) -> Result<matrix_sdk::ruma::OwnedRoomId, MatrixError> {
    RumaRoomId::parse(room.as_str()).map_err(|error| MatrixError::Nonsense { cause: error.to_string() })
}

fn store_key(digits: &Secret) -> Result<[u8; 32], MatrixError> {
    let damaged = || MatrixError::KeyStore { cause: "the saved store key is damaged".to_owned() };
    from_hex(digits.reveal()).ok_or_else(damaged)
}

fn key_store(error: &dyn std::fmt::Display) -> MatrixError {
    MatrixError::KeyStore { cause: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_key_is_thirty_two_bytes_in_hexadecimal() {
        let key = store_key(&Secret::new("0f".repeat(32))).unwrap();
        assert_eq!(key, [15; 32]);
        assert!(store_key(&Secret::new("0f")).is_err());
        assert!(store_key(&Secret::new("zz".repeat(32))).is_err());
    }
}
