//! What people change after they said it.

use serde_json::Value;

use super::stage::{
    Stage, asks, batch, deletion, edit, event, in_thread, incoming, message, name, person, room, tap, user,
};
use crate::{
    broker::Halted,
    model::{Conversation, Incoming, Millis, Notice, Poll, PollAbout, PollOption, Standing, TurnId},
};

/// S7: edited before it begins, the new words count; edited while it runs, it begins anew in the same messages.
#[tokio::test]
async fn an_edited_question_is_answered_anew() {
    let stage = Stage::lobby().await;
    stage
        .run(async |stage| {
            stage.hear(vec![asks("1", &["ada"])]).await;
            let order = stage.order().await;
            stage.hear(vec![edit("e1", "al", "1", "better?", &["ada"])]).await;
            assert_eq!(order.halt.halted().await, Halted::Edited);
            let text = stage.store.message(&room(), &event("1")).await.unwrap().unwrap();
            assert_eq!((text.wording.body.as_str(), text.edited), ("better?", true));
            stage.answered(&order, "a").await;
            let again = stage.order().await;
            assert_eq!((again.turn.id, again.turn.attempt, again.turn.parts), (order.turn.id, 2, vec![event("a")]));
        })
        .await;
}

/// S7: edited after it was answered, the answer is given again in place; the same words or a foreign edit change
/// nothing.
#[tokio::test]
async fn an_answered_question_is_answered_again() {
    let stage = Stage::lobby().await;
    stage
        .run(async |stage| {
            stage.hear(vec![asks("1", &["ada"])]).await;
            let order = stage.order().await;
            stage.answered(&order, "a").await;
            stage.hear(vec![edit("e1", "al", "1", "well?", &["ada"]), edit("e2", "kim", "1", "mine", &["ada"])]).await;
            stage.nobody_answers().await;
            stage.hear(vec![edit("e3", "al", "1", "really?", &["ada"])]).await;
            let again = stage.order().await;
            assert_eq!((again.turn.id, again.turn.parts), (order.turn.id, vec![event("a")]));
        })
        .await;
}

/// S7: an edit that adds a mention asks, once and in time; one that doesn't, or comes too late, or is a command,
/// doesn't.
#[tokio::test]
async fn an_edit_may_ask_for_the_first_time() {
    let stage = Stage::lobby().await;
    stage
        .run(async |stage| {
            stage.hear(vec![asks("1", &["kim"])]).await;
            stage.hear(vec![edit("e1", "al", "1", "kim, see", &["kim"])]).await;
            assert_eq!(stage.rule("1").await, "W5");
            stage.hear(vec![edit("e2", "al", "1", "ada, see", &["ada"])]).await;
            let turn = stage.order().await.turn;
            assert_eq!((turn.messages, stage.rule("1").await.as_str()), (vec![event("1")], "W3"));

            stage.hear(vec![asks("2", &["kim"]), edit("e3", "al", "2", "!stop", &["kim"])]).await;
            assert_eq!(stage.rule("2").await, "W5", "commands are given, not edited into being");
            stage.hear(vec![asks("3", &["kim"])]).await;
            let mut late = batch("ada", vec![edit("e4", "al", "3", "ada, see", &["ada"])]);
            late.received_at = Millis(late.received_at.0 + 3_700_000);
            stage.bring(late).await;
            stage.settled().await;
            assert_eq!(stage.rule("3").await, "W5", "an hour has passed");
            stage.nobody_answers().await;
        })
        .await;
}

/// S8: what waits is cancelled, what runs is stopped, the words go, and so does the answer where that is wanted.
#[tokio::test]
async fn a_deleted_question_is_not_answered() {
    let stage = Stage::lobby().await;
    stage
        .run(async |stage| {
            stage.hear(vec![asks("1", &["ada"])]).await;
            let order = stage.order().await;
            stage.hear(vec![deletion("d1", "al", "1")]).await;
            assert_eq!(order.halt.halted().await, Halted::Deleted);
            let gone = stage.store.message(&room(), &event("1")).await.unwrap().unwrap();
            assert!(gone.deleted && gone.wording.body.is_empty());
            stage.hear(vec![edit("e1", "al", "1", "ada, see", &["ada"])]).await;
            stage.nobody_answers().await;

            stage.hear(vec![asks("2", &["bob"])]).await;
            let order = stage.order().await;
            stage.answered(&order, "b").await;
            let old = Incoming { standing: Standing::History, ..deletion("d0", "al", "2") };
            stage.hear(vec![deletion("d2", "al", "b"), old, deletion("d3", "al", "2")]).await;
            stage.until(async || *stage.redacted.lock().unwrap() == [event("b")]).await;
        })
        .await;
}

