//! N10: what is settled and old goes, a few rows at a time.
//!
//! What is not settled stays, however old it is: what nobody looked at, what nobody can read yet, what waits or is being
//! answered, and what people have yet to choose about. Of a thread in which somebody spoke lately the beginning stays and as
//! much of its end as anybody is ever shown. Rows that went leave room in the file for new ones; it doesn't grow, nor does it
//! shrink.
//!
//! **Invariant**: what went is never taken for news again: it is younger than the retention neither by its own time nor by
//! that of its arrival, and the desk takes what is older for history.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    Ordinal, Store, StoreError,
    columns::{all, from_millis, id, run},
};
use crate::model::{EventId, Millis, RoomId, TurnId};

/// How many events are looked at in one step.
const WINDOW_EVENTS: u32 = 100;
/// How many notices go in one step.
const NOTICES_MAX: u32 = 100;
/// How many messages at the end of a living thread stay.
const THREAD_MESSAGES_KEPT: u32 = 200;

/// What came of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pruned {
    /// How many events went, with all that hung on them.
    pub events: u64,
    /// Where to go on; nothing when everything was looked at.
    pub next: Option<Ordinal>,
}

/// An event that goes.
struct Gone {
    ordinal: u64,
    room: RoomId,
    event: EventId,
    /// What it took back, if it did.
    redacts: Option<String>,
}

impl Store {
    /// Looks at the next few events `after` that place, and forgets those that are settled and from `before` that moment, with
    /// everything that hangs on them.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn prune(&self, before: Millis, after: Option<Ordinal>) -> Result<Pruned, StoreError> {
        self.write(move |db| Ok(prune(db, before, after)?)).await
    }

    /// Forgets a few of the notices that people have seen, or never will, and that are from `before` that moment. Answers how
    /// many went.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn prune_notices(&self, before: Millis) -> Result<usize, StoreError> {
        self.write(move |db| Ok(run(db, NOTICES, params![from_millis(before), NOTICES_MAX])?)).await
    }
}

const WINDOW_END: &str = "SELECT max(ordinal) AS ordinal FROM
    (SELECT ordinal FROM events WHERE ordinal > ?1 ORDER BY ordinal LIMIT ?2)";
pub(super) const GONE: &str = "SELECT e.ordinal, e.room, e.event,
        CASE e.kind WHEN 'm.room.redaction' THEN e.json ->> '$.redacts' END AS redacts
    FROM events AS e LEFT JOIN messages AS m ON m.ordinal = e.ordinal
    WHERE e.ordinal > ?1 AND e.ordinal <= ?2 AND e.due = 0 AND e.sealed = 0 AND max(e.admitted_at, e.sent_at) < ?3
    AND NOT EXISTS (SELECT 1 FROM envelopes AS v LEFT JOIN turns AS t ON t.id = v.turn
        WHERE v.room = e.room AND v.event = e.event
        AND (v.state IN ('queued', 'taken') OR t.state IN ('running', 'suspended') OR t.again = 1))
    AND NOT EXISTS (SELECT 1 FROM decisions AS d WHERE d.ordinal = e.ordinal AND m.deleted = 0
        AND (d.action = 'route' OR (d.action = 'ask' AND d.rule = 'N7')))
    AND NOT (m.ordinal IS NOT NULL
        AND coalesce((SELECT n.received_at FROM messages AS n WHERE n.room = m.room
            AND n.thread = coalesce(m.thread, m.event) ORDER BY n.ordinal DESC LIMIT 1), 0) >= ?3
        AND (m.thread IS NULL OR (SELECT count(*) FROM (SELECT 1 FROM messages AS n
            WHERE n.room = m.room AND n.thread = m.thread AND n.ordinal > m.ordinal LIMIT ?4)) < ?4))";
const TURNS: &str = "SELECT DISTINCT turn FROM envelopes WHERE room = ?1 AND event = ?2 AND turn IS NOT NULL";
/// What hangs on an event, and the event itself at last.
const WITH_IT: [&str; 8] = [
    "DELETE FROM envelopes WHERE room = ?1 AND event = ?2",
    "DELETE FROM decisions WHERE room = ?1 AND event = ?2",
    "DELETE FROM summaries WHERE room = ?1 AND thread = ?2",
    "DELETE FROM edits WHERE room = ?1 AND of = ?2",
    "DELETE FROM edits WHERE room = ?1 AND event = ?2
        AND NOT EXISTS (SELECT 1 FROM messages WHERE messages.room = ?1 AND messages.event = edits.of)",
    "DELETE FROM messages WHERE room = ?1 AND event = ?2",
    "DELETE FROM events WHERE room = ?1 AND event = ?2",
    "DELETE FROM deletions WHERE room = ?1 AND event = ?2",
];
/// The mark of a deletion outlives the event that made it as long as there is something to keep silent.
const MARK: &str = "DELETE FROM deletions WHERE room = ?1 AND event = ?2
    AND NOT EXISTS (SELECT 1 FROM events WHERE events.room = ?1 AND events.event = ?2)";
const LETTERS: &str =
    "DELETE FROM outbox WHERE turn = ?1 AND NOT EXISTS (SELECT 1 FROM envelopes WHERE envelopes.turn = ?1)";
const TURN: &str = "DELETE FROM turns WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM envelopes WHERE envelopes.turn = ?1)";
const NOTICES: &str = "DELETE FROM notices WHERE serial IN (SELECT serial FROM notices AS n
    WHERE created_at < ?1 AND (shown >= wording OR failed = 1)
    AND NOT (id LIKE 'missed %' AND answer IS NULL AND EXISTS (SELECT 1 FROM decisions AS d
        WHERE d.room = n.room AND d.rule = 'N7' AND d.action = 'ask'))
    ORDER BY serial LIMIT ?2)";

fn prune(db: &Connection, before: Millis, after: Option<Ordinal>) -> rusqlite::Result<Pruned> {
    let after = after.map_or(0, |ordinal| ordinal.0);
    let end: Option<u64> = db
        .prepare_cached(WINDOW_END)?
        .query_row(params![after, WINDOW_EVENTS], |row| row.get("ordinal"))
        .optional()?
        .flatten();
    let Some(end) = end else { return Ok(Pruned { events: 0, next: None }) };
    let window = params![after, end, from_millis(before), THREAD_MESSAGES_KEPT];
    let gone: Vec<Gone> = all(db, GONE, window, |row| {
        Ok(Gone {
            ordinal: row.get("ordinal")?,
            room: id(row, "room")?,
            event: id(row, "event")?,
            redacts: row.get("redacts")?,
        })
    })?;
    debug_assert!(gone.iter().all(|gone| gone.ordinal > after && gone.ordinal <= end));
    for one in &gone {
        forget(db, one)?;
    }
    Ok(Pruned { events: gone.len() as u64, next: Some(Ordinal(end)) })
}

fn forget(db: &Connection, Gone { room, event, redacts, .. }: &Gone) -> rusqlite::Result<()> {
    let both = [room.as_str(), event.as_str()];
    let turns: Vec<TurnId> = all(db, TURNS, both, |row| id(row, "turn"))?;
    for sql in WITH_IT {
        run(db, sql, both)?;
    }
    for turn in &turns {
        run(db, LETTERS, [turn.as_str()])?;
        run(db, TURN, [turn.as_str()])?;
    }
    if let Some(redacted) = redacts {
        run(db, MARK, [room.as_str(), redacted])?;
    }
    Ok(())
}
