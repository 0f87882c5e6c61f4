//! The questions that are asked often never read a whole table that grows.

use crate::store::{Store, decisions, events, held, lookups, memos, messages, notices, outbox, rooms, turns};

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
        assert!(!plan.contains("SCAN events") || plan.contains("USING INDEX events_"), "{sql}: {plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{sql}: {plan}");
    };
    check(events::COUNTS, "SCAN counters").await;
    check(events::EVENTS, "SEARCH events USING INDEX events_of_room (room=? AND rowid>?)").await;
    check(events::SEALED, "INDEX events_sealed (ordinal>?)").await;
    check(events::SEALED_FOR, "INDEX events_sealed (ordinal>?)").await;
    check(events::SEALED_UNDER, "INDEX events_sealed_under (room=? AND session=?)").await;
    check(memos::SUMMARY, "SEARCH summaries USING PRIMARY KEY (agent=? AND room=? AND thread=?)").await;
    check(memos::FORGET_ANSWER, "INDEX memos_of_turn (turn=?)").await;
    check(memos::FORGET, "SEARCH memos USING INTEGER PRIMARY KEY").await;
    check(rooms::STANDINGS, "SEARCH memberships USING PRIMARY KEY (entity=? AND room=?)").await;
    check(decisions::DUE, "INDEX events_due").await;
    check(held::HELD, "INDEX decisions_held (room=?)").await;
    check(held::MISSED_DUE, "INDEX events_due").await;
    check(decisions::UNROUTED, "INDEX decisions_open").await;
    check(decisions::OF_MAIN, "INDEX decisions_of_thread (room=? AND thread=?)").await;
    check(messages::MESSAGE, "SEARCH m USING INDEX sqlite_autoindex_messages_1 (room=? AND event=?)").await;
    check(messages::THREAD, "INDEX messages_of_thread (room=? AND thread=?)").await;
    check(messages::RECENT, "SEARCH m USING").await;
    check(lookups::BEGINNING, "SEARCH turns USING").await;
    check(lookups::FAILED, "INDEX turns_failed").await;
    check(lookups::SEALED_SENDERS, "INDEX events_sealed_under (room=?)").await;
    check(lookups::NEWEST_NOTICE, "SEARCH notices USING").await;
    check(lookups::ON_HEALED, "SEARCH notices USING").await;
    check(lookups::ON_HEALED, "SEARCH events USING").await;
    check(turns::QUEUED, "INDEX envelopes_queued").await;
    check(turns::UNFINISHED, "INDEX turns_unfinished").await;
    check(turns::TURN_AT, "INDEX turn_parts_at (room=? AND event=?)").await;
    check(turns::TURNS_OF, "SEARCH envelopes USING INDEX sqlite_autoindex_envelopes_1 (room=? AND event=?)").await;
    check(turns::ENVELOPES_OF, "INDEX envelopes_of_turn (turn=?)").await;
    check(outbox::OF_TURN, "INDEX outbox_of_turn (turn=?)").await;
    check(outbox::PENDING, "INDEX outbox_pending").await;
    check(notices::PENDING, "INDEX notices_pending").await;
    check(notices::AT, "INDEX notice_parts_at (room=? AND event=?)").await;
    check("UPDATE events SET sealed = 0 WHERE room = ?1 AND event = ?2", "SEARCH events USING").await;
    check("SELECT * FROM invites WHERE state = 'pending' ORDER BY serial", "INDEX invites_pending").await;
    check("SELECT * FROM audit ORDER BY id DESC LIMIT ?1", "SCAN audit").await;
}
