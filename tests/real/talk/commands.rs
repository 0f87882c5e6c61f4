//! Commands, and what only looks like one.

use crate::house::{Act, Post, Shown, Sort};

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

/// Conversation 64. X6, S6: `!retry` with the id that stands in a failure, or as a reply to it, has the answer given in the same
/// message.
#[tokio::test]
async fn a_failed_answer_is_tried_again() {
    let mut stage = Stage::open(Sort::Open, &["alpha"]).await;
    let fails = || Act::Fail { status: 401, retry_after: None };
    let (by_id, by_reply) = (topic(), topic());
    stage.stub().when_in_turn(&by_id, vec![fails(), Act::say("Now it works.")]);
    stage.stub().when_in_turn(&by_reply, vec![fails(), Act::say("And again.")]);
    let root = stage.say(&by_id).await;
    let failed = stage.answer_with("alpha", &["(id "]).await;
    let (_, id) = failed.body.split_once("(id ").unwrap();
    stage.say_within(&root, &format!("!retry {}", id.split(')').next().unwrap())).await;
    let begins = stage.notice("router", &["is tried again"]).await;
    let works = stage.answer("alpha", "Now it works.").await;
    assert_eq!(works.event, failed.event);
    stage.say(&by_reply).await;
    let other = stage.answer_with("alpha", &["(id "]).await;
    stage.post(&Post::text("!retry").replying(&other.event)).await;
    let again = stage.answer("alpha", "And again.").await;
    assert_eq!(again.event, other.event);
    let before = begins.event.clone();
    let is_new = |message: &Shown| message.body.contains("is tried again") && message.event != before;
    let begins_too = stage.see("the router to say so again", is_new).await;
    stage.say_within(&root, "!retry nothing").await;
    let unknown = stage.notice("router", &["no answer here has the id"]).await;
    stage.only_in_any_order(&[&begins, &works, &again, &begins_too, &unknown]).await;
}

/// Conversation 65. X4: `!status` tells what is being answered in a thread, and to admins how the house is.
#[tokio::test]
async fn the_status_is_told() {
    let mut stage = Stage::open(Sort::Open, &["alpha"]).await;
    let topic = topic();
    let (act, gate) = Act::held("Once upon a time", " there was a king.");
    stage.stub().when(&topic, act);
    let root = stage.say(&topic).await;
    stage.growing("alpha", "Once upon a time").await;
    stage.say_within(&root, "!status").await;
    let busy =
        stage.notice("router", &["Alpha", "being answered for", "answers go into threads", "not encrypted"]).await;
    assert!(!busy.body.contains("Maitre"), "that is for admins: {}", busy.body);
    let mut admin = stage.guest("friend-admin").await;
    stage.post_by(&mut admin, &Post::text("!status").within(&root)).await;
    let house = stage.notice("router", &["Maitre", "entities are up", "Work:", "Here:"]).await;
    gate.open();
    let answer = stage.answer("alpha", "Once upon a time there was a king.").await;
    stage.say_within(&root, "!status").await;
    let idle = stage.notice("router", &["nothing is being answered here"]).await;
    stage.only_in_any_order(&[&answer, &busy, &house, &idle]).await;
}

/// Conversation 66. X7: `!model` has another model answer in this thread alone, from the next answer on, and gives it back.
#[tokio::test]
async fn another_model_is_chosen() {
    let mut stage = Stage::open(Sort::Open, &["alpha"]).await;
    let (root_topic, other, elsewhere, back) = (topic(), topic(), topic(), topic());
    for topic in [&root_topic, &elsewhere, &back] {
        stage.stub().when_asks("alpha", &[topic], Act::say(&format!("Mine: {topic}")));
    }
    stage.stub().when_asks("beta", &[&other], Act::say("By another mind."));
    let root = stage.say(&root_topic).await;
    let first = stage.answer("alpha", &format!("Mine: {root_topic}")).await;
    stage.say_within(&root, "!model").await;
    let shown = stage.notice("router", &["each agent uses its own model"]).await;
    stage.say_within(&root, "!model list").await;
    let listed = stage.notice("router", &["`alpha`", "`picker`"]).await;
    stage.say_within(&root, "!model Beta").await;
    let chosen = stage.notice("router", &["`beta` answers in this thread"]).await;
    stage.say_within(&root, &other).await;
    let second = stage.answer("alpha", "By another mind.").await;
    stage.say(&elsewhere).await;
    let third = stage.answer("alpha", &format!("Mine: {elsewhere}")).await;
    stage.say_within(&root, "!model reset").await;
    let reset = stage.notice("router", &["nothing is chosen for this thread any more"]).await;
    stage.say_within(&root, &back).await;
    let fourth = stage.answer("alpha", &format!("Mine: {back}")).await;
    let expected = [&first, &shown, &listed, &chosen, &second, &third, &reset, &fourth];
    stage.only_in_any_order(&expected).await;
}

/// Conversation 67. X9, C1, A4: `!thread_mode` sends answers to the main timeline and back into threads; it takes power over the
/// room.
#[tokio::test]
async fn where_answers_go_is_chosen() {
    let mut stage = Stage::open(Sort::Open, &["alpha"]).await;
    let (main, thread) = (topic(), topic());
    stage.stub().when(&main, Act::say("Out here."));
    stage.stub().when(&thread, Act::say("In there."));
    let mut guest = stage.guest("friend").await;
    stage.post_by(&mut guest, &Post::text("!thread_mode room")).await;
    let refused = stage.notice("router", &["is for those who may change this room"]).await;
    stage.say("!thread-mode room").await;
    let room = stage.notice("router", &["from now on, answers go to the main timeline"]).await;
    stage.say(&main).await;
    let out = stage.answer("alpha", "Out here.").await;
    assert_eq!(out.root, None);
    stage.say("!thread_mode").await;
    let shown = stage.notice("router", &["in this room, answers go to the main timeline"]).await;
    stage.say("!thread_mode reset").await;
    let reset = stage.notice("router", &["as the configuration says, answers go into threads"]).await;
    let question = stage.say(&thread).await;
    let inside = stage.answer("alpha", "In there.").await;
    assert_eq!(inside.root.as_deref(), Some(&*question));
    stage.only_in_any_order(&[&refused, &room, &out, &shown, &reset, &inside]).await;
}
