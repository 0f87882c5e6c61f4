//! A store to test on, over either adapter, that can be reopened and crashed.

use std::{fs, path::Path};

use tempfile::TempDir;

use crate::store::{Memory, Store, folder};

pub(super) struct Stage {
    pub(super) store: Store,
    disk: Disk,
}

enum Disk {
    Memory(Memory),
    File(TempDir),
}

impl Stage {
    pub(super) fn memory() -> Self {
        let (store, memory) = Store::memory();
        Self { store, disk: Disk::Memory(memory) }
    }

    pub(super) async fn file() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { store: Store::open(folder.path()).await.unwrap(), disk: Disk::File(folder) }
    }

    /// Stops in order and starts again.
    pub(super) async fn reopen(&mut self) {
        self.store.close().await;
        self.store = match &self.disk {
            Disk::Memory(memory) => memory.reopen(),
            Disk::File(folder) => Store::open(folder.path()).await.unwrap(),
        };
    }

    /// Cuts the power and starts again from what is on the disk at that moment.
    pub(super) async fn crash(&mut self) {
        let store = match &self.disk {
            Disk::Memory(memory) => {
                memory.crash();
                memory.reopen()
            }
            Disk::File(folder) => {
                let picture = picture_of(folder.path());
                let store = Store::open(picture.path()).await.unwrap();
                // The threads that still work on the old folder must end before it can go.
                self.store.close().await;
                self.disk = Disk::File(picture);
                store
            }
        };
        self.store = store;
    }

    /// Stops in order; then the files can go.
    pub(super) async fn end(self) {
        self.store.close().await;
    }
}

/// The database as it lies on the disk now, also in the middle of things. The shared memory does not outlive a crash.
pub(super) fn picture_of(original: &Path) -> TempDir {
    let picture = tempfile::tempdir().unwrap();
    for name in [folder::DATABASE, "maitre.db-wal"] {
        fs::copy(original.join(name), picture.path().join(name)).unwrap();
    }
    picture
}
