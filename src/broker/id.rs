//! The id of a turn: a function of who answers and the first message, so that a repeated beginning is the same turn.

use sha1::{Digest as _, Sha1};

use crate::model::{EventId, Responder, RoomId, TurnId};

/// The id of the turn in which `responder` answers `event` first.
pub(super) fn turn_id(responder: &Responder, room: &RoomId, event: &EventId) -> TurnId {
    let mut digest = Sha1::new();
    for part in [responder.to_string().as_str(), room.as_str(), event.as_str()] {
        digest.update(part.as_bytes());
        // No identifier holds it, so no two triples run together.
        digest.update([0]);
    }
    let hex = digest.finalize().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    TurnId::parse(hex).expect("forty hexadecimal digits are an id")
}

#[cfg(test)]
mod tests {
    use super::{
        super::samples::{event, name, room},
        *,
    };

    /// N2, N3: the same question gives the same id, and no other question does.
    #[test]
    fn an_id_follows_from_responder_and_message() {
        let id = |who: &str, at: &str, what: &str| turn_id(&Responder::One(name(who)), &room(at), &event(what));
        assert_eq!(id("a", "r", "1"), id("a", "r", "1"));
        assert_eq!(id("a", "r", "1").as_str().len(), 40);
        for other in [id("b", "r", "1"), id("a", "s", "1"), id("a", "r", "2")] {
            assert_ne!(other, id("a", "r", "1"));
        }
    }
}
