//! Conversations in which somebody takes a question back.

use crate::house::{Act, Sort};

use super::stage::{Stage, topic};

/// Conversation 23. S8: a question that is deleted before its answer began is never answered, and no model ever sees it.
#[tokio::test]
async fn a_question_deleted_before_its_answer_is_forgotten() {
    let mut stage = Stage::open(Sort::Open, &["alpha"]).await;
    let (first, secret, last) = (topic(), topic(), topic());
    let (act, gate) = Act::held("One", ".");
    stage.stub().when(&first, act);
    stage.stub().when(&last, Act::say("Two."));
    let root = stage.say(&first).await;
    stage.growing("alpha", "One").await;
    let question = stage.say_within(&root, &secret).await;
    stage.delete(&question).await;
    stage.say_within(&root, &last).await;
    let elsewhere = topic();
    stage.stub().when(&elsewhere, Act::say("Elsewhere."));
    stage.say(&elsewhere).await;
    let other = stage.answer("alpha", "Elsewhere.").await;
    gate.open();
    let one = stage.answer("alpha", "One.").await;
    let two = stage.answer("alpha", "Two.").await;
    stage.only(&[&one, &other, &two]).await;
    assert!(stage.stub().heard_of(&secret).is_empty(), "{:#?}", stage.stub().heard_of(&secret));
}

/// Conversation 24. S4, S8: deleting the question stops its answer, which keeps what was said.
pub(super) async fn deleted_during(sort: Sort) {
    let mut stage = Stage::open(sort, &["alpha"]).await;
    let topic = topic();
    let (act, _gate) = Act::held("It all began", " long ago.");
    stage.stub().when(&topic, act);
    let question = stage.say(&topic).await;
    let begun = stage.growing("alpha", "It all began").await;
    stage.delete(&question).await;
    let answer = stage.answer_with("alpha", &["It all began", "stopped"]).await;
    assert_eq!(answer.event, begun.event);
    stage.stub().wait_gone(&topic).await;
    stage.only(&[&answer]).await;
}

#[tokio::test]
async fn deleting_a_question_stops_its_answer() {
    deleted_during(Sort::Open).await;
}
