//! Rooms that are replaced by others, rightly or not.

use std::collections::BTreeSet;

use serde_json::json;

use crate::house::{DEADLINE, Maitre, Person, shared, wait_for};

fn config(person: &Person) -> String {
    format!(
        r#"
agents:
  alpha: {{role: "Begins.", rooms: ["lobby-{{test}}"]}}
  beta: {{role: "Goes on.", rooms: ["lobby-{{test}}"]}}
rooms: {{"lobby-{{test}}": {{version: "11"}}}}
authorization: {{global_users: ["{}"]}}
"#,
        person.user
    )
}

/// I10: a room that an admin upgrades is followed by everybody of ours, its key goes with them, and so it stays.
#[tokio::test]
async fn an_upgraded_room_is_followed() {
    let ada = Person::new_admin(shared(), "ada").await;
    let mut maitre = Maitre::new(shared(), &config(&ada));
    maitre.start_ready().await;
    let key = format!("lobby-{}", maitre.test);
    let old = maitre.room(&key).await;
    ada.join(&old).await.unwrap();
    let new = ada.upgrade(&old, "12").await;
    // As clients do for everybody who was there; one is enough, since ours ask each other in.
    ada.invite(&new, &maitre.user("router")).await.unwrap();
    let everybody: BTreeSet<String> =
        ["router", "alpha", "beta"].map(|name| maitre.user(name)).into_iter().chain([ada.user.clone()]).collect();
    for _ in 0..2 {
        maitre
            .wait_status("the key to have moved", |status| {
                let room = status.rooms.iter().find(|room| room.key == key)?;
                (status.ready && room.room.as_ref()?.as_str() == new).then_some(())
            })
            .await;
        wait_for("everybody to have followed", DEADLINE, async || {
            let inside = ada.inside(&new).await;
            if inside == everybody { Ok(()) } else { Err(inside) }
        })
        .await;
        assert!(maitre.stop().await.success());
        maitre.start_ready().await;
    }
    assert_eq!(ada.said_in(&new).await, [], "they have met before");
    assert_eq!(ada.resolve(&format!("#{key}:localhost")).await.unwrap(), new);
    assert!(maitre.stop().await.success());
}

/// I10: a successor that doesn't know its predecessor is none: nobody stays there, and the key stays where it is.
#[tokio::test]
async fn a_false_successor_is_not_followed() {
    let ada = Person::new_admin(shared(), "ada").await;
    let mut maitre = Maitre::new(shared(), &config(&ada));
    maitre.start_ready().await;
    let key = format!("lobby-{}", maitre.test);
    let lobby = maitre.room(&key).await;
    ada.join(&lobby).await.unwrap();
    let trap = ada.create_room(json!({ "preset": "public_chat" })).await;
    let tombstone = json!({ "body": "this way", "replacement_room": trap });
    ada.set_state(&lobby, "m.room.tombstone", "", tombstone).await.unwrap();
    let journal = maitre.journal();
    wait_for("the successor to be judged", DEADLINE, async || match journal.settled_upgrades() {
        Some(1) => Ok(()),
        other => Err(other),
    })
    .await;
    for _ in 0..2 {
        assert_eq!(maitre.room(&key).await, lobby);
        assert_eq!(ada.inside(&trap).await, [ada.user.clone()].into());
        assert_eq!(ada.inside(&lobby).await.len(), 4, "they stay where they are");
        assert!(maitre.stop().await.success());
        maitre.start_ready().await;
    }
    assert!(maitre.stop().await.success());
}
