//! The rest that a line may take between two steps of its stream, and what ends it.

use std::{
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{self, Instant},
};

use crate::matrix::locked::locked;

/// One line's rest.
#[derive(Debug, Default)]
pub(super) struct Rest {
    until: Mutex<Option<Instant>>,
    ended: Notify,
}

impl Rest {
    /// The line may rest for so long before its next step.
    pub(super) fn allow(&self, rest: Option<Duration>) {
        *self.until() = rest.map(|rest| Instant::now() + rest);
    }

    /// Something comes that the account must not be late for: the rest is over, or the next one doesn't begin.
    pub(super) fn end(&self) {
        self.ended.notify_one();
    }

    /// Waits while the line may rest, but no longer than half the time that a step may wait for news: whoever watches over the step
    /// must not take a rest for silence.
    pub(super) async fn take(&self, wait: Duration) {
        let until = self.until().take();
        let Some(until) = until else { return };
        tokio::select! {
            biased;
            () = self.ended.notified() => {}
            () = time::sleep_until(until.min(Instant::now() + wait / 2)) => {}
        }
    }

    fn until(&self) -> MutexGuard<'_, Option<Instant>> {
        locked(&self.until)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    const WAIT: Duration = Duration::from_secs(30);

    /// How long the line rests now.
    async fn taken(rest: &Rest, wait: Duration) -> Duration {
        let began = Instant::now();
        rest.take(wait).await;
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_rest_is_taken_once_and_bounded() {
        let rest = Rest::default();
        assert_eq!(taken(&rest, WAIT).await, Duration::ZERO);
        rest.allow(Some(Duration::from_secs(1)));
        assert_eq!(taken(&rest, WAIT).await, Duration::from_secs(1));
        assert_eq!(taken(&rest, WAIT).await, Duration::ZERO);
        rest.allow(Some(Duration::from_secs(1)));
        assert_eq!(taken(&rest, Duration::from_secs(1)).await, Duration::from_millis(500));
    }

    /// I5: who joins a room hears of it at once, whether it rests now or was about to.
    #[tokio::test(start_paused = true)]
    async fn a_rest_ends_when_something_comes() {
        let rest = Rest::default();
        rest.allow(Some(Duration::from_secs(1)));
        let resting = rest.take(WAIT);
        tokio::pin!(resting);
        assert_eq!(resting.as_mut().now_or_never(), None);
        rest.end();
        assert_eq!(resting.as_mut().now_or_never(), Some(()));
        rest.end();
        rest.allow(Some(Duration::from_secs(1)));
        assert_eq!(taken(&rest, WAIT).await, Duration::ZERO);
    }
}
