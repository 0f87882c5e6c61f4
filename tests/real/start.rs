//! The house comes up, again and again, as the configuration says.

use std::collections::{BTreeMap, BTreeSet};

use maitre::model::{Phase, Secret};

use crate::house::{DEADLINE, Maitre, Person, shared, wait_for};

/// A router, three agents and a team in two rooms, and one person who may use everything.
fn small(person: &Person) -> String {
    format!(
        r#"
agents:
  alpha: {{role: "Begins.", rooms: ["lobby-{{test}}"]}}
  beta: {{role: "Goes on.", rooms: ["lobby-{{test}}", "attic-{{test}}"]}}
  gamma: {{role: "Ends.", rooms: ["attic-{{test}}"]}}
teams:
  greek: {{role: "All at once.", agents: [alpha, beta], rooms: ["attic-{{test}}"]}}
authorization: {{global_users: ["{}"]}}
"#,
        person.user
    )
}

/// Who is in which of the small house's rooms, by room id.
async fn memberships(person: &Person, maitre: &Maitre) -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    for key in ["lobby", "attic"] {
        let room = person.resolve(&format!("#{key}-{}:localhost", maitre.test)).await.unwrap();
        let members = person.joined(&room).await;
        found.insert(room, members);
    }
    found
}

/// I1, I3, I4, I8: everybody is there, with the person who was asked in, and after a restart nothing is there twice.
#[tokio::test]
async fn everybody_is_where_the_configuration_says() {
    let mut ada = Person::new_admin(shared(), "ada").await;
    let mut maitre = Maitre::new(shared(), &small(&ada));
    maitre.start_ready().await;
    for key in ["lobby", "attic"] {
        let room = ada.resolve(&format!("#{key}-{}:localhost", maitre.test)).await.unwrap();
        ada.wait_until("the invite", DEADLINE, |view| view.is_invited(&room).then_some(())).await;
        ada.join(&room).await.unwrap();
    }
    let first = memberships(&ada, &maitre).await;
    let expected = |entities: &[&str]| -> BTreeSet<String> {
        entities.iter().map(|entity| maitre.user(entity)).chain([ada.user.clone()]).collect()
    };
    let lobby = expected(&["router", "alpha", "beta"]);
    let attic = expected(&["router", "beta", "gamma", "greek"]);
    assert_eq!(first.values().cloned().collect::<BTreeSet<_>>(), [lobby, attic].into());
    assert!(maitre.stop().await.success(), "an ordered stop is a success");
    maitre.start_ready().await;
    assert_eq!(memberships(&ada, &maitre).await, first);
    for entity in ["router", "alpha", "beta", "gamma", "greek"] {
        assert_eq!(ada.devices_of(&maitre.user(entity)).await.len(), 1, "{entity}");
    }
    assert!(maitre.stop().await.success());
}

/// I6: the welcome stands in each room, once, also after a restart.
#[tokio::test]
async fn the_router_welcomes_once() {
    let ada = Person::new(shared(), "ada").await;
    let mut maitre = Maitre::new(shared(), &small(&ada));
    maitre.start_ready().await;
    let rooms = [maitre.status().await, {
        maitre.stop().await;
        maitre.start_ready().await;
        maitre.status().await
    }]
    .map(|status| status.rooms.into_iter().filter_map(|room| room.room).collect::<Vec<_>>());
    assert_eq!(rooms[0], rooms[1]);
    let router = maitre.user("router");
    for room in &rooms[0] {
        ada.join(room.as_str()).await.unwrap();
        let said = wait_for("the welcome", DEADLINE, async || {
            let history = ada.history(room.as_str()).await;
            let said: Vec<_> = history.into_iter().filter(|event| event["type"] == "m.room.message").collect();
            if said.is_empty() { Err(said) } else { Ok(said) }
        })
        .await;
        assert_eq!(said.len(), 1, "{said:#?}");
        assert_eq!(said[0]["sender"], router.as_str());
        assert!(said[0]["content"]["body"].as_str().unwrap().contains("Beta"), "{said:#?}");
    }
    assert!(maitre.stop().await.success());
}

/// I2, I3: one that can't log in is down and named; the others serve.
#[tokio::test]
async fn a_wrong_password_keeps_one_entity_down() {
    let ada = Person::new(shared(), "ada").await;
    let accounts = format!(
        "{{registration_shared_secret: {}, localpart: \"{{name}}-{{test}}\", passwords: {{beta: guess}}}}",
        shared().secret.reveal()
    );
    let mut maitre = Maitre::with_accounts(shared(), &accounts, &small(&ada));
    let beta = format!("beta-{}", maitre.test);
    shared().registrar().register(&beta, &Secret::new("something else")).await.unwrap();
    maitre.start();
    let status = maitre
        .wait_status("all but one to be up", |status| {
            let up = |name: &str| status.entities.iter().any(|e| e.name.as_str() == name && e.phase == Phase::Ready);
            let down = status.entities.iter().any(|e| e.name.as_str() == "beta" && e.phase == Phase::Down);
            (down && ["router", "alpha", "gamma", "greek"].into_iter().all(up)).then(|| status.clone())
        })
        .await;
    let beta = status.entities.iter().find(|entity| entity.name.as_str() == "beta").unwrap();
    assert!(beta.next_try_at.is_some() && beta.reason.is_some(), "{beta:#?}");
    let (code, text) = maitre.get("/ready").await;
    assert_eq!(code, 503, "{text}");
    assert!(text.contains("beta"), "{text}");
    assert!(maitre.stop().await.success());
}

/// A second process on the same state folder refuses, and says why.
#[tokio::test]
async fn two_processes_do_not_share_a_state_folder() {
    let ada = Person::new(shared(), "ada").await;
    let mut maitre = Maitre::new(shared(), &small(&ada));
    maitre.start_ready().await;
    let second = maitre.run_another().await;
    assert_eq!(second.status.code(), Some(73), "the exit code for an unusable state folder");
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(said.contains(maitre.state().to_str().unwrap()), "{said}");
    assert_eq!(maitre.phase("router").await, Phase::Ready, "the first one doesn't notice");
    assert!(maitre.stop().await.success());
}
