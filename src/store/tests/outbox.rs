//! Conformance: the outbox. A crash comes where one would hurt.

use serde_json::json;

use super::{
    notices::notice,
    samples::{begin_turn, begin_turn_in, entity, event_id, room, turn_id},
    stage::Stage,
};
use crate::{
    model::{EventId, Millis, TransactionId, TurnEnd},
    store::{Letter, LetterSort, Store},
};

fn letter(turn: &str, transaction: &str, part: u32, sort: LetterSort) -> Letter {
    Letter {
        transaction: TransactionId::parse(transaction).unwrap(),
        turn: turn_id(turn),
        part,
        sort,
        speaker: entity("writer"),
        room: room("lobby"),
        content: Some(json!({ "body": transaction })),
        created_at: Millis(100),
    }
}

pub(super) fn reserved(turn: &str) -> Letter {
    Letter { content: None, ..letter(turn, &format!("{turn}.first"), 0, LetterSort::First) }
}

async fn pending(store: &Store) -> Vec<String> {
    let letters = store.outbox_pending(10).await.unwrap();
    letters.into_iter().map(|letter| letter.transaction.to_string()).collect()
}

async fn parts(store: &Store, turn: &str) -> Vec<EventId> {
    store.turn(&turn_id(turn)).await.unwrap().unwrap().turn.parts
}

/// N3, N4: what may have been sent is known after a crash; edits that an attempt left unsent are dropped by the next.
pub(super) async fn an_attempt_finds_what_went_before(stage: &mut Stage) {
    begin_turn(&stage.store, "t", 2).await;
    assert!(stage.store.outbox_begin(&turn_id("t"), Some(reserved("t"))).await.unwrap().is_empty());
    let sign = letter("t", "t.1.stop", 0, LetterSort::Reaction);
    let closing = letter("t", "t.1.final.0", 0, LetterSort::Edit);
    let part = letter("t", "t.1.final.1", 1, LetterSort::Part);
    stage.store.outbox_put(vec![sign.clone(), closing, part.clone()]).await.unwrap();
    stage.store.outbox_sent(&sign, &event_id("sign")).await.unwrap();
    stage.crash().await;
    let before = stage.store.outbox_begin(&turn_id("t"), Some(reserved("t"))).await.unwrap();
    let known: Vec<_> = before.iter().map(|posted| (posted.letter.sort, posted.event.clone())).collect();
    let expected =
        [(LetterSort::First, None), (LetterSort::Reaction, Some(event_id("sign"))), (LetterSort::Part, None)];
    assert_eq!(known, expected);
    assert_eq!((&before[0].letter, &before[2].letter), (&reserved("t"), &part));
    stage.store.outbox_forget(&part.transaction).await.unwrap();
    stage.store.outbox_again(&sign).await.unwrap();
    let again = stage.store.outbox_begin(&turn_id("t"), None).await.unwrap().remove(1);
    assert_eq!((again.letter, again.event), (sign.clone(), None), "there is something left to do about it");
    stage.store.outbox_forget(&sign.transaction).await.unwrap();
    assert_eq!(stage.store.outbox_begin(&turn_id("t"), None).await.unwrap().len(), 1);
}

/// N4: a message that is in the room is known as a part of its answer in the same moment; an edit is none.
pub(super) async fn a_letter_that_was_sent_is_a_part(stage: &mut Stage) {
    begin_turn(&stage.store, "t", 2).await;
    stage.store.outbox_begin(&turn_id("t"), Some(reserved("t"))).await.unwrap();
    stage.store.outbox_sent(&reserved("t"), &event_id("first")).await.unwrap();
    let (edit, second) = (letter("t", "e", 0, LetterSort::Edit), letter("t", "p", 1, LetterSort::Part));
    stage.store.outbox_put(vec![edit.clone(), second.clone()]).await.unwrap();
    stage.store.outbox_sent(&edit, &event_id("edit")).await.unwrap();
    stage.store.outbox_sent(&second, &event_id("second")).await.unwrap();
    stage.crash().await;
    assert_eq!(parts(&stage.store, "t").await, [event_id("first"), event_id("second")]);
    stage.store.keep_parts(&turn_id("t"), 1).await.unwrap();
    assert_eq!(parts(&stage.store, "t").await, [event_id("first")]);
}

