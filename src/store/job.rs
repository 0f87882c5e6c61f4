//! A piece of work for the database, and its answer, kept back until the commit.

use rusqlite::Connection;

use super::StoreError;

/// Work that somebody waits for. Dropped unrun, it tells nobody, and its caller takes the store for closed.
pub(super) struct Job(Box<Run>);

type Run = dyn FnOnce(Result<&Connection, StoreError>) -> Done + Send;

/// Work that was run; its caller has not heard yet.
pub(super) struct Done {
    failure: Option<StoreError>,
    tell: Box<dyn FnOnce(Option<StoreError>) + Send>,
}

impl Job {
    /// Packs `work`; `tell` carries the answer to whoever waits for it.
    pub(super) fn new<T: Send + 'static>(
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
        tell: impl FnOnce(Result<T, StoreError>) + Send + 'static,
    ) -> Self {
        Self(Box::new(move |db| {
            let outcome = db.and_then(work);
            let failure = outcome.as_ref().err().cloned();
            let tell = Box::new(move |undone: Option<StoreError>| {
                tell(outcome.and_then(|value| undone.map_or(Ok(value), Err)));
            });
            Done { failure, tell }
        }))
    }

    /// Does the work.
    pub(super) fn run(self, db: &Connection) -> Done {
        self.0(Ok(db))
    }

    /// Gives the work up.
    pub(super) fn refuse(self, error: StoreError) -> Done {
        self.0(Err(error))
    }
}

impl Done {
    /// What went wrong in the work itself.
    pub(super) fn failure(&self) -> Option<&StoreError> {
        self.failure.as_ref()
    }

    /// Answers: what came of the work, or, if it was undone afterwards, why.
    pub(super) fn tell(self, undone: Option<&StoreError>) {
        (self.tell)(undone.cloned());
    }
}
