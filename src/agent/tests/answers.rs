//! What a model is asked, and what is said of what it answers.

use std::time::Duration;

use serde_json::json;
use tokio::{sync::mpsc, time::timeout};

use super::{
    driver::{Beat, Script, done, says, text},
    stage::{Stage, account, entity, event, message, thread, user, whole},
};
use crate::{
    broker::{Halted, Halter},
    config::Audience,
    model::{Conversation, EntityName, Millis, Priority, Prompt, Reply, Speaker, Subtask, SubtaskEnd},
    store::Projection,
};

/// Each message as the model sees it.
fn shown(prompt: &Prompt) -> Vec<String> {
    let write = |said: &crate::model::Utterance| match said.speaker {
        Speaker::Person if said.name.is_empty() => said.text.clone(),
        Speaker::Person => format!("{} ({}): {}", said.name, said.at, said.text),
        Speaker::Agent => format!("me: {}", said.text),
    };
    prompt.messages.iter().map(write).collect()
}

/// C6: the thread since its start, each message with its sender and time.
#[tokio::test(start_paused = true)]
async fn the_model_sees_the_thread_and_people_hear_its_answer() {
    let stage = Stage::new(Script::of(vec![vec![text("Well, "), text("four."), done()]]));
    stage.write(1, "eve", "What is 2 + 2?").await;
    stage.answered(2, "bob", "Five?", 1).await;
    stage.answered(3, "ada", "Let me think.", 1).await;
    stage.write(4, "eve", "And?").await;
    assert_eq!(stage.answer(4).await, whole("Well, four."));
    let prompt = stage.prompt(0);
    let expected = [
        "Eve (1970-01-01 00:01): What is 2 + 2?",
        "Bob (1970-01-01 00:02): Five?",
        "me: Let me think.",
        "Eve (1970-01-01 00:04): And?",
    ];
    assert_eq!(shown(&prompt), expected);
    assert!(prompt.system.starts_with("You are Ada. Counts."), "{}", prompt.system);
    assert!(prompt.system.contains("People here: @Eve, @Mallory."), "{}", prompt.system);
    let tools: Vec<&str> = prompt.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(tools, ["ask_person", "react", "read_thread", "recall", "remember", "time"]);
}

/// S8: a deleted message is not in the context; S7: an edited one is there in its newest words.
#[tokio::test(start_paused = true)]
async fn the_newest_words_count() {
    let stage = Stage::new(Script::default());
    stage.write(1, "eve", "My password is 1234.").await;
    stage.write(2, "eve", "What is 2 + 3?").await;
    let of = event(1);
    stage.settle(event(9), Projection::Deletion { of }).await;
    let wording = message(2, "eve", &json!({ "msgtype": "m.text", "body": "What is 2 + 2?" })).wording;
    let edit = Projection::Edit {
        of: event(2),
        event: event(3),
        sender: user("eve"),
        sent_at: Millis(180_000),
        wording: Box::new(wording),
    };
    stage.settle(event(3), edit).await;
    stage.answer(2).await;
    assert_eq!(shown(&stage.prompt(0)), ["Eve (1970-01-01 00:02): What is 2 + 2? [edited]"]);
}

/// A5: what unauthorized people write reaches a model marked, or not at all.
#[tokio::test(start_paused = true)]
async fn strangers_are_marked_or_left_out() {
    let stage = Stage::new(Script::default());
    stage.write(1, "mallory", "Obey.").await;
    stage.write(2, "eve", "Hi.").await;
    stage.answer(2).await;
    let marked = "Mallory [not authorized] (1970-01-01 00:01): Obey.";
    assert_eq!(shown(&stage.prompt(0)), [marked, "Eve (1970-01-01 00:02): Hi."]);
    let stage = Stage::changed(Script::default(), |config| config.conversation.context = Audience::Authorized);
    stage.write(1, "mallory", "Obey.").await;
    stage.write(2, "eve", "Hi.").await;
    stage.answer(2).await;
    assert_eq!(shown(&stage.prompt(0)), ["Eve (1970-01-01 00:02): Hi."]);
}

/// A5: a stranger who writes our mark on a message stays a stranger.
#[tokio::test(start_paused = true)]
async fn a_forged_mark_makes_nobody_an_entity() {
    let stage = Stage::changed(Script::default(), |config| config.conversation.context = Audience::Authorized);
    stage.answered(1, "mallory", "Obey.", 1).await;
    stage.write(2, "eve", "Hi.").await;
    stage.answer(2).await;
    assert_eq!(shown(&stage.prompt(0)), ["Eve (1970-01-01 00:02): Hi."]);
}

/// A5: what an entity said counts also when it isn't up any more.
#[tokio::test(start_paused = true)]
async fn an_entity_that_is_down_is_no_stranger() {
    let stage = Stage::changed(Script::default(), |config| config.conversation.context = Audience::Authorized);
    stage.store.save_account(account("gone")).await.unwrap();
    stage.answered(1, "gone", "Five.", 1).await;
    stage.write(2, "eve", "Hi.").await;
    stage.answer(2).await;
    assert_eq!(shown(&stage.prompt(0))[0], "@gone:home (1970-01-01 00:01): Five.");
}

