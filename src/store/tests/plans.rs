//! The questions that are asked often never read a whole table that grows.

use crate::store::{Store, events};

/// How SQLite will answer `sql`, step by step.
async fn plan(store: &Store, sql: &'static str) -> String {
    let explained = format!("EXPLAIN QUERY PLAN {sql}");
    let steps = store
        .read(move |db| {
            let mut query = db.prepare(&explained)?;
            let nothing = vec![rusqlite::types::Null; query.parameter_count()];
            let steps = query.query_map(rusqlite::params_from_iter(nothing), |row| row.get("detail"))?;
            Ok(steps.collect::<Result<Vec<String>, _>>()?)
        })
        .await;
    steps.unwrap().join("; ")
}

#[tokio::test]
async fn questions_are_answered_from_indexes() {
    let (store, _memory) = Store::memory();
    let check = async |sql, expected: &str| {
        let plan = plan(&store, sql).await;
        assert!(plan.contains(expected), "{sql}: {plan}");
        assert!(!plan.contains("SCAN events") || plan.contains("INDEX events_sealed"), "{sql}: {plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{sql}: {plan}");
    };
    check(events::COUNTS, "SCAN counters").await;
    check(events::EVENTS, "SEARCH events USING INDEX events_of_room (room=? AND rowid>?)").await;
    check(events::SEALED, "INDEX events_sealed (ordinal>?)").await;
    check(events::SEALED_FOR, "INDEX events_sealed (ordinal>?)").await;
    check(events::SEALED_UNDER, "INDEX events_sealed_under (room=? AND session=?)").await;
    check("UPDATE events SET sealed = 0 WHERE room = ?1 AND event = ?2", "SEARCH events USING").await;
    check("SELECT * FROM invites WHERE state = 'pending' ORDER BY serial", "INDEX invites_pending").await;
    check("SELECT * FROM audit ORDER BY id DESC LIMIT ?1", "SCAN audit").await;
}
