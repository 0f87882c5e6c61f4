//! The one place where messages leave: nothing goes in the clear into a room that is known to be encrypted.

use futures_util::FutureExt as _;
use matrix_sdk::{Client, Room, RoomState, ruma::OwnedTransactionId};
use matrix_sdk_base::RoomInfoNotableUpdateReasons;

use super::{
    devices::Devices,
    failure,
    sync::{handle, own_user},
};
use crate::{
    matrix::{MatrixError, Outgoing, marks::Marks},
    model::{EventId, RoomId},
};

/// A reaction is never encrypted, in any room, by any client: homeservers count them.
const REACTION: &str = "m.reaction";

/// Whether a message says something that an encrypted room hides.
pub(super) fn is_secret(message: &Outgoing) -> bool {
    message.kind != REACTION
}

/// Whether the homeserver said lately that a room isn't encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// It was asked a moment ago.
    JustNow,
    /// It is to be asked.
    NotYet,
}

/// Asks what [`send`] would ask first.
pub(super) async fn prepare(client: &Client, room: &RoomId) -> Result<(), MatrixError> {
    let room = handle(client, room)?;
    if room.encryption_state().is_encrypted() {
        return Ok(());
    }
    ask_again_whether_encrypted(&room).await
}

/// Sends `message`, encrypted if the room is.
pub(super) async fn send(
    client: &Client,
    marks: &Marks,
    devices: Option<&Devices>,
    asked: Asked,
    message: Outgoing,
) -> Result<EventId, MatrixError> {
    let room = handle(client, &message.room)?;
    if room.state() != RoomState::Joined {
        return Err(MatrixError::NotJoined { user: own_user(client)?, room: message.room });
    }
    if is_secret(&message) {
        refuse_plaintext(&room, marks, asked, &message.room).await?;
    }
    let transaction = OwnedTransactionId::from(message.transaction.as_str());
    let send = || {
        let sending = room.send_raw(message.kind, message.content.clone()).with_transaction_id(&transaction);
        async move { sending.await.map_err(|error| failure::verb(&error)) }.boxed()
    };
    let response = match devices {
        Some(devices) if room.encryption_state().is_encrypted() => devices.unhindered(send).await?,
        Some(_) | None => send().await?,
    };
    EventId::parse(response.response.event_id.as_str())
        .map_err(|error| MatrixError::Nonsense { cause: error.to_string() })
}

/// E4: whatever is sent next is encrypted if any of our accounts ever saw the room encrypted, or it isn't sent.
async fn refuse_plaintext(room: &Room, marks: &Marks, asked: Asked, id: &RoomId) -> Result<(), MatrixError> {
    // What one of our loops saw since counts for more than what the homeserver said.
    let is_due = asked == Asked::NotYet || marks.of(id).encrypted;
    if is_due && !room.encryption_state().is_encrypted() {
        ask_again_whether_encrypted(room).await?;
    }
    if room.encryption_state().is_encrypted() {
        marks.encrypted(id);
    } else if marks.of(id).encrypted {
        return Err(MatrixError::PlaintextRefused { room: id.clone() });
    }
    Ok(())
}

/// Makes the next encrypted message ask who is in the room, so that nobody who left gets its key.
///
/// It is written down under the library's own lock: a sync that is under way would write its older view over it.
pub(super) async fn forget_members(client: &Client, room: &RoomId) -> Result<(), MatrixError> {
    let room = handle(client, room)?;
    let forgotten = room.update_and_save_room_info(|mut info| {
        info.mark_members_missing();
        (info, RoomInfoNotableUpdateReasons::empty())
    });
    forgotten.await.map_err(|error| MatrixError::KeyStore { cause: error.to_string() })
}

/// Asks the homeserver, whatever the client believes: somebody may have switched encryption on a moment ago, and the
/// sync that tells us is still on its way.
async fn ask_again_whether_encrypted(room: &Room) -> Result<(), MatrixError> {
    room.update_room_info(|mut info| {
        info.mark_encryption_state_missing();
        (info, RoomInfoNotableUpdateReasons::empty())
    })
    .await;
    room.request_encryption_state().await.map_err(|error| failure::verb(&error))
}
