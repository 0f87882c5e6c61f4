//! Commands, and what only looks like one.

use crate::house::{Act, Shown, Sort};

use super::stage::{Stage, topic};

/// Conversation 36. W1: what begins with an exclamation mark and is no command is ordinary chat.
#[tokio::test]
async fn an_unknown_command_is_chat() {
    let mut stage = Stage::open(Sort::Open, &["alpha"]).await;
    let topic = topic();
    stage.stub().when(&topic, Act::say("Exciting indeed."));
    let question = stage.say(&format!("!important news {topic}")).await;
    let answer = stage.answer("alpha", "Exciting indeed.").await;
    assert_eq!(answer.root.as_deref(), Some(&*question));
    stage.only(&[&answer]).await;
}

/// Conversation 37. W1, W15: a command with a typo is not run; the router says what it may have been, once, and nobody else answers.
#[tokio::test]
async fn a_typo_in_a_command_is_noticed() {
    let mut stage = Stage::open(Sort::Open, &["alpha"]).await;
    stage.say("!hlep").await;
    let told = stage.notice("router", &["!help"]).await;
    stage.only(&[&told]).await;
}

/// Conversation 38. X1, X2, X3, W4, W14, W15: the router tells what commands there are, who is here, why somebody answered, and how to
/// address whom; always once, as a notice.
#[tokio::test]
async fn the_router_explains() {
    let mut stage = Stage::open(Sort::Open, &["alpha", "beta"]).await;
    stage.say("!help").await;
    let help = stage.notice("router", &["!why", "!stop"]).await;
    stage.say("!hi").await;
    let hi = stage.notice("router", &["Alpha", "Beta", "Writes and reviews Rust programs."]).await;
    let topic = topic();
    stage.stub().when_asks("beta", &[&topic], Act::say("Soup."));
    let root = stage.ask(&["beta"], &topic).await;
    let soup = stage.answer("beta", "Soup.").await;
    stage.say_within(&root, "!why").await;
    let why = stage.notice("router", &["Beta", "W3"]).await;
    assert_eq!(why.root.as_deref(), Some(&*root));
    stage.ask(&["router"], "who are you?").await;
    let before = [&hi, &why, &help].map(|message| message.event.clone());
    let router = stage.user("router");
    let is_new = |message: &Shown| {
        message.sender == router && message.body.starts_with("Just write") && !before.contains(&message.event)
    };
    let explained = stage.see("an explanation", is_new).await;
    stage.only(&[&help, &hi, &soup, &why, &explained]).await;
}
