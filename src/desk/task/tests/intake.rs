//! N1: what loops are told, and when.

use super::stage::{Stage, asks, batch, event, name, person, room, user};
use crate::{
    broker::Halted,
    model::{Batch, Change, Departure, Handoff, SyncToken},
    store::StoreError,
};

fn with_token(batch: Batch, token: &str) -> Batch {
    Batch { token: SyncToken::parse(token).ok(), ..batch }
}

/// N1: when a loop hears back, its events and its position are in the store.
#[tokio::test]
async fn an_answer_means_durable() {
    let stage = Stage::lobby().await;
    stage
        .run(async |stage| {
            stage.bring(with_token(batch("ada", vec![person("hm", "1")]), "s1")).await;
            stage.bring(with_token(batch("bob", vec![person("hm", "1")]), "s7")).await;
            assert_eq!(stage.store.counts().await.unwrap().live, 1);
            let position = stage.store.position(&name("bob")).await.unwrap();
            assert_eq!(position, SyncToken::parse("s7").ok());
        })
        .await;
}

/// N1: a loop whose batch was not written never hears that it was, and without a store the desk ends.
#[tokio::test]
async fn no_commit_no_answer() {
    let stage = Stage::lobby().await;
    let (handoff, answer) = Handoff::new(batch("ada", vec![person("hm", "1")]));
    stage.inbox.send(handoff).await.unwrap();
    stage.memory.crash();
    let store = stage.store.clone();
    stage.until_it_ends().await;
    assert!(answer.await.is_err());
    assert!(matches!(store.message(&room(), &event("1")).await, Err(StoreError::Closed)));
}

/// I11: an entity that was put out of a room says nothing more there.
#[tokio::test]
async fn who_is_put_out_is_silent() {
    let stage = Stage::lobby().await;
    stage
        .run(async |stage| {
            stage.hear(vec![asks("1", &["ada"]), asks("2", &["bob"])]).await;
            let orders = [stage.order().await, stage.order().await];
            let kicked = Change::Departed { room: room(), by: Some(user("al")), how: Departure::Kicked };
            stage.bring(Batch { changes: vec![kicked], ..batch("ada", Vec::new()) }).await;
            let halted = orders.map(|order| (order.turn.responder.to_string(), order.halt.now()));
            assert!(halted.contains(&("ada".to_owned(), Some(Halted::Gone))), "{halted:?}");
            assert!(halted.contains(&("bob".to_owned(), None)), "{halted:?}");
        })
        .await;
}
