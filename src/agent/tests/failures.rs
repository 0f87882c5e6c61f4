//! S6: how an answer that can't be given ends.

use std::time::Duration;

use serde_json::json;

use super::{
    driver::{Beat, Script, done, fails, says, text, wants},
    stage::{Heard, Stage, whole},
};
use crate::{
    broker::Halter,
    llm::LlmError,
    model::{Priority, Reply},
};

fn failed(heard: &Heard) -> &str {
    match &heard.end {
        Some(Reply::Failed(sentence)) => sentence,
        other => panic!("it should have failed: {other:?}"),
    }
}

/// S6: one plain sentence with the model's name, the cause, what happens next and an id.
#[tokio::test(start_paused = true)]
async fn a_models_failure_is_told_in_plain_words() {
    let stage = Stage::new(Script::of(vec![vec![fails(LlmError::Auth)]]));
    stage.write(1, "eve", "Hi.").await;
    let expected = "The provider of the model “big” did not accept our API key. Whoever runs this house has to change \
                    something first. (id ada-1)";
    assert_eq!(failed(&stage.answer(1).await), expected);
}

/// S6: what was said before the failure stays, and an answer that broke off is tried again first.
#[tokio::test(start_paused = true)]
async fn an_answer_that_breaks_off_is_begun_anew() {
    let broken = || vec![text("It is f"), fails(LlmError::Truncated)];
    let stage = Stage::new(Script::of(vec![broken(), says("It is four.")]));
    stage.write(1, "eve", "2 + 2?").await;
    assert_eq!(stage.answer(1).await, whole("It is four."));
    let stage = Stage::new(Script::of(vec![broken(), broken()]));
    stage.write(1, "eve", "2 + 2?").await;
    let heard = stage.answer(1).await;
    assert_eq!(heard.text, "It is f");
    assert!(failed(&heard).starts_with("The connection to the model “big” broke off"), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn an_agent_without_a_model_says_which_key_is_missing() {
    let stage = Stage::new(Script::default());
    stage.write(1, "eve", "Hi.").await;
    let turn = stage.begin("mute", 1, "eve", Priority::Person).await;
    let (_halter, halt) = Halter::new();
    let heard = stage.hear(&turn, halt).await;
    assert!(failed(&heard).contains("`agents.mute.model`"), "{heard:?}");
    assert_eq!(stage.model.asked().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_hangs_is_given_up() {
    let stage = Stage::new(Script::of(vec![vec![text("Well"), Beat::Hang]]));
    stage.write(1, "eve", "Hi.").await;
    let heard = stage.answer(1).await;
    assert_eq!(heard.text, "Well");
    assert!(failed(&heard).starts_with("This answer took longer than 10 minutes, so I stopped."), "{heard:?}");
    assert_eq!(stage.model.running(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_stays_within_its_bounds() {
    let steps = (0..20).map(|step| wants("recall", json!({ "words": format!("w{step}") }))).collect();
    let stage = Stage::changed(Script::of(steps), |config| config.conversation.steps_max = 3);
    stage.write(1, "eve", "Hi.").await;
    let heard = stage.answer(1).await;
    assert!(failed(&heard).starts_with("This answer took more than 3 steps, so I stopped."), "{heard:?}");
    assert_eq!(stage.model.asked().len(), 3);
    let steps = (0..20).map(|step| wants("recall", json!({ "words": format!("w{step}") }))).collect();
    let stage = Stage::changed(Script::of(steps), |config| config.conversation.tokens_max = 200);
    stage.write(1, "eve", "Hi.").await;
    assert!(failed(&stage.answer(1).await).starts_with("This answer cost more than 200 tokens"));
}

/// What it cost is noted, also of an answer that failed.
#[tokio::test(start_paused = true)]
async fn the_cost_is_noted() {
    let answer = vec![wants("time", json!({})), vec![text("It is"), Beat::Think(Duration::from_secs(1)), done()]];
    let stage = Stage::new(Script::of(answer));
    stage.write(1, "eve", "Hi.").await;
    stage.answer(1).await;
    let usage = stage.store.turn(&super::stage::turn_id("ada", 1)).await.unwrap().unwrap().usage;
    assert_eq!((usage.input_tokens, usage.output_tokens), (200, 20));
}
