//! The broker over a store, with orders carried out by hand.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};

use super::{Broker, Dispatch, Halted, Order};
use crate::{
    broker::{
        Scope,
        samples::{envelope, event, room},
    },
    config::{Config, compile_text},
    model::{Envelope, EventId, TurnEnd, UserId},
    nursery::Stop,
    store::{Store, TurnState},
};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

fn config(extra: &str) -> Arc<Config> {
    let text = format!(
        "homeserver: {{ url: 'http://localhost' }}\nagents: {{ a: {{ role: A. }} }}\n\
         authorization: {{ global_users: ['@ada:home'] }}\n{extra}"
    );
    Arc::new(compile_text(&text, Path::new("/"), &BTreeMap::new()).unwrap().config)
}

/// Lets a broker over `store` work while `play` goes on, and tells it to stop then.
async fn with_broker(store: &Store, play: impl AsyncFnOnce(Broker, mpsc::Receiver<Order>)) {
    let (orders, taken) = mpsc::channel(1);
    let (_keep, config) = watch::channel(config(""));
    let (broker, dispatch) = Dispatch::new(store.clone(), config, orders);
    let stop = Stop::default();
    let playing = async {
        timeout(PATIENCE, play(broker, taken)).await.expect("it takes too long");
        stop.ask();
    };
    tokio::join!(dispatch.run(stop.clone()), playing);
}

async fn give(store: &Store, broker: &Broker, envelope: Envelope) {
    store.queue(envelope.clone()).await.unwrap();
    broker.deliver(envelope).await;
}

fn asked(message: &str) -> Envelope {
    envelope("a", "r", Some("t"), message)
}

fn events(names: &[&str]) -> Vec<EventId> {
    names.iter().copied().map(event).collect()
}

/// C4, C5: one order at a time, the next with all that came meanwhile; the store knows of each before anybody acts.
#[tokio::test]
async fn orders_follow_each_other() {
    let (store, _memory) = Store::memory();
    with_broker(&store, async |broker, mut orders| {
        give(&store, &broker, asked("1")).await;
        let first = orders.recv().await.unwrap();
        assert_eq!(store.turn(&first.turn.id).await.unwrap().unwrap().state, TurnState::Running);
        give(&store, &broker, asked("2")).await;
        give(&store, &broker, asked("3")).await;
        broker.ended(first.turn.id.clone(), TurnEnd::Done, "said".to_owned()).await;
        let second = orders.recv().await.unwrap();
        assert_eq!((first.turn.messages, second.turn.messages), (events(&["1"]), events(&["2", "3"])));
        let stored = store.turn(&first.turn.id).await.unwrap().unwrap();
        assert_eq!((stored.state, stored.text.as_str()), (TurnState::Done, "said"));
    })
    .await;
}

/// N4: what waited and what ran goes on after a crash: the same turn, another attempt, in the same messages.
#[tokio::test]
async fn a_crash_loses_nothing() {
    let (store, memory) = Store::memory();
    with_broker(&store, async |broker, mut orders| {
        give(&store, &broker, asked("1")).await;
        let order = orders.recv().await.unwrap();
        store.note_part(&order.turn.id, 0, &event("part")).await.unwrap();
        give(&store, &broker, asked("2")).await;
    })
    .await;
    memory.crash();
    let store = memory.reopen();
    with_broker(&store, async |broker, mut orders| {
        let order = orders.recv().await.unwrap();
        assert_eq!((order.turn.messages, order.turn.attempt, order.turn.parts), (events(&["1"]), 2, events(&["part"])));
        broker.ended(order.turn.id, TurnEnd::Done, String::new()).await;
        assert_eq!(orders.recv().await.unwrap().turn.messages, events(&["2"]));
    })
    .await;
}

