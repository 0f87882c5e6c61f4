//! Managed rooms: who is in them, whose they are, and what is said there.

use std::collections::BTreeSet;

use maitre::model::Phase;
use serde_json::json;

use crate::house::{AuditLine, DEADLINE, Maitre, Person, entity_of, room_of, shared, unique, wait_for};

/// The part of a configuration that lets one person use and administer everything.
fn for_all(person: &Person) -> String {
    format!("authorization: {{global_users: [\"{}\"]}}\n", person.user)
}

/// Waits until exactly these are in a room.
async fn wait_inside(admin: &Person, room: &str, expected: &BTreeSet<String>) {
    wait_for(&format!("{expected:?} to be in {room}"), DEADLINE, async || {
        let inside = admin.inside(room).await;
        if inside == *expected { Ok(()) } else { Err(inside) }
    })
    .await;
}

fn users(maitre: &Maitre, entities: &[&str]) -> BTreeSet<String> {
    entities.iter().map(|entity| maitre.user(entity)).collect()
}

fn users_and(person: &Person, maitre: &Maitre, entities: &[&str]) -> BTreeSet<String> {
    users(maitre, entities).into_iter().chain([person.user.clone()]).collect()
}

/// I4, I6: a room is made as its section says, in either version, with the people who may use it invited and greeted.
#[tokio::test]
async fn rooms_are_made_as_configured() {
    let ada = Person::new_admin(shared(), "ada").await;
    let config = format!(
        r#"
agents: {{alpha: {{role: "Begins.", rooms: ["old-{{test}}", "new-{{test}}"]}}}}
rooms:
  "old-{{test}}": {{version: "11", name: "The Old One", topic: "What was."}}
  "new-{{test}}": {{version: "12", encrypted: true}}
{}"#,
        for_all(&ada)
    );
    let mut maitre = Maitre::new(shared(), &config);
    maitre.start_ready().await;
    let [old, new] = ["old", "new"].map(|key| format!("{key}-{}", maitre.test));
    let (router, alpha) = (maitre.user("router"), maitre.user("alpha"));
    for (key, version, encrypted) in [(&old, "11", false), (&new, "12", true)] {
        let room = ada.resolve(&format!("#{key}:localhost")).await.unwrap();
        assert_eq!(maitre.room(key).await, room);
        assert_eq!(ada.state_in(&room, "m.room.create").await.unwrap()["room_version"], version);
        assert_eq!(ada.state_in(&room, "m.room.encryption").await.is_some(), encrypted);
        let memberships = ada.memberships_in(&room).await;
        let expected = [(&router, "join"), (&alpha, "join"), (&ada.user, "invite")];
        assert_eq!(memberships, expected.map(|(user, how)| (user.clone(), how.to_owned())).into());
    }
    let room = maitre.room(&old).await;
    assert_eq!(ada.state_in(&room, "m.room.name").await.unwrap()["name"], "The Old One");
    assert_eq!(ada.state_in(&room, "m.room.topic").await.unwrap()["topic"], "What was.");
    let said = wait_for("the welcome", DEADLINE, async || {
        let said = ada.said_in(&room).await;
        if said.is_empty() { Err(()) } else { Ok(said) }
    })
    .await;
    assert!(matches!(&said[..], [(sender, text)] if *sender == router && text.contains("Alpha")), "{said:?}");
    assert!(maitre.stop().await.success());
}

/// I4: who is no longer named leaves, who is no longer configured is taken out, who is named again comes back; and none of
/// it touches a direct chat.
#[tokio::test]
async fn members_follow_the_configuration() {
    let mut ada = Person::new_admin(shared(), "ada").await;
    let config = |alpha: &str, rest: &str| {
        format!("agents:\n  alpha: {{role: \"Begins.\", rooms: [{alpha}]}}\n{rest}{}", for_all(&ada))
    };
    let both =
        config("\"lobby-{test}\", \"attic-{test}\"", "  beta: {role: \"Goes on.\", rooms: [\"lobby-{test}\"]}\n");
    let less = config("\"attic-{test}\"", "  gamma: {role: \"Ends.\", rooms: [\"lobby-{test}\"]}\n");
    let mut maitre = Maitre::new(shared(), &both);
    maitre.start_ready().await;
    let [lobby, attic] = ["lobby", "attic"].map(|key| format!("{key}-{}", maitre.test));
    let (lobby, attic) = (maitre.room(&lobby).await, maitre.room(&attic).await);
    let alpha = maitre.user("alpha");
    let chat = ada.create_room(json!({ "is_direct": true, "invite": [alpha] })).await;
    ada.wait_until("alpha", DEADLINE, |view| view.joined(&chat).contains(&alpha).then_some(())).await;

    maitre.configure(&less);
    assert!(maitre.stop().await.success());
    maitre.start_ready().await;
    wait_inside(&ada, &lobby, &users(&maitre, &["router", "gamma"])).await;
    wait_inside(&ada, &attic, &users(&maitre, &["router", "alpha"])).await;

    maitre.configure(&both);
    assert!(maitre.stop().await.success());
    maitre.start_ready().await;
    wait_inside(&ada, &lobby, &users(&maitre, &["router", "alpha", "beta"])).await;
    assert_eq!(ada.joined(&chat).await, [ada.user.clone(), alpha].into(), "the direct chat is as it was");
    assert!(maitre.stop().await.success());
}

