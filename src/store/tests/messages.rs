//! What was said and decided, and that an event is dealt with in one step.

use super::{
    accounts::bare,
    samples::{batch, begin_turn, clear, event, event_id, history_event, room, sealed_event, turn_id, user},
    stage::Stage,
};
use crate::{
    model::{
        Account, Content, Conversation, EntityName, Envelope, EventId, Incoming, Millis, Notice, Priority, Responder,
        Standing, TurnEnd, TurnId,
    },
    store::{
        AuditEntry, Decision, DecisionAction, Mark, Message, Ordinal, Pick, Projection, Settlement, Sort, Store,
        StoreError, Wording,
    },
};

fn wording(body: &str) -> Wording {
    let content = format!("{{\"body\":\"{body}\"}}");
    Wording { sort: Sort::Text, body: body.to_owned(), content, mentions: vec![user("bob"), user("al")], mark: None }
}

fn message(ordinal: u64, name: &str) -> Message {
    Message {
        ordinal: Ordinal(ordinal),
        room: room("lobby"),
        event: event_id(name),
        sender: user("ada"),
        sent_at: Millis(ordinal),
        received_at: Millis(ordinal + 1),
        standing: Standing::Live,
        thread: None,
        in_reply_to: None,
        wording: wording(name),
        edited: false,
        deleted: false,
    }
}

fn edit(of: &str, name: &str, sender: &str, sent_at: u64) -> Projection {
    Projection::Edit {
        of: event_id(of),
        event: event_id(name),
        sender: user(sender),
        sent_at: Millis(sent_at),
        wording: Box::new(wording(name)),
    }
}

fn deletion(of: &str) -> Projection {
    Projection::Deletion { of: event_id(of) }
}

fn main_timeline() -> Conversation {
    Conversation { room: room("lobby"), thread: None }
}

fn thread_of(root: &str) -> Conversation {
    Conversation { thread: Some(event_id(root)), ..main_timeline() }
}

fn decision(ordinal: u64, name: &str, conversation: Conversation) -> Decision {
    Decision {
        ordinal: Ordinal(ordinal),
        conversation,
        event: event_id(name),
        rule: "W3".to_owned(),
        action: DecisionAction::Answer,
        answering: vec![Responder::One(EntityName::parse("writer").unwrap())],
        candidates: vec![EntityName::parse("writer").unwrap()],
        reason: "it was asked".to_owned(),
        decided_at: Millis(9),
    }
}

fn settlement(name: &str, projection: Projection) -> Settlement {
    Settlement::of(room("lobby"), event_id(name), projection, Millis(9))
}

async fn project(store: &Store, projection: Projection) {
    store.settle(settlement("none", projection)).await.unwrap();
}

async fn say(store: &Store, message: Message) {
    project(store, Projection::Message(Box::new(message))).await;
}

async fn body(store: &Store, name: &str) -> String {
    store.message(&room("lobby"), &event_id(name)).await.unwrap().unwrap().wording.body
}

async fn due(store: &Store) -> Vec<String> {
    let due = store.due(10).await.unwrap();
    due.iter().map(|event| event.event.as_str()[1..].to_owned()).collect()
}

fn names(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| &message.event.as_str()[1..]).collect()
}

pub(super) async fn what_came_in_is_due_until_it_is_settled(stage: &mut Stage) {
    let topic = Incoming {
        content: Content::Clear { kind: "m.room.topic".to_owned(), json: "{}".to_owned() },
        ..event("lobby", "topic")
    };
    let events = vec![event("lobby", "a"), topic, sealed_event("lobby", "s"), history_event("attic", "b")];
    stage.store.admit(vec![batch("writer", 1, events, vec![])]).await.unwrap();
    stage.store.admit(vec![batch("critic", 1, vec![event("lobby", "a")], vec![])]).await.unwrap();
    assert_eq!(due(&stage.store).await, ["a", "b"]);
    stage.crash().await;
    assert_eq!(stage.store.due(1).await.unwrap()[0].content, clear("a"));
    stage.store.settle(settlement("a", Projection::Nothing)).await.unwrap();
    assert_eq!(due(&stage.store).await, ["b"]);
    stage.store.admit(vec![batch("critic", 2, vec![event("lobby", "a")], vec![])]).await.unwrap();
    assert_eq!(due(&stage.store).await, ["b"], "what is dealt with is not due again");
}

