//! The audit: what was refused or done on its own account, one line each.

use rusqlite::{Connection, Row, named_params};

use super::{
    Store, StoreError,
    columns::{all, from_millis, millis, optional_id, rows, run},
};
use crate::model::{EntityName, Millis, RoomId, UserId};

/// How many lines are kept. The oldest go first: a stranger's flood must not fill the disk.
const LINES_MAX: i64 = 100_000;

/// One line of the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When it happened.
    pub at: Millis,
    /// What sort of thing it is, in a word such as `invite_declined`.
    pub kind: String,
    /// Which entity it concerns.
    pub entity: Option<EntityName>,
    /// In which room.
    pub room: Option<RoomId>,
    /// Who else had a part in it.
    pub who: Option<UserId>,
    /// The rest, for a reader.
    pub text: String,
}

impl Store {
    /// Adds a line.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn audit(&self, entry: AuditEntry) -> Result<(), StoreError> {
        self.write(move |db| Ok(record(db, &entry)?)).await
    }

    /// The newest `limit` lines, newest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn audit_log(&self, limit: usize) -> Result<Vec<AuditEntry>, StoreError> {
        self.read(move |db| Ok(all(db, "SELECT * FROM audit ORDER BY id DESC LIMIT ?1", [rows(limit)], read_entry)?))
            .await
    }
}

/// Adds a line as part of a larger change.
pub(super) fn record(db: &Connection, entry: &AuditEntry) -> rusqlite::Result<()> {
    append(db, entry, LINES_MAX)
}

fn append(db: &Connection, entry: &AuditEntry, lines_max: i64) -> rusqlite::Result<()> {
    run(
        db,
        "INSERT INTO audit (at, kind, entity, room, who, text) VALUES (:at, :kind, :entity, :room, :who, :text)",
        named_params! {
            ":at": from_millis(entry.at),
            ":kind": entry.kind,
            ":entity": entry.entity.as_ref().map(EntityName::as_str),
            ":room": entry.room.as_ref().map(RoomId::as_str),
            ":who": entry.who.as_ref().map(UserId::as_str),
            ":text": entry.text,
        },
    )?;
    run(db, "DELETE FROM audit WHERE id <= ?1", [db.last_insert_rowid() - lines_max])?;
    Ok(())
}

fn read_entry(row: &Row<'_>) -> rusqlite::Result<AuditEntry> {
    Ok(AuditEntry {
        at: millis(row, "at")?,
        kind: row.get("kind")?,
        entity: optional_id(row, "entity")?,
        room: optional_id(row, "room")?,
        who: optional_id(row, "who")?,
        text: row.get("text")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_oldest_lines_go_first() {
        let (store, _memory) = Store::memory();
        store
            .write(|db| {
                for at in 0..10 {
                    let (kind, text) = ("refused".to_owned(), String::new());
                    append(db, &AuditEntry { at: Millis(at), kind, entity: None, room: None, who: None, text }, 3)?;
                }
                Ok(())
            })
            .await
            .unwrap();
        let kept: Vec<_> = store.audit_log(100).await.unwrap().into_iter().map(|entry| entry.at.0).collect();
        assert_eq!(kept, [9, 8, 7]);
    }
}
