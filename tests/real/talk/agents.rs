//! Conversations in which agents ask each other.

use crate::house::{Act, Sort};

use super::stage::{Stage, topic};

/// Conversation 34. W12, S2: an agent that names another one in its answer asks it, once, in the same thread.
pub(super) async fn mention(sort: Sort) {
    let mut stage = Stage::open(sort, &["alpha", "beta"]).await;
    let (topic, aside) = (topic(), topic());
    stage.stub().when_asks("alpha", &[&topic], Act::say(&format!("I'd ask @beta: soup or salad? {aside}")));
    stage.stub().when_asks("beta", &[&aside], Act::say("Soup."));
    let question = stage.ask(&["alpha"], &format!("What's for dinner? {topic}")).await;
    let asked = stage.answer_with("alpha", &[&aside]).await;
    let soup = stage.answer("beta", "Soup.").await;
    assert_eq!((asked.mentions.as_slice(), asked.hops), (&[stage.user("beta")][..], 1));
    assert_eq!((soup.root.as_deref(), soup.answers.as_deref()), (Some(&*question), Some(&*asked.event)));
    assert_eq!(soup.hops, 2);
    stage.only(&[&asked, &soup]).await;
}

#[tokio::test]
async fn an_agent_asks_another_one() {
    mention(Sort::Open).await;
}

/// Conversation 35. W12: two agents that name each other for ever are stopped by their budget; the thread says so once, and a
/// person's message is answered again.
#[tokio::test]
async fn agents_do_not_talk_for_ever() {
    let mut stage = Stage::open(Sort::Open, &["alpha", "beta"]).await;
    let (topic, last) = (topic(), topic());
    stage.stub().when_asks("alpha", &[&topic], Act::say(&format!("@beta, your turn. {topic}")));
    stage.stub().when_asks("beta", &[&topic], Act::say(&format!("@alpha, your turn. {topic}")));
    let root = stage.ask(&["alpha"], &topic).await;
    let notice = stage.notice("router", &[]).await;
    assert_eq!(notice.root.as_deref(), Some(&*root));
    stage.stub().when_asks("beta", &[&last], Act::say("Good night."));
    let post = stage.to(&["beta"], &last).within(&root);
    stage.post(&post).await;
    let end = stage.answer("beta", "Good night.").await;
    let ours = [stage.user("alpha"), stage.user("beta")];
    let turns = stage.all(|message| ours.contains(&message.sender) && message.body.contains(&topic)).await;
    assert_eq!(turns.iter().map(|turn| turn.hops).collect::<Vec<_>>(), [1, 2, 3, 4], "{turns:#?}");
    let all: Vec<_> = turns.iter().chain([&notice, &end]).collect();
    stage.only(&all).await;
}
