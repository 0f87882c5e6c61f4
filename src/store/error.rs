//! What can go wrong between us and the database, and whether trying again helps.

use std::{
    error::Error,
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rusqlite::ErrorCode;

use crate::model::EntityName;

/// A failure of the store. Cloneable, because one failed commit fails everybody who was part of it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Another process, or another part of this one, works on the same folder.
    #[error("the state folder {} is in use by {}; only one process may work on it", .folder.display(), holder(*.pid))]
    Locked {
        /// The folder.
        folder: PathBuf,
        /// Who holds it, if it has said so.
        pid: Option<u32>,
    },
    /// The folder or a file in it can't be made, opened or made private.
    #[error("cannot keep state at {}", .path.display())]
    Folder {
        /// Which path.
        path: PathBuf,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// The database file can't be opened.
    #[error("cannot open the database {}", .file.display())]
    Open {
        /// Which file.
        file: PathBuf,
        /// Why.
        source: Box<StoreError>,
    },
    /// A later version of this program has changed the database's form.
    #[error("the database has form {found}, this version knows forms up to {known}: run the newer version again")]
    Newer {
        /// The form that the database has.
        found: u32,
        /// The newest form that this version knows.
        known: u32,
    },
    /// A database, but somebody else's.
    #[error("the file is a database of another program")]
    Foreign,
    /// The file is broken, or no database at all.
    #[error("the file is damaged or not a database: restore a copy, or move it away to begin anew")]
    Damaged(#[source] Cause),
    /// The disk is full.
    #[error("there is no room left on the disk for the database")]
    Full(#[source] Cause),
    /// The file or its file system can't be written.
    #[error("the database can't be written: it is read-only")]
    ReadOnly(#[source] Cause),
    /// The disk, or what is mounted there, did not do what was asked.
    #[error("the database can't be read from or written to its disk")]
    Io(#[source] Cause),
    /// Another program holds the database's own lock.
    #[error("the database is busy: another program has it open")]
    Busy(#[source] Cause),
    /// There is no account to change.
    #[error("no account is stored for {entity}")]
    NoAccount {
        /// Whose account was meant.
        entity: EntityName,
    },
    /// The store is closed, or the thread that ran it has ended.
    #[error("the store is closed")]
    Closed,
    /// Anything else the database said: most likely a mistake of ours.
    #[error("the database failed")]
    Failed(#[source] Cause),
}

/// Whether the same request may work later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Yes, after a pause; somebody may have to make room.
    Later,
    /// No: somebody must change something first.
    Never,
}

impl StoreError {
    /// Whether the same request may work later.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Full(_) | Self::Io(_) | Self::Busy(_) => Retry::Later,
            Self::Open { source, .. } => source.retry(),
            Self::Locked { .. }
            | Self::Folder { .. }
            | Self::Newer { .. }
            | Self::Foreign
            | Self::Damaged(_)
            | Self::ReadOnly(_)
            | Self::NoAccount { .. }
            | Self::Closed
            | Self::Failed(_) => Retry::Never,
        }
    }

    pub(super) fn folder(path: &Path, source: io::Error) -> Self {
        Self::Folder { path: path.to_owned(), source: Arc::new(source) }
    }

    pub(super) fn opening(self, file: &Path) -> Self {
        Self::Open { file: file.to_owned(), source: Box::new(self) }
    }
}

/// What the database said. It prints; it can't be taken apart outside the store.
#[derive(Clone)]
pub struct Cause(Arc<dyn Error + Send + Sync>);

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error_code();
        // A row that doesn't read as what was written is as good as damaged.
        let misread = matches!(
            error,
            rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
        );
        let cause = Cause(Arc::new(error));
        match code {
            Some(ErrorCode::DiskFull) => Self::Full(cause),
            Some(ErrorCode::ReadOnly) => Self::ReadOnly(cause),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy(cause),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(cause),
            Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => Self::Io(cause),
            None if misread => Self::Damaged(cause),
            Some(_) | None => Self::Failed(cause),
        }
    }
}

impl From<rusqlite_migration::Error> for StoreError {
    fn from(error: rusqlite_migration::Error) -> Self {
        match error {
            rusqlite_migration::Error::RusqliteError { err, .. } => err.into(),
            other => Self::Failed(Cause(Arc::new(other))),
        }
    }
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}