/// I4, I6: a key with `#` or `!` is somebody's room: joined, never made, and greeted only where nothing was said.
#[tokio::test]
async fn existing_rooms_are_joined() {
    let mut ada = Person::new_admin(shared(), "ada").await;
    let alias = unique("plaza");
    let public = json!({ "preset": "public_chat", "room_alias_name": alias, "room_version": "11" });
    let plaza = ada.create_room(public).await;
    ada.send_text(&plaza, "somebody was here").await;
    let mut maitre = Maitre::new(shared(), "");
    let router = maitre.user("router");
    let rooms = |cellar: &str| {
        let rooms = format!("[\"#{alias}:localhost\", \"{cellar}\"]");
        format!("agents: {{alpha: {{role: \"Begins.\", rooms: {rooms}}}}}\n{}", for_all(&ada))
    };
    // The router can be invited only once there is one.
    maitre.start_ready().await;
    assert!(maitre.stop().await.success());
    let cellar = ada.create_room(json!({ "room_version": "12", "invite": [router] })).await;
    maitre.configure(&rooms(&cellar));
    for _ in 0..2 {
        maitre.start_ready().await;
        let everybody = users_and(&ada, &maitre, &["router", "alpha"]);
        assert_eq!(ada.inside(&plaza).await, everybody);
        assert_eq!(ada.inside(&cellar).await, everybody);
        assert!(maitre.stop().await.success());
    }
    assert_eq!(ada.resolve(&format!("#{alias}:localhost")).await.unwrap(), plaza);
    assert_eq!(ada.rooms_of(&router).await, [plaza.clone(), cellar.clone()].into(), "no room was made");
    assert_eq!(ada.said_in(&plaza).await.len(), 1, "no welcome where somebody has spoken");
    let said = ada.said_in(&cellar).await;
    assert!(matches!(&said[..], [(sender, text)] if *sender == router && text.contains("Alpha")), "{said:?}");
}

/// I3, I4: a room that the router can't enter, or that isn't there, is named with what to do about it, the rest of the
/// house serves; and when somebody does it, all is well.
#[tokio::test]
async fn a_closed_room_is_named_and_the_rest_serves() {
    let ada = Person::new_admin(shared(), "ada").await;
    let closed = ada.create_room(json!({ "preset": "private_chat" })).await;
    let nowhere = format!("{}:localhost", unique("#nowhere"));
    let config = format!(
        r#"
agents:
  alpha: {{role: "Begins.", rooms: ["lobby-{{test}}"]}}
  beta: {{role: "Goes on.", rooms: ["{closed}"]}}
  gamma: {{role: "Ends.", rooms: ["{nowhere}"]}}
{}"#,
        for_all(&ada)
    );
    let mut maitre = Maitre::new(shared(), &config);
    let lobby = format!("lobby-{}", maitre.test);
    maitre.start();
    let status = maitre
        .wait_status("the trouble to be seen and the rest to be ready", |status| {
            let trouble = [&closed, &nowhere].into_iter().all(|key| room_of(status, key).trouble.is_some());
            (trouble && entity_of(status, "alpha").phase == Phase::Ready).then(|| status.clone())
        })
        .await;
    let trouble = room_of(&status, &closed).trouble.clone().unwrap();
    let router = maitre.user("router");
    assert!(trouble.contains(&router) && trouble.contains(&closed) && trouble.contains("invite"), "{trouble}");
    let trouble = room_of(&status, &nowhere).trouble.clone().unwrap();
    assert!(trouble.starts_with(&format!("there is no room {nowhere}")) && !trouble.contains("invite"), "{trouble}");
    assert!(room_of(&status, &lobby).trouble.is_none() && !status.ready, "{status:#?}");
    let (code, text) = maitre.get("/ready").await;
    assert!(code == 503 && text.contains(&closed), "{code} {text}");
    ada.invite(&closed, &router).await.unwrap();
    maitre
        .wait_status("the room to be entered", |status| {
            let done = room_of(status, &closed).trouble.is_none() && entity_of(status, "beta").phase == Phase::Ready;
            done.then_some(())
        })
        .await;
    let refused = ada.resolve(&nowhere).await.unwrap_err();
    assert_eq!(refused.code, "M_NOT_FOUND", "somebody else's room is never made");
    assert!(maitre.stop().await.success());
}

