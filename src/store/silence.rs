//! S8: what people take back leaves no words in the answers to it.

use rusqlite::Connection;

use super::columns::{all, id, run};
use crate::model::{EventId, RoomId, TurnId};

const WORDS: &str = "UPDATE turns SET text = '' WHERE id = ?1";
const CALLS: &str = "UPDATE tool_calls SET input = '{}',
    outcome = iif(outcome IS NULL, 'unknown, and what it was about was deleted', '') WHERE turn = ?1";
const ABOUT: &str = "SELECT turn FROM envelopes WHERE room = ?1 AND event = ?2 AND turn IS NOT NULL
    UNION SELECT turn FROM turn_parts WHERE room = ?1 AND event = ?2";

/// S8: wipes the words of every turn that answers `event`, or consists of it, and of the tools it called.
pub(super) fn silence(db: &Connection, room: &RoomId, event: &EventId) -> rusqlite::Result<()> {
    let turns: Vec<TurnId> = all(db, ABOUT, [room.as_str(), event.as_str()], |row| id(row, "turn"))?;
    for turn in &turns {
        run(db, WORDS, [turn.as_str()])?;
        run(db, CALLS, [turn.as_str()])?;
    }
    Ok(())
}
