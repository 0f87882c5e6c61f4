//! What is settled and old goes, and nothing else; what people take back leaves no trace.

use std::fs;

use rusqlite::Connection;
use serde_json::json;

use super::{
    samples::{batch, entity, event, event_id, room, sealed_event, turn_id, user},
    stage::Stage,
    turns::{envelope, start},
};
use crate::{
    model::{Batch, Content, Conversation, Envelope, Incoming, Millis, Notice, Responder, Standing, TurnEnd},
    store::{
        Decision, DecisionAction, Message, Projection, Settlement, Sort, Store, Wording, folder::DATABASE,
        retention::GONE,
    },
};

const DAY: u64 = 86_400_000;

/// Admits a message that was sent and came at that moment.
async fn bring(store: &Store, name: &str, at: u64) {
    let incoming = Incoming { sent_at: Millis(at), ..event("lobby", name) };
    let batch = Batch { token: None, received_at: Millis(at), ..batch("writer", 1, vec![incoming], vec![]) };
    store.admit(vec![batch]).await.unwrap();
}

/// A message of a thread that was decided about.
async fn say(store: &Store, name: &str, thread: Option<&str>, at: u64, action: DecisionAction) {
    bring(store, name, at).await;
    let stored = store.due(1).await.unwrap().remove(0);
    let conversation = Conversation { room: room("lobby"), thread: thread.map(event_id) };
    let wording = Wording {
        sort: Sort::Text,
        body: format!("the words of {name}"),
        content: "{}".to_owned(),
        mentions: Vec::new(),
        mark: None,
    };
    let message = Message {
        ordinal: stored.ordinal,
        room: room("lobby"),
        event: event_id(name),
        sender: user("ada"),
        sent_at: Millis(at),
        received_at: Millis(at),
        standing: Standing::Live,
        thread: thread.map(event_id),
        in_reply_to: None,
        wording,
        edited: false,
        deleted: false,
    };
    let decision = Decision {
        ordinal: stored.ordinal,
        conversation,
        event: event_id(name),
        rule: "W3".to_owned(),
        action,
        answering: vec![Responder::One(entity("writer"))],
        candidates: vec![entity("writer")],
        reason: "it was asked".to_owned(),
        decided_at: Millis(at),
    };
    let shown = Settlement::of(room("lobby"), event_id(name), Projection::Message(Box::new(message)), Millis(at));
    let asked = Envelope { received_at: Millis(at), ..envelope(name) };
    let envelopes = if action == DecisionAction::Answer { vec![asked] } else { Vec::new() };
    store.settle(Settlement { decision: Some(decision), envelopes, ..shown }).await.unwrap();
}

/// Begins the answer to a message, with a tool call whose words it says.
async fn begin(store: &Store, name: &str, at: u64) {
    store.begin_turn(start(name, &[name]), Millis(at)).await.unwrap();
    let seq =
        store.tool_began(&turn_id(name), "look", &json!({ "words": format!("the words of {name}") })).await.unwrap();
    store.tool_ended(&turn_id(name), seq, &format!("the words of {name}")).await.unwrap();
    store.note_part(&turn_id(name), 0, &event_id(&format!("answer-{name}"))).await.unwrap();
}

async fn answer(store: &Store, name: &str, at: u64) {
    begin(store, name, at).await;
    store.end_turn(&turn_id(name), TurnEnd::Done, &format!("the words of {name}"), Millis(at)).await.unwrap();
}

/// Looks at everything, step by step.
async fn prune(store: &Store, before: u64) -> u64 {
    let (mut after, mut gone) = (None, 0);
    loop {
        let pruned = store.prune(Millis(before), after).await.unwrap();
        gone += pruned.events;
        after = pruned.next;
        if after.is_none() {
            return gone;
        }
    }
}

