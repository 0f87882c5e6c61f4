//! The adapter for tests: the same SQL in memory, without threads, losing what was not committed like a real one.

use std::{
    future::{pending, poll_fn},
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
    /// When it is to be pulled out, if it is.
    plan: Option<Plan>,
}

/// At which moment around a commit the disk is pulled out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pull {
    /// Nothing of it is kept.
    Before,
    /// It is kept, and nobody hears of it.
    After,
}

/// A crash to come.
struct Plan {
    /// How many commits are still made in peace.
    peaceful: u64,
    pull: Pull,
    /// Told at that very moment.
    told: Box<dyn FnOnce() + Send>,
}

/// How a commit ended for who made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It goes on.
    Goes,
    /// It is gone with the disk, and does nothing any more.
    Gone,
}

/// One life of the disk. A lock rather than a task: the point is to have no other thread, and each hold is one commit.
struct MemoryEngine {
    disk: Arc<Mutex<Disk>>,
    life: u64,
}

impl Memory {
    pub(super) fn new() -> Self {
        let db = schema::open_memory().expect("a database in memory depends on nothing outside");
        Self { disk: Arc::new(Mutex::new(Disk { db, queue: Vec::new(), life: 0, plan: None })) }
    }

    /// Loses everything that is queued and closes all handles, as a crash would.
    pub fn crash(&self) {
        if let Ok(mut disk) = self.disk.lock() {
            disk.crash();
        }
    }

    /// Crashes by itself at a commit, after so many `peaceful` ones, and calls `told` at that moment. Whoever made that commit
    /// never wakes up again; whoever `told` tells must see to it that nobody else does. A crash before then cancels it.
    pub fn crash_at(&self, peaceful: u64, pull: Pull, told: impl FnOnce() + Send + 'static) {
        if let Ok(mut disk) = self.disk.lock() {
            disk.plan = Some(Plan { peaceful, pull, told: Box::new(told) });
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

    fn commit(&self) -> Fate {
        self.disk().map_or(Fate::Goes, |mut disk| disk.commit())
    }
}

impl Disk {
    fn commit(&mut self) -> Fate {
        if self.queue.is_empty() {
            return Fate::Goes;
        }
        let due = self.plan.take_if(|plan| plan.peaceful == 0);
        if let Some(plan) = &mut self.plan {
            plan.peaceful -= 1;
        }
        match due {
            Some(Plan { pull: Pull::Before, told, .. }) => {
                // First, so that those whose jobs are dropped now are ended before they hear of it.
                told();
                self.crash();
                Fate::Gone
            }
            Some(Plan { pull: Pull::After, told, .. }) => {
                told();
                group::commit(&self.db, mem::take(&mut self.queue));
                self.crash();
                Fate::Gone
            }
            None => {
                group::commit(&self.db, mem::take(&mut self.queue));
                Fate::Goes
            }
        }
    }

    fn crash(&mut self) {
        self.life += 1;
        self.queue.clear();
        self.plan = None;
    }
}

impl Engine for MemoryEngine {
    fn write(&self, job: Job) -> BoxFuture<'_, ()> {
        async {
            self.queue(job);
            yield_once().await;
            if self.commit() == Fate::Gone {
                pending::<()>().await;
            }
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
            if let Some(mut disk) = self.disk()
                && disk.commit() == Fate::Goes
            {
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
