//! The only place that starts tasks and threads: each has a name, an owner and two ways to be told to stop.

use std::{any::Any, io, panic::AssertUnwindSafe, thread::JoinHandle};

use futures_util::FutureExt as _;
use tokio::sync::{mpsc, oneshot};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How many endings may wait to be read; a task that ends while it is full waits with its report.
const EXITS_WAITING_MAX: usize = 256;

/// Soft, then hard: the two ways in which work is told to stop.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    soft: CancellationToken,
    hard: CancellationToken,
}

impl Stop {
    /// Resolves when no new work should begin. Work in hand may finish.
    pub async fn soft(&self) {
        self.soft.cancelled().await;
    }

    /// Resolves when everything must end now.
    pub async fn hard(&self) {
        self.hard.cancelled().await;
    }

    /// Whether no new work should begin.
    #[must_use]
    pub fn is_soft(&self) -> bool {
        self.soft.is_cancelled()
    }

    /// Tells everybody to begin nothing new.
    pub fn ask(&self) {
        self.soft.cancel();
    }

    /// Tells everybody to end now.
    pub fn insist(&self) {
        self.soft.cancel();
        self.hard.cancel();
    }

    /// A stop that follows this one and can also be pulled alone.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { soft: self.soft.child_token(), hard: self.hard.child_token() }
    }
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// It returned.
    Finished,
    /// It panicked, with this message.
    Panicked(String),
    /// It was told to stop the hard way.
    Cut,
}

/// A task's last word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// The task's name.
    pub name: String,
    /// How it ended.
    pub ending: Ending,
    /// Whether it was meant to run forever.
    pub forever: bool,
}

/// Owns tasks. Cloning gives another handle to the same nursery.
#[derive(Debug, Clone)]
pub struct Nursery {
    tracker: TaskTracker,
    stop: Stop,
    exits: mpsc::Sender<Exit>,
}

impl Nursery {
    /// An empty nursery whose tasks follow `stop`, and the stream of their endings.
    ///
    /// Only tasks started with [`Nursery::forever`], and any task that panics, report.
    #[must_use]
    pub fn new(stop: Stop) -> (Self, mpsc::Receiver<Exit>) {
        let (exits, receiver) = mpsc::channel(EXITS_WAITING_MAX);
        (Self { tracker: TaskTracker::new(), stop, exits }, receiver)
    }

    /// The stop that this nursery's tasks follow.
    #[must_use]
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Starts a task that must not end before it is told to; when it does, that is reported.
    pub fn forever(&self, name: impl Into<String>, task: impl Future<Output = ()> + Send + 'static) {
        self.start(name.into(), true, task);
    }

    /// Starts a task that may end.
    pub fn once(&self, name: impl Into<String>, task: impl Future<Output = ()> + Send + 'static) {
        self.start(name.into(), false, task);
    }

    /// Waits until every task has ended. Does not tell them to.
    pub async fn empty(&self) {
        self.tracker.close();
        self.tracker.wait().await;
        self.tracker.reopen();
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one spawner that every other place must use")]
    fn start(&self, name: String, forever: bool, task: impl Future<Output = ()> + Send + 'static) {
        let hard = self.stop.hard.clone();
        let soft = self.stop.soft.clone();
        let exits = self.exits.clone();
        let tracked = async move {
            let ending = tokio::select! {
                biased;
                () = hard.cancelled() => Ending::Cut,
                outcome = AssertUnwindSafe(task).catch_unwind() => match outcome {
                    Ok(()) => Ending::Finished,
                    Err(panic) => Ending::Panicked(panic_message(panic.as_ref())),
                },
            };
            let worth_telling = match ending {
                Ending::Finished => forever && !soft.is_cancelled(),
                Ending::Panicked(_) => true,
                Ending::Cut => false,
            };
            if worth_telling {
                // A nursery whose owner is gone has nobody left to tell.
                drop(exits.send(Exit { name, ending, forever }).await);
            }
        };
        self.tracker.spawn(tracked);
    }
}

/// Starts a thread for work that blocks, such as the database's writer.
///
/// # Errors
/// When the operating system has no thread to give.
#[expect(clippy::disallowed_methods, reason = "this is the one spawner that every other place must use")]
pub fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work)
}

/// Has `work` that blocks done on a thread of its own. Gives where its outcome comes; whoever no longer waits is not missed.
///
/// # Errors
/// When the operating system has no thread to give.
pub fn answered_by_thread<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<oneshot::Receiver<T>> {
    let (sender, answer) = oneshot::channel();
    thread(name, move || drop(sender.send(work())))?;
    Ok(answer)
}

/// What a panic said.
#[must_use]
pub fn panic_message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_should_run_forever_reports_its_end() {
        let (nursery, mut exits) = Nursery::new(Stop::default());
        nursery.forever("clock", async {});
        let exit = exits.recv().await.unwrap();
        assert_eq!(exit, Exit { name: "clock".to_owned(), ending: Ending::Finished, forever: true });
    }

    #[tokio::test]
    async fn a_panic_is_reported_and_harms_nobody_else() {
        let (nursery, mut exits) = Nursery::new(Stop::default());
        nursery.once("glass", async { panic!("broke") });
        let exit = exits.recv().await.unwrap();
        assert_eq!(exit.ending, Ending::Panicked("broke".to_owned()));
        nursery.empty().await;
    }

    #[tokio::test]
    async fn a_hard_stop_ends_what_waits_and_is_no_news() {
        let stop = Stop::default();
        let (nursery, mut exits) = Nursery::new(stop.clone());
        nursery.forever("waiter", std::future::pending());
        stop.insist();
        nursery.empty().await;
        assert!(exits.try_recv().is_err());
    }

    #[test]
    fn a_child_stop_can_be_pulled_alone() {
        let parent = Stop::default();
        let child = parent.child();
        child.insist();
        assert!(child.is_soft() && !parent.is_soft());
        let other = parent.child();
        parent.ask();
        assert!(other.is_soft());
    }
}
