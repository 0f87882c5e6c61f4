//! `maitre status` as a person and a script see it.

use maitre::model::Status;

use crate::house::{Maitre, Site, shared};

const CONFIG: &str = "agents: {alpha: {role: \"Begins.\", rooms: [\"lobby-{test}\"]}}\n";

/// The command tells by its exit code whether there is a house and whether it is ready, and says the rest in words or JSON.
#[tokio::test]
async fn the_house_is_asked_how_it_is() {
    let mut maitre = Maitre::new(shared(), CONFIG);
    let silent = maitre.say(&["status"]).await;
    assert_eq!(silent.status.code(), Some(69));
    assert!(String::from_utf8_lossy(&silent.stderr).contains("nobody answers"), "{silent:?}");

    maitre.start_ready().await;
    let spoken = maitre.say(&["status"]).await;
    let text = String::from_utf8_lossy(&spoken.stdout);
    assert_eq!(spoken.status.code(), Some(0), "{text}");
    let lobby = format!("lobby-{}", maitre.test);
    for word in ["ready", "router", "alpha", &maitre.user("alpha"), &lobby, &maitre.room(&lobby).await] {
        assert!(text.contains(word), "{word} is missing from\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "no colours where nobody looks: {text}");
    let written = maitre.say(&["status", "--json"]).await;
    assert_eq!(written.status.code(), Some(0));
    let status: Status = serde_json::from_slice(&written.stdout).unwrap();
    assert!(status.ready && status.entities.len() == 2 && status.rooms.len() == 1, "{status:#?}");
    assert!(maitre.stop().await.success());
    for arguments in [["status", "--json"], ["status", "--alive"]] {
        assert_eq!(maitre.say(&arguments).await.status.code(), Some(69));
    }
}

/// I3: a house without its homeserver waits, says so, and is there but not ready.
#[tokio::test]
async fn a_house_that_waits_is_not_ready() {
    // Nothing listens on the port for discarding.
    let nowhere = Site { url: "http://127.0.0.1:9".to_owned(), secret: shared().secret.clone() };
    let mut maitre = Maitre::new(&nowhere, CONFIG);
    maitre.start();
    maitre.wait_status("the waiting to be said", |status| status.doing.contains("homeserver").then_some(())).await;
    let spoken = maitre.say(&["status"]).await;
    let text = String::from_utf8_lossy(&spoken.stdout);
    assert_eq!(spoken.status.code(), Some(1), "{text}");
    assert!(text.contains("waiting for the homeserver") && text.contains(&nowhere.url), "{text}");
    assert_eq!(maitre.say(&["status", "--alive"]).await.status.code(), Some(0), "it is there all the same");
    assert!(maitre.stop().await.success());
}
