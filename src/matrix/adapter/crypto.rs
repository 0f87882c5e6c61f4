//! Keys: are they ours, is the account cross-signed, and can this event be read by now?

use std::path::Path;

use matrix_sdk::{
    Client,
    deserialized_responses::TimelineEventKind,
    encryption::recovery::RecoveryError,
    ruma::{
        api::client::{
            keys::{get_keys, upload_keys},
            uiaa,
        },
        events::room::encrypted::OriginalSyncRoomEncryptedEvent,
        serde::Raw,
    },
};

use super::{failure, sync::handle, translate::clear_content};
use crate::{
    matrix::MatrixError,
    model::{Account, Content, RoomId, Sealed, SealedCause, Secret},
    observe::IdentityForeign,
};

/// Refuses to go on when the homeserver knows other keys for this device than ours: nobody could read what we send, and
/// we could read nothing.
pub(super) async fn check_device(client: &Client, account: &Account, folder: &Path) -> Result<(), MatrixError> {
    let (Some(user), Some(device)) = (client.user_id(), client.device_id()) else { return Err(MatrixError::NotOpen) };
    let mut request = get_keys::v3::Request::new();
    request.device_keys.insert(user.to_owned(), vec![device.to_owned()]);
    let response = client.send(request).await.map_err(|error| failure::request(&error))?;
    let Some(known) = response.device_keys.get(user).and_then(|devices| devices.get(device)) else {
        return if account.recovery_key.is_some() { publish_again(client).await } else { Ok(()) };
    };
    let known: serde_json::Value = serde_json::from_str(known.json().get()).unwrap_or_default();
    let ours = client.encryption().ed25519_key().await;
    let theirs = known["keys"][format!("ed25519:{device}")].as_str();
    if ours.as_deref() == theirs {
        Ok(())
    } else {
        Err(MatrixError::ForeignDevice { folder: folder.display().to_string() })
    }
}

/// Shows our keys anew: a homeserver forgets them with the device when that is logged out, and the SDK shows them once.
async fn publish_again(client: &Client) -> Result<(), MatrixError> {
    let lost = |cause: &dyn std::fmt::Display| MatrixError::KeyStore { cause: cause.to_string() };
    let device = client.encryption().get_own_device().await.map_err(|error| lost(&error))?;
    let device = device.ok_or(MatrixError::NotOpen)?;
    let mut request = upload_keys::v3::Request::new();
    request.device_keys = Some(device.as_device_keys().to_raw());
    client.send(request).await.map_err(|error| failure::request(&error))?;
    device.verify().await.map_err(|error| lost(&error))
}

/// Sets up cross-signing and recovery where they are missing. Gives the recovery key, if a new one was made.
pub(super) async fn set_up(client: &Client, account: &Account) -> Result<Option<Secret>, MatrixError> {
    if account.recovery_key.is_some() {
        return Ok(None);
    }
    cross_sign(client, account).await?;
    // A backup that we made just before a crash is found again by now; enabling recovery then goes on with it.
    client.encryption().wait_for_e2ee_initialization_tasks().await;
    match client.encryption().recovery().enable().await {
        Ok(key) => Ok(Some(Secret::new(key))),
        // Another client of this account made it: it is not ours to replace. The account works without.
        Err(RecoveryError::BackupExistsOnServer) => {
            IdentityForeign { entity: &account.entity }.emit();
            Ok(None)
        }
        Err(error) => Err(MatrixError::KeyStore { cause: error.to_string() }),
    }
}

async fn cross_sign(client: &Client, account: &Account) -> Result<(), MatrixError> {
    let encryption = client.encryption();
    let Err(error) = encryption.bootstrap_cross_signing_if_needed(None).await else { return Ok(()) };
    let (Some(challenge), Some(password)) = (error.as_uiaa_response(), &account.password) else {
        return Err(failure::verb(&error));
    };
    let mut proof = uiaa::Password::new(
        uiaa::UserIdentifier::Matrix(uiaa::MatrixUserIdentifier::new(account.localpart.clone())),
        password.secret.reveal().to_owned(),
    );
    proof.session.clone_from(&challenge.session);
    encryption
        .bootstrap_cross_signing(Some(uiaa::AuthData::Password(proof)))
        .await
        .map_err(|error| failure::verb(&error))
}

/// Tries once more to read an encrypted event.
pub(super) async fn unseal(client: &Client, room: &RoomId, raw: &str) -> Result<Content, MatrixError> {
    let sealed = || Content::Sealed(Sealed { raw: raw.to_owned(), session: None, cause: SealedCause::KeyMissing });
    let event = Raw::<OriginalSyncRoomEncryptedEvent>::from_json_string(raw.to_owned())
        .map_err(|error| MatrixError::Nonsense { cause: error.to_string() })?;
    let event = handle(client, room)?.decrypt_event(&event, None).await.map_err(|error| failure::verb(&error))?;
    match event.kind {
        TimelineEventKind::UnableToDecrypt { .. } => Ok(sealed()),
        TimelineEventKind::Decrypted(_) | TimelineEventKind::PlainText { .. } => {
            Ok(clear_content(&event).unwrap_or_else(sealed))
        }
    }
}
