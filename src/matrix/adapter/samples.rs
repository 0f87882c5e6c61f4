//! Small pieces to build tests from.

use std::{collections::BTreeMap, sync::Arc};

use matrix_sdk::{
    deserialized_responses::{
        AlgorithmInfo, DecryptedRoomEvent, EncryptionInfo, TimelineEvent, TimelineEventKind, VerificationState,
    },
    ruma::serde::Raw,
};
use serde_json::Value;

/// An event that came in the clear.
pub(super) fn plain(event: &Value) -> TimelineEvent {
    TimelineEvent::from_plaintext(Raw::from_json_string(event.to_string()).unwrap())
}

/// An event that was encrypted, by a sender of whom this is known.
pub(super) fn decrypted(event: &Value, verification_state: VerificationState) -> TimelineEvent {
    let encryption_info = EncryptionInfo {
        sender: "@eve:s".try_into().unwrap(),
        sender_device: None,
        forwarder: None,
        algorithm_info: AlgorithmInfo::MegolmV1AesSha2 {
            curve25519_key: String::new(),
            sender_claimed_keys: BTreeMap::new(),
            session_id: None,
        },
        verification_state,
    };
    let kind = TimelineEventKind::Decrypted(DecryptedRoomEvent {
        event: Raw::from_json_string(event.to_string()).unwrap(),
        encryption_info: Arc::new(encryption_info),
        unsigned_encryption_info: None,
    });
    let mut timeline_event = plain(event);
    timeline_event.kind = kind;
    timeline_event
}
