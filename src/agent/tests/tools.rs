//! Tools, from the model's wish to the world and back.

use serde_json::json;

use super::{
    driver::{Script, call, done, says, text, wants},
    stage::{Stage, event, turn_id, whole},
};
use crate::model::Reply;

/// S5: while a tool runs, one compact line shows it, where that is wanted.
#[tokio::test(start_paused = true)]
async fn people_see_which_tool_is_at_work() {
    let script = || Script::of(vec![wants("time", json!({})), says("Late.")]);
    let stage = Stage::new(script());
    stage.write(1, "eve", "What time is it?").await;
    assert_eq!(stage.answer(1).await.lines, ["🔧 time…"]);
    let stage = Stage::changed(script(), |config| {
        config.entities.iter_mut().for_each(|entity| entity.manners.show_tool_calls = false);
    });
    stage.write(1, "eve", "What time is it?").await;
    assert_eq!(stage.answer(1).await.lines, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_tool_is_used_and_its_outcome_told() {
    let first = vec![text("One moment."), call("time", json!({})), call("react", json!({ "emoji": "👍" })), done()];
    let stage = Stage::new(Script::of(vec![first, wants("read_thread", json!({})), says("There.")]));
    stage.write(1, "eve", "What time is it?").await;
    let heard = stage.answer(1).await;
    assert_eq!((heard.text.as_str(), heard.end), ("One moment.\n\nThere.", Some(Reply::Finished)));
    let uses = stage.prompt(1).messages.last().unwrap().uses.clone();
    assert!(uses[0].outcome.contains("UTC"), "{uses:?}");
    assert_eq!(uses[1].outcome, "It is there.");
    let sent = stage.sent.lock().unwrap().clone();
    assert_eq!((sent.len(), sent[0].kind, sent[0].transaction.as_str()), (1, "m.reaction", "ada-1.react.1"));
    let relation = json!({ "rel_type": "m.annotation", "event_id": event(1).as_str(), "key": "👍" });
    assert_eq!(sent[0].content["m.relates_to"], relation);
    let read = stage.prompt(2).messages.last().unwrap().uses[0].outcome.clone();
    assert_eq!(read, "1 of 1 messages:\n\n#1 Eve (1970-01-01 00:01): What time is it?");
}

/// What a model makes up is told to it alone: nobody sees it, and nothing of it is written down.
#[tokio::test(start_paused = true)]
async fn a_call_that_does_nothing_leaves_no_trace() {
    let long = "x".repeat(100_000);
    let first = vec![call(&long, json!({})), call("time", json!({ "zone": long })), done()];
    let stage = Stage::new(Script::of(vec![first, says("Noon.")]));
    stage.write(1, "eve", "What time is it?").await;
    assert_eq!(stage.answer(1).await, whole("Noon."));
    let uses = stage.prompt(1).messages.last().unwrap().uses.clone();
    assert!(uses[0].outcome.starts_with("There is no tool called"), "{}", uses[0].outcome);
    assert!(uses[1].outcome.starts_with("The input does not fit"), "{}", uses[1].outcome);
    assert!(stage.store.tool_calls(&turn_id("ada", 1)).await.unwrap().is_empty());
}

/// N5: a call that began and has no end is told as unknown, never repeated.
#[tokio::test(start_paused = true)]
async fn a_call_without_an_end_is_told_as_unknown() {
    let mut stage = Stage::new(Script::default());
    stage.write(1, "eve", "React.").await;
    stage.begin("ada", 1, "eve", crate::model::Priority::Person).await;
    let turn = turn_id("ada", 1);
    stage.store.tool_began(&turn, "remember", &json!({ "fact": "x" })).await.unwrap();
    stage.store.tool_ended(&turn, 0, "It is kept.").await.unwrap();
    stage.store.tool_began(&turn, "react", &json!({ "emoji": "👍" })).await.unwrap();
    stage.store.tool_began(&turn, "bob/time", &json!({})).await.unwrap();
    stage.store.tool_began(&turn, "recall", &json!({ "words": "y" })).await.unwrap();
    stage.store.tool_ended(&turn, 3, "What was deleted since.").await.unwrap();
    stage.restart(Script::default());
    assert_eq!(stage.answer(1).await.end, Some(Reply::Finished));
    let system = stage.prompt(0).system;
    assert!(system.contains("- remember {\"fact\":\"x\"} → It is kept.\n"), "{system}");
    assert!(!system.contains("deleted since"), "S8: what was only looked at is looked at again: {system}");
    assert!(system.contains("react {\"emoji\":\"👍\"} → outcome unknown"), "{system}");
    assert!(stage.sent.lock().unwrap().is_empty(), "it isn't repeated");
}
