//! Conformance: what agents keep, and how it goes.

use super::{
    samples::{batch, entity, event, event_id, room, user},
    stage::Stage,
    turns::{envelope, start},
};
use crate::{
    model::{Conversation, Millis, TurnId},
    store::{Basis, Memo, MemoSort, Ordinal, Projection, Recollection, Settlement, Summary},
};

fn here() -> Conversation {
    Conversation { room: room("lobby"), thread: Some(event_id("root")) }
}

fn fact(text: &str) -> Memo {
    Memo {
        agent: entity("writer"),
        sort: MemoSort::Fact,
        conversation: here(),
        person: None,
        turn: TurnId::parse("turn").unwrap(),
        text: text.to_owned(),
        sources: vec![event_id("a"), event_id("b")],
        kept_at: Millis(7),
    }
}

/// What the writer recalls in `room_name` when `person` asks about `words`.
async fn recalled(stage: &Stage, room_name: &str, person: &str, words: &[&str]) -> Vec<Memo> {
    let words = words.iter().map(|word| (*word).to_owned()).collect();
    let about = Recollection { agent: entity("writer"), rooms: vec![room(room_name)], person: user(person), words };
    stage.store.recall(about, 10).await.unwrap()
}

async fn texts(stage: &Stage, room_name: &str, person: &str, words: &[&str]) -> Vec<String> {
    recalled(stage, room_name, person, words).await.into_iter().map(|memo| memo.text).collect()
}

async fn delete(stage: &Stage, name: &str) {
    let projection = Projection::Deletion { of: event_id(name) };
    stage.store.settle(Settlement::of(room("lobby"), event_id("deletion"), projection, Millis(9))).await.unwrap();
}

/// S11: facts are found again by their words, also after a crash.
pub(super) async fn a_fact_is_found_by_its_words(stage: &mut Stage) {
    stage.store.remember(fact("Ada likes Jasmine tea.")).await.unwrap();
    stage.store.remember(fact("The café opens at nine.")).await.unwrap();
    stage.crash().await;
    assert_eq!(recalled(stage, "lobby", "eve", &["jasmine"]).await, [fact("Ada likes Jasmine tea.")]);
    assert_eq!(texts(stage, "lobby", "eve", &["CAFE", "nowhere"]).await, ["The café opens at nine."]);
    assert_eq!(
        texts(stage, "lobby", "eve", &["tea", "jasmine", "nine"]).await[0],
        "Ada likes Jasmine tea.",
        "best first"
    );
    assert!(texts(stage, "lobby", "eve", &["coffee"]).await.is_empty());
    assert!(texts(stage, "lobby", "eve", &[]).await.is_empty());
    assert!(
        texts(stage, "lobby", "eve", &["\"", "*", "NEAR(", "tea\" OR \"x"]).await.is_empty(),
        "words are only words"
    );
}

/// S11: facts per agent, and room or person.
pub(super) async fn a_fact_is_found_where_it_belongs(stage: &mut Stage) {
    stage.store.remember(fact("The tea is in the kitchen.")).await.unwrap();
    stage.store.remember(Memo { person: Some(user("ada")), ..fact("Ada likes tea.") }).await.unwrap();
    stage.store.remember(Memo { agent: entity("critic"), ..fact("Nobody likes tea.") }).await.unwrap();
    assert_eq!(texts(stage, "lobby", "eve", &["tea"]).await, ["The tea is in the kitchen."]);
    assert_eq!(texts(stage, "den", "ada", &["tea"]).await, ["Ada likes tea."]);
    assert!(texts(stage, "den", "eve", &["tea"]).await.is_empty());
}

pub(super) async fn the_same_is_kept_once(stage: &mut Stage) {
    for _ in 0..2 {
        stage.store.remember(fact("Ada likes tea.")).await.unwrap();
    }
    for answer in ["An old answer about tea.", "A new answer about tea."] {
        stage.store.remember(Memo { sort: MemoSort::Turn, ..fact(answer) }).await.unwrap();
    }
    let mut found = texts(stage, "lobby", "eve", &["tea"]).await;
    found.sort();
    assert_eq!(found, ["A new answer about tea.", "Ada likes tea."]);
}

