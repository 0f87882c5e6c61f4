//! Conversations that went on while the program was away.

use std::time::Duration;

use tokio::time::Instant;

use crate::house::{Act, DEADLINE, Maitre, Post, Shown, Sort, Stub, shared, wait_for};

use super::{
    crash::Standing,
    hall::config,
    stage::{Stage, topic},
};

/// From which age on answers say that they are late.
const LATE_AFTER: Duration = Duration::from_secs(1);

/// A house that answers three missed messages of a room unasked.
async fn house() -> (Maitre, Standing) {
    let stub = Stub::start().await;
    let mut maitre =
        Maitre::new(shared(), &format!("{}conversation: {{catch_up_max: 3, late_after: 1s}}\n", config(&stub)));
    maitre.start_ready().await;
    let house = Standing { stub, test: maitre.test.clone() };
    (maitre, house)
}

/// Says these on the main timeline, each answered by `Re: ` and itself, and waits until answers to them are late.
async fn miss(stage: &mut Stage<'_>, topics: &[String]) {
    for topic in topics {
        stage.stub().when(topic, Act::say(&format!("Re: {topic}")));
        stage.say(topic).await;
    }
    let said = Instant::now();
    wait_for("answers to be late", DEADLINE, async || {
        let age = said.elapsed();
        if age > LATE_AFTER { Ok(()) } else { Err(age) }
    })
    .await;
}

/// Waits for the router's question about so many missed messages.
async fn question(stage: &mut Stage<'_>, count: usize) -> Shown {
    let router = stage.user("router");
    let begins = format!("{count} messages that wait for an answer came while I was away.");
    let is_it =
        |message: &Shown| message.sender == router && message.body.starts_with(&begins) && message.taps.len() >= 3;
    stage.see("the question about what was missed", is_it).await
}

/// Conversation 59. N7: what was said while the program was stopped is answered, and each answer says that it is late.
#[tokio::test]
async fn a_few_missed_messages_are_answered_late() {
    let (mut maitre, house) = house().await;
    let mut stage = Stage::open_in(&house, Sort::Open, &["alpha"]).await;
    assert!(maitre.stop().await.success());
    let topics = [topic(), topic(), topic()];
    miss(&mut stage, &topics).await;
    maitre.start_ready().await;
    let mut answers = Vec::new();
    for topic in &topics {
        answers.push(stage.answer_with("alpha", &["late", &format!("Re: {topic}")]).await);
    }
    stage.only_in_any_order(&answers.iter().collect::<Vec<_>>()).await;
    assert!(maitre.stop().await.success());
}

/// Conversation 60. N7: where more than that were missed, the router asks once; what is new is answered meanwhile, another
/// start forgets nothing, and a tap has all of them answered.
#[tokio::test]
async fn many_missed_messages_are_asked_about() {
    let (mut maitre, house) = house().await;
    let mut stage = Stage::open_in(&house, Sort::Open, &["alpha"]).await;
    assert!(maitre.stop().await.success());
    let topics: Vec<String> = (0..5).map(|_| topic()).collect();
    miss(&mut stage, &topics).await;
    maitre.start_ready().await;
    let asked = question(&mut stage, 5).await;
    assert_eq!(asked.root, None);
    let new = topic();
    stage.stub().when(&new, Act::say("At once."));
    stage.say(&new).await;
    let at_once = stage.answer("alpha", "At once.").await;
    maitre.kill().await;
    maitre.start_ready().await;
    assert!(topics.iter().all(|topic| stage.stub().asked(topic).is_empty()), "nobody has chosen yet");
    stage.tap(&asked.event, "✅").await;
    let mut answers = vec![at_once];
    for topic in &topics {
        answers.push(stage.answer_with("alpha", &["late", &format!("Re: {topic}")]).await);
    }
    let is_settled = |message: &Shown| message.event == asked.event && message.body.contains("All of them");
    answers.push(stage.see("the question to say what was chosen", is_settled).await);
    stage.only_in_any_order(&answers.iter().collect::<Vec<_>>()).await;
    assert!(maitre.stop().await.success());
}

/// Conversation 61. N7: the question is answered in words as well.
#[tokio::test]
async fn words_choose_the_newest() {
    let (mut maitre, house) = house().await;
    let mut stage = Stage::open_in(&house, Sort::Open, &["alpha"]).await;
    assert!(maitre.stop().await.success());
    let topics: Vec<String> = (0..4).map(|_| topic()).collect();
    miss(&mut stage, &topics).await;
    maitre.start_ready().await;
    let asked = question(&mut stage, 4).await;
    stage.post(&Post::text("Only the newest.").replying(&asked.event)).await;
    let answer = stage.answer_with("alpha", &["late", &format!("Re: {}", topics[3])]).await;
    let is_settled = |message: &Shown| message.event == asked.event && message.body.contains("Only the newest");
    let settled = stage.see("the question to say what was chosen", is_settled).await;
    stage.only_in_any_order(&[&answer, &settled]).await;
    assert!(maitre.stop().await.success());
}
