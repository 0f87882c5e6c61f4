//! Envelopes and turns: once per message and responder, and nothing unfinished is forgotten.

use serde_json::json;

use super::{
    outbox::reserved,
    samples::{entity, event_id, room, turn_id, user},
    stage::Stage,
};
use crate::{
    model::{Conversation, Envelope, Millis, Missing, Notice, Priority, Responder, Turn, TurnEnd, Usage},
    store::{Begun, Store, TurnStart, TurnState, columns::run, turns::cancel_envelopes},
};

pub(super) fn envelope(name: &str) -> Envelope {
    Envelope {
        conversation: Conversation { room: room("lobby"), thread: Some(event_id("root")) },
        event: event_id(name),
        sender: user("ada"),
        responder: Responder::One(entity("writer")),
        priority: Priority::Person,
        hops: 1,
        root: event_id(name),
        missing: Vec::new(),
        received_at: Millis(7),
    }
}

pub(super) fn start(turn: &str, names: &[&str]) -> TurnStart {
    let events = names.iter().copied().map(event_id).collect();
    TurnStart { id: turn_id(turn), responder: Responder::One(entity("writer")), room: room("lobby"), events }
}

async fn queue(store: &Store, names: &[&str]) {
    for name in names {
        assert!(store.queue(envelope(name)).await.unwrap());
    }
}

/// Begins a turn that must begin.
async fn begin(store: &Store, turn: &str, names: &[&str]) -> Turn {
    match store.begin_turn(start(turn, names), Millis(10)).await.unwrap() {
        Begun::Go(turn) => turn,
        other @ (Begun::Withdrawn(_) | Begun::Nothing) => panic!("{other:?}"),
    }
}

async fn resume(store: &Store, turn: &str) -> Begun {
    store.resume_turn(&turn_id(turn), Millis(20)).await.unwrap()
}

async fn delete(store: &Store, name: &str) {
    let event = event_id(name);
    store
        .write(move |db| {
            run(db, "INSERT INTO deletions VALUES (?1, ?2)", [room("lobby").as_str(), event.as_str()])?;
            Ok(())
        })
        .await
        .unwrap();
}

async fn state(store: &Store, turn: &str) -> TurnState {
    store.turn(&turn_id(turn)).await.unwrap().unwrap().state
}

async fn queued(store: &Store) -> Vec<String> {
    let queued = store.unfinished().await.unwrap().queued;
    queued.into_iter().map(|envelope| envelope.event.to_string()).collect()
}

async fn unfinished(store: &Store) -> Vec<String> {
    let turns = store.unfinished().await.unwrap().turns;
    turns.into_iter().map(|turn| turn.id.to_string()).collect()
}

/// N2: a message goes to a responder once, whatever became of it; another responder gets it, too.
pub(super) async fn a_message_goes_to_a_responder_once(stage: &mut Stage) {
    queue(&stage.store, &["a"]).await;
    assert!(!stage.store.queue(Envelope { hops: 3, ..envelope("a") }).await.unwrap());
    let both = Responder::Together(vec![entity("writer"), entity("coder")]);
    assert!(stage.store.queue(Envelope { responder: both.clone(), ..envelope("a") }).await.unwrap());
    begin(&stage.store, "t", &["a"]).await;
    stage.store.end_turn(&turn_id("t"), TurnEnd::Done, "done", Millis(11)).await.unwrap();
    assert!(!stage.store.queue(envelope("a")).await.unwrap());
    stage.crash().await;
    assert_eq!(stage.store.unfinished().await.unwrap().queued, [Envelope { responder: both, ..envelope("a") }]);
}

/// An envelope comes back as it was, in the order in which they were queued.
pub(super) async fn what_waits_comes_back_as_it_was(stage: &mut Stage) {
    let missing = vec![Missing { name: entity("coder"), why: "is not online".to_owned() }];
    let main = Conversation { room: room("lobby"), thread: None };
    let other = Envelope { conversation: main, priority: Priority::Agent, hops: 2, missing, ..envelope("b") };
    stage.store.queue(envelope("z")).await.unwrap();
    stage.store.queue(other.clone()).await.unwrap();
    stage.crash().await;
    assert_eq!(stage.store.unfinished().await.unwrap().queued, [envelope("z"), other]);
}

