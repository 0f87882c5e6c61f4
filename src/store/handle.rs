//! The handle that everybody holds: opening, closing, and the two ways to the database.

use std::{
    fmt,
    path::Path,
    sync::{Arc, mpsc},
};

use rusqlite::Connection;
use tokio::sync::{Notify, oneshot};

use super::{
    Engine, Memory, StoreError,
    ear::{Crier, Ear},
    file::FileEngine,
    job::{Job, Keeping},
};
use crate::{model::RoomId, nursery};

/// What is remembered. Clones are handles to the same store.
///
/// A verb that writes answers once its change is committed, together with those of everybody else who waited: changes are
/// cheap when many ask at once. What is committed outlives the process at any moment; what can't be told again (accounts
/// with their passwords, tokens and keys) outlives a power cut as well. A caller that stops waiting leaves its change in the
/// queue; it will be made. Verbs that read see everything that was answered before.
#[derive(Clone)]
pub struct Store {
    engine: Arc<dyn Engine>,
    /// Rung when there is something new for the house to say.
    bell: Arc<Notify>,
    /// Tells in which rooms something happened.
    crier: Crier,
}

impl Store {
    /// Opens the store in `folder`, making both if need be.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process works on the folder, [`StoreError::Folder`] when it can't be used, and
    /// [`StoreError::Open`] when the database in it is of a newer form, somebody else's, damaged or not to be written.
    pub async fn open(folder: &Path) -> Result<Self, StoreError> {
        let at = folder.to_owned();
        // A caller who has gone leaves nobody to tell; the store closes again.
        let answer = nursery::answered_by_thread("store-open", move || FileEngine::open(&at))
            .map_err(|error| StoreError::folder(folder, error))?;
        let engine = answer.await.unwrap_or(Err(StoreError::Closed))?;
        Ok(Self::over(Arc::new(engine)))
    }

    /// A store in memory, and the switch that crashes it.
    #[must_use]
    pub fn memory() -> (Self, Memory) {
        let memory = Memory::new();
        (memory.reopen(), memory)
    }

    /// Resolves when a notice was written or reworded since it last did. Somebody has to listen, and one is enough.
    pub async fn notices_news(&self) {
        self.bell.notified().await;
    }

    /// Tells whoever listens to [`Self::notices_news`].
    pub(super) fn ring(&self) {
        self.bell.notify_one();
    }

    /// Hears, from now on, when something is said, changed, taken back or tapped in `room`. Whoever waits for that makes an
    /// ear first and looks then, so that nothing is missed in between.
    #[must_use]
    pub fn listen(&self, room: &RoomId) -> Ear {
        self.crier.ear(room.clone())
    }

    /// Finishes what is queued and closes the store for every handle. Closing twice is fine.
    pub async fn close(&self) {
        self.engine.close().await;
    }

    pub(super) fn over(engine: Arc<dyn Engine>) -> Self {
        Self { engine, bell: Arc::default(), crier: Crier::new() }
    }

    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.write_keeping(Keeping::Replayable, work, || {}).await
    }

    /// The same for what changes what is seen in `room`: whoever listens hears of it, also when nobody waits for the answer
    /// any more.
    pub(super) async fn write_in<T: Send + 'static>(
        &self,
        room: RoomId,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let crier = self.crier.clone();
        self.write_keeping(Keeping::Replayable, work, move || crier.tell(room)).await
    }

    /// The same for what nobody could tell us again.
    pub(super) async fn write_for_good<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.write_keeping(Keeping::Irreplaceable, work, || {}).await
    }

    async fn write_keeping<T: Send + 'static>(
        &self,
        keeping: Keeping,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
        committed: impl FnOnce() + Send + 'static,
    ) -> Result<T, StoreError> {
        let (job, answer) = job(keeping, work, committed);
        self.engine.write(job).await;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (job, answer) = job(Keeping::Replayable, work, || {});
        self.engine.read(job).await;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    /// [`Self::write_for_good`] for a caller who can't await.
    pub(super) fn write_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        // Not a channel of the async kind: those refuse to block on a thread that runs tasks.
        let (sender, answer) = mpsc::sync_channel(1);
        self.engine.write_blocking(Job::new(Keeping::Irreplaceable, work, move |outcome| {
            // The caller stands below, waiting.
            drop(sender.send(outcome));
        }));
        answer.recv().unwrap_or(Err(StoreError::Closed))
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

fn job<T: Send + 'static>(
    keeping: Keeping,
    work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    committed: impl FnOnce() + Send + 'static,
) -> (Job, oneshot::Receiver<Result<T, StoreError>>) {
    let (sender, answer) = oneshot::channel();
    let tell = move |outcome: Result<T, StoreError>| {
        if outcome.is_ok() {
            committed();
        }
        // A caller who stopped waiting need not be told.
        drop(sender.send(outcome));
    };
    (Job::new(keeping, work, tell), answer)
}
