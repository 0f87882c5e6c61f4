//! Conversations in which somebody thinks again.

use crate::house::{Act, Post, Sort};

use super::stage::{Stage, topic};

/// What people tap to have an answer again.
const AGAIN: &str = "🔁";

/// Conversation 18. S7: before the answer began, only the new wording counts.
#[tokio::test]
async fn an_edit_before_the_answer_counts() {
    let mut stage = Stage::open(Sort::Open, &["alpha"]).await;
    let (first, typo, second) = (topic(), topic(), topic());
    let (act, gate) = Act::held("One", ".");
    stage.stub().when(&first, act);
    stage.stub().when(&second, Act::say("Two."));
    let root = stage.say(&first).await;
    stage.growing("alpha", "One").await;
    let question = stage.say_within(&root, &typo).await;
    stage.edit(&question, &second).await;
    let elsewhere = topic();
    stage.stub().when(&elsewhere, Act::say("Elsewhere."));
    stage.say(&elsewhere).await;
    let other = stage.answer("alpha", "Elsewhere.").await;
    gate.open();
    let one = stage.answer("alpha", "One.").await;
    let two = stage.answer("alpha", "Two.").await;
    assert_eq!(two.answers.as_deref(), Some(&*question));
    stage.only(&[&one, &other, &two]).await;
    assert!(stage.stub().heard_of(&typo).is_empty(), "the model never saw the old wording");
}

/// Conversation 19. S7: an answer under way begins again with the new wording, in the same message.
pub(super) async fn edited_during(sort: Sort) {
    let mut stage = Stage::open(sort, &["alpha"]).await;
    let (typo, meant) = (topic(), topic());
    let (act, _gate) = Act::held("About the wrong thing", ".");
    stage.stub().when(&typo, act);
    stage.stub().when(&meant, Act::say("About the right thing."));
    let question = stage.say(&typo).await;
    let begun = stage.growing("alpha", "About the wrong thing").await;
    stage.edit(&question, &meant).await;
    let answer = stage.answer("alpha", "About the right thing.").await;
    assert_eq!(answer.event, begun.event, "in the same message");
    stage.stub().wait_gone(&typo).await;
    stage.only(&[&answer]).await;
}

#[tokio::test]
async fn an_edit_during_the_answer_begins_it_again() {
    edited_during(Sort::Open).await;
}

/// Conversation 20. S7: an edit of an answered question changes the answer in place; the newest wording wins.
#[tokio::test]
async fn an_edit_after_the_answer_changes_it() {
    let mut stage = Stage::open(Sort::Open, &["alpha"]).await;
    let (first, second) = (topic(), topic());
    stage.stub().when(&first, Act::say("Four."));
    stage.stub().when(&second, Act::say("Six."));
    let question = stage.say(&format!("2 + 2? {first}")).await;
    let before = stage.answer("alpha", "Four.").await;
    stage.edit(&question, &format!("3 + 3? {second}")).await;
    let after = stage.answer("alpha", "Six.").await;
    assert_eq!(after.event, before.event);
    stage.only(&[&after]).await;
}

/// S7: whoever deleted the answer and then words the question anew gets a new one, which they see, each time.
#[tokio::test]
async fn an_answer_that_was_deleted_is_given_in_a_new_message() {
    let mut stage = Stage::open(Sort::Open, &["alpha"]).await;
    let (first, second, third) = (topic(), topic(), topic());
    stage.stub().when(&first, Act::say("Four."));
    stage.stub().when(&second, Act::say("Six."));
    stage.stub().when(&third, Act::say("Eight."));
    let question = stage.say(&format!("2 + 2? {first}")).await;
    let four = stage.answer("alpha", "Four.").await;
    stage.delete(&four.event).await;
    stage.edit(&question, &format!("3 + 3? {second}")).await;
    let six = stage.answer("alpha", "Six.").await;
    assert_ne!(six.event, four.event);
    stage.edit(&question, &format!("4 + 4? {third}")).await;
    let eight = stage.answer("alpha", "Eight.").await;
    assert_eq!(eight.event, six.event, "the new message is edited like any other");
    stage.delete(&eight.event).await;
    stage.edit(&question, &format!("3 + 3? {second}!")).await;
    let six = stage.answer("alpha", "Six.").await;
    stage.only(&[&six]).await;
}

/// Conversation 21. S7, W5: a message for nobody of ours is answered once an edit names one of us.
#[tokio::test]
async fn an_edit_that_names_somebody_asks() {
    let mut stage = Stage::open(Sort::Open, &["alpha"]).await;
    let guest = stage.guest("friend").await;
    let topic = topic();
    stage.stub().when(&topic, Act::say("Now I know."));
    let question = stage.post(&Post::text(&topic).to(&[guest.user()])).await;
    let post = stage.to(&["alpha"], &topic);
    stage.edit_into(&question, &post).await;
    let answer = stage.answer("alpha", "Now I know.").await;
    assert_eq!(answer.answers.as_deref(), Some(&*question));
    stage.only(&[&answer]).await;
}

/// Conversation 22. S9: the asker's 🔁 on an answer gets another one in its place; somebody else's does nothing.
#[tokio::test]
async fn the_asker_can_have_it_again() {
    let mut stage = Stage::open(Sort::Open, &["alpha"]).await;
    let mut guest = stage.guest("friend").await;
    let topic = topic();
    stage.stub().when_in_turn(&topic, vec![Act::say("Heads."), Act::say("Tails."), Act::say("On its edge.")]);
    stage.say(&format!("Throw a coin. {topic}")).await;
    let heads = stage.answer("alpha", "Heads.").await;
    guest.tap(&stage.room, &heads.event, AGAIN).await;
    stage.tap(&heads.event, AGAIN).await;
    let tails = stage.answer("alpha", "Tails.").await;
    assert_eq!(tails.event, heads.event);
    stage.only(&[&tails]).await;
    assert_eq!(stage.stub().asked(&topic).len(), 2);
}
