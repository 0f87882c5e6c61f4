//! Keys: are they ours, is the account cross-signed, and can this event be read by now?

use std::sync::Arc;

use matrix_sdk::{
    Client,
    deserialized_responses::{TimelineEvent, TimelineEventKind, VerificationLevel, VerificationState},
    encryption::{identities::Device, recovery::RecoveryError},
    ruma::{
        OwnedDeviceId, UserId,
        api::client::{
            keys::{get_keys, upload_keys},
            uiaa,
        },
        events::room::encrypted::OriginalSyncRoomEncryptedEvent,
        serde::Raw,
    },
};
use serde_json::Value;

use super::{
    client::ruma_user,
    failure,
    line::{Library, Line},
    presence::ruma_event,
    translate::clear_content,
};
use crate::{
    matrix::{MatrixError, Provenance},
    model::{Account, Content, EventId, RoomId, Sealed, SealedCause, Secret},
    observe::IdentityForeign,
};

/// Checks that the homeserver knows our keys and no others, and sets up cross-signing and recovery where they are missing. Where
/// all that was done before, the library isn't needed for it.
pub(super) async fn establish(line: &Arc<Line>) -> Result<(), MatrixError> {
    let shown = shown(line).await?;
    let was_set_up = line.account().recovery_key.is_some();
    if was_set_up && shown.fingerprint().is_some() && shown.fingerprint() == line.notes.fingerprint().as_deref() {
        return Ok(());
    }
    let library = line.library().await?;
    let client = &library.client;
    let ours = client.encryption().ed25519_key().await;
    match &shown.device {
        // Nobody could read what we send, and we could read nothing.
        Some(_) if shown.fingerprint() != ours.as_deref() => {
            return Err(MatrixError::ForeignDevice { folder: line.notes.folder().display().to_string() });
        }
        None if was_set_up => publish_again(line, client).await?,
        Some(_) | None => {}
    }
    if let Some(recovery_key) = set_up(line, client, &shown).await? {
        line.keep_recovery_key(recovery_key).await?;
    }
    if let Some(ours) = ours {
        line.notes.note_fingerprint(ours);
    }
    Ok(())
}

/// What the homeserver shows everybody of an account's keys.
struct Shown {
    /// Those of our device, with the signatures on them.
    device: Option<Value>,
    /// The name under which its own key stands among them.
    key: String,
    /// Whether the account has keys with which it vouches for devices.
    vouches: bool,
}

impl Shown {
    /// The public half of the device's own key.
    fn fingerprint(&self) -> Option<&str> {
        self.device.as_ref()?["keys"][&self.key].as_str()
    }

    /// Whether the account vouches for our device: the first signature is the device's own.
    fn is_signed(&self, user: &UserId) -> bool {
        let signatures = self.device.as_ref().and_then(|device| device["signatures"][user.as_str()].as_object());
        signatures.is_some_and(|signatures| signatures.len() > 1)
    }
}

async fn shown(line: &Arc<Line>) -> Result<Shown, MatrixError> {
    let (user, device) = (ruma_user(line.user())?, OwnedDeviceId::from(line.account().device.as_str()));
    let mut request = get_keys::v3::Request::new();
    request.device_keys.insert(user.clone(), vec![device.clone()]);
    let response = line.ask(request).await?;
    let keys = response.device_keys.get(&user).and_then(|devices| devices.get(&device));
    let shown = keys.map(|keys| serde_json::from_str(keys.json().get()).unwrap_or_default());
    let vouches = response.master_keys.contains_key(&user);
    Ok(Shown { device: shown, key: format!("ed25519:{device}"), vouches })
}

/// Shows our keys anew: a homeserver forgets them with the device when that is logged out, and the SDK shows them once.
async fn publish_again(line: &Arc<Line>, client: &Client) -> Result<(), MatrixError> {
    let device = own_device(client).await?;
    let mut request = upload_keys::v3::Request::new();
    request.device_keys = Some(device.as_device_keys().to_raw());
    line.ask(request).await?;
    sign_device(client).await
}

/// Signs our device with the account's keys.
async fn sign_device(client: &Client) -> Result<(), MatrixError> {
    own_device(client).await?.verify().await.map_err(|error| key_store(&error))
}

async fn own_device(client: &Client) -> Result<Device, MatrixError> {
    let device = client.encryption().get_own_device().await.map_err(|error| key_store(&error))?;
    device.ok_or(MatrixError::NotOpen)
}

fn key_store(cause: &dyn std::fmt::Display) -> MatrixError {
    MatrixError::KeyStore { cause: cause.to_string() }
}

