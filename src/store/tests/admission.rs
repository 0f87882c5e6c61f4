//! Conformance: admission.

use super::{
    samples::{
        all_events, batch, clear, entity, event, event_id, history_event, joined, names, room, sealed, sealed_event,
        token,
    },
    stage::Stage,
};
use crate::{
    model::{Admitted, Batch, Change, Counts, Incoming, Millis, Standing},
    store::{Ordinal, Store, StoreError, columns::run},
};

/// N1: the second entity, and the first one's second try, bring nothing new.
pub(super) async fn an_event_is_kept_once_whoever_brings_it(stage: &mut Stage) {
    let of = |name: &str| batch(name, 1, vec![event("lobby", "a"), event("lobby", "b")], vec![]);
    let admitted = stage.store.admit(vec![of("writer"), of("critic")]).await.unwrap();
    assert_eq!(admitted, Admitted { fresh: 2, known: 2, healed: 0, due: 2 });
    let again = stage.store.admit(vec![of("writer")]).await.unwrap();
    assert_eq!(again, Admitted { fresh: 0, known: 2, healed: 0, due: 0 });
    let events = all_events(&stage.store, "lobby").await;
    assert_eq!(names(&events), ["a", "b"]);
    assert!(events.iter().all(|event| event.entity == entity("writer") && event.admitted_at == Millis(2_000)));
    // An event id means nothing without its room.
    stage.store.admit(vec![batch("writer", 2, vec![event("attic", "a")], vec![])]).await.unwrap();
    assert_eq!(names(&all_events(&stage.store, "attic").await), ["a"]);
}

pub(super) async fn events_come_back_in_order_of_arrival(stage: &mut Stage) {
    let ids: Vec<String> = (0..500).map(|n| format!("e{}", (n * 7919) % 500)).collect();
    let events = ids.iter().map(|id| event("lobby", id)).collect();
    stage.store.admit(vec![batch("writer", 1, events, vec![])]).await.unwrap();
    let all = all_events(&stage.store, "lobby").await;
    assert_eq!(names(&all), ids);
    let mut paged = Vec::new();
    loop {
        let after = paged.last().map(|event: &crate::store::StoredEvent| event.ordinal);
        let page = stage.store.events(&room("lobby"), after, 70).await.unwrap();
        assert!(page.len() <= 70);
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, all);
    assert_eq!(stage.store.events(&room("lobby"), Some(Ordinal(u64::MAX)), 1).await.unwrap(), []);
}

/// N1: position, events and changes of all batches move together.
pub(super) async fn batches_are_admitted_whole_or_not_at_all(stage: &mut Stage) {
    let trap = "CREATE TRIGGER trap BEFORE INSERT ON events WHEN NEW.event = '$bad'
                BEGIN SELECT RAISE(ABORT, 'trapped'); END";
    stage.store.write(move |db| Ok(db.execute_batch(trap)?)).await.unwrap();
    let good = batch("writer", 1, vec![event("lobby", "good")], vec![joined("lobby")]);
    let bad = batch("critic", 1, vec![event("lobby", "other"), event("lobby", "bad")], vec![]);
    let failed = stage.store.admit(vec![good.clone(), bad]).await;
    assert!(matches!(failed, Err(StoreError::Failed(_))), "{failed:?}");
    assert_eq!(all_events(&stage.store, "lobby").await, []);
    assert_eq!(stage.store.counts().await.unwrap(), Counts::default());
    assert_eq!(stage.store.position(&entity("writer")).await.unwrap(), None);
    assert!(stage.store.memberships(&entity("writer")).await.unwrap().is_empty());
    stage.store.admit(vec![good]).await.unwrap();
    assert_eq!(stage.store.position(&entity("writer")).await.unwrap(), Some(token("writer-1")));
}

