//! What tools were called for an answer: written before the call and after it, so that none is silently repeated.

use rusqlite::{Row, params};
use serde_json::Value;

use super::{
    Store, StoreError,
    columns::{all, json, run, to_json},
};
use crate::model::TurnId;

/// A tool call of a turn.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolRecord {
    /// Its number within the turn, all attempts together, from 0.
    pub seq: u32,
    /// The attempt that made it.
    pub attempt: u32,
    /// The tool.
    pub name: String,
    /// What it was given.
    pub input: Value,
    /// What came of it. N5: none when nobody knows.
    pub outcome: Option<String>,
}

impl Store {
    /// Keeps that a tool is about to be called, and answers with the call's number. To be awaited before the call.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed, or when there is no such turn.
    pub async fn tool_began(&self, turn: &TurnId, name: &str, input: &Value) -> Result<u32, StoreError> {
        let (turn, name, input) = (turn.clone(), name.to_owned(), to_json(input));
        self.write(move |db| {
            let sql = "INSERT INTO tool_calls (turn, seq, attempt, name, input)
                SELECT id, (SELECT coalesce(max(seq) + 1, 0) FROM tool_calls WHERE turn = ?1), attempt, ?2, ?3
                FROM turns WHERE id = ?1 RETURNING seq";
            Ok(db.prepare_cached(sql)?.query_row(params![turn.as_str(), name, input], |row| row.get(0))?)
        })
        .await
    }

    /// Keeps what came of a tool call.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn tool_ended(&self, turn: &TurnId, seq: u32, outcome: &str) -> Result<(), StoreError> {
        let (turn, outcome) = (turn.clone(), outcome.to_owned());
        self.write(move |db| {
            let sql = "UPDATE tool_calls SET outcome = ?3 WHERE turn = ?1 AND seq = ?2";
            run(db, sql, params![turn.as_str(), seq, outcome])?;
            Ok(())
        })
        .await
    }

    /// The tool calls of a turn in their order, those of earlier attempts included.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn tool_calls(&self, turn: &TurnId) -> Result<Vec<ToolRecord>, StoreError> {
        let turn = turn.clone();
        self.read(move |db| {
            let sql = "SELECT * FROM tool_calls WHERE turn = ?1 ORDER BY seq";
            Ok(all(db, sql, [turn.as_str()], read_record)?)
        })
        .await
    }
}

fn read_record(row: &Row<'_>) -> rusqlite::Result<ToolRecord> {
    Ok(ToolRecord {
        seq: row.get("seq")?,
        attempt: row.get("attempt")?,
        name: row.get("name")?,
        input: json(row, "input")?,
        outcome: row.get("outcome")?,
    })
}
