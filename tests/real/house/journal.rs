//! What our program has written down, read from its database while it runs or afterwards.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, Row as SqlRow};

/// The database, for reading only.
#[derive(Debug)]
pub(crate) struct Journal {
    connection: Connection,
}

/// One line of the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AuditLine {
    pub(crate) kind: String,
    pub(crate) entity: Option<String>,
    pub(crate) room: Option<String>,
    pub(crate) who: Option<String>,
}

/// One event as it was admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) event: String,
    pub(crate) sender: String,
    /// `live` or `history`.
    pub(crate) standing: String,
    /// Whether nobody of ours can read it yet.
    pub(crate) sealed: bool,
    /// Whether it became readable only later.
    pub(crate) healed: bool,
    /// Its type, if it is readable.
    pub(crate) kind: Option<String>,
    /// Its text, if it is readable and has one.
    pub(crate) body: Option<String>,
}

impl Journal {
    pub(super) fn open(path: &Path) -> Self {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        connection.busy_timeout(super::DEADLINE).unwrap();
        Self { connection }
    }

    /// The events of a room, in the order of admission.
    pub(crate) fn events(&self, room: &str) -> Vec<Row> {
        let sql =
            "SELECT event, sender, standing, sealed, healed, kind, json FROM events WHERE room = ? ORDER BY ordinal";
        let mut statement = self.connection.prepare(sql).unwrap();
        statement.query_map([room], row).unwrap().map(Result::unwrap).collect()
    }

    /// The texts that somebody said in a room and that may call for an answer, in the order of admission.
    pub(crate) fn live_texts(&self, room: &str, sender: &str) -> Vec<String> {
        let messages = self.events(room).into_iter().filter(|row| row.kind.as_deref() == Some("m.room.message"));
        messages.filter(|row| row.standing == "live" && row.sender == sender).filter_map(|row| row.body).collect()
    }

    /// The audit, oldest line first.
    pub(crate) fn audit(&self) -> Vec<AuditLine> {
        let mut statement = self.connection.prepare("SELECT kind, entity, room, who FROM audit ORDER BY id").unwrap();
        let line = |row: &SqlRow<'_>| {
            Ok(AuditLine { kind: row.get(0)?, entity: row.get(1)?, room: row.get(2)?, who: row.get(3)? })
        };
        statement.query_map([], line).unwrap().map(Result::unwrap).collect()
    }

    /// What isn't done: messages that wait or are being answered, turns that have no end, events that are still to be sent.
    pub(crate) fn unfinished(&self) -> [usize; 3] {
        [
            "SELECT count(*) FROM envelopes WHERE state IN ('queued', 'taken')",
            "SELECT count(*) FROM turns WHERE state IN ('running', 'suspended') OR again = 1",
            "SELECT count(*) FROM outbox WHERE state = 'pending' AND content IS NOT NULL",
        ]
        .map(|sql| self.connection.query_row(sql, [], |row| row.get(0)).unwrap())
    }

    /// The access token and the refresh token that an entity would begin with.
    pub(crate) fn tokens(&self, entity: &str) -> (Option<String>, Option<String>) {
        let sql = "SELECT access_token, refresh_token FROM accounts WHERE entity = ?";
        self.connection.query_row(sql, [entity], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    }

    /// The rooms behind the keys of the configuration.
    pub(crate) fn managed(&self) -> Vec<(String, String)> {
        let mut statement = self.connection.prepare("SELECT key, room FROM rooms ORDER BY key").unwrap();
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    }

    /// Whether every upgrade that anybody saw was followed or refused, and how many there were.
    pub(crate) fn settled_upgrades(&self) -> Option<usize> {
        let sql = "SELECT count(*), coalesce(min(settled), 1) FROM upgrades";
        let (count, settled) = self.connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        if settled { Some(count) } else { None }
    }
}

fn row(row: &SqlRow<'_>) -> rusqlite::Result<Row> {
    let json: Option<String> = row.get("json")?;
    let content: serde_json::Value = json.map(|json| serde_json::from_str(&json).unwrap()).unwrap_or_default();
    Ok(Row {
        event: row.get("event")?,
        sender: row.get("sender")?,
        standing: row.get("standing")?,
        sealed: row.get("sealed")?,
        healed: row.get("healed")?,
        kind: row.get("kind")?,
        body: content["body"].as_str().map(str::to_owned),
    })
}
