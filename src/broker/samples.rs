//! Small pieces to build tests from.

use crate::model::{Conversation, EntityName, Envelope, EventId, Millis, Priority, Responder, RoomId, UserId};

pub(super) fn name(text: &str) -> EntityName {
    EntityName::parse(text).unwrap()
}

pub(super) fn room(text: &str) -> RoomId {
    RoomId::parse(format!("!{text}")).unwrap()
}

pub(super) fn event(text: &str) -> EventId {
    EventId::parse(format!("${text}")).unwrap()
}

/// A person's message to an agent.
pub(super) fn envelope(responder: &str, room_name: &str, thread: Option<&str>, message: &str) -> Envelope {
    Envelope {
        conversation: Conversation { room: room(room_name), thread: thread.map(event) },
        event: event(message),
        sender: UserId::parse("@ada:home").unwrap(),
        responder: Responder::One(name(responder)),
        priority: Priority::Person,
        hops: 1,
        root: event(message),
        missing: Vec::new(),
        received_at: Millis(1),
    }
}