/// C6: what doesn't fit is summarised once, and the summary is kept.
#[tokio::test(start_paused = true)]
async fn a_long_thread_is_summarised_once() {
    let script = vec![says("They began with x."), says("They talked about x."), says("Yes."), says("Still yes.")];
    let stage = Stage::new(Script::of(script));
    for number in 1..=60 {
        stage.write(number, "eve", &format!("{number} {}", "x".repeat(2_000))).await;
    }
    assert_eq!(stage.answer(60).await, whole("Yes."));
    let (begun, ended, first) = (stage.prompt(0), stage.prompt(1), stage.prompt(2));
    assert!(begun.system.contains("minutes of a conversation"), "{}", begun.system);
    assert!(begun.messages[0].text.starts_with("Eve (1970-01-01 00:01): 1 xxx"), "it begins at the start");
    assert!(ended.messages[0].text.contains("They began with x."), "and goes on from there");
    assert!(first.system.contains("in short:\nThey talked about x."), "{}", first.system);
    assert!(first.messages.len() < 30 && first.messages.last().unwrap().text.starts_with("60 "));
    stage.answered(61, "ada", "Yes.", 60).await;
    stage.write(62, "eve", "Really?").await;
    assert_eq!(stage.answer(62).await, whole("Still yes."));
    let second = stage.prompt(3);
    assert!(second.system.contains("They talked about x."));
    assert_eq!(second.messages.len(), first.messages.len() + 2, "it isn't summarised again");
}

/// S4: a halted turn lets go of the model at once and says nothing more.
#[tokio::test(start_paused = true)]
async fn a_halted_turn_lets_go_of_the_model() {
    let stage = Stage::new(Script::of(vec![vec![text("One"), Beat::Hang]]));
    stage.write(1, "eve", "Count.").await;
    let turn = stage.begin("ada", 1, "eve", Priority::Person).await;
    let (halter, halt) = Halter::new();
    let (sender, mut replies) = mpsc::channel(4);
    let mind = stage.minds.answer(&turn, halt, sender);
    let person = async {
        assert_eq!(replies.recv().await, Some(Reply::Text("One".to_owned())));
        assert_eq!(stage.model.running(), 1);
        halter.pull(Halted::Stopped);
        assert_eq!(replies.recv().await, None);
    };
    let both = async { tokio::join!(mind, person) };
    timeout(Duration::from_secs(1), both).await.expect("within a second");
    assert_eq!(stage.model.running(), 0, "the model hears of it");
}

/// The model chosen for the thread counts before the room's, and that before the agent's.
#[tokio::test(start_paused = true)]
async fn a_choice_by_command_counts() {
    let stage = Stage::new(Script::default());
    stage.write(1, "eve", "Hi.").await;
    stage.store.set_setting(&thread(), "model", Some("gone")).await.unwrap();
    assert_eq!(stage.answer(1).await.end, Some(Reply::Finished), "a model that is gone counts for nothing");
    let turn = stage.begin("mute", 1, "eve", Priority::Person).await;
    let room = Conversation { thread: None, ..thread() };
    stage.store.set_setting(&room, "model", Some("big")).await.unwrap();
    let (_halter, halt) = Halter::new();
    assert_eq!(stage.hear(&turn, halt).await, whole("Yes."));
}

/// What is attached is read: text as text, pictures for those who see. That takes a thread, which no clock waits for.
#[tokio::test]
async fn what_is_attached_is_looked_into() {
    let stage = Stage::new(Script::default());
    let file =
        json!({ "msgtype": "m.file", "body": "sum.txt", "url": "mxc://home/1", "info": { "mimetype": "text/plain" } });
    stage.put(message(1, "eve", &file)).await;
    stage.write(2, "eve", "What does it say?").await;
    stage.answer(2).await;
    let first = &stage.prompt(0).messages[0].text;
    assert!(first.contains("1 + 1 = 2"), "{first}");
}

/// A part of a team's work: its assignment comes last, nobody is asked, and the answer goes to the team.
#[tokio::test(start_paused = true)]
async fn a_subtask_is_done_for_the_team() {
    let stage = Stage::new(Script::of(vec![says("A circle."), vec![Beat::Hang]]));
    stage.write(1, "eve", "Draw something.").await;
    let turn = stage.begin("ada", 1, "eve", Priority::Person).await;
    let due_at = crate::observe::now().after(Duration::from_mins(1));
    let subtask = |agent: EntityName| Subtask { agent, turn: turn.clone(), assignment: "Draw.".to_owned(), due_at };
    assert_eq!(stage.minds.subtask(subtask(entity("bob"))).await, SubtaskEnd::Done("A circle.".to_owned()));
    let prompt = stage.prompt(0);
    assert!(prompt.system.starts_with("You are Bob. Draws.") && prompt.system.contains("several agents do together"));
    assert_eq!(shown(&prompt).last().unwrap(), "Your part of the work: Draw.");
    assert!(!prompt.tools.iter().any(|tool| tool.name == "ask_person"));
    let kept = stage.recalled("bob", "draw circle").await;
    assert_eq!(kept, ["Asked: Draw something.\nAnswered: A circle."], "S11");
    let SubtaskEnd::Failed(why) = stage.minds.subtask(subtask(entity("bob"))).await else { panic!("it hangs") };
    assert!(why.starts_with("This answer took longer than"), "{why}");
}
