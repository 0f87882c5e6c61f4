//! What a halt reaches: one turn, one message, a conversation, a room, or everything.

use super::lane::Flight;
use crate::model::{Conversation, EntityName, Envelope, EventId, Responder, RoomId, Turn, TurnId};

/// Which turns and waiting messages are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// This turn, if it runs. What waits behind it goes on.
    Turn(TurnId),
    /// Whatever answers this message, or is to.
    Message(RoomId, EventId),
    /// Everybody in this conversation.
    Conversation(Conversation),
    /// Everybody in this room.
    Room(RoomId),
    /// What this entity says in this room.
    Member(EntityName, RoomId),
    /// Everything everywhere.
    All,
}

impl Scope {
    /// Whether the turn in flight in a lane is meant.
    pub(super) fn covers_flight(&self, responder: &Responder, conversation: &Conversation, flight: &Flight) -> bool {
        match self {
            Self::Turn(id) => *id == flight.id,
            Self::Message(room, event) => *room == conversation.room && flight.messages.contains(event),
            Self::Conversation(_) | Self::Room(_) | Self::Member(..) | Self::All => {
                self.covers_lane(responder, conversation)
            }
        }
    }

    /// Whether a message that waits is meant.
    pub(super) fn covers_waiting(&self, envelope: &Envelope) -> bool {
        match self {
            Self::Turn(_) => false,
            Self::Message(room, event) => *room == envelope.conversation.room && *event == envelope.event,
            Self::Conversation(_) | Self::Room(_) | Self::Member(..) | Self::All => {
                self.covers_lane(&envelope.responder, &envelope.conversation)
            }
        }
    }

    /// Whether a turn that waits to go on is meant, with all that it answers.
    pub(super) fn covers_turn(&self, turn: &Turn) -> bool {
        match self {
            Self::Turn(id) => *id == turn.id,
            Self::Message(room, event) => *room == turn.conversation.room && turn.messages.iter().eq([event]),
            Self::Conversation(_) | Self::Room(_) | Self::Member(..) | Self::All => {
                self.covers_lane(&turn.responder, &turn.conversation)
            }
        }
    }

    /// Whether everything in a lane is meant.
    fn covers_lane(&self, responder: &Responder, conversation: &Conversation) -> bool {
        match self {
            Self::Turn(_) | Self::Message(..) => false,
            Self::Conversation(meant) => meant == conversation,
            Self::Room(room) => *room == conversation.room,
            Self::Member(entity, room) => *room == conversation.room && responder.speaker() == entity,
            Self::All => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::samples::{envelope, event, name, room},
        *,
    };

    #[test]
    fn a_scope_reaches_what_it_names() {
        let waiting = envelope("a", "r", Some("t"), "1");
        let check = |scope: Scope, expected: bool| assert_eq!(scope.covers_waiting(&waiting), expected, "{scope:?}");
        let place = |thread: Option<&str>| Conversation { room: room("r"), thread: thread.map(event) };
        check(Scope::All, true);
        check(Scope::Room(room("r")), true);
        check(Scope::Room(room("s")), false);
        check(Scope::Conversation(place(Some("t"))), true);
        check(Scope::Conversation(place(None)), false);
        check(Scope::Member(name("a"), room("r")), true);
        check(Scope::Member(name("b"), room("r")), false);
        check(Scope::Member(name("a"), room("s")), false);
        check(Scope::Message(room("r"), event("1")), true);
        check(Scope::Message(room("s"), event("1")), false);
        check(Scope::Message(room("r"), event("2")), false);
        check(Scope::Turn(TurnId::parse("t").unwrap()), false);
    }
}