/// S8: a deleted message's facts go with it.
pub(super) async fn what_came_from_a_deleted_message_goes(stage: &mut Stage) {
    stage.store.remember(fact("Ada likes tea.")).await.unwrap();
    stage.store.remember(Memo { sources: vec![event_id("c")], ..fact("Bob likes tea.") }).await.unwrap();
    delete(stage, "b").await;
    stage.crash().await;
    assert_eq!(texts(stage, "lobby", "eve", &["tea"]).await, ["Bob likes tea."]);
}

/// C6: the summary is kept; S8: unless what it covers is deleted.
pub(super) async fn a_summary_is_kept_until_what_it_covers_goes(stage: &mut Stage) {
    let events = ["a", "b", "c"].map(|name| event("lobby", name)).to_vec();
    stage.store.admit(vec![batch("writer", 1, events, vec![])]).await.unwrap();
    let agent = entity("writer");
    let main = Conversation { thread: None, ..here() };
    let summary = Summary { until: Ordinal(2), text: "They met.".to_owned() };
    for text in ["They will meet.", "They met."] {
        let summary = Summary { text: text.to_owned(), ..summary.clone() };
        stage.store.save_summary(&agent, &here(), summary, Basis::default()).await.unwrap();
    }
    stage.crash().await;
    assert_eq!(stage.store.summary(&agent, &here()).await.unwrap(), Some(summary.clone()));
    assert_eq!(stage.store.summary(&agent, &main).await.unwrap(), None);
    assert_eq!(stage.store.summary(&entity("critic"), &here()).await.unwrap(), None);
    delete(stage, "c").await;
    assert_eq!(stage.store.summary(&agent, &here()).await.unwrap(), Some(summary), "it covers a and b alone");
    delete(stage, "a").await;
    assert_eq!(stage.store.summary(&agent, &here()).await.unwrap(), None);
}

/// S8: what was still being thought about when a message was deleted isn't kept either.
pub(super) async fn what_is_deleted_meanwhile_is_not_kept(stage: &mut Stage) {
    let events = ["a", "b", "c"].map(|name| event("lobby", name)).to_vec();
    stage.store.admit(vec![batch("writer", 1, events, vec![])]).await.unwrap();
    let agent = entity("writer");
    let summary = |until: u64| Summary { until: Ordinal(until), text: format!("They met, {until}.") };
    let of = |names: &[&str], summary: Option<Summary>| Basis {
        summary,
        messages: names.iter().map(|name| event_id(name)).collect(),
    };
    stage.store.save_summary(&agent, &here(), summary(1), of(&["a"], None)).await.unwrap();
    stage.store.save_summary(&agent, &here(), summary(2), of(&["b"], Some(summary(1)))).await.unwrap();
    assert_eq!(stage.store.summary(&agent, &here()).await.unwrap(), Some(summary(2)));
    delete(stage, "a").await;
    stage.store.save_summary(&agent, &here(), summary(3), of(&["c"], Some(summary(2)))).await.unwrap();
    stage.store.save_summary(&agent, &here(), summary(3), of(&["a", "b", "c"], None)).await.unwrap();
    assert_eq!(stage.store.summary(&agent, &here()).await.unwrap(), None);
    stage.store.remember(fact("Ada likes tea.")).await.unwrap();
    stage.store.remember(Memo { sort: MemoSort::Turn, ..fact("Asked for tea.") }).await.unwrap();
    assert!(texts(stage, "lobby", "eve", &["tea"]).await.is_empty());
}

/// S8: with an answer goes the memory of it.
pub(super) async fn what_was_kept_of_a_deleted_answer_goes(stage: &mut Stage) {
    stage.store.queue(envelope("a")).await.unwrap();
    stage.store.begin_turn(start("turn", &["a"]), Millis(1)).await.unwrap();
    stage.store.note_part(&TurnId::parse("turn").unwrap(), 0, &event_id("answer")).await.unwrap();
    stage.store.remember(Memo { sort: MemoSort::Turn, ..fact("Asked for tea.") }).await.unwrap();
    delete(stage, "nothing").await;
    assert_eq!(texts(stage, "lobby", "eve", &["tea"]).await.len(), 1);
    delete(stage, "answer").await;
    assert!(texts(stage, "lobby", "eve", &["tea"]).await.is_empty());
}
