//! The simple client against the homeserver alone: what scenarios with our own entities are told with.

use serde_json::json;

use crate::house::{DEADLINE, Person, shared};

#[tokio::test]
async fn two_people_talk() {
    let mut ada = Person::new(shared(), "ada").await;
    let mut bob = Person::new(shared(), "bob").await;
    let room = ada.create_room(json!({ "name": "Hall", "invite": [bob.user] })).await;
    bob.wait_until("the invite", DEADLINE, |view| view.is_invited(&room).then_some(())).await;
    bob.join(&room).await.unwrap();
    ada.begin_typing(&room).await;
    bob.wait_until("her typing", DEADLINE, |view| view.typing(&room).contains(&ada.user).then_some(())).await;
    ada.end_typing(&room).await;
    let event = ada.send_text(&room, "hello").await;
    let both = [ada.user.clone(), bob.user.clone()].into();
    bob.wait_until("the message", DEADLINE, |view| {
        (view.texts(&room) == [(ada.user.as_str(), "hello")] && view.joined(&room) == both).then_some(())
    })
    .await;
    bob.wait_until("her pause", DEADLINE, |view| view.typing(&room).is_empty().then_some(())).await;
    assert_eq!(bob.view().state(&room, "m.room.name", "").unwrap()["name"], "Hall");
    ada.redact(&room, &event).await.unwrap();
    bob.wait_until("the redaction", DEADLINE, |view| {
        view.timeline(&room).iter().any(|seen| seen["type"] == "m.room.redaction").then_some(())
    })
    .await;
    let history = ada.history(&room).await;
    let emptied = history.iter().find(|seen| seen["event_id"] == event.as_str()).unwrap();
    assert_eq!(emptied["content"], json!({}));
}

#[tokio::test]
async fn rooms_are_governed() {
    let ada = Person::new(shared(), "ada").await;
    let bob = Person::new(shared(), "bob").await;
    let room = ada.create_room(json!({ "room_version": "11", "preset": "public_chat" })).await;
    bob.join(&room).await.unwrap();
    assert_eq!(ada.joined(&room).await, [ada.user.clone(), bob.user.clone()].into());
    assert_eq!(ada.power_levels(&room).await["users"], json!({ ada.user.as_str(): 100 }));
    let refused = bob.set_state(&room, "m.room.topic", "", json!({ "topic": "mine" })).await.unwrap_err();
    assert_eq!((refused.status, refused.code.as_str()), (403, "M_FORBIDDEN"), "{}", refused.message);
    ada.set_state(&room, "m.room.topic", "", json!({ "topic": "ours" })).await.unwrap();
    let successor = ada.upgrade(&room, "12").await;
    assert_eq!(ada.state(&room, "m.room.tombstone", "").await.unwrap()["replacement_room"], successor.as_str());
    bob.leave(&room).await.unwrap();
    ada.invite(&successor, &bob.user).await.unwrap();
    ada.kick(&successor, &bob.user).await.unwrap();
    ada.ban(&successor, &bob.user).await.unwrap();
    assert_eq!(ada.members(&successor).await[&bob.user], "ban");
    let refused = bob.join(&successor).await.unwrap_err();
    assert_eq!(refused.status, 403, "{refused:?}");
    assert_eq!(ada.resolve("#no-such-room:localhost").await.unwrap_err().status, 404);
}

#[tokio::test]
async fn people_come_back_on_another_device() {
    let ada = Person::new_admin(shared(), "ada").await;
    let localpart = ada.user.trim_start_matches('@').split(':').next().unwrap();
    let again = Person::login(shared(), localpart, &ada.password).await.unwrap();
    assert_eq!(again.user, ada.user);
    let refused = Person::login(shared(), localpart, "guess").await.unwrap_err();
    assert_eq!(refused.code, "M_FORBIDDEN");
    let devices = ada.api.get(&format!("/_synapse/admin/v2/users/{}/devices", ada.user)).await.unwrap();
    assert_eq!(devices["total"], 2, "{devices}");
}
