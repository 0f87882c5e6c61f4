//! Questions to people in the middle of an answer.

use std::time::Duration;

use futures_util::poll;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::{
    driver::{Script, says, wants},
    stage::{Stage, event, message, turn_id, user},
};
use crate::{
    broker::{Halted, Halter},
    model::{PollAbout, Priority, Reply},
};

fn question() -> Value {
    json!({ "question": "Red or blue?", "answers": ["Red", "Blue"] })
}

/// What the model was told of its first tool in the prompt asked `nth`.
fn outcome(stage: &Stage, nth: usize) -> String {
    stage.prompt(nth).messages.last().unwrap().uses[0].outcome.clone()
}

#[tokio::test(start_paused = true)]
async fn a_question_waits_for_a_tap() {
    let stage = Stage::new(Script::of(vec![wants("ask_person", question()), says("Blue it is.")]));
    stage.write(1, "eve", "Paint it.").await;
    let person = async {
        sleep(Duration::from_mins(15)).await;
        let pending = stage.store.pending_notices(9).await.unwrap();
        let notice = &pending[0].notice;
        assert_eq!((pending.len(), notice.reply_to.as_ref()), (1, Some(&event(1))));
        assert_eq!(notice.text, "Red or blue?\n\n1️⃣ Red  \n2️⃣ Blue");
        let poll = notice.poll.as_ref().unwrap();
        assert_eq!((&poll.about, &poll.asker), (&PollAbout::Turn(turn_id("ada", 1)), &Some(user("eve"))));
        stage.store.record_answer(&notice.id, "Blue", &user("eve")).await.unwrap();
    };
    let (heard, ()) = tokio::join!(stage.answer(1), person);
    assert_eq!(
        (heard.text.as_str(), heard.end),
        ("Blue it is.", Some(Reply::Finished)),
        "waiting took no time of its own"
    );
    assert_eq!(heard.lines, ["🔧 ask_person…"], "S5");
    assert_eq!(outcome(&stage, 1), "They chose: Blue");
}

#[tokio::test(start_paused = true)]
async fn who_writes_instead_is_answered_next() {
    let stage = Stage::new(Script::of(vec![wants("ask_person", question()), says("All right.")]));
    stage.write(1, "eve", "Paint it.").await;
    let person = async {
        sleep(Duration::from_secs(5)).await;
        stage.write(2, "mallory", "Green!").await;
        sleep(Duration::from_secs(5)).await;
        assert_eq!(stage.model.asked().len(), 1, "only the asker's words count");
        stage.write(3, "eve", "Neither, leave it.").await;
    };
    tokio::join!(stage.answer(1), person);
    assert!(outcome(&stage, 1).starts_with("They wrote something instead"), "{}", outcome(&stage, 1));
}

#[tokio::test(start_paused = true)]
async fn nobody_is_waited_for_for_ever() {
    let stage = Stage::new(Script::of(vec![wants("ask_person", question()), says("Tell me later.")]));
    stage.write(1, "eve", "Paint it.").await;
    assert_eq!(stage.answer(1).await.text, "Tell me later.");
    assert!(outcome(&stage, 1).starts_with("Nobody has chosen"), "{}", outcome(&stage, 1));
}

/// N4: after a restart the same question is waited for, and the model is told the answer.
#[tokio::test(start_paused = true)]
async fn a_question_outlives_a_restart() {
    let mut stage = Stage::new(Script::of(vec![wants("ask_person", question())]));
    stage.write(1, "eve", "Paint it.").await;
    {
        let mut first = Box::pin(stage.answer(1));
        while stage.store.pending_notices(9).await.unwrap().is_empty() {
            assert!(poll!(&mut first).is_pending());
        }
    }
    stage.restart(Script::of(vec![says("Red it is.")]));
    let person = async {
        sleep(Duration::from_secs(5)).await;
        assert_eq!(stage.store.pending_notices(9).await.unwrap().len(), 1, "it is asked once");
        stage.store.record_answer("ask.ada-1.0", "Red", &user("eve")).await.unwrap();
    };
    let (heard, ()) = tokio::join!(stage.answer(1), person);
    assert_eq!((heard.text.as_str(), heard.end), ("Red it is.", Some(Reply::Finished)));
    let system = stage.prompt(0).system;
    assert!(system.contains("ask_person ") && system.contains("→ They chose: Red"), "{system}");
}

/// N4: what the asker wrote while the program was down counts, too: it waits behind this very answer.
#[tokio::test(start_paused = true)]
async fn what_was_written_during_a_restart_is_noticed() {
    let mut stage = Stage::new(Script::of(vec![wants("ask_person", question())]));
    stage.write(1, "eve", "Paint it.").await;
    {
        let mut first = Box::pin(stage.answer(1));
        while stage.store.pending_notices(9).await.unwrap().is_empty() {
            assert!(poll!(&mut first).is_pending());
        }
    }
    stage.restart(Script::of(vec![says("All right.")]));
    let mut late = message(2, "eve", &json!({ "msgtype": "m.text", "body": "Neither." }));
    late.received_at = crate::observe::now().after(Duration::from_secs(1));
    stage.put(late).await;
    let heard = timeout(Duration::from_secs(10), stage.answer(1)).await.expect("nobody taps any more");
    assert_eq!(heard.text, "All right.");
    assert!(stage.prompt(0).system.contains("→ They wrote something instead"), "{}", stage.prompt(0).system);
}

/// A turn that was stopped doesn't wait for its old question when it is given again.
#[tokio::test(start_paused = true)]
async fn a_stopped_question_is_over() {
    let stage = Stage::new(Script::of(vec![wants("ask_person", question()), says("Purple.")]));
    stage.write(1, "eve", "Paint it.").await;
    let turn = stage.begin("ada", 1, "eve", Priority::Person).await;
    let (halter, halt) = Halter::new();
    let stop = async {
        sleep(Duration::from_secs(5)).await;
        halter.pull(Halted::Stopped);
    };
    let (heard, ()) = tokio::join!(stage.hear(&turn, halt), stop);
    assert_eq!(heard.end, None);
    assert_eq!(stage.answer(1).await.text, "Purple.");
    assert!(stage.prompt(1).system.contains("outcome unknown: it was cut off"), "{}", stage.prompt(1).system);
}