/// S4: an answer that a person deletes while it is given is stopped; one of which we take a part back ourselves goes on.
#[tokio::test]
async fn a_deleted_answer_is_stopped() {
    let stage = Stage::lobby().await;
    stage
        .run(async |stage| {
            stage.hear(vec![asks("1", &["ada"])]).await;
            let order = stage.order().await;
            for (part, name) in [(0, "a"), (1, "b")] {
                stage.store.note_part(&order.turn.id, part, &event(name)).await.unwrap();
            }
            stage.hear(vec![deletion("d1", "ada", "b"), deletion("d2", "nobody", "a")]).await;
            assert_eq!(order.halt.now(), None);
            stage.hear(vec![deletion("d3", "kim", "a")]).await;
            assert_eq!(order.halt.now(), Some(Halted::Stopped));
        })
        .await;
}

/// S4: 🛑 on the answer or on the question stops it, from anybody who may use us; never an entity's own.
#[tokio::test]
async fn a_tap_stops_an_answer() {
    let stage = Stage::lobby().await;
    stage
        .run(async |stage| {
            stage.hear(vec![asks("1", &["ada"])]).await;
            let order = stage.order().await;
            stage.store.note_part(&order.turn.id, 0, &event("a")).await.unwrap();
            let old = Incoming { standing: Standing::History, ..tap("t0", "al", "a", "🛑") };
            stage
                .hear(vec![
                    tap("t1", "ada", "a", "🛑"),
                    tap("t2", "nobody", "a", "🛑"),
                    old,
                    tap("t3", "al", "a", "👍"),
                ])
                .await;
            assert_eq!(order.halt.now(), None);
            stage.hear(vec![tap("t4", "kim", "a", "🛑\u{fe0f}")]).await;
            assert_eq!(order.halt.now(), Some(Halted::Stopped));

            stage.hear(vec![asks("2", &["bob"])]).await;
            let order = stage.order().await;
            stage.hear(vec![tap("t5", "al", "2", "🛑")]).await;
            assert_eq!(order.halt.now(), Some(Halted::Stopped));
        })
        .await;
}

/// S9: 🔁 by the asker, from whichever account, gives the answer again.
#[tokio::test]
async fn a_tap_asks_once_more() {
    let stage = Stage::lobby().await;
    stage
        .run(async |stage| {
            stage.hear(vec![asks("1", &["ada"])]).await;
            let order = stage.order().await;
            stage.answered(&order, "a").await;
            stage.hear(vec![tap("t1", "kim", "a", "🔁"), tap("t2", "al", "1", "🔁")]).await;
            stage.nobody_answers().await;
            stage.hear(vec![tap("t3", "al2", "a", "🔁")]).await;
            assert_eq!(stage.order().await.turn.attempt, 2);
        })
        .await;
}

/// An agent's question in the middle of a turn: the first answer of whoever was asked is kept.
#[tokio::test]
async fn a_tap_answers_a_question() {
    let stage = Stage::lobby().await;
    let option = |key: &str, value: &str| PollOption { key: key.to_owned(), value: value.to_owned() };
    let poll = Poll {
        about: PollAbout::Turn(TurnId::parse("t").unwrap()),
        options: vec![option("1️⃣", "red"), option("2️⃣", "blue")],
        asker: Some(user("al")),
    };
    let notice = Notice {
        id: "n".to_owned(),
        speaker: name("ada"),
        conversation: Conversation { room: room(), thread: None },
        reply_to: None,
        text: "Which?".to_owned(),
        poll: Some(poll),
    };
    stage.store.save_notice(&notice, Millis(1)).await.unwrap();
    stage.store.notice_sent("n", 0, &event("q")).await.unwrap();
    stage
        .run(async |stage| {
            stage.hear(vec![tap("t1", "kim", "q", "1️⃣"), tap("t2", "al", "q", "🛑")]).await;
            assert_eq!(stage.store.answer_of("n").await.unwrap(), None);
            stage.hear(vec![tap("t3", "al", "q", "2️⃣"), tap("t4", "al", "q", "1️⃣")]).await;
            assert_eq!(stage.store.answer_of("n").await.unwrap().unwrap().value, "blue");
        })
        .await;
}

/// W1: `!stop` doesn't wait behind what it stops. What makes no sense, or no JSON, is dealt with all the same.
#[tokio::test]
async fn nothing_holds_up_a_stop() {
    let stage = Stage::lobby().await;
    stage
        .run(async |stage| {
            let thread = in_thread("1");
            stage.hear(vec![asks("1", &["ada"]), message("2", "al", "and", &["ada"], thread.clone())]).await;
            let order = stage.order().await;
            let strange = incoming("x", "al", "m.room.message", &Value::String("?".to_owned()));
            stage.hear(vec![strange, message("3", "al", "!stop", &[], thread), person("still here", "4")]).await;
            assert_eq!(order.halt.now(), Some(Halted::Stopped));
            assert!(stage.store.unfinished().await.unwrap().queued.is_empty());
            assert_eq!(stage.rule("4").await, "W11");
        })
        .await;
}