/// N9: what breaks off with the program again and again is tried alone at last and then given up, which is said; what was
/// begun beside it goes on; by hand it is tried again.
#[tokio::test]
async fn what_breaks_the_program_is_given_up() {
    let (mut store, memory) = Store::memory();
    let mut tried = None;
    with_broker(&store, async |broker, mut orders| {
        give(&store, &broker, asked("1")).await;
        give(&store, &broker, envelope("a", "s", Some("t"), "1")).await;
        let (_, _) = (orders.recv().await.unwrap(), orders.recv().await.unwrap());
    })
    .await;
    for tries in [2, 3] {
        memory.crash();
        store = memory.reopen();
        with_broker(&store, async |broker, mut orders| {
            let first = orders.recv().await.unwrap().turn.id;
            if tries == 2 {
                orders.recv().await.unwrap();
            } else {
                assert!(!broker.again("nothing".to_owned().try_into().unwrap()).await);
                assert!(orders.try_recv().is_err(), "the last try is made alone");
            }
            assert_eq!(store.unfinished().await.unwrap().tries[&first], tries);
            tried = Some(first);
        })
        .await;
    }
    memory.crash();
    store = memory.reopen();
    with_broker(&store, async |broker, mut orders| {
        let order = orders.recv().await.unwrap();
        assert_ne!(Some(&order.turn.id), tried.as_ref(), "the other one is still to be tried alone");
        let parked = store.failed_turns(9).await.unwrap().remove(0).turn;
        assert_eq!((Some(&parked.id), store.failed_count().await.unwrap()), (tried.as_ref(), 1));
        let said = store.pending_notices(9).await.unwrap().remove(0).notice;
        let id = &parked.id.as_str()[..10];
        assert!(said.text.contains(&format!("3 times, so I leave it. `!retry {id}`")), "{said:?}");
        broker.ended(order.turn.id, TurnEnd::Done, String::new()).await;
        assert!(broker.again(parked.id.clone()).await);
        let again = orders.recv().await.unwrap();
        assert_eq!(again.turn.id, parked.id);
        assert_eq!(store.unfinished().await.unwrap().tries[&parked.id], 1, "it is counted from the beginning");
        broker.ended(again.turn.id, TurnEnd::Done, String::new()).await;
    })
    .await;
    assert_eq!(store.unfinished().await.unwrap().turns, []);
}

/// N9: what stands of an answer that is given up is closed, once: where that ends the program as well, it is left alone.
#[tokio::test]
async fn what_stands_of_a_broken_answer_is_closed_once() {
    let (mut store, memory) = Store::memory();
    store.queue(asked("1")).await.unwrap();
    for attempt in 1..=4 {
        with_broker(&store, async |_broker, mut orders| {
            let Order { turn, halt } = orders.recv().await.unwrap();
            store.note_part(&turn.id, 0, &event("part")).await.unwrap();
            let why = (attempt == 4).then_some(Halted::Broken);
            assert_eq!((turn.attempt, halt.now()), (attempt, why));
        })
        .await;
        memory.crash();
        store = memory.reopen();
    }
    with_broker(&store, async |broker, mut orders| {
        assert!(!broker.again("nothing".to_owned().try_into().unwrap()).await);
        assert!(orders.try_recv().is_err(), "it is left alone");
    })
    .await;
    assert_eq!((store.failed_count().await.unwrap(), store.unfinished().await.unwrap().turns), (1, vec![]));
    assert_eq!(store.pending_notices(9).await.unwrap().len(), 1, "it is said once");
}

/// N9, S4: what is to be tried alone can be stopped before it is its turn.
#[tokio::test]
async fn a_suspect_can_be_stopped() {
    let (mut store, memory) = Store::memory();
    store.queue(asked("1")).await.unwrap();
    store.queue(envelope("a", "s", Some("t"), "1")).await.unwrap();
    for _ in 0..2 {
        with_broker(&store, async |_broker, mut orders| {
            let (_, _) = (orders.recv().await.unwrap(), orders.recv().await.unwrap());
        })
        .await;
        memory.crash();
        store = memory.reopen();
    }
    with_broker(&store, async |broker, mut orders| {
        let alone = orders.recv().await.unwrap();
        assert_eq!(broker.halt(Scope::All, Halted::Stopped).await, 2);
        broker.ended(alone.turn.id, TurnEnd::Stopped, String::new()).await;
        give(&store, &broker, asked("2")).await;
        assert_eq!(orders.recv().await.unwrap().turn.messages, events(&["2"]), "and not the other one");
    })
    .await;
}

/// N6, A1: at a start nobody answers whoever may ask no more, and what was begun is closed; the audit is told.
#[tokio::test]
async fn what_nobody_may_ask_any_more_lapses() {
    let (store, memory) = Store::memory();
    let stranger = |room_name: &str, message: &str| Envelope {
        sender: UserId::parse("@joe:home").unwrap(),
        ..envelope("a", room_name, Some("t"), message)
    };
    with_broker(&store, async |broker, mut orders| {
        give(&store, &broker, stranger("r", "1")).await;
        let order = orders.recv().await.unwrap();
        store.note_part(&order.turn.id, 0, &event("part")).await.unwrap();
        give(&store, &broker, stranger("s", "2")).await;
        let _unseen = orders.recv().await.unwrap();
        give(&store, &broker, stranger("r", "3")).await;
        give(&store, &broker, envelope("gone", "r", None, "4")).await;
        let _removed = orders.recv().await.unwrap();
    })
    .await;
    memory.crash();
    let store = memory.reopen();
    with_broker(&store, async |broker, mut orders| {
        give(&store, &broker, asked("5")).await;
        let order = orders.recv().await.unwrap();
        assert_eq!((order.turn.messages, order.halt.now()), (events(&["1"]), Some(Halted::Stopped)));
        broker.ended(order.turn.id, TurnEnd::Stopped, String::new()).await;
        assert_eq!(orders.recv().await.unwrap().turn.messages, events(&["5"]));
        assert_eq!(store.unfinished().await.unwrap().queued, []);
        let told = store.audit_log(9).await.unwrap();
        assert_eq!(told.iter().filter(|line| line.kind == "work_cancelled").count(), 4);
    })
    .await;
}