/// A3: who was there decides, in whatever order they tell.
pub(super) async fn history_that_turns_out_live_is_due_again(stage: &mut Stage) {
    stage.store.admit(vec![batch("late", 1, vec![history_event("lobby", "a")], vec![])]).await.unwrap();
    let history = Message { standing: Standing::History, ..message(1, "a") };
    let shown = settlement("a", Projection::Message(Box::new(history)));
    let shown = Settlement { standing: Standing::History, ..shown };
    stage.store.settle(shown.clone()).await.unwrap();
    assert!(due(&stage.store).await.is_empty());
    stage.store.admit(vec![batch("early", 1, vec![event("lobby", "a")], vec![])]).await.unwrap();
    assert_eq!(due(&stage.store).await, ["a"]);
    stage.store.settle(shown).await.unwrap();
    assert_eq!(due(&stage.store).await, ["a"], "whoever dealt with it took it for history");
    stage.store.settle(settlement("a", Projection::Message(Box::new(message(1, "a"))))).await.unwrap();
    let stored = stage.store.message(&room("lobby"), &event_id("a")).await.unwrap().unwrap();
    assert_eq!(stored.standing, Standing::Live);
    assert!(due(&stage.store).await.is_empty());
}

/// E2: the late one is taken up as itself, once.
pub(super) async fn a_message_that_becomes_readable_is_due(stage: &mut Stage) {
    let events = vec![sealed_event("lobby", "a"), event("lobby", "b")];
    stage.store.admit(vec![batch("writer", 1, events, vec![])]).await.unwrap();
    assert_eq!(due(&stage.store).await, ["b"]);
    stage.store.admit(vec![batch("critic", 1, vec![event("lobby", "a")], vec![])]).await.unwrap();
    stage.store.admit(vec![batch("judge", 1, vec![event("lobby", "a")], vec![])]).await.unwrap();
    assert_eq!(due(&stage.store).await, ["a", "b"]);
}

pub(super) async fn a_message_comes_back_as_it_was(stage: &mut Stage) {
    let mark = Mark { turn: TurnId::parse("t").ok(), last: true, hops: 2, root: EventId::parse("$r").ok() };
    let sent = Message {
        thread: Some(event_id("root")),
        in_reply_to: Some(event_id("asked")),
        wording: Wording { mark: Some(mark), sort: Sort::Notice, ..wording("x") },
        ..message(4, "a")
    };
    say(&stage.store, sent.clone()).await;
    stage.reopen().await;
    assert_eq!(stage.store.message(&room("lobby"), &event_id("a")).await.unwrap(), Some(sent));
    assert_eq!(stage.store.message(&room("attic"), &event_id("a")).await.unwrap(), None);
}

/// S7: newest edit wins, and only the sender's own; it may come before the message.
pub(super) async fn the_newest_edit_of_the_sender_counts_in_any_order(stage: &mut Stage) {
    let store = &stage.store;
    let steps = [
        Projection::Message(Box::new(message(1, "a"))),
        edit("a", "old", "ada", 5),
        edit("a", "new", "ada", 6),
        edit("a", "newer", "ada", 6),
        edit("a", "foreign", "eve", 9),
    ];
    for turn in 0..steps.len() {
        for step in steps.iter().cycle().skip(turn).take(steps.len()) {
            project(store, step.clone()).await;
        }
        let stored = store.message(&room("lobby"), &event_id("a")).await.unwrap().unwrap();
        assert_eq!((stored.wording.body.as_str(), stored.edited), ("newer", true), "begun with {turn}");
        let wipe = "DELETE FROM messages; DELETE FROM edits";
        store.write(move |db| Ok(db.execute_batch(wipe)?)).await.unwrap();
    }
}

