//! Conversations in which nobody is named, and several could answer.

use crate::house::{Act, Sort};

use super::stage::{Stage, topic};

const ALL: [&str; 3] = ["alpha", "beta", "gamma"];

/// Conversation 5. W11, R1, R3, R4: the model picks, is asked once, and whom it picks answers without a word about it.
pub(super) async fn picked(sort: Sort) {
    let mut stage = Stage::open(sort, &ALL).await;
    let topic = topic();
    stage.stub().picks(&topic, "gamma");
    stage.stub().when_asks("gamma", &[&topic], Act::say("Take the night train."));
    let question = stage.say(&format!("How do I get to Vienna? {topic}")).await;
    let answer = stage.answer("gamma", "Take the night train.").await;
    assert_eq!(answer.root.as_deref(), Some(&*question));
    stage.only(&[&answer]).await;
    let forms = stage.stub().forms(&topic);
    assert_eq!(forms.iter().map(|asked| asked.who.as_str()).collect::<Vec<_>>(), ["picker"], "{forms:#?}");
    for role in ["Writes and reviews Rust programs.", "knows every recipe for soup", "Plans journeys by train."] {
        assert!(forms[0].holds(role), "{role}: {forms:#?}");
    }
}

#[tokio::test]
async fn the_router_picks() {
    picked(Sort::Open).await;
}

/// Conversation 6. R2: where the model's choice is no choice, the words of the message decide.
#[tokio::test]
async fn words_decide_when_the_router_is_lost() {
    let mut stage = Stage::open(Sort::Open, &ALL).await;
    let (garbage, nobody) = (topic(), topic());
    stage.stub().when_picking(&garbage, Act::say("Somebody should really do that."));
    stage.stub().picks(&nobody, "omega");
    stage.stub().when_asks("beta", &[&garbage], Act::say("With leek."));
    stage.stub().when_asks("beta", &[&nobody], Act::say("With carrots."));
    stage.say(&format!("Which recipe for soup do you know? {garbage}")).await;
    let one = stage.answer("beta", "With leek.").await;
    stage.say(&format!("Another recipe for soup, please. {nobody}")).await;
    let two = stage.answer("beta", "With carrots.").await;
    stage.only(&[&one, &two]).await;
}

/// Conversation 7. R2: where the words don't tell either, the router asks in the thread; a tap decides.
#[tokio::test]
async fn a_tap_decides_when_nothing_else_does() {
    let mut stage = Stage::open(Sort::Open, &ALL).await;
    let topic = topic();
    stage.stub().when_picking(&topic, Act::say("Hm."));
    stage.stub().when_asks("gamma", &[&topic], Act::say("Here I am."));
    let question = stage.say(&format!("Hm, {topic}")).await;
    let router = stage.user("router");
    let poll = stage.see("the router's question", |message| message.sender == router && message.taps.len() >= 3).await;
    assert_eq!(poll.root.as_deref(), Some(&*question));
    let line = poll.body.lines().find(|line| line.contains("Gamma")).expect("a line for each candidate");
    let (_, key) = poll.taps.iter().find(|(_, key)| line.contains(key.as_str())).expect("a tap for each candidate");
    stage.tap(&poll.event, key).await;
    let answer = stage.answer("gamma", "Here I am.").await;
    assert_eq!(answer.root.as_deref(), Some(&*question));
    let poll = stage.now(&poll).await;
    stage.only(&[&poll, &answer]).await;
    assert_eq!(stage.stub().forms(&topic).len(), 1, "R4: the same question is asked once");
}