/// Waits for the audit's line about somebody who was put out of a room.
async fn wait_put_out(maitre: &Maitre, kind: &str, entity: &str, room: &str, by: &str) {
    let line = AuditLine {
        kind: kind.to_owned(),
        entity: Some(entity.to_owned()),
        room: Some(room.to_owned()),
        who: Some(by.to_owned()),
    };
    let journal = maitre.journal();
    wait_for(&format!("{line:?}"), DEADLINE, async || {
        let audit = journal.audit();
        if audit.contains(&line) { Ok(()) } else { Err(audit) }
    })
    .await;
}

/// I11: who was kicked or banned stays away, over restarts and also when it happened while the house slept; the audit says
/// so; an invitation opens the door again.
#[tokio::test]
async fn who_was_put_out_stays_out() {
    let ada = Person::new_admin(shared(), "ada").await;
    let agents = ["alpha", "beta", "gamma", "delta"]
        .map(|name| format!("  {name}: {{role: \"Stays.\", rooms: [\"lobby-{{test}}\"]}}\n"));
    let mut maitre = Maitre::new(shared(), &format!("agents:\n{}{}", agents.concat(), for_all(&ada)));
    maitre.start_ready().await;
    let lobby = maitre.room(&format!("lobby-{}", maitre.test)).await;
    ada.join(&lobby).await.unwrap();
    ada.kick(&lobby, &maitre.user("alpha")).await.unwrap();
    ada.ban(&lobby, &maitre.user("beta")).await.unwrap();
    wait_put_out(&maitre, "kicked", "alpha", &lobby, &ada.user).await;
    wait_put_out(&maitre, "banned", "beta", &lobby, &ada.user).await;
    assert!(maitre.stop().await.success());
    ada.kick(&lobby, &maitre.user("gamma")).await.unwrap();
    for _ in 0..2 {
        maitre.start_ready().await;
        let inside = users_and(&ada, &maitre, &["router", "delta"]);
        assert_eq!(ada.inside(&lobby).await, inside, "nobody came back");
        let stand = ada.memberships_in(&lobby).await;
        let stands = ["alpha", "beta", "gamma"].map(|name| stand[&maitre.user(name)].clone());
        assert_eq!(stands, ["leave", "ban", "leave"], "nobody was even asked back");
        assert!(maitre.stop().await.success());
    }
    let lines = maitre.journal().audit();
    let put_out = |kind: &str| lines.iter().filter(|line| line.kind == kind).count();
    assert_eq!((put_out("kicked"), put_out("banned")), (2, 1), "{lines:#?}");
    maitre.start_ready().await;
    ada.invite(&lobby, &maitre.user("alpha")).await.unwrap();
    wait_inside(&ada, &lobby, &users_and(&ada, &maitre, &["router", "alpha", "delta"])).await;
    assert!(maitre.stop().await.success());
}

/// I6: asked into somebody's room, the router says once who is there.
#[tokio::test]
async fn a_guest_router_greets_once() {
    let mut ada = Person::new_admin(shared(), "ada").await;
    let mut maitre = Maitre::new(shared(), &format!("agents: {{alpha: {{role: \"Begins.\"}}}}\n{}", for_all(&ada)));
    maitre.start_ready().await;
    let (router, alpha) = (maitre.user("router"), maitre.user("alpha"));
    let parlour = ada.create_room(json!({ "invite": [alpha] })).await;
    ada.wait_until("alpha", DEADLINE, |view| view.joined(&parlour).contains(&alpha).then_some(())).await;
    ada.invite(&parlour, &router).await.unwrap();
    wait_for("the welcome", DEADLINE, async || {
        let said = ada.said_in(&parlour).await;
        if said.is_empty() { Err(()) } else { Ok(()) }
    })
    .await;
    let busy = ada.create_room(json!({})).await;
    ada.send_text(&busy, "we are in the middle of something").await;
    ada.invite(&busy, &router).await.unwrap();
    ada.wait_until("the router", DEADLINE, |view| view.joined(&busy).contains(&router).then_some(())).await;
    assert!(maitre.stop().await.success());
    maitre.start_ready().await;
    let said = ada.said_in(&parlour).await;
    assert!(matches!(&said[..], [(sender, text)] if *sender == router && text.contains("Alpha")), "{said:?}");
    assert_eq!(ada.said_in(&busy).await.len(), 1);
    assert!(maitre.stop().await.success());
}

