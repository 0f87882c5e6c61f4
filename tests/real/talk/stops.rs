//! Conversations that somebody has enough of.

use std::time::Duration;

use tokio::time::Instant;

use crate::house::{Act, Shown, Sort};

use super::stage::{STOP, Stage, topic};

/// S4 asks for a second; tests wait ten times that.
const STOPS_WITHIN: Duration = Duration::from_secs(10);

/// Conversation 25. S4: the entity offers 🛑 while it works; a tap stops it, keeps what was said and marks it; the model
/// hears nothing more, and what is asked next is answered.
pub(super) async fn stopped_by_tap(sort: Sort) {
    let mut stage = Stage::open(sort, &["alpha"]).await;
    let (topic, next) = (topic(), topic());
    let (act, _gate) = Act::held("Once upon a time", " there was a king.");
    stage.stub().when(&topic, act);
    stage.stub().when(&next, Act::say("Another story."));
    let root = stage.say(&topic).await;
    let begun = stage.growing("alpha", "Once upon a time").await;
    let alpha = stage.user("alpha");
    let offered =
        |message: &Shown| message.event == begun.event && message.taps.contains(&(alpha.clone(), STOP.to_owned()));
    stage.see("a stop to be offered", offered).await;
    let since = Instant::now();
    stage.tap(&begun.event, STOP).await;
    let answer = stage.answer_with("alpha", &["Once upon a time", "stopped"]).await;
    stage.stub().wait_gone(&topic).await;
    assert!(since.elapsed() < STOPS_WITHIN, "{:?}", since.elapsed());
    assert_eq!(answer.event, begun.event);
    stage.say_within(&root, &next).await;
    let other = stage.answer("alpha", "Another story.").await;
    stage.only(&[&answer, &other]).await;
}

#[tokio::test]
async fn a_tap_stops() {
    stopped_by_tap(Sort::Open).await;
}

/// S4: who deletes an answer while it is given has had enough of it.
#[tokio::test]
async fn deleting_the_answer_stops_it() {
    let mut stage = Stage::open(Sort::Open, &["alpha"]).await;
    let (topic, next) = (topic(), topic());
    let (act, _gate) = Act::held("Once upon a time", " there was a king.");
    stage.stub().when(&topic, act);
    stage.stub().when(&next, Act::say("Another story."));
    let root = stage.say(&topic).await;
    let begun = stage.growing("alpha", "Once upon a time").await;
    stage.delete(&begun.event).await;
    stage.stub().wait_gone(&topic).await;
    stage.say_within(&root, &next).await;
    stage.answer("alpha", "Another story.").await;
}

/// Conversation 26. S4, X5: `!stop` in the thread stops what is said there, and what waits there; other threads go on.
#[tokio::test]
async fn a_command_stops() {
    let mut stage = Stage::open(Sort::Open, &["alpha"]).await;
    let (topic, waiting, other) = (topic(), topic(), topic());
    let (act, _gate) = Act::held("Once upon a time", " there was a king.");
    stage.stub().when(&topic, act);
    let (act, gate) = Act::held("Meanwhile,", " elsewhere.");
    stage.stub().when(&other, act);
    let root = stage.say(&topic).await;
    stage.growing("alpha", "Once upon a time").await;
    stage.say_within(&root, &waiting).await;
    stage.say(&other).await;
    stage.growing("alpha", "Meanwhile,").await;
    stage.say_within(&root, "!stop").await;
    let stopped = stage.answer_with("alpha", &["Once upon a time", "stopped"]).await;
    stage.stub().wait_gone(&topic).await;
    let told = stage.notice("router", &[]).await;
    assert_eq!(told.root.as_deref(), Some(&*root), "X: replies go to the command's thread");
    gate.open();
    let whole = stage.answer("alpha", "Meanwhile, elsewhere.").await;
    stage.only(&[&stopped, &whole, &told]).await;
    assert!(stage.stub().asked(&waiting).is_empty(), "what waited isn't answered");
}