pub(super) async fn a_batch_without_a_token_leaves_the_position(stage: &mut Stage) {
    let writer = entity("writer");
    stage.store.admit(vec![batch("writer", 1, vec![], vec![])]).await.unwrap();
    let late = Batch { token: None, ..batch("writer", 2, vec![event("lobby", "a")], vec![]) };
    stage.store.admit(vec![late]).await.unwrap();
    assert_eq!(stage.store.position(&writer).await.unwrap(), Some(token("writer-1")));
    assert_eq!(all_events(&stage.store, "lobby").await.len(), 1);
}

/// E2: later messages go on, and the late one is taken up as itself, in its place, once.
pub(super) async fn a_sealed_event_is_replaced_in_its_place(stage: &mut Stage) {
    let events = vec![event("lobby", "a"), sealed_event("lobby", "b"), event("lobby", "c")];
    stage.store.admit(vec![batch("writer", 1, events, vec![])]).await.unwrap();
    let before = all_events(&stage.store, "lobby").await;
    assert_eq!(before[1].content, sealed("b"));
    assert_eq!(stage.store.counts().await.unwrap(), Counts { live: 3, history: 0, sealed: 1, healed: 0, rooms: 1 });

    let admitted = stage.store.admit(vec![batch("critic", 1, vec![event("lobby", "b")], vec![])]).await.unwrap();
    assert_eq!(admitted, Admitted { fresh: 0, known: 0, healed: 1, due: 1 });
    let after = all_events(&stage.store, "lobby").await;
    assert_eq!(names(&after), ["a", "b", "c"]);
    assert_eq!((&after[1].content, after[1].healed, after[1].ordinal), (&clear("b"), true, before[1].ordinal));
    assert_eq!(after[1].entity, entity("writer"), "who brought it first stays");
    assert!(!after[0].healed && !after[2].healed);
    assert_eq!(stage.store.counts().await.unwrap(), Counts { live: 3, history: 0, sealed: 0, healed: 1, rooms: 1 });

    let again = stage.store.admit(vec![batch("judge", 1, vec![event("lobby", "b")], vec![])]).await.unwrap();
    assert_eq!(again, Admitted { fresh: 0, known: 1, healed: 0, due: 0 });
}

/// E2: the first entity that can read a message decides what it says.
pub(super) async fn a_readable_event_is_never_sealed_again(stage: &mut Stage) {
    stage.store.admit(vec![batch("writer", 1, vec![event("lobby", "a")], vec![])]).await.unwrap();
    let admitted = stage.store.admit(vec![batch("critic", 1, vec![sealed_event("lobby", "a")], vec![])]).await.unwrap();
    assert_eq!(admitted, Admitted { fresh: 0, known: 1, healed: 0, due: 0 });
    let events = all_events(&stage.store, "lobby").await;
    assert_eq!((&events[0].content, events[0].healed), (&clear("a"), false));
}

/// E3: everything sealed is there to be tried again.
pub(super) async fn sealed_events_are_found_again_after_a_crash(stage: &mut Stage) {
    let mixed = vec![sealed_event("lobby", "a"), event("lobby", "b"), sealed_event("attic", "c")];
    let more = vec![sealed_event("lobby", "d")];
    let batches = vec![batch("writer", 1, mixed, vec![joined("lobby")]), batch("critic", 1, more, vec![])];
    stage.store.admit(batches).await.unwrap();
    stage.crash().await;
    let store = &stage.store;
    let all = store.sealed(None, 10).await.unwrap();
    let ids: Vec<_> = all.iter().map(|event| event.event.as_str()).collect();
    assert_eq!(ids, ["$a", "$c", "$d"]);
    assert_eq!((all[0].session.as_deref(), &all[0].room), (Some("session of a"), &room("lobby")));
    assert_eq!(store.sealed(Some(all[0].ordinal), 1).await.unwrap(), all[1..2]);
    let own = store.sealed_for(&entity("writer"), None, 10).await.unwrap();
    assert_eq!(own, [all[0].clone(), all[2].clone()], "only from rooms that it is in");
    assert_eq!(store.sealed_for(&entity("writer"), Some(own[0].ordinal), 10).await.unwrap(), own[1..]);
    assert_eq!(store.sealed_for(&entity("critic"), None, 10).await.unwrap(), []);
    let under = async |session| store.sealed_under(&room("lobby"), session, 10).await.unwrap();
    assert_eq!((under("session of a").await, under("session of c").await), (vec![all[0].clone()], vec![]));
}