/// I9: one space holds every managed room; nothing is ever said in it, nor in a space that the router is asked into.
#[tokio::test]
async fn a_space_holds_every_room_and_stays_silent() {
    let mut ada = Person::new_admin(shared(), "ada").await;
    let config = format!(
        r#"
agents: {{alpha: {{role: "Begins.", rooms: ["lobby-{{test}}", "attic-{{test}}"]}}}}
space: {{name: "The House", alias: "house-{{test}}"}}
{}"#,
        for_all(&ada)
    );
    let mut maitre = Maitre::new(shared(), &config);
    maitre.start_ready().await;
    let alias = format!("#house-{}:localhost", maitre.test);
    let space = wait_for("the space", DEADLINE, async || ada.resolve(&alias).await).await;
    ada.wait_until("the invitation", DEADLINE, |view| view.is_invited(&space).then_some(())).await;
    ada.join(&space).await.unwrap();
    let mut rooms = Vec::new();
    for key in ["lobby", "attic"] {
        rooms.push(maitre.room(&format!("{key}-{}", maitre.test)).await);
    }
    ada.wait_until("the rooms in it", DEADLINE, |view| {
        rooms.iter().all(|room| view.state(&space, "m.space.child", room).is_some()).then_some(())
    })
    .await;
    assert_eq!(ada.state(&space, "m.room.create", "").await.unwrap()["type"], "m.space");
    assert_eq!(ada.state(&space, "m.room.name", "").await.unwrap()["name"], "The House");

    let router = maitre.user("router");
    let other = json!({ "creation_content": { "type": "m.space" }, "invite": [router] });
    let other = ada.create_room(other).await;
    ada.wait_until("the router", DEADLINE, |view| view.joined(&other).contains(&router).then_some(())).await;
    assert!(maitre.stop().await.success());
    maitre.start_ready().await;
    assert_eq!(ada.resolve(&alias).await.unwrap(), space, "it isn't made twice");
    for silent in [&space, &other] {
        assert_eq!(ada.said_in(silent).await, []);
    }
    rooms.extend([space, other]);
    assert_eq!(ada.rooms_of(&router).await, rooms.into_iter().collect());
    assert!(maitre.stop().await.success());
}

/// H3: who is taken out of the configuration while it can't sign in is taken out of its rooms by the router.
#[tokio::test]
async fn who_is_not_up_is_taken_out() {
    let ada = Person::new_admin(shared(), "ada").await;
    let given = ", passwords: {beta: \"${BETA}\"}";
    let accounts = format!(
        "{{registration_shared_secret: {}, localpart: \"{{name}}-{{test}}\"{given}}}",
        shared().secret.reveal()
    );
    let beta = "  beta: {role: \"Goes on.\", rooms: [\"lobby-{test}\"]}\n";
    let config = format!("agents:\n  alpha: {{role: \"Begins.\", rooms: [\"lobby-{{test}}\"]}}\n{beta}");
    let mut maitre = Maitre::with_accounts(shared(), &accounts, &config);
    maitre.set("BETA", "open sesame");
    maitre.start_ready().await;
    let room = maitre.room(&format!("lobby-{}", maitre.test)).await;
    wait_inside(&ada, &room, &users(&maitre, &["router", "alpha", "beta"])).await;
    assert!(maitre.stop().await.success());
    let user = maitre.user("beta");
    for device in ada.devices_of(&user).await {
        ada.api.delete(&format!("/_synapse/admin/v2/users/{user}/devices/{device}")).await.unwrap();
    }
    maitre.set("BETA", "not the password");
    maitre.start();
    let is_down = |phase: Phase| (phase == Phase::Down).then_some(());
    maitre.wait_status("beta to be down", |status| is_down(entity_of(status, "beta").phase)).await;
    assert!(ada.inside(&room).await.contains(&user), "it is down, and still in the room");
    let whole = std::fs::read_to_string(maitre.config()).unwrap();
    let without = whole.replace(given, "").replace(&beta.replace("{test}", &maitre.test), "");
    std::fs::write(maitre.config(), without).unwrap();
    wait_inside(&ada, &room, &users(&maitre, &["router", "alpha"])).await;
    assert!(maitre.stop().await.success());
}
