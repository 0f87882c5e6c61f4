//! The one place where messages leave: nothing goes in the clear into a room that is known to be encrypted.

use matrix_sdk::{Client, Room, ruma::OwnedTransactionId};
use matrix_sdk_base::RoomInfoNotableUpdateReasons;

use super::{failure, sync::handle};
use crate::{
    matrix::{MatrixError, Outgoing, marks::Marks},
    model::{EventId, RoomId},
};

/// Sends `message`, encrypted if the room is.
pub(super) async fn send(client: &Client, marks: &Marks, message: Outgoing) -> Result<EventId, MatrixError> {
    let room = handle(client, &message.room)?;
    if !room.encryption_state().is_encrypted() {
        ask_again_whether_encrypted(&room).await?;
    }
    let encrypted = room.encryption_state().is_encrypted();
    if encrypted {
        marks.encrypted(&message.room);
    } else if marks.of(&message.room).encrypted {
        return Err(MatrixError::PlaintextRefused { room: message.room });
    }
    let transaction = OwnedTransactionId::from(message.transaction.as_str());
    let sent = room
        .send_raw(message.kind, message.content)
        .with_transaction_id(&transaction)
        .await
        .map_err(|error| failure::verb(&error))?;
    EventId::parse(sent.response.event_id.as_str()).map_err(|error| MatrixError::Nonsense { cause: error.to_string() })
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