/// A3, N8: history to one who came later is still live to one who was there, in whatever order they tell.
pub(super) async fn live_wins_over_history(stage: &mut Stage) {
    let store = &stage.store;
    store
        .admit(vec![batch("late", 1, vec![history_event("lobby", "a"), history_event("lobby", "b")], vec![])])
        .await
        .unwrap();
    assert_eq!(store.counts().await.unwrap(), Counts { history: 2, rooms: 1, ..Counts::default() });
    store.admit(vec![batch("early", 1, vec![event("lobby", "a")], vec![])]).await.unwrap();
    store.admit(vec![batch("later", 1, vec![history_event("lobby", "a")], vec![])]).await.unwrap();
    let standings: Vec<_> = all_events(store, "lobby").await.iter().map(|event| event.standing).collect();
    assert_eq!(standings, [Standing::Live, Standing::History]);
    assert_eq!(store.counts().await.unwrap(), Counts { live: 1, history: 1, rooms: 1, ..Counts::default() });
}

pub(super) async fn a_senders_clock_is_not_believed(stage: &mut Stage) {
    let mad = Incoming { sent_at: Millis(u64::MAX), ..event("lobby", "a") };
    stage.store.admit(vec![batch("writer", 1, vec![mad, event("lobby", "b")], vec![])]).await.unwrap();
    let events = all_events(&stage.store, "lobby").await;
    assert_eq!(names(&events), ["a", "b"]);
    assert!(events[0].sent_at > events[1].sent_at);
}

pub(super) async fn a_gap_given_up_is_in_the_audit(stage: &mut Stage) {
    let missed = Change::Missed { room: room("lobby"), pages: 7 };
    stage.store.admit(vec![batch("writer", 1, vec![], vec![missed])]).await.unwrap();
    let log = stage.store.audit_log(10).await.unwrap();
    assert_eq!(log.len(), 1);
    assert_eq!((log[0].kind.as_str(), log[0].at, &log[0].room), ("gap_given_up", Millis(2_000), &Some(room("lobby"))));
    assert!(log[0].text.contains("7 pages"), "{}", log[0].text);
}

pub(super) async fn counters_tell_what_a_count_would(stage: &mut Stage) {
    let store = &stage.store;
    let first = vec![event("lobby", "a"), sealed_event("lobby", "b"), history_event("attic", "c")];
    let second = vec![event("lobby", "b"), event("attic", "c"), sealed_event("cellar", "d"), event("lobby", "a")];
    store.admit(vec![batch("writer", 1, first, vec![]), batch("critic", 1, second, vec![])]).await.unwrap();
    assert_eq!(store.counts().await.unwrap(), counted(store).await);
    assert_eq!(store.counts().await.unwrap().rooms, 3);
    for id in ["a", "d"].map(event_id) {
        store.write(move |db| Ok(run(db, "DELETE FROM events WHERE event = ?1", [id.as_str()])?)).await.unwrap();
    }
    let counts = store.counts().await.unwrap();
    assert_eq!(counts, counted(store).await);
    assert_eq!(counts, Counts { live: 2, history: 0, sealed: 0, healed: 1, rooms: 2 });
}

/// What the counters should say, by looking at every event.
pub(super) async fn counted(store: &Store) -> Counts {
    let sql = "SELECT count(*) FILTER (WHERE standing = 'live'), count(*) FILTER (WHERE standing = 'history'),
               count(*) FILTER (WHERE sealed = 1), count(*) FILTER (WHERE healed = 1), count(DISTINCT room) FROM events";
    let count = move |row: &rusqlite::Row<'_>| {
        let [live, history, sealed, healed, rooms] = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?];
        Ok(Counts { live, history, sealed, healed, rooms })
    };
    store.read(move |db| Ok(db.query_row(sql, [], count)?)).await.unwrap()
}
