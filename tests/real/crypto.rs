//! Encryption, with a client of another implementation on the other side.

use maitre::{matrix::MatrixError, model::RoomId};
use serde_json::Value;

use crate::house::{Door, Line, Nio, Person, shared};

/// What the homeserver holds of an event: its type, and whether its text is to be seen.
async fn on_the_server(person: &Person, room: &str, event: &str) -> (String, bool) {
    let history = person.history(room).await;
    let event = history.iter().find(|found| found["event_id"] == event).unwrap();
    (event["type"].as_str().unwrap().to_owned(), event["content"]["body"] != Value::Null)
}

async fn check_sealed_on_the_server(person: &Person, room: &str, event: &str) {
    assert_eq!(on_the_server(person, room, event).await, ("m.room.encrypted".to_owned(), false));
}

/// One of ours in a room of `nio`'s.
async fn guest(door: &Door, nio: &mut Nio, room: &str, name: &str) -> Line {
    let mut line = door.line(name).await;
    nio.invite(room, &line.user).await;
    line.join(room).await;
    line
}

/// E4, E6: in an encrypted room of version 12 an entity reads what a foreign client writes, and is read by it; the
/// homeserver sees neither.
#[tokio::test]
async fn an_entity_talks_with_a_foreign_client_in_an_encrypted_room() {
    let mut nio = Nio::new(shared(), "nio").await;
    let room = nio.create_room("Secrets", true, Some("12")).await;
    let door = Door::open(shared());
    let mut ada = guest(&door, &mut nio, &room, "ada").await;
    nio.wait_members(&room, &[&nio.user.clone(), &ada.user]).await;
    nio.send(&room, "can you read this?").await;
    ada.wait_text("can you read this?").await;
    let event = ada.say(&room, "every word").await.unwrap();
    let seen = nio.wait_message(&room, "every word").await;
    assert!(seen.encrypted && seen.readable, "{seen:?}");
    let witness = Person::new(shared(), "witness").await;
    nio.invite(&room, &witness.user).await;
    witness.join(&room).await.unwrap();
    check_sealed_on_the_server(&witness, &room, &event).await;
}

/// E4: a person switches encryption on; the very next thing each entity sends is encrypted, though none has heard of it.
#[tokio::test]
async fn what_follows_the_switch_is_encrypted() {
    let mut nio = Nio::new(shared(), "nio").await;
    let room = nio.create_room("Open", false, Some("12")).await;
    let door = Door::open(shared());
    let mut ada = guest(&door, &mut nio, &room, "ada").await;
    let mut bob = guest(&door, &mut nio, &room, "bob").await;
    let witness = Person::new(shared(), "witness").await;
    nio.invite(&room, &witness.user).await;
    witness.join(&room).await.unwrap();
    let open = ada.say(&room, "in the open").await.unwrap();
    assert_eq!(on_the_server(&witness, &room, &open).await, ("m.room.message".to_owned(), true));
    nio.enable_encryption(&room).await;
    for line in [&mut ada, &mut bob] {
        let event = line.say(&room, "under cover").await.unwrap();
        check_sealed_on_the_server(&witness, &room, &event).await;
    }
}

/// E4: what an entity asked before it speaks holds only until another of ours sees that encryption was switched on.
#[tokio::test]
async fn what_was_asked_before_gives_way_to_what_was_seen_since() {
    let mut nio = Nio::new(shared(), "nio").await;
    let room = nio.create_room("Open", false, Some("12")).await;
    let door = Door::open(shared());
    let mut ada = guest(&door, &mut nio, &room, "ada").await;
    let mut bob = guest(&door, &mut nio, &room, "bob").await;
    let witness = Person::new(shared(), "witness").await;
    nio.invite(&room, &witness.user).await;
    witness.join(&room).await.unwrap();
    let id = RoomId::parse(room.as_str()).unwrap();
    ada.session.prepare(id.clone()).await.unwrap();
    let open = ada.say(&room, "in the open").await.unwrap();
    assert_eq!(on_the_server(&witness, &room, &open).await, ("m.room.message".to_owned(), true));
    nio.wait_members(&room, &[&nio.user.clone(), &ada.user, &bob.user, &witness.user]).await;
    ada.session.prepare(id).await.unwrap();
    nio.enable_encryption(&room).await;
    nio.send(&room, "is it on?").await;
    bob.wait_text("is it on?").await;
    let event = ada.say(&room, "under cover").await.unwrap();
    check_sealed_on_the_server(&witness, &room, &event).await;
}

/// E5: who was kicked gets no key for what an entity says afterwards, even if only another entity saw the kick.
#[tokio::test]
async fn who_was_kicked_cannot_read_what_an_entity_says_next() {
    let mut nio = Nio::new(shared(), "nio").await;
    let room = nio.create_room("Secrets", true, Some("12")).await;
    let door = Door::open(shared());
    let mut ada = guest(&door, &mut nio, &room, "ada").await;
    let mut bob = guest(&door, &mut nio, &room, "bob").await;
    let mut eve = Nio::new(shared(), "eve").await;
    nio.invite(&room, &eve.user).await;
    eve.join_when_invited(&room).await;
    nio.wait_members(&room, &[&nio.user.clone(), &ada.user, &bob.user, &eve.user]).await;
    // Ada shares her key with everybody who is in the room now.
    nio.send(&room, "everybody here?").await;
    ada.wait_text("everybody here?").await;
    ada.say(&room, "before").await.unwrap();
    assert!(eve.wait_message(&room, "before").await.readable);
    nio.kick(&room, &eve.user).await;
    nio.wait_members(&room, &[&nio.user.clone(), &ada.user, &bob.user]).await;
    // Only Bob hears of the kick; a message after it proves that he has.
    nio.send(&room, "she is gone").await;
    bob.wait_text("she is gone").await;
    let event = ada.say(&room, "after").await.unwrap();
    assert!(nio.wait_message(&room, "after").await.readable);
    nio.invite(&room, &eve.user).await;
    eve.join_when_invited(&room).await;
    let seen = eve.fetch(&room, &event).await.unwrap();
    assert!(seen.encrypted && !seen.readable, "{seen:?}");
}

/// E6: from its first login on, an entity has a cross-signing identity, and its one device is signed by it.
#[tokio::test]
async fn an_entity_is_cross_signed_from_its_first_login() {
    let ada = Door::open(shared()).line("ada").await;
    let witness = Person::new(shared(), "witness").await;
    let keys = witness.keys_of(&ada.user).await;
    let own_signing = keys["self_signing_keys"][&ada.user]["keys"].as_object().unwrap();
    assert!(keys["master_keys"][&ada.user]["keys"].is_object(), "{keys}");
    let devices = keys["device_keys"][&ada.user].as_object().unwrap();
    assert_eq!(devices.len(), 1);
    let device = devices.values().next().unwrap();
    let signatures = device["signatures"][&ada.user].as_object().unwrap();
    assert!(own_signing.keys().any(|key| signatures.contains_key(key)), "{device}");
}

/// E6: when the keys on the disk are not those that the homeserver knows, an entity says so instead of going deaf.
#[tokio::test]
async fn lost_keys_are_noticed() {
    let door = Door::open(shared());
    door.line("ada").await.session.close().await;
    let outcome = door.without_keys().sign_in("ada").await.establish().await;
    assert!(matches!(outcome, Err(MatrixError::ForeignDevice { .. })), "{outcome:?}");
}