/// C5: a turn answers several messages, replying to the last; it knows who asked and what is missing.
pub(super) async fn a_turn_answers_several_messages(stage: &mut Stage) {
    queue(&stage.store, &["a"]).await;
    let missing = vec![Missing { name: entity("coder"), why: "is not online".to_owned() }];
    let last = Envelope { sender: user("bob"), missing: missing.clone(), received_at: Millis(9), ..envelope("b") };
    stage.store.queue(last).await.unwrap();
    let turn = begin(&stage.store, "t", &["a", "b"]).await;
    let expected = Turn {
        id: turn_id("t"),
        attempt: 1,
        conversation: envelope("a").conversation,
        responder: envelope("a").responder,
        messages: vec![event_id("a"), event_id("b")],
        asker: user("bob"),
        priority: Priority::Person,
        hops: 1,
        root: event_id("b"),
        missing,
        received_at: Millis(7),
        parts: Vec::new(),
        withdrawals: 0,
    };
    assert_eq!(turn, expected);
    assert_eq!(queued(&stage.store).await, [""; 0]);
    let of = stage.store.turns_of(&room("lobby"), &event_id("a")).await.unwrap();
    assert_eq!(of.into_iter().map(|stored| stored.turn).collect::<Vec<_>>(), [expected]);
}

/// N2: what a turn took, no other one takes.
pub(super) async fn a_message_is_taken_once(stage: &mut Stage) {
    queue(&stage.store, &["a", "b"]).await;
    begin(&stage.store, "t", &["a"]).await;
    assert_eq!(stage.store.begin_turn(start("u", &["a"]), Millis(11)).await.unwrap(), Begun::Nothing);
    assert_eq!(begin(&stage.store, "u", &["a", "b"]).await.messages, [event_id("b")]);
}

/// N4: what had begun when the program died is gone on with, in the messages that are there.
pub(super) async fn a_crash_leaves_a_turn_unfinished(stage: &mut Stage) {
    queue(&stage.store, &["a", "b"]).await;
    begin(&stage.store, "t", &["a"]).await;
    stage.store.note_part(&turn_id("t"), 0, &event_id("p0")).await.unwrap();
    stage.store.note_part(&turn_id("t"), 1, &event_id("p1")).await.unwrap();
    stage.store.note_part(&turn_id("t"), 0, &event_id("p2")).await.unwrap();
    stage.crash().await;
    assert_eq!((unfinished(&stage.store).await, queued(&stage.store).await), (vec!["t".to_owned()], vec!["$b".into()]));
    let Begun::Go(turn) = resume(&stage.store, "t").await else { panic!("it goes on") };
    assert_eq!((turn.attempt, turn.parts), (2, vec![event_id("p2"), event_id("p1")]));
    let stored = stage.store.turn_at(&room("lobby"), &event_id("p1")).await.unwrap().unwrap();
    assert_eq!((stored.turn.id, stored.text.as_str(), stored.started_at), (turn_id("t"), "", Millis(20)));
    assert_eq!(stage.store.turn_at(&room("lobby"), &event_id("p0")).await.unwrap(), None);
}

pub(super) async fn an_ended_turn_is_finished(stage: &mut Stage) {
    for (name, end, expected) in [
        ("a", TurnEnd::Done, TurnState::Done),
        ("b", TurnEnd::Stopped, TurnState::Stopped),
        ("c", TurnEnd::Failed, TurnState::Failed),
    ] {
        queue(&stage.store, &[name]).await;
        begin(&stage.store, name, &[name]).await;
        stage.store.note_usage(&turn_id(name), Usage { input_tokens: 5, output_tokens: 2 }).await.unwrap();
        stage.store.note_usage(&turn_id(name), Usage { input_tokens: 1, output_tokens: 1 }).await.unwrap();
        stage.store.end_turn(&turn_id(name), end, "said", Millis(12)).await.unwrap();
        let stored = stage.store.turn(&turn_id(name)).await.unwrap().unwrap();
        assert_eq!((stored.state, stored.text.as_str(), stored.ended_at), (expected, "said", Some(Millis(12))));
        assert_eq!(stored.usage, Usage { input_tokens: 6, output_tokens: 3 });
    }
    assert_eq!(unfinished(&stage.store).await, [""; 0]);
}

/// N4: a turn that was put aside is gone on with.
pub(super) async fn a_suspended_turn_is_unfinished(stage: &mut Stage) {
    queue(&stage.store, &["a"]).await;
    begin(&stage.store, "t", &["a"]).await;
    stage.store.end_turn(&turn_id("t"), TurnEnd::Suspended, "half", Millis(12)).await.unwrap();
    stage.reopen().await;
    assert_eq!(unfinished(&stage.store).await, ["t"]);
    assert!(matches!(resume(&stage.store, "t").await, Begun::Go(turn) if turn.attempt == 2));
}

