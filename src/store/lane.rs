//! A thread that takes jobs in order from a bounded queue.

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::job::Job;
use crate::nursery;

/// How many jobs may wait. Whoever finds the queue full waits until there is a place; nobody is refused.
const JOBS_WAITING_MAX: usize = 256;
/// Places kept for callers who can't await. One who finds these taken too holds up its thread until there is one.
const JOBS_BLOCKING_MAX: usize = 64;

/// The way to a thread that runs jobs.
pub(super) struct Lane {
    /// Empty once closed. A lock rather than a task: it is held for a clone, and callers who can't await need it too.
    inbox: Mutex<Option<SyncSender<Queued>>>,
    places: Arc<Semaphore>,
    ended: CancellationToken,
}

struct Queued {
    job: Job,
    /// Given back when the thread takes the job up.
    _place: Option<OwnedSemaphorePermit>,
}

impl Lane {
    /// Starts the thread. `work` gets up to `group_max` jobs at a time and is dropped when the lane has ended.
    pub(super) fn start(name: &str, group_max: usize, work: impl FnMut(Vec<Job>) + Send + 'static) -> io::Result<Self> {
        let (inbox, jobs) = sync_channel(JOBS_WAITING_MAX + JOBS_BLOCKING_MAX);
        let ended = CancellationToken::new();
        let guard = ended.clone().drop_guard();
        nursery::thread(name, move || {
            serve(&jobs, group_max, work);
            // Last of all, also in a panic: by now `work` and what it holds are gone.
            drop(guard);
        })?;
        Ok(Self { inbox: Mutex::new(Some(inbox)), places: Arc::new(Semaphore::new(JOBS_WAITING_MAX)), ended })
    }

    /// Queues `job`, waiting for a place first.
    pub(super) async fn send(&self, job: Job) {
        // The semaphore is never closed; if it were, dropping the job says what is to be said.
        if let Ok(place) = Arc::clone(&self.places).acquire_owned().await {
            self.put(Queued { job, _place: Some(place) });
        }
    }

    /// Queues `job` from a thread that may be held up.
    ///
    /// It needs no place from the semaphore: those ahead might wait for the very thread that stands here.
    pub(super) fn send_blocking(&self, job: Job) {
        self.put(Queued { job, _place: None });
    }

    /// Lets the thread finish what is queued, and waits for its end.
    pub(super) async fn close(&self) {
        drop(self.inbox().take());
        self.ended.cancelled().await;
    }

    fn put(&self, queued: Queued) {
        let inbox = self.inbox().clone();
        if let Some(inbox) = inbox {
            // When the thread is gone the job comes back and is dropped, which tells its caller.
            drop(inbox.send(queued));
        }
    }

    fn inbox(&self) -> MutexGuard<'_, Option<SyncSender<Queued>>> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn serve(jobs: &Receiver<Queued>, group_max: usize, mut work: impl FnMut(Vec<Job>)) {
    while let Ok(first) = jobs.recv() {
        let mut group = vec![first.job];
        group.extend(jobs.try_iter().take(group_max - 1).map(|queued| queued.job));
        work(group);
    }
}
