//! What came while nobody was there.

use serde_json::Value;

use super::stage::{Stage, asks, batch, deletion, event, in_thread, message, person, replying, room, tap};
use crate::{model::Incoming, store::StoredNotice};

/// So many questions to ada, the first of which is `$1`.
fn questions(count: usize) -> Vec<Incoming> {
    (1..=count).map(|number| asks(&number.to_string(), &["ada"])).collect()
}

/// The router's loop brings these after an absence, and the desk has dealt with them.
async fn missed(stage: &Stage, events: Vec<Incoming>) {
    let mut batch = batch("router", events);
    batch.after_absence = true;
    stage.bring(batch).await;
    stage.settled().await;
}

/// The question about what was missed, once it stands in the room as `$asked`.
async fn asked(stage: &Stage, count: usize) -> StoredNotice {
    let counts =
        async || stage.notices().await.iter().any(|stored| stored.notice.text.starts_with(&format!("{count} ")));
    stage.until(counts).await;
    let question = stage.notices().await.remove(0);
    stage.store.notice_sent(&question.notice.id, 0, &event("asked")).await.unwrap();
    question
}

/// The messages that are answered, each alone.
async fn orders(stage: &Stage, count: usize) -> Vec<String> {
    let mut answered = Vec::new();
    for _ in 0..count {
        let order = stage.order().await;
        assert_eq!(order.turn.messages.len(), 1);
        answered.push(order.turn.messages[0].to_string());
    }
    answered.sort();
    answered
}

/// N7: as many as may be are answered unasked, also when they have to be counted first.
#[tokio::test]
async fn few_missed_messages_are_answered() {
    let stage = Stage::lobby().await;
    stage
        .run(async |stage| {
            let mut events = questions(3);
            // Nobody would answer this one.
            events.push(message("4", "al", "kim?", &["kim"], Value::Null));
            missed(stage, events).await;
            assert_eq!(orders(stage, 3).await, ["$1", "$2", "$3"]);
            assert_eq!((stage.rule("1").await.as_str(), stage.rule("4").await.as_str()), ("W3", "W5"));
            assert_eq!(stage.notices().await, []);
        })
        .await;
}

/// N7: more are held back and asked about once, and new ones are answered meanwhile; a tap lets all of them go.
#[tokio::test]
async fn many_missed_messages_are_asked_about() {
    let stage = Stage::lobby().await;
    stage
        .run(async |stage| {
            missed(stage, questions(5)).await;
            let question = asked(stage, 5).await;
            assert_eq!((question.notice.conversation.thread.clone(), stage.rule("1").await), (None, "N7".to_owned()));
            stage.nobody_answers().await;
            stage.hear(vec![asks("new", &["ada"]), deletion("d", "al", "2"), tap("t0", "nobody", "asked", "✅")]).await;
            assert_eq!(orders(stage, 1).await, ["$new"]);
            stage.hear(vec![tap("t1", "kim", "asked", "✅"), tap("t2", "al", "asked", "❌")]).await;
            assert_eq!(orders(stage, 4).await, ["$1", "$3", "$4", "$5"]);
            let answered = stage.store.notice(&question.notice.id).await.unwrap().unwrap();
            assert!(answered.notice.text.contains("4 messages") && answered.notice.text.contains("All of them"));
            assert_eq!(stage.rule("1").await, "W3");
        })
        .await;
}

/// N7: it is answered in words as well, by whoever may use us: only the newest, or none.
#[tokio::test]
async fn words_choose_among_missed_messages() {
    let stage = Stage::lobby().await;
    stage
        .run(async |stage| {
            missed(stage, questions(4)).await;
            asked(stage, 4).await;
            let stranger = message("w0", "joe", "all", &[], replying("asked"));
            stage.hear(vec![stranger, message("w1", "al", "Only the newest.", &[], replying("asked"))]).await;
            assert_eq!(orders(stage, 1).await, ["$4"]);
            stage.nobody_answers().await;
            assert_eq!((stage.rule("w1").await, stage.rule("w0").await), ("N7".to_owned(), "A1".to_owned()));

            missed(stage, (5..=9).map(|number| person("ada?", &number.to_string())).collect()).await;
            let next = async || stage.notices().await.iter().any(|stored| stored.notice.text.starts_with("5 "));
            stage.until(next).await;
            let question = stage.notices().await.pop().unwrap();
            stage.store.notice_sent(&question.notice.id, 0, &event("asked2")).await.unwrap();
            stage.hear(vec![message("w2", "kim", "none", &[], in_thread("asked2"))]).await;
            stage.nobody_answers().await;
            assert_eq!(stage.store.held(&room()).await.unwrap(), []);
        })
        .await;
}

/// N7: another absence before anybody chose adds to the same question.
#[tokio::test]
async fn two_absences_are_one_question() {
    let stage = Stage::lobby().await;
    stage
        .run(async |stage| {
            missed(stage, questions(4)).await;
            asked(stage, 4).await;
            let more = (5..=8).map(|number| asks(&number.to_string(), &["ada"])).collect();
            missed(stage, more).await;
            let question = asked(stage, 8).await;
            assert_eq!(stage.notices().await.len(), 1);
            missed(stage, vec![asks("9", &["ada"])]).await;
            assert_eq!(orders(stage, 1).await, ["$9"]);
            stage.hear(vec![tap("t", "al", "asked", "⏩")]).await;
            assert_eq!(orders(stage, 1).await, ["$8"]);
            assert!(question.answer.is_none());
        })
        .await;
}

/// N7: the question, and the choice, outlive a crash at any moment.
#[tokio::test]
async fn a_choice_outlives_a_crash() {
    let stage = Stage::lobby().await;
    stage
        .run(async |stage| {
            missed(stage, questions(4)).await;
            asked(stage, 4).await;
        })
        .await;
    let stage = stage.restarted();
    stage
        .run(async |stage| {
            assert_eq!(stage.store.held(&room()).await.unwrap().len(), 4);
            // The choice is kept, and the crash comes before anybody acts on it.
            stage.store.release(&room(), crate::store::Fate::All).await.unwrap();
        })
        .await;
    let stage = stage.restarted();
    stage.run(async |stage| assert_eq!(orders(stage, 4).await, ["$1", "$2", "$3", "$4"])).await;
}
