//! The database's form: its settings, its numbered migrations, and which files are refused.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, config::DbConfig};
use rusqlite_migration::{M, Migrations};

use super::StoreError;

/// Every form the database ever had is the sum of the first few of these. Never edit one; add the next.
const MIGRATIONS: [&str; 8] = [
    include_str!("migrations/001_house.sql"),
    include_str!("migrations/002_messages.sql"),
    include_str!("migrations/003_turns.sql"),
    include_str!("migrations/004_outbox.sql"),
    include_str!("migrations/005_memory.sql"),
    include_str!("migrations/006_lasting.sql"),
    include_str!("migrations/007_retirements.sql"),
    include_str!("migrations/008_withdrawals.sql"),
];
/// "Mait", set by the first migration.
const APPLICATION_ID: u32 = 0x4d61_6974;
/// How much memory SQLite may hold for all databases of this process, also those of the Matrix SDK, in bytes.
const HEAP_BYTES_MAX: u32 = 64 << 20;
/// How large the write-ahead log stays after a burst, in bytes.
const LOG_BYTES_MAX: u32 = 16 << 20;
/// How many prepared statements a connection keeps.
const STATEMENTS_MAX: usize = 128;
/// How long we wait for another program that looks into the database.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// Opens `file` for writing, bringing it to today's form.
pub(super) fn open_writer(file: &Path) -> Result<Connection, StoreError> {
    let mut db = connect(file)?;
    db.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    db.query_row(&format!("PRAGMA journal_size_limit = {LOG_BYTES_MAX}"), [], |_| Ok(()))?;
    db.pragma_update(None, "synchronous", "NORMAL")?;
    migrate(&mut db)?;
    Ok(db)
}

/// Opens `file`, which a writer has opened before, for reading only.
pub(super) fn open_reader(file: &Path) -> Result<Connection, StoreError> {
    let db = connect(file)?;
    db.pragma_update(None, "query_only", true)?;
    Ok(db)
}

/// A database in memory, in today's form.
pub(super) fn open_memory() -> Result<Connection, StoreError> {
    let mut db = settle(Connection::open_in_memory()?)?;
    migrate(&mut db)?;
    Ok(db)
}

fn connect(file: &Path) -> Result<Connection, StoreError> {
    // No CREATE: the file is made beforehand, with the right mode. No URI: a path is a path.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    settle(Connection::open_with_flags(file, flags)?)
}

fn settle(db: Connection) -> Result<Connection, StoreError> {
    db.busy_timeout(BUSY_WAIT)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // A plan depends on the text of a statement alone. Else SQLite prepares one anew for each value that might fit an index.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // Answers with a row, which `pragma_update` would take for an error.
    db.query_row(&format!("PRAGMA soft_heap_limit = {HEAP_BYTES_MAX}"), [], |_| Ok(()))?;
    db.pragma_update(None, "foreign_keys", true)?;
    // S8: what people took back is gone from the file, too, not only from its tables.
    db.query_row("PRAGMA secure_delete = ON", [], |_| Ok(()))?;
    Ok(db)
}

fn migrate(db: &mut Connection) -> Result<(), StoreError> {
    refuse_foreign(db)?;
    let found: u32 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = u32::try_from(MIGRATIONS.len()).expect("there are few migrations");
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    migrations().to_latest(db)?;
    Ok(())
}

pub(super) fn migrations() -> Migrations<'static> {
    Migrations::new(MIGRATIONS.map(M::up).to_vec())
}

fn refuse_foreign(db: &Connection) -> Result<(), StoreError> {
    let id: u32 = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let empty: bool = db.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))?;
    if id == APPLICATION_ID || (id == 0 && empty) { Ok(()) } else { Err(StoreError::Foreign) }
}
