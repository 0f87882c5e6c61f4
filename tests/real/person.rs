//! The person at the keyboard, whose account the house makes.

use crate::house::{DEADLINE, Maitre, Person, shared, wait_for};

fn config(username: &str, display_name: &str) -> String {
    format!(
        r#"
agents: {{alpha: {{role: "Begins.", rooms: ["lobby-{{test}}", "attic-{{test}}"]}}}}
user: {{username: "{username}-{{test}}", display_name: "{display_name}", password: "let me in"}}
"#
    )
}

/// I12, H6: the person's account is made once, is in every room, can be used with its password, and is shown as
/// configured; another user name is refused by the name of its key.
#[tokio::test]
async fn the_person_has_an_account_in_every_room() {
    let mut maitre = Maitre::new(shared(), &config("you", "You Yourself"));
    maitre.start_ready().await;
    let mut you = Person::login(shared(), &format!("you-{}", maitre.test), "let me in").await.unwrap();
    let mut rooms = Vec::new();
    for key in ["lobby", "attic"] {
        rooms.push(maitre.room(&format!("{key}-{}", maitre.test)).await);
    }
    for room in &rooms {
        let expected = ["router", "alpha", "you"].map(|name| maitre.user(name));
        you.wait_until("the room", DEADLINE, |view| (view.joined(room) == expected.clone().into()).then_some(())).await;
    }
    you.send_text(&rooms[0], "it is me").await;
    let journal = maitre.journal();
    wait_for("the person's message to be admitted", DEADLINE, async || {
        let texts = journal.live_texts(&rooms[0], &maitre.user("you"));
        if texts == ["it is me"] { Ok(()) } else { Err(texts) }
    })
    .await;
    let shown = async || you.api.get(&format!("/_matrix/client/v3/profile/{}", you.user)).await.unwrap();
    assert_eq!(shown().await["displayname"], "You Yourself");
    assert!(maitre.stop().await.success());

    maitre.configure(&config("you", "Somebody"));
    maitre.start_ready().await;
    wait_for("the other name", DEADLINE, async || match shown().await["displayname"].as_str() {
        Some("Somebody") => Ok(()),
        other => Err(other.map(str::to_owned)),
    })
    .await;
    assert!(maitre.stop().await.success());

    maitre.configure(&config("me", "Somebody"));
    let refused = maitre.run_another().await;
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(65), "{said}");
    assert!(said.contains("user.username"), "{said}");
    maitre.configure(&config("you", "Somebody"));
    maitre.start_ready().await;
    assert!(maitre.stop().await.success());
}
