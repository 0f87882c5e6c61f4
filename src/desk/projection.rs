//! What an event does to what people see.

use super::message::Message;
use crate::{
    model::{EventId, UserId},
    store::{self, Projection, StoredEvent, Wording},
};

/// A new message, in the thread that it belongs to.
pub(super) fn message(
    event: &StoredEvent,
    content: &str,
    said: Message,
    mentions: Vec<UserId>,
    thread: Option<EventId>,
) -> store::Message {
    store::Message {
        ordinal: event.ordinal,
        room: event.room.clone(),
        event: event.event.clone(),
        sender: event.sender.clone(),
        sent_at: event.sent_at,
        received_at: event.admitted_at,
        standing: event.standing,
        thread,
        in_reply_to: said.in_reply_to.clone(),
        wording: wording(content, said, mentions),
        edited: false,
        deleted: false,
    }
}

/// What a message says.
pub(super) fn wording(content: &str, said: Message, mentions: Vec<UserId>) -> Wording {
    Wording { sort: said.sort, body: said.body, content: content.to_owned(), mentions, mark: said.mark }
}

/// A new wording of a message. Whether it counts depends on who sent both, and on which edit is the newest.
pub(super) fn edit(event: &StoredEvent, of: EventId, wording: Wording) -> Projection {
    Projection::Edit {
        of,
        event: event.event.clone(),
        sender: event.sender.clone(),
        sent_at: event.sent_at,
        wording: Box::new(wording),
    }
}

/// The message as it reads with its new wording.
pub(super) fn reworded(message: &store::Message, wording: Wording) -> store::Message {
    store::Message { wording, edited: true, ..message.clone() }
}
