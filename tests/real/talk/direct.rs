//! Direct chats.

use crate::house::{Act, Client, Sort, shared};

use super::{
    hall::hall,
    stage::{House as _, Stage, topic},
};

/// Conversation 27. W10, C1: in a direct chat an agent answers on the main timeline, plainly, and the chat is one conversation.
pub(super) async fn one(sort: Sort) {
    let mut stage = Stage::direct(sort, &["alpha"]).await;
    let (first, second) = (topic(), topic());
    stage.stub().when(&first, Act::say("Hello to you."));
    stage.stub().when(&second, Act::say("Fine, thanks."));
    stage.say(&first).await;
    let hello = stage.answer("alpha", "Hello to you.").await;
    stage.say(&second).await;
    let fine = stage.answer("alpha", "Fine, thanks.").await;
    for answer in [&hello, &fine] {
        assert_eq!((&answer.root, &answer.answers), (&None, &None), "{answer:#?}");
    }
    stage.only(&[&hello, &fine]).await;
    assert!(stage.stub().asked(&second)[0].holds("Hello to you."), "one conversation");
}

#[tokio::test]
async fn an_agent_answers_in_a_direct_chat() {
    one(Sort::Open).await;
}

/// Conversation 55. C1: a room that somebody made for themselves and us is no direct chat unless it was made as one.
#[tokio::test]
async fn a_room_of_ones_own_is_no_direct_chat() {
    let mut asker = Client::new(shared(), "friend", Sort::Open).await;
    let house = hall();
    let users = [house.user("alpha"), asker.user().to_owned()];
    let room = asker.create_room(false, &users[..1]).await;
    asker.wait_members(&room, &users).await;
    let mut stage = Stage::around(house, asker, room, &["alpha"]);
    let topic = topic();
    stage.stub().when(&topic, Act::say("In a thread."));
    let question = stage.say(&topic).await;
    let answer = stage.answer("alpha", "In a thread.").await;
    assert_eq!(answer.root.as_deref(), Some(&*question));
    stage.only(&[&answer]).await;
}

/// Conversation 28. W9: in a direct chat with three agents all of them answer, as one.
#[tokio::test]
async fn three_agents_answer_as_one_in_a_direct_chat() {
    let mut stage = Stage::direct(Sort::Open, &["alpha", "beta", "gamma"]).await;
    let (all, one) = (topic(), topic());
    let parts: Vec<String> = ["alpha", "beta", "gamma"].iter().map(|name| format!("{name} says {all}")).collect();
    let ours = format!("ours {all}");
    for (name, part) in ["alpha", "beta", "gamma"].iter().zip(&parts) {
        stage.stub().when_asks(name, &[&all], Act::say(part));
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        stage.stub().when_asks(name, &parts, Act::say(&ours));
    }
    stage.say(&all).await;
    let speaker = stage.see("an answer of all", |message| message.is_final && message.body.contains(&ours)).await;
    for name in ["Alpha", "Beta", "Gamma"] {
        assert!(speaker.body.contains(name), "{speaker:#?}");
    }
    assert_eq!(speaker.root, None);
    stage.stub().when_asks("beta", &[&one], Act::say("Only me."));
    stage.ask(&["beta"], &one).await;
    let beta = stage.answer("beta", "Only me.").await;
    stage.only_after("gamma", &[&speaker, &beta]).await;
}
