//! The foreign client against the homeserver alone: what scenarios with our own entities are measured with.

use crate::house::{Nio, Seen, shared};

/// Two who share an encrypted room of this version.
async fn pair(version: &str) -> (Nio, Nio, String) {
    let mut ada = Nio::new(shared(), "ada").await;
    let mut bob = Nio::new(shared(), "bob").await;
    let room = ada.create_room("Secrets", true, Some(version)).await;
    ada.invite(&room, &bob.user).await;
    bob.join_when_invited(&room).await;
    ada.wait_members(&room, &[&ada.user.clone(), &bob.user]).await;
    (ada, bob, room)
}

fn check_read(seen: &Seen, sender: &Nio, body: &str) {
    assert_eq!((seen.sender.as_str(), seen.body.as_deref()), (sender.user.as_str(), Some(body)));
    assert!(seen.encrypted && seen.readable, "{seen:?}");
}

#[tokio::test]
async fn two_clients_talk_in_encrypted_rooms() {
    for version in ["11", "12"] {
        let (mut ada, mut bob, room) = pair(version).await;
        assert_eq!(room.contains(':'), version == "11", "ids of version 12 name no server: {room}");
        ada.send(&room, "can you read this?").await;
        check_read(&bob.wait_message(&room, "can you read this?").await, &ada, "can you read this?");
        bob.send(&room, "every word").await;
        check_read(&ada.wait_message(&room, "every word").await, &bob, "every word");
    }
}

#[tokio::test]
async fn who_was_kicked_cannot_read_what_comes_after() {
    let (mut ada, mut bob, room) = pair("12").await;
    let before = ada.send(&room, "before").await;
    bob.wait_message(&room, "before").await;
    ada.kick(&room, &bob.user).await;
    ada.wait_members(&room, &[&ada.user.clone()]).await;
    let after = ada.send(&room, "after").await;
    // Back in the room the event is to be had, but not its key.
    ada.invite(&room, &bob.user).await;
    bob.join_when_invited(&room).await;
    let seen = bob.fetch(&room, &after).await.unwrap();
    assert!(seen.encrypted && !seen.readable, "{seen:?}");
    check_read(&bob.fetch(&room, &before).await.unwrap(), &ada, "before");
}

#[tokio::test]
async fn encryption_can_be_switched_on_mid_life() {
    let mut ada = Nio::new(shared(), "ada").await;
    let mut bob = Nio::new(shared(), "bob").await;
    let room = ada.create_room("Plain", false, None).await;
    ada.invite(&room, &bob.user).await;
    bob.join_when_invited(&room).await;
    ada.wait_members(&room, &[&ada.user.clone(), &bob.user]).await;
    assert_eq!(ada.members(&room).await, [ada.user.clone(), bob.user.clone()]);
    ada.send(&room, "in the open").await;
    assert!(!bob.wait_message(&room, "in the open").await.encrypted);
    ada.enable_encryption(&room).await;
    ada.send(&room, "under cover").await;
    assert!(bob.wait_message(&room, "under cover").await.encrypted);
    bob.leave(&room).await;
    ada.wait_members(&room, &[&ada.user.clone()]).await;
}
