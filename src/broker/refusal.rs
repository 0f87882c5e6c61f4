//! What is said about work that can't be taken up because too much waits, or that ends because a room is closed to us.

use super::{Halted, Scope, id::turn_id};
use crate::{
    model::{Envelope, Millis, Notice, Responder, RoomId, Turn, UserId},
    store::AuditEntry,
};

/// What the responder says instead of an answer.
pub(super) fn refusal(envelope: &Envelope) -> Notice {
    let turn = turn_id(&envelope.responder, &envelope.conversation.room, &envelope.event);
    Notice {
        id: format!("refused.{turn}"),
        speaker: envelope.responder.speaker().clone(),
        conversation: envelope.conversation.clone(),
        reply_to: Some(envelope.event.clone()),
        text: "I can't take this up: too many messages wait for me already. Please ask again when I have caught up."
            .to_owned(),
        poll: None,
    }
}

/// How much of a turn's id people are shown: enough to name it.
const ID_CHARS: usize = 10;

/// N9: what is said about an answer that broke down `tries` times, each time with everybody who gave it.
pub(super) fn given_up(turn: &Turn, tries: u32) -> Notice {
    let id: String = turn.id.as_str().chars().take(ID_CHARS).collect();
    let times = if tries == 1 { "once".to_owned() } else { format!("{tries} times") };
    Notice {
        id: format!("parked.{}.{}", turn.id, turn.attempt),
        speaker: turn.responder.speaker().clone(),
        conversation: turn.conversation.clone(),
        reply_to: Some(turn.reply_to().clone()),
        text: format!("Answering this broke down {times}, so I leave it. `!retry {id}` has it tried again."),
        poll: None,
    }
}

/// I11: what the audit is told when `count` answers were given up because we may not speak there any more.
pub(super) fn farewell(scope: &Scope, why: Halted, count: usize, at: Millis) -> Option<AuditEntry> {
    let gone = match why {
        Halted::Gone => count > 0,
        Halted::Stopped | Halted::Deleted | Halted::Edited | Halted::Broken => false,
    };
    let (entity, room) = match scope {
        Scope::Member(entity, room) => (Some(entity.clone()), Some(room.clone())),
        Scope::Room(room) | Scope::Message(room, _) => (None, Some(room.clone())),
        Scope::Conversation(conversation) => (None, Some(conversation.room.clone())),
        Scope::Turn(_) | Scope::All => (None, None),
    };
    let text = format!("{count} answers and waiting messages were given up: the room is closed to us");
    gone.then(|| AuditEntry { at, kind: "work_cancelled".to_owned(), entity, room, who: None, text })
}

/// N6: what the audit is told about a question of `asker` that nobody answers any more.
pub(super) fn lapse(room: &RoomId, asker: &UserId, responder: &Responder, why: Halted, at: Millis) -> AuditEntry {
    let cause = match why {
        Halted::Gone => "who would have answered is not there any more",
        Halted::Broken => "giving it broke down too often",
        Halted::Stopped | Halted::Deleted | Halted::Edited => "the sender is not authorized any more",
    };
    AuditEntry {
        at,
        kind: "work_cancelled".to_owned(),
        entity: Some(responder.speaker().clone()),
        room: Some(room.clone()),
        who: Some(asker.clone()),
        text: format!("an answer that was not finished before the start was given up: {cause}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::samples::{envelope, event, name, room},
        *,
    };

    #[test]
    fn a_refusal_answers_the_message_where_it_was_asked() {
        let said = refusal(&envelope("a", "r", Some("t"), "1"));
        assert_eq!((said.speaker, said.reply_to), (name("a"), Some(event("1"))));
        assert_eq!(said.conversation.thread, Some(event("t")));
        assert!(said.text.contains("too many messages"), "{}", said.text);
        let other = refusal(&envelope("a", "r", Some("t"), "2"));
        assert_ne!(said.id, other.id);
    }
    /// N9: what is given up is said where it was asked, with an id to name it by; once for each time.
    #[test]
    fn giving_up_names_the_answer() {
        let asked = envelope("a", "r", Some("t"), "1");
        let turn = |attempt| Turn {
            id: turn_id(&asked.responder, &room("r"), &event("1")),
            attempt,
            conversation: asked.conversation.clone(),
            responder: asked.responder.clone(),
            messages: vec![event("1")],
            asker: asked.sender.clone(),
            priority: asked.priority,
            hops: 1,
            root: event("1"),
            missing: Vec::new(),
            received_at: Millis(1),
            parts: Vec::new(),
            withdrawals: 0,
        };
        let said = given_up(&turn(3), 3);
        let third = turn(3);
        let id = &third.id.as_str()[..ID_CHARS];
        assert_eq!(
            said.text,
            format!("Answering this broke down 3 times, so I leave it. `!retry {id}` has it tried again.")
        );
        assert_eq!(
            (said.speaker, said.reply_to, said.conversation.thread),
            (name("a"), Some(event("1")), Some(event("t")))
        );
        assert_ne!(said.id, given_up(&turn(6), 3).id);
        assert!(given_up(&turn(1), 1).text.contains("broke down once"));
    }

    /// I11: what was given up with a room is said in the audit.
    #[test]
    fn the_audit_hears_what_was_given_up() {
        let check = |why, count| farewell(&Scope::Member(name("a"), room("r")), why, count, Millis(5));
        let line = check(Halted::Gone, 2).unwrap();
        assert_eq!((line.kind.as_str(), line.entity, line.room), ("work_cancelled", Some(name("a")), Some(room("r"))));
        assert!(line.text.starts_with("2 answers"), "{}", line.text);
        assert_eq!((check(Halted::Gone, 0), check(Halted::Stopped, 2)), (None, None));
    }
}
