//! How our nouns look in a column, both ways.

use std::error::Error;

use rusqlite::{Connection, Params, Row, types::Type};
use serde::{Serialize, de::DeserializeOwned};

use super::{DecisionAction, LetterSort, Membership, MemoSort, Retirement, Sort, TurnState};
use crate::model::{Millis, Priority, SealedCause, Standing};

/// Runs one changing statement, prepared once per connection, and returns how many rows it changed.
pub(super) fn run(db: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
    db.prepare_cached(sql)?.execute(params)
}

/// All rows of a query, prepared once per connection.
pub(super) fn all<T, C: FromIterator<T>>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<C> {
    db.prepare_cached(sql)?.query_map(params, read)?.collect()
}

/// A value of ours that a column holds as text.
pub(super) fn id<T>(row: &Row<'_>, column: &str) -> rusqlite::Result<T>
where
    T: TryFrom<String, Error: Error + Send + Sync + 'static>,
{
    let text: String = row.get(column)?;
    T::try_from(text).map_err(|error| misread(row, column, error))
}

/// The same where the column may be empty.
pub(super) fn optional_id<T>(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<T>>
where
    T: TryFrom<String, Error: Error + Send + Sync + 'static>,
{
    let text: Option<String> = row.get(column)?;
    text.map(|text| T::try_from(text).map_err(|error| misread(row, column, error))).transpose()
}

/// A moment. Those that fit no column are far future nonsense from a sender's clock, and kept as far future.
pub(super) fn from_millis(moment: Millis) -> i64 {
    i64::try_from(moment.0).unwrap_or(i64::MAX)
}

/// A moment from a column.
pub(super) fn millis(row: &Row<'_>, column: &str) -> rusqlite::Result<Millis> {
    row.get(column).map(Millis)
}

/// A moment from a column that may be empty.
pub(super) fn optional_millis(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Millis>> {
    Ok(row.get::<_, Option<u64>>(column)?.map(Millis))
}

/// A value of ours as a column holds it that is no text by itself.
pub(super) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("our nouns have text keys and no failing parts")
}

/// The value behind a column's JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| misread(row, column, error))
}

/// The same where the column may be empty.
pub(super) fn optional_json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| serde_json::from_str(&text).map_err(|error| misread(row, column, error))).transpose()
}

/// A limit as SQL takes it.
pub(super) fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// An enum of ours that a column holds as a word.
pub(super) trait Word: Copy + 'static {
    /// Every value with its word.
    const WORDS: &'static [(Self, &'static str)];
    /// The word for this value.
    fn word(self) -> &'static str;
}

/// The value behind a column's word.
pub(super) fn word<T: Word>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    let known = T::WORDS.iter().find(|(_, word)| *word == text);
    known.map(|(value, _)| *value).ok_or_else(|| misread(row, column, UnknownWord(text)))
}

macro_rules! words {
    ($name:ident { $($value:ident => $word:literal),+ $(,)? }) => {
        impl Word for $name {
            const WORDS: &'static [(Self, &'static str)] = &[$((Self::$value, $word)),+];

            fn word(self) -> &'static str {
                match self {
                    $(Self::$value => $word),+
                }
            }
        }
    };
}

words!(Standing { Live => "live", History => "history" });
words!(SealedCause { KeyMissing => "key_missing", KeyWithheld => "key_withheld", Broken => "broken" });
words!(Retirement { Due => "due", Begun => "begun", Done => "done" });
words!(MemoSort { Fact => "fact", Turn => "turn" });
words!(Priority { Person => "person", Agent => "agent" });
words!(Sort { Text => "text", Media => "media", Notice => "notice" });
words!(DecisionAction {
    Ignore => "ignore",
    Run => "run",
    Say => "say",
    Route => "route",
    Ask => "ask",
    Answer => "answer",
});
words!(TurnState {
    Running => "running",
    Done => "done",
    Stopped => "stopped",
    Failed => "failed",
    Suspended => "suspended",
});
words!(LetterSort { First => "first", Part => "part", Edit => "edit", Reaction => "reaction" });
words!(Membership {
    Invited => "invited",
    Joined => "joined",
    Left => "left",
    Kicked => "kicked",
    Banned => "banned",
});

#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no word for this column")]
struct UnknownWord(String);

fn misread(row: &Row<'_>, column: &str, error: impl Error + Send + Sync + 'static) -> rusqlite::Error {
    let index = row.as_ref().column_index(column).unwrap_or_default();
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(error))
}
