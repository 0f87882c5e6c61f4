//! What people ask about is found, and nothing else.

use super::{
    samples::{batch, begin_turn, clear, entity, event_id, room, sealed_event, token, turn_id, user},
    stage::Stage,
};
use crate::{
    model::{Batch, Conversation, Incoming, Millis, Notice, TurnEnd},
    store::Store,
};

/// Begins the turn with this id on a message of its own, and ends it.
async fn ended(store: &Store, turn: &str, end: TurnEnd, at: u64) {
    begin_turn(store, turn, at).await;
    store.end_turn(&turn_id(turn), end, "", Millis(at + 1)).await.unwrap();
}

/// X6: an answer is found by the beginning of its id.
pub(super) async fn an_answer_is_found_by_the_beginning_of_its_id(stage: &mut Stage) {
    for turn in ["ab1", "ab2", "ac1", "b"] {
        ended(&stage.store, turn, TurnEnd::Done, 10).await;
    }
    let found = async |beginning: &str| {
        let turns = stage.store.turns_beginning(beginning, 10).await.unwrap();
        turns.into_iter().map(|stored| stored.turn.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(found("ab").await, ["ab1", "ab2"]);
    assert_eq!(found("ac1").await, ["ac1"]);
    assert!(found("ac12").await.is_empty());
    assert_eq!(stage.store.turns_beginning("a", 1).await.unwrap().len(), 1);
}

/// X4: what failed is told, newest first, until it is tried again.
pub(super) async fn failed_answers_are_told_newest_first(stage: &mut Stage) {
    ended(&stage.store, "old", TurnEnd::Failed, 10).await;
    ended(&stage.store, "fine", TurnEnd::Done, 20).await;
    ended(&stage.store, "new", TurnEnd::Failed, 30).await;
    let failed = async |limit: usize| {
        let turns = stage.store.failed_turns(limit).await.unwrap();
        turns.into_iter().map(|stored| stored.turn.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(failed(10).await, ["new", "old"]);
    assert_eq!(failed(1).await, ["new"]);
    stage.store.resume_turn(&turn_id("new"), Millis(40)).await.unwrap();
    assert_eq!(failed(10).await, ["old"]);
}

/// E1: senders of what can't be read are told for one room.
pub(super) async fn senders_of_sealed_messages_are_told(stage: &mut Stage) {
    let other = Incoming { sender: user("bob"), ..sealed_event("lobby", "2") };
    let elsewhere = sealed_event("attic", "3");
    stage
        .store
        .admit(vec![batch("writer", 1, vec![sealed_event("lobby", "1"), other, elsewhere], vec![])])
        .await
        .unwrap();
    let mut senders = stage.store.sealed_senders(&room("lobby"), 10).await.unwrap();
    senders.sort();
    assert_eq!(senders, [user("ada"), user("bob")]);
    assert_eq!(stage.store.sealed(None, 10).await.unwrap()[0].admitted_at, Millis(2_000));
}

/// E1: the newest notice about a device is found, and notices on messages that healed are.
pub(super) async fn notices_on_sealed_messages_are_found(stage: &mut Stage) {
    let events = vec![sealed_event("lobby", "1"), sealed_event("lobby", "2")];
    stage.store.admit(vec![batch("writer", 1, events, vec![])]).await.unwrap();
    for (about, event, at) in [("sealed.a.", "1", 10), ("sealed.b.", "2", 30)] {
        let notice = Notice {
            id: format!("{about}${event}"),
            speaker: entity("router"),
            conversation: Conversation { room: room("lobby"), thread: None },
            reply_to: Some(event_id(event)),
            text: "locked".to_owned(),
            poll: None,
        };
        assert!(stage.store.save_notice(&notice, Millis(at)).await.unwrap());
    }
    assert_eq!(stage.store.newest_notice("sealed.a.").await.unwrap(), Some(Millis(10)));
    assert_eq!(stage.store.newest_notice("sealed.").await.unwrap(), Some(Millis(30)));
    assert_eq!(stage.store.newest_notice("sealed.c.").await.unwrap(), None);
    let healed = async || stage.store.notices_on_healed("sealed.", "open", 10).await.unwrap();
    assert!(healed().await.is_empty());
    let opened = Incoming { content: clear("1"), ..sealed_event("lobby", "1") };
    let late = Batch { token: Some(token("late")), ..batch("writer", 2, vec![opened], vec![]) };
    stage.store.admit(vec![late]).await.unwrap();
    assert_eq!(healed().await, ["sealed.a.$1"]);
    assert!(stage.store.reword_notice("sealed.a.$1", "open").await.unwrap());
    assert!(healed().await.is_empty());
}