/// How many rows each of these tables has.
async fn rows<const N: usize>(store: &Store, tables: [&'static str; N]) -> [i64; N] {
    store
        .read(move |db: &Connection| {
            let mut counts = [0; N];
            for (count, table) in counts.iter_mut().zip(tables) {
                *count = db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
            }
            Ok(counts)
        })
        .await
        .unwrap()
}

async fn kept(store: &Store) -> Vec<String> {
    let events = store.events(&room("lobby"), None, 1_000).await.unwrap();
    events.iter().map(|event| event.event.as_str()[1..].to_owned()).collect()
}

/// N10: what was answered goes with everything that hangs on it, and not before its time.
pub(super) async fn what_is_settled_and_old_goes(stage: &mut Stage) {
    let store = &stage.store;
    say(store, "a", None, DAY, DecisionAction::Answer).await;
    answer(store, "a", DAY).await;
    let notice = |id: &str| Notice {
        id: id.to_owned(),
        speaker: entity("writer"),
        conversation: Conversation { room: room("lobby"), thread: None },
        reply_to: None,
        text: "hm".to_owned(),
        poll: None,
    };
    store.save_notice(&notice("seen"), Millis(DAY)).await.unwrap();
    store.notice_shown("seen", 1).await.unwrap();
    store.save_notice(&notice("unseen"), Millis(DAY)).await.unwrap();
    let tables = ["events", "messages", "decisions", "envelopes", "turns", "turn_parts", "tool_calls", "counters"];
    assert_eq!(prune(store, DAY).await, 0);
    assert_eq!(store.prune_notices(Millis(DAY)).await.unwrap(), 0);
    assert_eq!(rows(store, tables).await, [1; 8]);
    assert_eq!(prune(store, DAY + 1).await, 1);
    assert_eq!(store.prune_notices(Millis(DAY + 1)).await.unwrap(), 1);
    assert_eq!(rows(store, tables).await, [0; 8]);
    assert!(store.notice("unseen").await.unwrap().is_some(), "it is yet to be said");
    // Its number is never given again.
    bring(store, "b", DAY).await;
    assert!(store.due(1).await.unwrap()[0].ordinal.0 > 1);
}

/// N10: whatever is not settled stays, however old it is.
pub(super) async fn what_is_not_settled_stays(stage: &mut Stage) {
    let store = &stage.store;
    say(store, "waits", None, 1, DecisionAction::Answer).await;
    say(store, "runs", None, 1, DecisionAction::Answer).await;
    begin(store, "runs", 1).await;
    say(store, "again", None, 1, DecisionAction::Answer).await;
    answer(store, "again", 1).await;
    store.ask_again(&turn_id("again")).await.unwrap();
    say(store, "routed", None, 1, DecisionAction::Route).await;
    say(store, "done", None, 1, DecisionAction::Ignore).await;
    let future = Incoming { sent_at: Millis(9 * DAY), ..event("lobby", "future") };
    let unread = vec![sealed_event("lobby", "sealed"), future];
    store.admit(vec![batch("writer", 1, unread, vec![])]).await.unwrap();
    bring(store, "due", 1).await;
    let settled = Settlement::of(room("lobby"), event_id("future"), Projection::Nothing, Millis(1));
    store.settle(settled).await.unwrap();
    assert_eq!(prune(store, 8 * DAY).await, 1);
    assert_eq!(kept(store).await, ["waits", "runs", "again", "routed", "sealed", "future", "due"]);
    store.end_turn(&turn_id("runs"), TurnEnd::Failed, "", Millis(2)).await.unwrap();
    store.forget(&turn_id("again"), Millis(2)).await.unwrap();
    assert_eq!(prune(store, 8 * DAY).await, 2);
}

/// N10: a thread in which somebody spoke lately keeps its beginning and the end that anybody is ever shown.
pub(super) async fn a_living_thread_stays(stage: &mut Stage) {
    let store = &stage.store;
    for root in ["dead", "alive"] {
        say(store, root, None, 1, DecisionAction::Ignore).await;
        say(store, &format!("{root}-1"), Some(root), 2, DecisionAction::Ignore).await;
    }
    say(store, "alive-2", Some("alive"), 5 * DAY, DecisionAction::Ignore).await;
    assert_eq!(prune(store, 4 * DAY).await, 2);
    assert_eq!(kept(store).await, ["alive", "alive-1", "alive-2"]);
    for number in 3..=202 {
        say(store, &format!("alive-{number}"), Some("alive"), 5 * DAY, DecisionAction::Ignore).await;
    }
    assert_eq!(prune(store, 4 * DAY).await, 1, "what is far from its end goes");
    let kept = kept(store).await;
    assert_eq!((kept.len(), kept[0].as_str(), kept[1].as_str()), (202, "alive", "alive-2"));
    assert_eq!(prune(store, 6 * DAY).await, 202);
}

/// N10, S8: the mark of a deletion goes when there is nothing left to keep silent.
pub(super) async fn a_deletion_is_kept_as_long_as_what_it_is_about(stage: &mut Stage) {
    let store = &stage.store;
    say(store, "late", None, 5 * DAY, DecisionAction::Ignore).await;
    for (name, of) in [("d1", "late"), ("d2", "never-came")] {
        let content = json!({ "redacts": event_id(of).as_str() }).to_string();
        let content = Content::Clear { kind: "m.room.redaction".to_owned(), json: content };
        let batch = batch("writer", 1, vec![Incoming { content, ..event("lobby", name) }], vec![]);
        store.admit(vec![batch]).await.unwrap();
        let deletion = Projection::Deletion { of: event_id(of) };
        store.settle(Settlement::of(room("lobby"), event_id(name), deletion, Millis(1))).await.unwrap();
    }
    assert_eq!(prune(store, 4 * DAY).await, 2);
    assert_eq!(rows(store, ["deletions"]).await, [1]);
    assert!(store.is_deleted(&room("lobby"), &event_id("late")).await.unwrap());
    assert_eq!(prune(store, 6 * DAY).await, 1);
    assert_eq!(rows(store, ["deletions"]).await, [0]);
}

/// S8: a deleted message leaves no words in the answers to it nor in what tools were called for, whenever they end.
pub(super) async fn a_deleted_question_leaves_no_words_in_its_answers(stage: &mut Stage) {
    let store = &stage.store;
    for name in ["done", "runs", "other"] {
        say(store, name, None, 1, DecisionAction::Answer).await;
        begin(store, name, 1).await;
    }
    for name in ["done", "other"] {
        store.end_turn(&turn_id(name), TurnEnd::Done, "so", Millis(2)).await.unwrap();
    }
    let unknown = store.tool_began(&turn_id("runs"), "act", &json!({ "words": 1 })).await.unwrap();
    for name in ["done", "runs"] {
        let deletion = Projection::Deletion { of: event_id(name) };
        store.settle(Settlement::of(room("lobby"), event_id("d"), deletion, Millis(3))).await.unwrap();
    }
    store.end_turn(&turn_id("runs"), TurnEnd::Stopped, "so", Millis(4)).await.unwrap();
    let text = async |name: &str| store.turn(&turn_id(name)).await.unwrap().unwrap().text;
    assert_eq!([text("done").await, text("runs").await, text("other").await], ["", "", "so"]);
    let calls = store.tool_calls(&turn_id("runs")).await.unwrap();
    assert!(calls.iter().all(|call| call.input == json!({})), "{calls:?}");
    assert_eq!(calls[0].outcome.as_deref(), Some(""));
    let unknown = calls.iter().find(|call| call.seq == unknown).unwrap();
    assert!(unknown.outcome.as_deref().unwrap().starts_with("unknown"), "N5: {unknown:?}");
    let other = store.tool_calls(&turn_id("other")).await.unwrap();
    assert_eq!(other[0].outcome.as_deref(), Some("the words of other"));
    // Taking back the answer itself does the same.
    let deletion = Projection::Deletion { of: event_id("answer-other") };
    store.settle(Settlement::of(room("lobby"), event_id("d"), deletion, Millis(5))).await.unwrap();
    assert_eq!(text("other").await, "");
}

/// N10: eight months of traffic, swept each day, take no more room than the first two.
#[tokio::test]
async fn the_file_does_not_grow_with_the_months() {
    let stage = Stage::file().await;
    let store = &stage.store;
    let pages = async || {
        let count = |db: &Connection| Ok(db.query_row("PRAGMA page_count", [], |row| row.get::<_, i64>(0))?);
        store.read(count).await.unwrap()
    };
    let mut after_two_months = 0;
    for day in 1..=240_u64 {
        for number in 0..3 {
            let (name, at) = (format!("m{day}-{number}"), day * DAY + number);
            say(store, &name, None, at, DecisionAction::Answer).await;
            answer(store, &name, at).await;
        }
        prune(store, (day * DAY).saturating_sub(30 * DAY)).await;
        if day == 60 {
            after_two_months = pages().await;
        }
    }
    let at_the_end = pages().await;
    assert!(at_the_end <= after_two_months + after_two_months / 5, "{after_two_months} pages, then {at_the_end}");
    let [events, turns] = rows(store, ["events", "turns"]).await;
    assert!((3 * 30..=3 * 32).contains(&events) && events == turns, "{events} {turns}");
    stage.end().await;
}

/// S8: what was deleted stands nowhere in the files of the store any more.
#[tokio::test]
async fn deleted_words_are_gone_from_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    say(&store, "a", None, 1, DecisionAction::Answer).await;
    answer(&store, "a", 1).await;
    store.close().await;
    let holds_words = || {
        let bytes = fs::read(folder.path().join(DATABASE)).unwrap();
        bytes.windows(14).any(|window| window == b"the words of a")
    };
    assert!(holds_words());
    let store = Store::open(folder.path()).await.unwrap();
    let deletion = Projection::Deletion { of: event_id("a") };
    store.settle(Settlement::of(room("lobby"), event_id("d"), deletion, Millis(3))).await.unwrap();
    store.close().await;
    assert!(!holds_words());
}

/// N10: one step never reads the whole table.
#[tokio::test]
async fn a_step_looks_at_a_few_events() {
    let (store, _memory) = Store::memory();
    let explained = format!("EXPLAIN QUERY PLAN {GONE}");
    let plan = store
        .read(move |db: &Connection| {
            let mut query = db.prepare(&explained)?;
            let steps = query.query_map([0; 4], |row| row.get("detail"))?;
            Ok(steps.collect::<Result<Vec<String>, _>>()?.join("; "))
        })
        .await
        .unwrap();
    assert!(plan.contains("SEARCH e USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"), "{plan}");
    assert!(!plan.contains("SCAN m") && !plan.contains("SCAN v") && !plan.contains("SCAN n"), "{plan}");
}
