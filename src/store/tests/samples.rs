//! Small pieces to build tests from.

use crate::{
    model::{
        Batch, Change, Content, Conversation, EntityName, Envelope, EventId, Incoming, Millis, Priority, Responder,
        RoomId, Sealed, SealedCause, Standing, SyncToken, TurnId, UserId,
    },
    store::{Begun, Store, StoredEvent, TurnStart},
};

pub(super) fn entity(name: &str) -> EntityName {
    EntityName::parse(name).unwrap()
}

pub(super) fn room(name: &str) -> RoomId {
    RoomId::parse(format!("!{name}")).unwrap()
}

pub(super) fn user(name: &str) -> UserId {
    UserId::parse(format!("@{name}:home.org")).unwrap()
}

pub(super) fn event_id(name: &str) -> EventId {
    EventId::parse(format!("${name}")).unwrap()
}

pub(super) fn turn_id(text: &str) -> TurnId {
    TurnId::parse(text).unwrap()
}

pub(super) fn token(text: &str) -> SyncToken {
    SyncToken::parse(text).unwrap()
}

/// A live, readable event.
pub(super) fn event(room_name: &str, name: &str) -> Incoming {
    Incoming {
        room: room(room_name),
        event: event_id(name),
        sender: user("ada"),
        sent_at: Millis(1_000),
        standing: Standing::Live,
        content: clear(name),
    }
}

pub(super) fn sealed_event(room_name: &str, name: &str) -> Incoming {
    Incoming { content: sealed(name), ..event(room_name, name) }
}

pub(super) fn history_event(room_name: &str, name: &str) -> Incoming {
    Incoming { standing: Standing::History, ..event(room_name, name) }
}

pub(super) fn clear(name: &str) -> Content {
    Content::Clear { kind: "m.room.message".to_owned(), json: format!("{{\"body\":\"{name}\"}}") }
}

pub(super) fn sealed(name: &str) -> Content {
    let raw = format!("{{\"event_id\":\"${name}\"}}");
    Content::Sealed(Sealed { raw, session: Some(format!("session of {name}")), cause: SealedCause::KeyMissing })
}

/// A step of one stream; its token is made from the name and the number.
pub(super) fn batch(name: &str, number: u32, events: Vec<Incoming>, changes: Vec<Change>) -> Batch {
    let token = Some(token(&format!("{name}-{number}")));
    Batch { entity: entity(name), token, received_at: Millis(2_000), after_absence: false, events, changes }
}

/// Admits changes that `name` saw.
pub(super) async fn see(store: &Store, name: &str, changes: Vec<Change>) {
    store.admit(vec![batch(name, 1, vec![], changes)]).await.unwrap();
}

pub(super) fn invited(room_name: &str, by: &str) -> Change {
    Change::Invited { room: room(room_name), by: user(by), direct: false }
}

pub(super) fn joined(room_name: &str) -> Change {
    Change::Joined { room: room(room_name) }
}

/// The events of a room, from the first one on.
pub(super) async fn all_events(store: &Store, room_name: &str) -> Vec<StoredEvent> {
    store.events(&room(room_name), None, usize::MAX).await.unwrap()
}

/// Their ids, without the sigil.
pub(super) fn names(events: &[StoredEvent]) -> Vec<&str> {
    events.iter().map(|event| &event.event.as_str()[1..]).collect()
}

/// Begins the turn with this id on a message of its own.
pub(super) async fn begin_turn(store: &Store, turn: &str, at: u64) {
    begin_turn_in(store, None, turn, at).await;
}

/// The same in a thread.
pub(super) async fn begin_turn_in(store: &Store, thread: Option<&str>, turn: &str, at: u64) {
    let responder = Responder::One(entity("writer"));
    let envelope = Envelope {
        conversation: Conversation { room: room("lobby"), thread: thread.map(event_id) },
        event: event_id(turn),
        sender: user("ada"),
        responder: responder.clone(),
        priority: Priority::Person,
        hops: 1,
        root: event_id(turn),
        missing: Vec::new(),
        received_at: Millis(1),
    };
    assert!(store.queue(envelope).await.unwrap());
    let start = TurnStart { id: turn_id(turn), responder, room: room("lobby"), events: vec![event_id(turn)] };
    assert!(matches!(store.begin_turn(start, Millis(at)).await.unwrap(), Begun::Go(_)));
}
