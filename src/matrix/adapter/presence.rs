//! What others see of an account beside its messages: that it read them, that it writes, and what it takes back.

use std::{sync::Arc, time::Duration};

use matrix_sdk::ruma::{
    EventId as RumaEventId, OwnedEventId, OwnedTransactionId,
    api::client::{
        receipt::create_receipt::v3 as receipt,
        redact::redact_event::v3 as redaction,
        typing::create_typing_event::v3::{Request as TypingRequest, Typing as RumaTyping, TypingInfo},
    },
    events::receipt::ReceiptThread,
};

use super::{
    client::{ruma_room, ruma_user},
    line::Line,
};
use crate::{
    matrix::{MatrixError, Typing},
    model::{EventId, RoomId, TransactionId},
};

/// How long others see somebody write who fell silent in the middle of it.
const TYPING_TIME: Duration = Duration::from_secs(15);

/// Takes back what `event` says. Redactions are never encrypted: homeservers carry them out.
pub(super) async fn redact(
    line: &Arc<Line>,
    room: &RoomId,
    event: &EventId,
    reason: Option<String>,
    transaction: &TransactionId,
) -> Result<EventId, MatrixError> {
    let transaction = OwnedTransactionId::from(transaction.as_str());
    let mut request = redaction::Request::new(ruma_room(room)?, ruma_event(event)?, transaction);
    request.reason = reason;
    let response = line.ask(request).await?;
    EventId::parse(response.event_id.as_str()).map_err(|error| MatrixError::Nonsense { cause: error.to_string() })
}

/// Shows whether something is being written. The request itself, since the library leaves out what it thinks is known.
pub(super) async fn typing(line: &Arc<Line>, room: &RoomId, typing: Typing) -> Result<(), MatrixError> {
    let state = match typing {
        Typing::On => RumaTyping::Yes(TypingInfo::new(TYPING_TIME)),
        Typing::Off => RumaTyping::No,
    };
    let request = TypingRequest::new(ruma_user(line.user())?, ruma_room(room)?, state);
    line.ask(request).await.map(drop)
}

/// Shows that everything up to `event` was read.
pub(super) async fn read_up_to(
    line: &Arc<Line>,
    room: &RoomId,
    event: &EventId,
    thread: Option<&EventId>,
) -> Result<(), MatrixError> {
    let mut request = receipt::Request::new(ruma_room(room)?, receipt::ReceiptType::Read, ruma_event(event)?);
    request.thread = match thread {
        Some(thread) => ReceiptThread::Thread(ruma_event(thread)?),
        None => ReceiptThread::Main,
    };
    line.ask(request).await.map(drop)
}

/// The SDK's form of one of our event ids.
pub(super) fn ruma_event(event: &EventId) -> Result<OwnedEventId, MatrixError> {
    RumaEventId::parse(event.as_str()).map_err(|error| MatrixError::Nonsense { cause: error.to_string() })
}