/// N1: an answer that was put aside though the program goes on is taken up again.
#[tokio::test]
async fn what_was_put_aside_goes_on() {
    let (store, _memory) = Store::memory();
    with_broker(&store, async |broker, mut orders| {
        give(&store, &broker, asked("1")).await;
        let order = orders.recv().await.unwrap();
        broker.ended(order.turn.id.clone(), TurnEnd::Suspended, String::new()).await;
        let again = orders.recv().await.unwrap();
        assert_eq!((again.turn.id, again.turn.attempt), (order.turn.id, 2));
    })
    .await;
}

/// S4: a halt reaches the one who carries the order out, past everything that waits.
#[tokio::test]
async fn a_halt_is_heard() {
    let (store, _memory) = Store::memory();
    with_broker(&store, async |broker, mut orders| {
        give(&store, &broker, asked("1")).await;
        let order = orders.recv().await.unwrap();
        give(&store, &broker, asked("2")).await;
        assert_eq!(broker.halt(Scope::Room(room("r")), Halted::Stopped).await, 2);
        assert_eq!(order.halt.halted().await, Halted::Stopped);
        broker.ended(order.turn.id, TurnEnd::Stopped, String::new()).await;
        assert_eq!(store.unfinished().await.unwrap().queued, []);
    })
    .await;
}

/// S7, S9: an edit begins a running turn anew, and a finished one is given again: the same turn, in the same messages.
#[tokio::test]
async fn a_turn_is_given_again() {
    let (store, _memory) = Store::memory();
    with_broker(&store, async |broker, mut orders| {
        give(&store, &broker, asked("1")).await;
        let order = orders.recv().await.unwrap();
        let id = order.turn.id;
        store.note_part(&id, 0, &event("part")).await.unwrap();
        assert_eq!(broker.halt(Scope::Message(room("r"), event("1")), Halted::Edited).await, 1);
        assert_eq!(order.halt.halted().await, Halted::Edited);
        broker.ended(id.clone(), TurnEnd::Stopped, String::new()).await;
        let order = orders.recv().await.unwrap();
        assert_eq!((&order.turn.id, order.turn.attempt, order.turn.parts), (&id, 2, events(&["part"])));
        broker.ended(id.clone(), TurnEnd::Done, String::new()).await;
        assert_eq!(store.turn(&id).await.unwrap().unwrap().state, TurnState::Done);
        assert!(broker.again(id.clone()).await);
        let order = orders.recv().await.unwrap();
        assert_eq!((order.turn.id, order.turn.attempt), (id, 3));
        assert!(!broker.again("nothing".to_owned().try_into().unwrap()).await);
    })
    .await;
}

/// A message that can't wait any more is answered with a notice, and not taken up later.
#[tokio::test]
async fn a_refusal_is_said() {
    let (store, _memory) = Store::memory();
    let (orders, mut taken) = mpsc::channel(1);
    let (_keep, config) = watch::channel(config("conversation: { lane_waiting_max: 1 }"));
    let (broker, dispatch) = Dispatch::new(store.clone(), config, orders);
    let stop = Stop::default();
    let play = async {
        for message in ["1", "2", "3"] {
            give(&store, &broker, asked(message)).await;
        }
        let order = taken.recv().await.unwrap();
        broker.ended(order.turn.id, TurnEnd::Done, String::new()).await;
        assert_eq!(taken.recv().await.unwrap().turn.messages, events(&["2"]));
        let said = store.pending_notices(10).await.unwrap();
        let to: Vec<_> = said.iter().filter_map(|said| said.notice.reply_to.clone()).collect();
        assert_eq!(to, events(&["3"]));
        assert_eq!(store.unfinished().await.unwrap().queued, []);
        stop.ask();
    };
    tokio::join!(dispatch.run(stop.clone()), play);
}

/// With the store gone for good there is nothing to work on.
#[tokio::test]
async fn without_a_store_it_ends() {
    let (store, memory) = Store::memory();
    memory.crash();
    let (orders, _taken) = mpsc::channel(1);
    let (_keep, config) = watch::channel(config(""));
    let (broker, dispatch) = Dispatch::new(store, config, orders);
    dispatch.run(Stop::default()).await;
    assert_eq!(broker.halt(Scope::All, Halted::Stopped).await, 0);
}