/// S7, S9: a turn that is to be given again stays unfinished until it has been, also after a crash.
pub(super) async fn a_turn_is_given_again(stage: &mut Stage) {
    queue(&stage.store, &["a"]).await;
    begin(&stage.store, "t", &["a"]).await;
    assert!(stage.store.ask_again(&turn_id("t")).await.unwrap());
    assert!(!stage.store.ask_again(&turn_id("u")).await.unwrap());
    stage.store.end_turn(&turn_id("t"), TurnEnd::Stopped, "", Millis(12)).await.unwrap();
    assert_eq!(state(&stage.store, "t").await, TurnState::Suspended);
    stage.crash().await;
    assert_eq!(unfinished(&stage.store).await, ["t"]);
    assert!(matches!(resume(&stage.store, "t").await, Begun::Go(turn) if turn.attempt == 2));
    stage.store.end_turn(&turn_id("t"), TurnEnd::Done, "", Millis(13)).await.unwrap();
    assert_eq!(unfinished(&stage.store).await, [""; 0]);
    stage.store.ask_again(&turn_id("t")).await.unwrap();
    assert_eq!(unfinished(&stage.store).await, ["t"]);
}

/// S7: an answer goes on in those of its messages that people left in the room; where none is left, it begins in a new one,
/// and nothing more is said in the old ones.
pub(super) async fn what_was_taken_back_is_no_part_of_an_answer(stage: &mut Stage) {
    queue(&stage.store, &["a"]).await;
    begin(&stage.store, "t", &["a"]).await;
    let id = turn_id("t");
    stage.store.outbox_begin(&id, Some(reserved("t"))).await.unwrap();
    stage.store.outbox_sent(&reserved("t"), &event_id("p0")).await.unwrap();
    stage.store.note_part(&id, 1, &event_id("p1")).await.unwrap();
    delete(&stage.store, "p0").await;
    let parts = |begun: Begun| match begun {
        Begun::Go(turn) => (turn.parts, turn.withdrawals),
        other @ (Begun::Withdrawn(_) | Begun::Nothing) => panic!("{other:?}"),
    };
    assert_eq!(parts(resume(&stage.store, "t").await), (vec![event_id("p1")], 0));
    let stored = stage.store.turn_at(&room("lobby"), &event_id("p1")).await.unwrap().unwrap();
    assert_eq!((stored.turn.id, stored.turn.parts), (id.clone(), vec![event_id("p1")]));
    delete(&stage.store, "p1").await;
    for _ in 0..2 {
        assert_eq!(parts(resume(&stage.store, "t").await), (vec![], 1));
        stage.crash().await;
    }
    assert!(!stage.store.may_stand(&id).await.unwrap(), "it was taken back");
    assert_eq!(stage.store.outbox_begin(&id, Some(reserved("t"))).await.unwrap(), []);
}

/// S8: what waits of a deleted message is cancelled, for every responder, and comes back no more.
pub(super) async fn what_waits_can_be_cancelled(stage: &mut Stage) {
    queue(&stage.store, &["a", "b", "c"]).await;
    let (place, event) = (room("lobby"), event_id("a"));
    let cancelled = stage.store.write(move |db| Ok(cancel_envelopes(db, &place, &event)?)).await.unwrap();
    begin(&stage.store, "t", &["b"]).await;
    let both = stage.store.cancel(vec![envelope("b"), envelope("c")]).await.unwrap();
    assert_eq!((cancelled, both, queued(&stage.store).await), (1, 1, Vec::new()));
    assert!(!stage.store.queue(envelope("a")).await.unwrap());
    assert_eq!(stage.store.begin_turn(start("u", &["a", "c"]), Millis(11)).await.unwrap(), Begun::Nothing);
}

/// S8, N6: messages that were deleted before the turn begins are left out.
pub(super) async fn deleted_messages_are_not_answered(stage: &mut Stage) {
    queue(&stage.store, &["a", "b", "c"]).await;
    delete(&stage.store, "a").await;
    delete(&stage.store, "c").await;
    assert_eq!(begin(&stage.store, "t", &["a", "b"]).await.messages, [event_id("b")]);
    assert_eq!(stage.store.begin_turn(start("u", &["c"]), Millis(11)).await.unwrap(), Begun::Nothing);
    assert_eq!((queued(&stage.store).await, unfinished(&stage.store).await), (vec![], vec!["t".to_owned()]));
}

