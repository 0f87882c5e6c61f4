//! The one place where messages leave: nothing goes in the clear into a room that is known to be encrypted.

use std::sync::Arc;

use futures_util::FutureExt as _;
use matrix_sdk::{
    Room, RoomState,
    ruma::{
        OwnedTransactionId,
        api::client::{message::send_message_event, state::get_state_event_for_key},
        events::{MessageLikeEventType, StateEventType},
        serde::Raw,
    },
};
use matrix_sdk_base::RoomInfoNotableUpdateReasons;
use serde_json::Value;

use super::{
    client::ruma_room,
    failure,
    line::{Library, Line},
};
use crate::{
    matrix::{MatrixError, Outgoing},
    model::{EventId, RoomId},
    observe::PlaintextRefused,
};

/// A reaction is never encrypted, in any room, by any client: homeservers count them.
const REACTION: &str = "m.reaction";

/// Whether a message says something that an encrypted room hides.
fn is_secret(message: &Outgoing) -> bool {
    message.kind != REACTION
}

/// Asks what [`send`] would ask first.
pub(super) async fn prepare(line: &Arc<Line>, room: RoomId) -> Result<(), MatrixError> {
    if knows_encrypted(line, &room).await {
        return Ok(());
    }
    let began = line.prepared.begin(&room);
    ask_whether_encrypted(line, &room).await?;
    line.prepared.answered(room, began);
    Ok(())
}

/// Sends `message`, encrypted if the room is.
pub(super) async fn send(line: &Arc<Line>, message: Outgoing) -> Result<EventId, MatrixError> {
    if is_secret(&message) && is_encrypted(line, &message.room).await? {
        send_sealed(line, message).await
    } else {
        send_clear(line, message).await
    }
}

/// E4: whether what goes into `room` next must be encrypted: if any of our accounts ever saw the room encrypted, or the
/// homeserver says so now. The sync that tells us may still be on its way.
async fn is_encrypted(line: &Arc<Line>, room: &RoomId) -> Result<bool, MatrixError> {
    if !knows_encrypted(line, room).await && !line.prepared.holds(room) {
        ask_whether_encrypted(line, room).await?;
    }
    // What one of our loops saw meanwhile counts for more than what the homeserver said.
    Ok(line.marks.of(room).encrypted)
}

/// Whether we know it without asking.
async fn knows_encrypted(line: &Line, room: &RoomId) -> bool {
    if let Some(library) = line.loaded().await
        && library.room(room).is_ok_and(|room| room.encryption_state().is_encrypted())
    {
        line.marks.encrypted(room);
    }
    line.marks.of(room).encrypted
}

async fn ask_whether_encrypted(line: &Arc<Line>, room: &RoomId) -> Result<(), MatrixError> {
    let (kind, key) = (StateEventType::RoomEncryption, String::new());
    let answer = match line.ask(get_state_event_for_key::v3::Request::new(ruma_room(room)?, kind, key)).await {
        Ok(answer) => answer.event_or_content,
        Err(error) if error.has_code("M_NOT_FOUND") => return Ok(()),
        Err(error) => return Err(error),
    };
    let says_how = serde_json::from_str(answer.get()).is_ok_and(|content: Value| content["algorithm"].is_string());
    if says_how {
        line.marks.encrypted(room);
    }
    Ok(())
}

async fn send_clear(line: &Arc<Line>, message: Outgoing) -> Result<EventId, MatrixError> {
    let (room, transaction) = (ruma_room(&message.room)?, OwnedTransactionId::from(message.transaction.as_str()));
    let kind = MessageLikeEventType::from(message.kind);
    let content = Raw::from_json(serde_json::value::to_raw_value(&message.content).map_err(|error| nonsense(&error))?);
    let sent = line.ask(send_message_event::v3::Request::new_raw(room, transaction, kind, content)).await?;
    EventId::parse(sent.event_id.as_str()).map_err(|error| nonsense(&error))
}

async fn send_sealed(line: &Arc<Line>, message: Outgoing) -> Result<EventId, MatrixError> {
    let library = line.library().await?;
    let (id, mark) = (message.room.clone(), line.marks.of(&message.room));
    let room = library.room(&id)?;
    if room.state() != RoomState::Joined {
        return Err(MatrixError::NotJoined { user: line.user().clone(), room: id });
    }
    if line.members_stale(&id, mark.members_version) {
        forget_members(&room).await?;
    }
    let sent = seal_and_send(&library, &room, message).await;
    match &sent {
        Ok(_) => line.members_known(id, mark.members_version),
        Err(MatrixError::PlaintextRefused { room }) => {
            PlaintextRefused { entity: &line.entity(), room }.emit();
        }
        Err(_) => {}
    }
    sent
}

async fn seal_and_send(library: &Library, room: &Room, message: Outgoing) -> Result<EventId, MatrixError> {
    if !room.encryption_state().is_encrypted() {
        have_it_ask_whether_encrypted(room).await?;
    }
    if !room.encryption_state().is_encrypted() {
        return Err(MatrixError::PlaintextRefused { room: message.room });
    }
    let transaction = OwnedTransactionId::from(message.transaction.as_str());
    let send = || {
        let sending = room.send_raw(message.kind, message.content.clone()).with_transaction_id(&transaction);
        async move { sending.await.map_err(|error| failure::verb(&error)) }.boxed()
    };
    let answer = match &library.devices {
        Some(devices) => devices.unhindered(send).await?,
        None => send().await?,
    };
    EventId::parse(answer.response.event_id.as_str()).map_err(|error| nonsense(&error))
}

/// Makes the next encrypted message ask who is in the room, so that nobody who left gets its key.
///
/// It is written down under the library's own lock: a sync that is under way would write its older view over it.
async fn forget_members(room: &Room) -> Result<(), MatrixError> {
    let forgotten = room.update_and_save_room_info(|mut info| {
        info.mark_members_missing();
        (info, RoomInfoNotableUpdateReasons::empty())
    });
    forgotten.await.map_err(|error| MatrixError::KeyStore { cause: error.to_string() })
}

/// Has the library ask the homeserver, whatever it believes: somebody may have switched encryption on a moment ago, and the
/// sync that tells it is still on its way.
async fn have_it_ask_whether_encrypted(room: &Room) -> Result<(), MatrixError> {
    room.update_room_info(|mut info| {
        info.mark_encryption_state_missing();
        (info, RoomInfoNotableUpdateReasons::empty())
    })
    .await;
    room.request_encryption_state().await.map_err(|error| failure::verb(&error))
}

fn nonsense(cause: &dyn std::fmt::Display) -> MatrixError {
    MatrixError::Nonsense { cause: cause.to_string() }
}
