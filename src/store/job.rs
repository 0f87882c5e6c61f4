//! A piece of work for the database, and its answer, kept back until the commit.

use rusqlite::Connection;

use super::StoreError;

/// Work that somebody waits for. Dropped unrun, it tells nobody, and its caller takes the store for closed.
pub(super) struct Job {
    keeping: Keeping,
    run: Box<Run>,
}

/// What a commit must outlive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeping {
    /// The end of the process. A power cut may take back the last moments, but only as a whole, from the newest backwards:
    /// the sync position goes back together with everything that followed from it, so the homeserver tells it again, and
    /// what was sent meanwhile is recognised by its transaction id.
    Replayable,
    /// A power cut as well: nobody could tell it again.
    Irreplaceable,
}

type Run = dyn FnOnce(Result<&Connection, StoreError>) -> Done + Send;

/// Work that was run; its caller has not heard yet.
pub(super) struct Done {
    failure: Option<StoreError>,
    tell: Box<dyn FnOnce(Option<StoreError>) + Send>,
}

impl Job {
    /// Packs `work`; `tell` carries the answer to whoever waits for it.
    pub(super) fn new<T: Send + 'static>(
        keeping: Keeping,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
        tell: impl FnOnce(Result<T, StoreError>) + Send + 'static,
    ) -> Self {
        let run = Box::new(move |db: Result<&Connection, StoreError>| {
            let outcome = db.and_then(work);
            let failure = outcome.as_ref().err().cloned();
            let tell = Box::new(move |undone: Option<StoreError>| {
                tell(outcome.and_then(|value| undone.map_or(Ok(value), Err)));
            });
            Done { failure, tell }
        });
        Self { keeping, run }
    }

    /// What its commit must outlive.
    pub(super) fn keeping(&self) -> Keeping {
        self.keeping
    }

    /// Does the work.
    pub(super) fn run(self, db: &Connection) -> Done {
        (self.run)(Ok(db))
    }

    /// Gives the work up.
    pub(super) fn refuse(self, error: StoreError) -> Done {
        (self.run)(Err(error))
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
