//! Every message is admitted once, in order, whatever dies in between.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use maitre::homeserver::Homeserver;

use crate::house::{DEADLINE, Maitre, Nio, Person, Site, installation, shared, temporary, wait_for};

/// More than the timeline of a sync holds.
const MANY: usize = 500;

/// A life of the program lasts at most as long as it takes to send so many messages.
const MESSAGES_PER_LIFE_MAX: usize = 90;

fn random_below(limit: usize) -> usize {
    usize::try_from(RandomState::new().build_hasher().finish() % u64::try_from(limit).unwrap()).unwrap()
}

/// Two agents in one room.
fn pair(users: &[&str], encrypted: bool) -> String {
    let users = users.iter().map(|user| format!("\"{user}\"")).collect::<Vec<_>>().join(", ");
    format!(
        r#"
agents:
  alpha: {{role: "Begins.", rooms: ["lobby-{{test}}"]}}
  beta: {{role: "Goes on.", rooms: ["lobby-{{test}}"]}}
rooms:
  "lobby-{{test}}": {{encrypted: {encrypted}, version: "12"}}
authorization: {{global_users: [{users}]}}
"#
    )
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("message {number}")).collect()
}

async fn lobby(person: &Person, maitre: &Maitre) -> String {
    person.resolve(&format!("#lobby-{}:localhost", maitre.test)).await.unwrap()
}

/// Waits until the journal holds as many messages as were sent, then compares them all.
async fn check_admitted(maitre: &Maitre, room: &str, sender: &str, expected: &[String]) {
    let journal = maitre.journal();
    let admitted = wait_for("all messages to be admitted", DEADLINE, async || {
        let texts = journal.live_texts(room, sender);
        if texts.len() >= expected.len() { Ok(texts) } else { Err((texts.len(), expected.len())) }
    })
    .await;
    assert_eq!(admitted, expected);
    assert!(journal.events(room).iter().all(|row| !row.sealed), "everything can be read");
}

/// N1: what was said while the program was stopped is there after its start, once and in order.
#[tokio::test]
async fn messages_sent_meanwhile_are_admitted() {
    let mut ada = Person::new(shared(), "ada").await;
    let mut maitre = Maitre::new(shared(), &pair(&[&ada.user], false));
    maitre.start_ready().await;
    let room = lobby(&ada, &maitre).await;
    ada.join(&room).await.unwrap();
    maitre.stop().await;
    let texts = numbered(MANY);
    for text in &texts {
        ada.send_text(&room, text).await;
    }
    maitre.start_ready().await;
    check_admitted(&maitre, &room, &ada.user, &texts).await;
    assert!(maitre.stop().await.success());
}

/// N1, E2: the same in an encrypted room of version 12, with a sender of another implementation.
#[tokio::test]
async fn encrypted_messages_sent_meanwhile_are_admitted() {
    let mut ada = Nio::new(shared(), "ada").await;
    let eve = Person::new(shared(), "eve").await;
    let mut maitre = Maitre::new(shared(), &pair(&[&ada.user], true));
    maitre.start_ready().await;
    let room = lobby(&eve, &maitre).await;
    ada.join_when_invited(&room).await;
    let [router, alpha, beta] = ["router", "alpha", "beta"].map(|entity| maitre.user(entity));
    ada.wait_members(&room, &[&ada.user.clone(), &router, &alpha, &beta]).await;
    maitre.stop().await;
    let texts = numbered(MANY);
    for text in &texts {
        ada.send(&room, text).await;
    }
    maitre.start_ready().await;
    check_admitted(&maitre, &room, &ada.user, &texts).await;
    assert!(maitre.stop().await.success());
}

/// N1: killed again and again, at random moments in the middle of a stream, it loses and doubles nothing.
#[tokio::test]
async fn kills_lose_and_double_nothing() {
    let mut ada = Person::new(shared(), "ada").await;
    let mut maitre = Maitre::new(shared(), &pair(&[&ada.user], false));
    maitre.start_ready().await;
    let room = lobby(&ada, &maitre).await;
    ada.join(&room).await.unwrap();
    let texts = numbered(MANY);
    let mut lives = 0;
    let mut dies_after = random_below(MESSAGES_PER_LIFE_MAX);
    for text in &texts {
        ada.send_text(&room, text).await;
        // Messages take some ten milliseconds each, so a life ends while it logs in, catches up or admits.
        if dies_after == 0 {
            maitre.kill().await;
            maitre.start();
            lives += 1;
            dies_after = random_below(MESSAGES_PER_LIFE_MAX);
        }
        dies_after = dies_after.saturating_sub(1);
    }
    assert!(lives > 3, "it died only {lives} times");
    maitre.wait_ready().await;
    check_admitted(&maitre, &room, &ada.user, &texts).await;
    assert!(maitre.stop().await.success());
}

/// One agent alone in a chat with Ada, killed after the library wrote down its position and before we did, while a message
/// waited. Gives the person, the program, stopped, and the chat.
async fn killed_between_the_positions(site: &Site) -> (Person, Maitre, String) {
    let mut ada = Person::new(site, "ada").await;
    let config =
        format!("agents: {{alpha: {{role: Listens.}}}}\nauthorization: {{global_users: [\"{}\"]}}\n", ada.user);
    let mut maitre = Maitre::new(site, &config);
    maitre.start_ready().await;
    let alpha = maitre.user("alpha");
    let room = ada.create_room(serde_json::json!({ "is_direct": true, "invite": [alpha] })).await;
    ada.wait_until("alpha", DEADLINE, |view| view.joined(&room).contains(&alpha).then_some(())).await;
    maitre.stop().await;
    ada.send_text(&room, "don't lose this").await;
    // A change of state is what the library takes in; words alone pass it by.
    ada.set_state(&room, "m.room.topic", "", serde_json::json!({ "topic": "keeping things" })).await.unwrap();
    maitre.arm_faults("sync.persisted.alpha");
    maitre.start();
    assert!(!maitre.exited().await.success(), "it died at the fault point");
    (ada, maitre, room)
}

/// N1: killed after the library wrote down the position and before we did, it gets the same messages again.
#[tokio::test]
async fn a_kill_between_the_librarys_position_and_ours_loses_nothing() {
    let (ada, mut maitre, room) = killed_between_the_positions(shared()).await;
    maitre.arm_faults("");
    maitre.start_ready().await;
    check_admitted(&maitre, &room, &ada.user, &["don't lose this".to_owned()]).await;
    assert!(maitre.stop().await.success());
}

/// N1: the scenario above bites. Without our position in the library's place, the library drops the repeated response.
#[tokio::test]
async fn without_our_position_the_message_would_be_lost() {
    // On a homeserver of its own: where others move the stream on, the repeated response ends elsewhere and isn't dropped.
    let homeserver = Homeserver::start(&installation().await, &temporary()).await.unwrap();
    let (mut ada, mut maitre, room) = killed_between_the_positions(&Site::of(&homeserver)).await;
    maitre.arm_faults("sync.unseeded");
    maitre.start_ready().await;
    // A later message gets through, so the earlier one is not merely late.
    ada.send_text(&room, "and then").await;
    check_admitted(&maitre, &room, &ada.user, &["and then".to_owned()]).await;
    assert!(maitre.stop().await.success());
    homeserver.stop().await.unwrap();
}