/// N3: what an ended turn left unsent is sent by somebody else, in order; what a running one has under way is its own.
pub(super) async fn leftovers_of_ended_turns_wait(stage: &mut Stage) {
    begin_turn(&stage.store, "t", 2).await;
    begin_turn(&stage.store, "running", 2).await;
    stage.store.outbox_begin(&turn_id("t"), Some(reserved("t"))).await.unwrap();
    let first = Letter { content: Some(json!({ "body": "whole" })), ..reserved("t") };
    let second = letter("t", "t.1.final.1", 1, LetterSort::Part);
    let other = letter("running", "r", 0, LetterSort::Edit);
    stage.store.outbox_put(vec![first.clone(), second.clone(), other]).await.unwrap();
    assert!(pending(&stage.store).await.is_empty(), "all their turns run");
    stage.store.end_turn(&turn_id("t"), TurnEnd::Done, "", Millis(3)).await.unwrap();
    stage.crash().await;
    assert_eq!(stage.store.outbox_pending(10).await.unwrap(), [first.clone(), second.clone()]);
    stage.store.outbox_sent(&first, &event_id("first")).await.unwrap();
    stage.store.outbox_failed(&second.transaction).await.unwrap();
    stage.crash().await;
    assert!(pending(&stage.store).await.is_empty());
    assert_eq!(parts(&stage.store, "t").await, [event_id("first")]);
}

/// C4: what an ended answer left unsent goes before the next one in the same conversation, and before no other.
pub(super) async fn leftovers_go_ahead_of_the_next_answer(stage: &mut Stage) {
    for (turn, thread) in [("old", None), ("new", None), ("elsewhere", Some("root"))] {
        begin_turn_in(&stage.store, thread, turn, 2).await;
    }
    let first = letter("old", "old.first", 0, LetterSort::First);
    let sign = letter("old", "old.1.stop", 0, LetterSort::Reaction);
    stage.store.outbox_put(vec![first.clone(), sign]).await.unwrap();
    let ahead = async |turn: &str| stage.store.outbox_ahead(&turn_id(turn)).await.unwrap();
    assert!(ahead("new").await.is_empty(), "it is still being given");
    stage.store.end_turn(&turn_id("old"), TurnEnd::Done, "", Millis(3)).await.unwrap();
    stage.crash().await;
    let ahead = async |turn: &str| stage.store.outbox_ahead(&turn_id(turn)).await.unwrap();
    assert_eq!(ahead("new").await, std::slice::from_ref(&first));
    assert!(ahead("old").await.is_empty(), "its own are its own");
    assert!(ahead("elsewhere").await.is_empty());
    stage.store.outbox_sent(&first, &event_id("first")).await.unwrap();
    assert!(ahead("new").await.is_empty());
}

/// N9, S4: a turn that is given up says nothing more, but what offers to stop it may be in the room, and is taken back.
pub(super) async fn a_given_up_turn_keeps_its_offer(stage: &mut Stage) {
    begin_turn(&stage.store, "t", 2).await;
    let sign = letter("t", "t.1.stop", 0, LetterSort::Reaction);
    let closing = letter("t", "t.1.final.0", 0, LetterSort::Edit);
    stage.store.outbox_put(vec![sign.clone(), closing]).await.unwrap();
    stage.store.park(&turn_id("t"), notice("parked"), Millis(3)).await.unwrap();
    stage.crash().await;
    assert_eq!(stage.store.outbox_pending(10).await.unwrap(), [sign]);
}

/// S1: a letter that is written down anew is sent as it is now, and never again once it was sent.
pub(super) async fn the_newest_content_is_sent_once(stage: &mut Stage) {
    let old = letter("gone", "x", 0, LetterSort::Edit);
    let new = Letter { content: Some(json!({ "body": "new" })), ..old.clone() };
    stage.store.outbox_put(vec![old.clone()]).await.unwrap();
    stage.store.outbox_put(vec![new.clone()]).await.unwrap();
    assert_eq!(stage.store.outbox_pending(10).await.unwrap(), std::slice::from_ref(&new));
    stage.store.outbox_sent(&new, &event_id("there")).await.unwrap();
    stage.store.outbox_put(vec![old]).await.unwrap();
    assert!(pending(&stage.store).await.is_empty());
}

pub(super) async fn the_outbox_forgets_what_is_settled(stage: &mut Stage) {
    begin_turn(&stage.store, "t", 2).await;
    stage.store.outbox_begin(&turn_id("t"), Some(reserved("t"))).await.unwrap();
    let (sent, unsent) = (letter("gone", "x", 0, LetterSort::Edit), letter("gone", "y", 0, LetterSort::Edit));
    stage.store.outbox_put(vec![sent.clone(), unsent]).await.unwrap();
    stage.store.outbox_sent(&sent, &event_id("there")).await.unwrap();
    stage.store.outbox_prune(Millis(100)).await.unwrap();
    assert_eq!(stage.store.outbox_begin(&turn_id("gone"), None).await.unwrap().len(), 1, "not yet");
    stage.store.outbox_put(vec![letter("gone", "y", 0, LetterSort::Edit)]).await.unwrap();
    stage.store.outbox_prune(Millis(101)).await.unwrap();
    assert_eq!(pending(&stage.store).await, ["y"], "what is unsent stays");
    assert_eq!(stage.store.outbox_begin(&turn_id("t"), None).await.unwrap().len(), 1, "and what a running turn needs");
}