/// Sets up cross-signing and recovery where they are missing. Gives the recovery key, if a new one was made.
async fn set_up(line: &Line, client: &Client, shown: &Shown) -> Result<Option<Secret>, MatrixError> {
    let account = &line.account();
    if account.recovery_key.is_some() {
        return Ok(None);
    }
    cross_sign(client, account, shown).await?;
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

/// Has the account vouch for its device. What the SDK made once it takes for shown, though the homeserver may never have
/// got it, so the homeserver is asked.
async fn cross_sign(client: &Client, account: &Account, shown: &Shown) -> Result<(), MatrixError> {
    let (encryption, Some(user)) = (client.encryption(), client.user_id()) else { return Err(MatrixError::NotOpen) };
    if !shown.vouches {
        return make_identity(client, account).await;
    }
    // The SDK must know whose identity it is.
    encryption.request_user_identity(user).await.map_err(|error| failure::verb(&error))?;
    let is_ours = encryption.cross_signing_status().await.is_some_and(|status| status.has_self_signing);
    if is_ours && !shown.is_signed(user) { sign_device(client).await } else { Ok(()) }
}

/// Shows the account's keys, made now or before. The homeserver may ask for the password.
async fn make_identity(client: &Client, account: &Account) -> Result<(), MatrixError> {
    let encryption = client.encryption();
    let Err(error) = encryption.bootstrap_cross_signing(None).await else { return Ok(()) };
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
pub(super) async fn unseal(library: &Library, room: &RoomId, raw: &str) -> Result<Content, MatrixError> {
    let sealed = || Content::Sealed(Sealed { raw: raw.to_owned(), session: None, cause: SealedCause::KeyMissing });
    let event = Raw::<OriginalSyncRoomEncryptedEvent>::from_json_string(raw.to_owned())
        .map_err(|error| MatrixError::Nonsense { cause: error.to_string() })?;
    let event = library.room(room)?.decrypt_event(&event, None).await.map_err(|error| failure::verb(&error))?;
    match event.kind {
        TimelineEventKind::UnableToDecrypt { .. } => Ok(sealed()),
        TimelineEventKind::Decrypted(_) | TimelineEventKind::PlainText { .. } => {
            Ok(clear_content(&event).unwrap_or_else(sealed))
        }
    }
}

/// From where an event came that says `content`.
pub(super) async fn provenance(
    library: &Library,
    room: &RoomId,
    event: &EventId,
    content: &str,
) -> Result<Provenance, MatrixError> {
    let event = library.room(room)?.event(&ruma_event(event)?, None).await.map_err(|error| failure::verb(&error))?;
    Ok(came_from(&event, content))
}

/// Nobody here ever verifies a person by hand, so what counts is that the device is signed by its owner. The homeserver is
/// asked for the event once more, and must not slip another one in.
fn came_from(event: &TimelineEvent, content: &str) -> Provenance {
    let state = match &event.kind {
        TimelineEventKind::PlainText { .. } => return Provenance::Clear,
        TimelineEventKind::UnableToDecrypt { .. } => return Provenance::Unverified,
        TimelineEventKind::Decrypted(decrypted) => &decrypted.encryption_info.verification_state,
    };
    let signed = match state {
        VerificationState::Verified | VerificationState::Unverified(VerificationLevel::UnverifiedIdentity) => true,
        VerificationState::Unverified(
            VerificationLevel::VerificationViolation
            | VerificationLevel::UnsignedDevice
            | VerificationLevel::None(_)
            | VerificationLevel::MismatchedSender,
        ) => false,
    };
    if signed && says(event, content) { Provenance::Verified } else { Provenance::Unverified }
}

fn says(event: &TimelineEvent, content: &str) -> bool {
    let Some(Content::Clear { json, .. }) = clear_content(event) else { return false };
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    read(&json).is_some_and(|said| Some(said) == read(content))
}

#[cfg(test)]
mod tests {
    use matrix_sdk::deserialized_responses::DeviceLinkProblem;
    use serde_json::json;

    use super::{
        super::samples::{decrypted, plain},
        *,
    };

    /// A4: what a device sent that its owner has signed, and nothing else.
    #[test]
    fn a_device_counts_as_verified_when_its_owner_has_signed_it() {
        let event = json!({"type": "m.room.message", "event_id": "$e", "sender": "@eve:s", "origin_server_ts": 1,
                           "room_id": "!r:s", "content": {"msgtype": "m.text", "body": "!stop all"}});
        let command = r#"{"body": "!stop all", "msgtype": "m.text"}"#;
        let check = |state: VerificationState, expected: Provenance| {
            assert_eq!(came_from(&decrypted(&event, state.clone()), command), expected, "{state:?}");
        };
        check(VerificationState::Verified, Provenance::Verified);
        check(VerificationState::Unverified(VerificationLevel::UnverifiedIdentity), Provenance::Verified);
        for level in [
            VerificationLevel::UnsignedDevice,
            VerificationLevel::VerificationViolation,
            VerificationLevel::MismatchedSender,
            VerificationLevel::None(DeviceLinkProblem::MissingDevice),
        ] {
            check(VerificationState::Unverified(level), Provenance::Unverified);
        }
        let other =
            came_from(&decrypted(&event, VerificationState::Verified), r#"{"msgtype": "m.text", "body": "!hi"}"#);
        assert_eq!(other, Provenance::Unverified, "another event was slipped in");
        assert_eq!(came_from(&plain(&event), command), Provenance::Clear);
    }
}
