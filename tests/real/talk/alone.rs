//! Conversations with one agent.

use crate::house::{Act, Post, Sort};

use super::stage::{Stage, topic};

/// Conversation 1. W10, C1, C3, C7, S1: the only agent of a room answers, in a thread of its own, once.
pub(super) async fn one_agent(sort: Sort) {
    let mut stage = Stage::open(sort, &["alpha"]).await;
    let topic = topic();
    stage.stub().when(&topic, Act::say("It is **blue**."));
    let question = stage.say(&format!("What colour is the sky? {topic}")).await;
    let answer = stage.answer("alpha", "It is **blue**.").await;
    assert_eq!((answer.root.as_deref(), answer.answers.as_deref()), (Some(&*question), Some(&*question)));
    assert_eq!((answer.html.as_str(), answer.mentions.len()), ("<p>It is <strong>blue</strong>.</p>", 0));
    stage.see_read("alpha", &question).await;
    stage.only(&[&answer]).await;
    let asked = stage.stub().asked(&topic);
    assert_eq!(asked.len(), 1, "{asked:#?}");
    assert!(asked[0].system.contains("Writes and reviews Rust programs."), "{asked:#?}");
}

#[tokio::test]
async fn one_agent_answers() {
    one_agent(Sort::Open).await;
}

/// Conversation 2. W3, W7, C1, C6: whoever was addressed goes on in the thread, without being named again, and remembers it.
pub(super) async fn going_on(sort: Sort) {
    let mut stage = Stage::open(sort, &["beta", "alpha", "gamma"]).await;
    let (first, second) = (topic(), topic());
    stage.stub().when_asks("alpha", &[&first], Act::say("Rust."));
    stage.stub().when_asks("alpha", &[&second], Act::say("Since 2015."));
    let question = stage.ask(&["alpha"], &format!("Which language? {first}")).await;
    let answer = stage.answer("alpha", "Rust.").await;
    stage.say_within(&question, &format!("Since when? {second}")).await;
    let next = stage.answer("alpha", "Since 2015.").await;
    assert_eq!((answer.root.as_deref(), next.root.as_deref()), (Some(&*question), Some(&*question)));
    stage.only(&[&answer, &next]).await;
    let asked = stage.stub().asked(&second);
    let said = &asked[0].messages;
    assert!(said.iter().any(|(role, text)| role == "assistant" && text.contains("Rust.")), "{said:#?}");
    assert!(asked[0].holds(&first) && stage.stub().forms(&second).is_empty(), "{asked:#?}");
}

#[tokio::test]
async fn an_agent_goes_on_in_its_thread() {
    going_on(Sort::Open).await;
}

/// Conversation 3. C2: a plain reply to an answer belongs to the thread that the answer stands in.
pub(super) async fn plain_replies(sort: Sort) {
    let mut stage = Stage::open(sort, &["beta", "alpha", "gamma"]).await;
    let (first, second, third) = (topic(), topic(), topic());
    for (topic, answer) in [(&first, "One."), (&second, "Two."), (&third, "Three.")] {
        stage.stub().when_asks("alpha", &[topic], Act::say(answer));
    }
    let question = stage.ask(&["alpha"], &first).await;
    let one = stage.answer("alpha", "One.").await;
    let reply = stage.post(&Post::text(&second).plainly().replying(&one.event)).await;
    let two = stage.answer("alpha", "Two.").await;
    // Through a chain: a reply to a reply.
    stage.post(&Post::text(&third).plainly().replying(&reply)).await;
    let three = stage.answer("alpha", "Three.").await;
    assert!(
        [&one, &two, &three].iter().all(|answer| answer.root.as_deref() == Some(&*question)),
        "{two:#?} {three:#?}"
    );
    stage.only_after("alpha", &[&one, &two, &three]).await;
}

#[tokio::test]
async fn a_client_without_threads_is_followed() {
    plain_replies(Sort::Open).await;
}

/// Conversation 4. W3: clients of old mention by a pill or in the text alone; in code it is no mention.
#[tokio::test]
async fn old_clients_can_mention() {
    let mut stage = Stage::open(Sort::Open, &["alpha", "beta", "gamma"]).await;
    let (pill, text, id, code) = (topic(), topic(), topic(), topic());
    for (topic, answer) in [(&pill, "By pill."), (&text, "By name."), (&id, "By id."), (&code, "In code.")] {
        stage.stub().when_asks("beta", &[topic], Act::say(answer));
    }
    let post = Post::text(&pill).with_pill(&stage.user("beta"));
    stage.post(&post).await;
    let one = stage.answer("beta", "By pill.").await;
    stage.post(&Post::text(&format!("hey @Beta, {text}")).plainly()).await;
    let two = stage.answer("beta", "By name.").await;
    let post = Post::text(&format!("{}: {id}", stage.user("beta"))).plainly();
    stage.post(&post).await;
    let three = stage.answer("beta", "By id.").await;
    stage.stub().picks(&code, "gamma");
    stage.stub().when_asks("gamma", &[&code], Act::say("It is code."));
    stage.post(&Post::text(&format!("what does `@beta` mean? {code}")).plainly()).await;
    let four = stage.answer("gamma", "It is code.").await;
    stage.only(&[&one, &two, &three, &four]).await;
}