/// S8: a turn whose messages were deleted while the program was down is closed where it is seen, else forgotten.
pub(super) async fn a_withdrawn_question_is_not_gone_on_with(stage: &mut Stage) {
    queue(&stage.store, &["a", "b", "c", "d"]).await;
    for name in ["a", "b", "c", "d"] {
        begin(&stage.store, name, &[name]).await;
    }
    stage.store.note_part(&turn_id("a"), 0, &event_id("part")).await.unwrap();
    stage.store.outbox_begin(&turn_id("d"), Some(reserved("d"))).await.unwrap();
    stage.store.end_turn(&turn_id("c"), TurnEnd::Done, "", Millis(12)).await.unwrap();
    stage.store.ask_again(&turn_id("c")).await.unwrap();
    for name in ["a", "b", "c", "d"] {
        delete(&stage.store, name).await;
    }
    let mut stands = Vec::new();
    for name in ["a", "b", "c", "d"] {
        stands.push(stage.store.may_stand(&turn_id(name)).await.unwrap());
    }
    assert_eq!(stands, [true, false, false, true]);
    assert!(matches!(resume(&stage.store, "a").await, Begun::Withdrawn(turn) if turn.messages == [event_id("a")]));
    let lost = resume(&stage.store, "d").await;
    assert!(matches!(lost, Begun::Withdrawn(_)), "its first message may be there, and nobody knows: {lost:?}");
    assert_eq!((resume(&stage.store, "b").await, resume(&stage.store, "c").await), (Begun::Nothing, Begun::Nothing));
    assert_eq!(state(&stage.store, "b").await, TurnState::Stopped);
    assert_eq!(state(&stage.store, "c").await, TurnState::Done);
    assert_eq!(unfinished(&stage.store).await, ["a", "d"]);
}

/// N5: a call without an outcome is known as such after a crash.
pub(super) async fn a_tool_call_is_kept_before_it_is_made(stage: &mut Stage) {
    queue(&stage.store, &["a"]).await;
    begin(&stage.store, "t", &["a"]).await;
    let call = async |name, input| stage.store.tool_began(&turn_id("t"), name, &input).await.unwrap();
    assert_eq!(call("time", json!({})).await, 0);
    stage.store.tool_ended(&turn_id("t"), 0, "noon").await.unwrap();
    assert_eq!(call("mail", json!({"to": "ada"})).await, 1);
    stage.crash().await;
    resume(&stage.store, "t").await;
    assert_eq!(stage.store.tool_began(&turn_id("t"), "mail", &json!({})).await.unwrap(), 2);
    let calls = stage.store.tool_calls(&turn_id("t")).await.unwrap();
    let told: Vec<_> = calls.iter().map(|call| (call.seq, call.attempt, call.outcome.as_deref())).collect();
    assert_eq!(told, [(0, 1, Some("noon")), (1, 1, None), (2, 2, None)]);
    assert_eq!((calls[1].name.as_str(), &calls[1].input), ("mail", &json!({"to": "ada"})));
    assert!(stage.store.tool_began(&turn_id("u"), "time", &json!({})).await.is_err());
}

/// What is not given again after all stays as it was; what had not ended is stopped.
pub(super) async fn a_turn_can_be_forgotten(stage: &mut Stage) {
    queue(&stage.store, &["a", "b"]).await;
    begin(&stage.store, "a", &["a"]).await;
    begin(&stage.store, "b", &["b"]).await;
    stage.store.end_turn(&turn_id("a"), TurnEnd::Done, "", Millis(12)).await.unwrap();
    stage.store.ask_again(&turn_id("a")).await.unwrap();
    for turn in ["a", "b"] {
        stage.store.forget(&turn_id(turn), Millis(13)).await.unwrap();
    }
    stage.crash().await;
    assert_eq!(unfinished(&stage.store).await, [""; 0]);
    assert_eq!((state(&stage.store, "a").await, state(&stage.store, "b").await), (TurnState::Done, TurnState::Stopped));
}

/// A message is refused once, with a notice that says so; not if it was taken up before.
pub(super) async fn a_refusal_is_kept_with_its_notice(stage: &mut Stage) {
    queue(&stage.store, &["a", "b"]).await;
    begin(&stage.store, "t", &["b"]).await;
    for name in ["a", "b"] {
        let notice = Notice {
            id: format!("refused-{name}"),
            speaker: entity("writer"),
            conversation: envelope(name).conversation,
            reply_to: Some(event_id(name)),
            text: "Too many.".to_owned(),
            poll: None,
        };
        stage.store.refuse(envelope(name), notice, Millis(11)).await.unwrap();
    }
    stage.crash().await;
    let said = stage.store.pending_notices(10).await.unwrap();
    assert_eq!(said.iter().map(|said| said.notice.id.as_str()).collect::<Vec<_>>(), ["refused-a"]);
    assert_eq!((queued(&stage.store).await, state(&stage.store, "t").await), (Vec::new(), TurnState::Running));
}
