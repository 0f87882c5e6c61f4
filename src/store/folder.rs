//! The state folder: what is in it, and that nobody else can read it.

use std::{
    fs::{self, DirBuilder, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use super::StoreError;

/// The database's name in the folder.
pub(super) const DATABASE: &str = "maitre.db";
/// The lock file's name in the folder.
pub(super) const LOCK: &str = "maitre.lock";
/// What files may be open to: their owner.
pub(super) const FILE_MODE: u32 = 0o600;
/// What the folder may be open to: its owner.
const FOLDER_MODE: u32 = 0o700;
/// The database and what SQLite puts beside it; those take over the database's mode when they are made.
const FILES: [&str; 4] = [LOCK, DATABASE, "maitre.db-wal", "maitre.db-shm"];

/// Makes the folder if need be, and private if it isn't.
pub(super) fn secure(folder: &Path) -> Result<(), StoreError> {
    DirBuilder::new()
        .recursive(true)
        .mode(FOLDER_MODE)
        .create(folder)
        .and_then(|()| narrow(folder, FOLDER_MODE))
        .map_err(|error| StoreError::folder(folder, error))
}

/// Makes the database file if need be, and every file private that isn't.
pub(super) fn secure_files(folder: &Path) -> Result<PathBuf, StoreError> {
    let database = folder.join(DATABASE);
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(&database)
        .map_err(|error| StoreError::folder(&database, error))?;
    for path in FILES.map(|name| folder.join(name)) {
        narrow(&path, FILE_MODE).or_else(unless_missing).map_err(|error| StoreError::folder(&path, error))?;
    }
    Ok(database)
}

fn narrow(path: &Path, allowed: u32) -> io::Result<()> {
    let mode = fs::metadata(path)?.permissions().mode() & 0o7777;
    if mode & !allowed == 0 {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(mode & allowed))
}

fn unless_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}
