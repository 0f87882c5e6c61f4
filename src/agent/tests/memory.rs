//! S11: what is kept of a turn, and what comes back.

use serde_json::json;

use super::{
    driver::{Script, says, wants},
    stage::{Stage, entity, event, message, room, user, whole},
};
use crate::{
    broker::Halter,
    model::Priority,
    store::{Projection, Recollection},
};

/// S11: after each answer the turn is kept; a later question brings it back.
#[tokio::test(start_paused = true)]
async fn a_turn_is_kept_and_comes_back() {
    let stage = Stage::new(Script::of(vec![says("Green tea, at four."), says("As I said.")]));
    stage.write(1, "eve", "Which tea do we have tomorrow?").await;
    assert_eq!(stage.answer(1).await, whole("Green tea, at four."));
    assert!(!stage.prompt(0).system.contains("kept from earlier"));
    // Another thread of the same room.
    let mut other = message(5, "eve", &json!({ "msgtype": "m.text", "body": "When do we have green tea?" }));
    other.thread = None;
    stage.put(other).await;
    let mut turn = stage.begin("ada", 5, "eve", Priority::Person).await;
    turn.conversation.thread = Some(event(5));
    let (_halter, halt) = Halter::new();
    stage.hear(&turn, halt).await;
    let system = stage.prompt(1).system;
    assert!(system.contains("Asked: Which tea do we have tomorrow?\n  Answered: Green tea, at four."), "{system}");
}

/// S8, S11: what was kept from a message goes with it.
#[tokio::test(start_paused = true)]
async fn facts_are_kept_found_and_go_with_their_message() {
    let keep = json!({ "fact": "Eve's favourite tea is sencha.", "about": "person" });
    let stage = Stage::new(Script::of(vec![
        wants("remember", keep),
        says("Noted."),
        wants("recall", json!({ "words": "favourite tea" })),
        says("Sencha."),
        wants("recall", json!({ "words": "favourite tea" })),
        says("No idea."),
    ]));
    let outcome = |nth: usize| stage.prompt(nth).messages.last().unwrap().uses[0].outcome.clone();
    stage.write(1, "eve", "I like sencha most.").await;
    assert_eq!(stage.answer(1).await.text, "Noted.");
    assert_eq!(outcome(1), "It is kept.");
    stage.write(2, "eve", "What do I like?").await;
    stage.answer(2).await;
    assert!(outcome(3).contains("] Eve's favourite tea is sencha."), "{}", outcome(3));
    stage.settle(event(9), Projection::Deletion { of: event(1) }).await;
    stage.write(3, "eve", "And what do I like?").await;
    stage.answer(3).await;
    assert!(!outcome(5).contains("sencha is"), "{}", outcome(5));
    assert!(!outcome(5).contains("Eve's favourite"), "{}", outcome(5));
}

/// S11: where several people are answered at once, a fact about one of them isn't kept as another's.
#[tokio::test(start_paused = true)]
async fn a_fact_is_nobody_elses() {
    let keep = json!({ "fact": "Mallory's cat is called Tom.", "about": "person" });
    let stage = Stage::new(Script::of(vec![wants("remember", keep), says("Noted.")]));
    stage.write(1, "mallory", "My cat is called Tom.").await;
    stage.write(2, "eve", "Hi.").await;
    let mut turn = stage.begin("ada", 2, "eve", Priority::Person).await;
    turn.messages.insert(0, event(1));
    let (_halter, halt) = Halter::new();
    stage.hear(&turn, halt).await;
    let about =
        |rooms| Recollection { agent: entity("ada"), rooms, person: user("eve"), words: vec!["cat".to_owned()] };
    let found = stage.store.recall(about(vec![]), 9).await.unwrap();
    assert!(found.is_empty(), "Eve doesn't take it along: {found:?}");
    let found = stage.store.recall(about(vec![room()]), 9).await.unwrap();
    assert!(found.iter().any(|memo| memo.text == "Mallory's cat is called Tom."), "the room keeps it: {found:?}");
}