/// S8: the text is gone, from every wording and from the journal; the place stays.
pub(super) async fn a_deleted_message_has_no_words_in_any_order(stage: &mut Stage) {
    let store = &stage.store;
    let json = "{\"m.relates_to\":{\"rel_type\":\"m.replace\",\"event_id\":\"$a\"},\"body\":\"secret\"}";
    let wordy = Incoming {
        content: Content::Clear { kind: "m.room.message".to_owned(), json: json.to_owned() },
        ..event("lobby", "e1")
    };
    store.admit(vec![batch("writer", 1, vec![event("lobby", "a"), wordy, event("lobby", "b")], vec![])]).await.unwrap();
    let steps = [Projection::Message(Box::new(message(1, "a"))), edit("a", "e1", "ada", 5), deletion("a")];
    for turn in 0..steps.len() {
        for step in steps.iter().cycle().skip(turn).take(steps.len()) {
            project(store, step.clone()).await;
        }
        let stored = store.message(&room("lobby"), &event_id("a")).await.unwrap().unwrap();
        assert!(
            stored.deleted && stored.wording.body.is_empty() && stored.wording.content == "{}",
            "{turn}: {stored:?}"
        );
        assert!(stored.wording.mentions.is_empty());
        let wipe = "DELETE FROM messages; DELETE FROM edits; DELETE FROM deletions";
        store.write(move |db| Ok(db.execute_batch(wipe)?)).await.unwrap();
    }
    let journal = store.events(&room("lobby"), None, 10).await.unwrap();
    let empty =
        |index: usize| journal[index].content == Content::Clear { kind: "m.room.message".into(), json: "{}".into() };
    assert!(empty(0) && empty(1) && !empty(2), "{journal:?}");
}

pub(super) async fn a_deleted_edit_leaves_the_first_wording(stage: &mut Stage) {
    say(&stage.store, message(1, "a")).await;
    project(&stage.store, edit("a", "e1", "ada", 5)).await;
    assert_eq!(body(&stage.store, "a").await, "e1");
    project(&stage.store, deletion("e1")).await;
    project(&stage.store, edit("a", "e1", "ada", 5)).await;
    assert_eq!(body(&stage.store, "a").await, "a");
}

pub(super) async fn a_thread_begins_with_its_root(stage: &mut Stage) {
    let store = &stage.store;
    say(store, message(1, "root")).await;
    for ordinal in 2..6 {
        let thread = (ordinal % 2 == 0).then(|| event_id("root"));
        say(store, Message { thread, ..message(ordinal, &format!("m{ordinal}")) }).await;
    }
    assert_eq!(names(&store.thread(&thread_of("root"), 9).await.unwrap()), ["root", "m2", "m4"]);
    assert_eq!(names(&store.thread(&thread_of("root"), 1).await.unwrap()), ["root", "m4"]);
    assert_eq!(names(&store.thread(&thread_of("gone"), 9).await.unwrap()), [""; 0]);
    assert_eq!(names(&store.thread(&main_timeline(), 3).await.unwrap()), ["m3", "m4", "m5"]);
    assert_eq!(names(&store.thread(&Conversation { room: room("attic"), thread: None }, 3).await.unwrap()), [""; 0]);
}

/// C5: what was answered a moment ago stands in the conversation before it has come back, and once.
pub(super) async fn an_answer_is_known_before_it_comes_back(stage: &mut Stage) {
    let store = &stage.store;
    let writer = Account { user: Some(user("writer")), ..bare("writer") };
    store.save_account(writer).await.unwrap();
    for (ordinal, name) in [(1, "a"), (2, "b")] {
        say(store, message(ordinal, name)).await;
    }
    let bodies = async || {
        let said = store.conversation(&main_timeline(), 9).await.unwrap();
        said.into_iter().map(|message| message.wording.body).collect::<Vec<_>>()
    };
    begin_turn(store, "a", 10).await;
    store.note_part(&turn_id("a"), 0, &event_id("answer")).await.unwrap();
    assert_eq!(bodies().await, ["a", "b"], "it isn't whole yet");
    store.end_turn(&turn_id("a"), TurnEnd::Done, "Whole.", Millis(20)).await.unwrap();
    assert_eq!(bodies().await, ["a", "Whole.", "b"]);
    let given = store.conversation(&main_timeline(), 9).await.unwrap().remove(1);
    assert_eq!((given.sender, given.in_reply_to), (user("writer"), Some(event_id("a"))));
    let mark = |last| Some(Mark { turn: Some(turn_id("a")), last, hops: 1, root: Some(event_id("a")) });
    let came = |body: &str, last| Message {
        sender: user("writer"),
        wording: Wording { mark: mark(last), ..wording(body) },
        ..message(3, "answer")
    };
    say(store, came("Who", false)).await;
    assert_eq!(bodies().await, ["a", "Whole.", "b"], "its beginning came back");
    let end = Wording { mark: mark(true), ..wording("Whole.") };
    let (of, sender) = (event_id("answer"), user("writer"));
    let edit = Projection::Edit { of, event: event_id("edit"), sender, sent_at: Millis(9), wording: Box::new(end) };
    project(store, edit).await;
    assert_eq!(bodies().await, ["a", "b", "Whole."], "all of it came back");
    project(store, deletion("answer")).await;
    assert_eq!(bodies().await, ["a", "b", ""], "it was taken back");
}

