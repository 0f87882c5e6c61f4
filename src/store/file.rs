//! The adapter for use: a file, one thread that writes and one that reads.

use std::{path::Path, sync::Arc};

use futures_util::{FutureExt as _, future::BoxFuture};
use rusqlite::Connection;

use super::{Engine, StoreError, folder, group, job::Job, lane::Lane, lock::FolderLock, schema};

/// How many jobs share one commit. More only make the first of them wait longer.
const GROUP_JOBS_MAX: usize = 64;

/// The database file and the two threads that work on it.
pub(super) struct FileEngine {
    writer: Lane,
    reader: Lane,
}

/// A connection with its right to the folder, which is free when the last connection is closed.
struct Tenant {
    // Closed before the lock goes.
    db: Connection,
    _lock: Arc<FolderLock>,
}

impl FileEngine {
    /// Takes the folder's lock and opens the database in it. Blocks the calling thread.
    pub(super) fn open(folder: &Path) -> Result<Self, StoreError> {
        folder::secure(folder)?;
        let lock = Arc::new(FolderLock::take(folder)?);
        let file = folder::secure_files(folder)?;
        let write_db = schema::open_writer(&file).map_err(|error| error.opening(&file))?;
        let read_db = schema::open_reader(&file).map_err(|error| error.opening(&file))?;
        let failed = |error| StoreError::folder(folder, error);
        let write = Tenant { db: write_db, _lock: Arc::clone(&lock) };
        let writer = Lane::start("store-writer", GROUP_JOBS_MAX, move |jobs| group::commit(write.db(), jobs));
        let read = Tenant { db: read_db, _lock: lock };
        let reader = Lane::start("store-reader", 1, move |jobs| group::look(read.db(), jobs));
        Ok(Self { writer: writer.map_err(failed)?, reader: reader.map_err(failed)? })
    }
}

impl Tenant {
    // A method, for a closure that names only the field would leave the lock behind.
    fn db(&self) -> &Connection {
        &self.db
    }
}

impl Engine for FileEngine {
    fn write(&self, job: Job) -> BoxFuture<'_, ()> {
        self.writer.send(job).boxed()
    }

    fn write_blocking(&self, job: Job) {
        self.writer.send_blocking(job);
    }

    fn read(&self, job: Job) -> BoxFuture<'_, ()> {
        self.reader.send(job).boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        // The writer last: whoever closes the database last folds the log into it.
        async {
            self.reader.close().await;
            self.writer.close().await;
        }
        .boxed()
    }
}
