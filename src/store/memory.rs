//! The adapter for tests: the same SQL in memory, without threads, losing what was not committed like a real one.

use std::{
    future::poll_fn,
    mem,
    sync::{Arc, Mutex, MutexGuard},
    task::Poll,
};

use futures_util::{FutureExt as _, future::BoxFuture};
use rusqlite::Connection;

use super::{Engine, Store, group, job::Job, schema};

/// The disk under a store in memory: it can be pulled out and put back.
#[derive(Clone)]
pub struct Memory {
    disk: Arc<Mutex<Disk>>,
}

struct Disk {
    db: Connection,
    /// What the next commit will hold. Its callers wait, so there are never more than those.
    queue: Vec<Job>,
    /// Counts crashes and closings; a handle from an earlier life is closed.
    life: u64,
}

/// One life of the disk. A lock rather than a task: the point is to have no other thread, and each hold is one commit.
struct MemoryEngine {
    disk: Arc<Mutex<Disk>>,
    life: u64,
}

impl Memory {
    pub(super) fn new() -> Self {
        let db = schema::open_memory().expect("a database in memory depends on nothing outside");
        Self { disk: Arc::new(Mutex::new(Disk { db, queue: Vec::new(), life: 0 })) }
    }

    /// Loses everything that is queued and closes all handles, as a crash would.
    pub fn crash(&self) {
        if let Ok(mut disk) = self.disk.lock() {
            disk.life += 1;
            disk.queue.clear();
        }
    }

    /// A store on what was committed.
    #[must_use]
    pub fn reopen(&self) -> Store {
        // After a panic in a job no life fits, and the handle is closed from the start.
        let life = self.disk.lock().map_or(u64::MAX, |disk| disk.life);
        Store::over(Arc::new(MemoryEngine { disk: Arc::clone(&self.disk), life }))
    }
}

impl MemoryEngine {
    /// The disk, if this handle still belongs to it.
    fn disk(&self) -> Option<MutexGuard<'_, Disk>> {
        self.disk.lock().ok().filter(|disk| disk.life == self.life)
    }

    fn queue(&self, job: Job) {
        if let Some(mut disk) = self.disk() {
            disk.queue.push(job);
        }
    }

    fn commit(&self) {
        if let Some(mut disk) = self.disk() {
            disk.commit();
        }
    }
}

impl Disk {
    fn commit(&mut self) {
        let jobs = mem::take(&mut self.queue);
        if !jobs.is_empty() {
            group::commit(&self.db, jobs);
        }
    }
}

impl Engine for MemoryEngine {
    fn write(&self, job: Job) -> BoxFuture<'_, ()> {
        async {
            self.queue(job);
            yield_once().await;
            self.commit();
        }
        .boxed()
    }

    fn write_blocking(&self, job: Job) {
        self.queue(job);
        self.commit();
    }

    fn read(&self, job: Job) -> BoxFuture<'_, ()> {
        async {
            if let Some(disk) = self.disk() {
                group::look(&disk.db, vec![job]);
            }
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async {
            if let Some(mut disk) = self.disk() {
                disk.commit();
                disk.life += 1;
            }
        }
        .boxed()
    }
}

/// Lets every other task that is ready run first, so that their jobs share the commit.
async fn yield_once() {
    let mut yielded = false;
    poll_fn(|context| {
        if mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