/// S8: an answer that was taken back before it came is in no conversation.
pub(super) async fn an_answer_that_was_taken_back_is_not_known(stage: &mut Stage) {
    let store = &stage.store;
    store.save_account(Account { user: Some(user("writer")), ..bare("writer") }).await.unwrap();
    say(store, message(1, "a")).await;
    begin_turn(store, "a", 10).await;
    store.note_part(&turn_id("a"), 0, &event_id("answer")).await.unwrap();
    store.end_turn(&turn_id("a"), TurnEnd::Done, "Whole.", Millis(20)).await.unwrap();
    project(store, deletion("answer")).await;
    assert_eq!(names(&store.conversation(&main_timeline(), 9).await.unwrap()), ["a"]);
}

/// C2: through any chain, bounded.
pub(super) async fn a_reply_finds_its_thread_through_others(stage: &mut Stage) {
    let store = &stage.store;
    say(store, Message { thread: Some(event_id("root")), ..message(1, "m1") }).await;
    for ordinal in 2..70 {
        let in_reply_to = Some(event_id(&format!("m{}", ordinal - 1)));
        say(store, Message { in_reply_to, ..message(ordinal, &format!("m{ordinal}")) }).await;
    }
    say(store, Message { in_reply_to: Some(event_id("x")), ..message(90, "y") }).await;
    say(store, Message { in_reply_to: Some(event_id("y")), ..message(91, "x") }).await;
    let through = async |name: &str| store.thread_through(&room("lobby"), &event_id(name)).await.unwrap();
    assert_eq!(through("m1").await, Some(event_id("root")));
    assert_eq!(through("m50").await, Some(event_id("root")));
    assert_eq!(through("m51").await, None, "too far");
    assert_eq!(through("x").await, None, "a circle");
    assert_eq!(through("gone").await, None);
}

/// C5: a file and what is said about it, with others in between.
pub(super) async fn what_somebody_said_before_is_found(stage: &mut Stage) {
    let store = &stage.store;
    say(store, Message { sender: user("eve"), ..message(1, "e") }).await;
    for ordinal in 2..40 {
        say(
            store,
            Message {
                sender: user(if ordinal == 20 { "bob" } else { "ada" }),
                ..message(ordinal, &format!("m{ordinal}"))
            },
        )
        .await;
    }
    let before = async |place: u64, sender: &str| {
        let found = store.said_before(&room("lobby"), Ordinal(place), &user(sender)).await.unwrap();
        found.map(|message| message.event)
    };
    assert_eq!(before(39, "ada").await, Some(event_id("m38")));
    assert_eq!(before(39, "bob").await, Some(event_id("m20")));
    assert_eq!(before(20, "bob").await, None);
    assert_eq!(before(39, "eve").await, None, "long ago");
}

