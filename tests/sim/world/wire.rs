//! The way of a request: there, what becomes of it, and back; or its sender goes while it is under way.

use std::{
    future::pending,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use maitre::matrix::MatrixError;
use tokio::time::{Instant, sleep};

use super::{
    World,
    faults::{Course, Fate},
    server::Server,
};

/// How often in a row one account's look into the past may fail: who gives a piece of it up loses it by right.
const PAST_FAILURES_MAX: u64 = 3;

/// What a request does when it arrives.
type Deed<T> = Box<dyn FnOnce(&mut Server) -> Result<T, MatrixError> + Send>;

/// Who asks: one life of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Life(pub(super) u64);

impl World {
    /// Makes one request, and tells what its sender hears of it.
    pub(super) async fn request<T: Send + 'static>(
        &self,
        life: Life,
        verb: &'static str,
        deed: impl FnOnce(&mut Server) -> Result<T, MatrixError> + Send + 'static,
    ) -> Result<T, MatrixError> {
        let course = self.course(life, verb).await;
        self.go(life, course, deed).await
    }

    /// Looks into the past for the one whose failures in a row `failures` counts.
    pub(super) async fn look_back<T: Send + 'static>(
        &self,
        life: Life,
        failures: &AtomicU64,
        deed: impl FnOnce(&mut Server) -> Result<T, MatrixError> + Send + 'static,
    ) -> Result<T, MatrixError> {
        let mut course = self.course(life, "history").await;
        if failures.load(Relaxed) >= PAST_FAILURES_MAX {
            course.fate = Fate::Fine;
        }
        let outcome = self.go(life, course, deed).await;
        match &outcome {
            Ok(_) => failures.store(0, Relaxed),
            Err(_) => _ = failures.fetch_add(1, Relaxed),
        }
        outcome
    }

    /// What will become of a request that begins now. Earlier lives hear nothing any more.
    pub(super) async fn course(&self, life: Life, verb: &'static str) -> Course {
        self.unless_over(life).await;
        self.with(|server| {
            *server.requests.entry(verb).or_default() += 1;
            server.faults.course(&self.dice)
        })
    }

    async fn go<T: Send + 'static>(
        &self,
        life: Life,
        course: Course,
        deed: impl FnOnce(&mut Server) -> Result<T, MatrixError> + Send + 'static,
    ) -> Result<T, MatrixError> {
        let mut under_way = UnderWay { world: self, deed: Some(Box::new(deed)) };
        sleep(course.there).await;
        if self.is_over(life) {
            drop(under_way);
            return pending().await;
        }
        let patience = self.note(course.fate);
        let outcome = match course.fate {
            Fate::Fine => {
                let outcome = under_way.arrive();
                sleep(course.back).await;
                outcome
            }
            Fate::Lost => {
                drop(under_way.arrive());
                sleep(course.back).await;
                Err(gone())
            }
            Fate::Hangs { acts } => {
                if acts {
                    drop(under_way.arrive());
                }
                under_way.deed = None;
                sleep(patience).await;
                Err(gone())
            }
            Fate::Limited(_) | Fate::Trouble(_) | Fate::Away => {
                under_way.deed = None;
                sleep(course.back).await;
                Err(Self::refusal(course.fate))
            }
        };
        self.unless_over(life).await;
        outcome
    }

    /// Counts what is put in; gives how long an answer is waited for.
    pub(super) fn note(&self, fate: Fate) -> Duration {
        self.with(|server| {
            if let Some(fault) = fate.count() {
                server.count(fault);
            }
            server.faults.patience
        })
    }

    /// What is heard of a request that was not carried out, or of which nobody knows.
    pub(super) fn refusal(fate: Fate) -> MatrixError {
        match fate {
            Fate::Limited(after) => MatrixError::RateLimited { after },
            Fate::Trouble(status) => MatrixError::ServerTrouble { status },
            Fate::Away => MatrixError::Unreachable { cause: "connection refused".to_owned() },
            Fate::Fine | Fate::Lost | Fate::Hangs { .. } => gone(),
        }
    }

    pub(super) fn is_over(&self, life: Life) -> bool {
        self.with(|server| server.life != life.0)
    }

    /// Waits for ever once the life is over.
    pub(super) async fn unless_over(&self, life: Life) {
        if self.is_over(life) {
            pending::<()>().await;
        }
    }

    /// What was under way when nobody waited for it any more: it gets there late, or never.
    fn abandoned(&self, deed: impl FnOnce(&mut Server) + Send + 'static) {
        self.with(|server| {
            if self.dice.chance(server.faults.acts_late) {
                server.count("homeserver: acted after its sender had gone");
                let after = self.dice.millis(server.faults.late.clone());
                server.put_off(Instant::now() + after, Box::new(deed));
            }
        });
    }
}

/// What a broken connection says.
pub(super) fn gone() -> MatrixError {
    MatrixError::Unreachable { cause: "connection closed before message completed".to_owned() }
}

/// A request on its way there.
struct UnderWay<'a, T: 'static> {
    world: &'a World,
    /// What it does, until it has arrived.
    deed: Option<Deed<T>>,
}

impl<T: 'static> UnderWay<'_, T> {
    fn arrive(&mut self) -> Result<T, MatrixError> {
        let deed = self.deed.take().expect("a request arrives once");
        self.world.with(deed)
    }
}

impl<T: 'static> Drop for UnderWay<'_, T> {
    fn drop(&mut self) {
        if let Some(deed) = self.deed.take() {
            self.world.abandoned(move |server| drop(deed(server)));
        }
    }
}