/// W14, N2: projection, decision, envelopes and notices come together, and a message is given to a responder once.
pub(super) async fn a_settlement_is_whole_or_nothing(stage: &mut Stage) {
    stage.store.admit(vec![batch("writer", 1, vec![event("lobby", "a")], vec![])]).await.unwrap();
    let envelope = Envelope {
        conversation: thread_of("a"),
        event: event_id("a"),
        sender: user("ada"),
        responder: Responder::One(EntityName::parse("writer").unwrap()),
        priority: Priority::Person,
        hops: 1,
        root: event_id("a"),
        missing: vec![],
        received_at: Millis(2),
    };
    let notice = Notice {
        id: "n".to_owned(),
        speaker: EntityName::parse("router").unwrap(),
        conversation: thread_of("a"),
        reply_to: None,
        text: "hm".to_owned(),
        poll: None,
    };
    let (kind, text) = ("refused".to_owned(), String::new());
    let all = Settlement {
        decision: Some(decision(1, "a", main_timeline())),
        envelopes: vec![envelope.clone()],
        notices: vec![notice],
        audit: Some(AuditEntry { at: Millis(1), kind, entity: None, room: None, who: None, text }),
        ..settlement("a", Projection::Message(Box::new(message(1, "a"))))
    };
    let trap = "CREATE TRIGGER trap BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'trapped'); END";
    stage.store.write(move |db| Ok(db.execute_batch(trap)?)).await.unwrap();
    assert!(matches!(stage.store.settle(all.clone()).await, Err(StoreError::Failed(_))));
    assert_eq!(stage.store.decision(&room("lobby"), &event_id("a")).await.unwrap(), None);
    assert_eq!(due(&stage.store).await, ["a"]);
    stage.store.write(move |db| Ok(db.execute_batch("DROP TRIGGER trap")?)).await.unwrap();
    assert_eq!(stage.store.settle(all.clone()).await.unwrap(), [envelope]);
    stage.crash().await;
    assert_eq!(stage.store.settle(all).await.unwrap(), [], "it has its envelope");
    assert_eq!(stage.store.unfinished().await.unwrap().queued.len(), 1);
    assert!(stage.store.notice("n").await.unwrap().is_some());
    assert_eq!(
        stage.store.decision(&room("lobby"), &event_id("a")).await.unwrap(),
        Some(decision(1, "a", main_timeline()))
    );
    let pick = Some(Pick { notice: "n".to_owned(), value: "yes".to_owned(), by: user("ada") });
    let withdrawn = Some(event_id("a"));
    let more = Settlement { withdrawn, pick, ..settlement("b", deletion("a")) };
    stage.store.settle(more).await.unwrap();
    assert!(stage.store.unfinished().await.unwrap().queued.is_empty());
    assert_eq!(stage.store.answer_of("n").await.unwrap().map(|answer| answer.value).as_deref(), Some("yes"));
}

/// W14: one decision for a message; the router's pick and an edit that asks anew take its place.
pub(super) async fn a_decision_takes_the_place_of_an_earlier_one(stage: &mut Stage) {
    let open = Decision { action: DecisionAction::Route, ..decision(1, "a", main_timeline()) };
    let store = &stage.store;
    let settle = async |decision: &Decision| {
        let decision = Some(decision.clone());
        store.settle(Settlement { decision, ..settlement("a", Projection::Nothing) }).await.unwrap();
    };
    settle(&open).await;
    assert_eq!(store.unrouted().await.unwrap(), [open]);
    let picked = Decision { rule: "R1".to_owned(), ..decision(1, "a", main_timeline()) };
    settle(&picked).await;
    assert_eq!(store.unrouted().await.unwrap(), []);
    assert_eq!(store.decisions(&main_timeline(), 9).await.unwrap(), [picked]);
}

pub(super) async fn decisions_come_newest_first_with_the_roots(stage: &mut Stage) {
    let store = &stage.store;
    let decisions =
        [decision(1, "root", main_timeline()), decision(2, "a", thread_of("root")), decision(3, "b", main_timeline())];
    for decision in decisions.clone() {
        store.settle(Settlement { decision: Some(decision), ..settlement("x", Projection::Nothing) }).await.unwrap();
    }
    let [root, a, b] = decisions;
    assert_eq!(store.decisions(&thread_of("root"), 9).await.unwrap(), [a.clone(), root.clone()]);
    assert_eq!(store.decisions(&thread_of("root"), 1).await.unwrap(), [a]);
    assert_eq!(store.decisions(&main_timeline(), 9).await.unwrap(), [b, root]);
}

/// C1: what is set for a room holds for the room, what is set for a thread for that thread.
pub(super) async fn a_setting_holds_for_its_place_alone(stage: &mut Stage) {
    stage.store.set_setting(&main_timeline(), "model", Some("big")).await.unwrap();
    stage.store.set_setting(&thread_of("a"), "model", Some("small")).await.unwrap();
    stage.store.set_setting(&thread_of("a"), "model", Some("tiny")).await.unwrap();
    stage.reopen().await;
    let get = async |place: &Conversation| stage.store.setting(place, "model").await.unwrap();
    assert_eq!(get(&main_timeline()).await.as_deref(), Some("big"));
    assert_eq!(get(&thread_of("a")).await.as_deref(), Some("tiny"));
    assert_eq!(get(&thread_of("b")).await, None);
    stage.store.set_setting(&thread_of("a"), "model", None).await.unwrap();
    assert_eq!(get(&thread_of("a")).await, None);
    assert_eq!(get(&main_timeline()).await.as_deref(), Some("big"));
}
