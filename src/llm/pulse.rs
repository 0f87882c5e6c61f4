//! Whether a provider still gives a sign of life. One that thinks for long sends something now and then; one that hangs
//! sends nothing, and would hold its caller until the very last moment.

use std::{
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, timeout_at};

use super::LlmError;

/// The pulse of one answer. Clones feel the same one.
#[derive(Debug, Clone)]
pub(super) struct Pulse {
    idle_max: Duration,
    /// A lock and no task: whoever hears a frame has nothing to wait with.
    last: Arc<Mutex<Instant>>,
}

impl Pulse {
    /// Alive now, and given up once nothing came for `idle_max`.
    pub(super) fn new(idle_max: Duration) -> Self {
        Self { idle_max, last: Arc::new(Mutex::new(Instant::now())) }
    }

    /// Something came.
    pub(super) fn beat(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// What comes of `wait`, unless nothing at all comes for too long. The time before it doesn't count: nobody read then.
    pub(super) async fn watch<T>(&self, wait: impl Future<Output = T>) -> Result<T, LlmError> {
        self.beat();
        let mut wait = pin!(wait);
        loop {
            match timeout_at(self.stops_at(), &mut wait).await {
                Ok(outcome) => return Ok(outcome),
                Err(_elapsed) if self.stops_at() > Instant::now() => {}
                Err(_elapsed) => return Err(LlmError::Stalled { after: self.idle_max }),
            }
        }
    }

    fn stops_at(&self) -> Instant {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) + self.idle_max
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::{join, time::sleep};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// S6: what gives signs of life is waited for, however long it takes; what gives none isn't.
    #[tokio::test(start_paused = true)]
    async fn only_silence_is_given_up() {
        let pulse = Pulse::new(SECOND * 60);
        let (began, beating) = (Instant::now(), pulse.clone());
        let signs = async {
            for _ in 0..4 {
                sleep(SECOND * 50).await;
                beating.beat();
            }
        };
        let (outcome, ()) = join!(pulse.watch(sleep(SECOND * 250)), signs);
        assert_eq!((outcome, began.elapsed()), (Ok(()), SECOND * 250));
        let began = Instant::now();
        let outcome = pulse.watch(pending::<()>()).await;
        assert_eq!((outcome, began.elapsed()), (Err(LlmError::Stalled { after: SECOND * 60 }), SECOND * 60));
    }

    /// Whoever reads late finds what came meanwhile, and waits from then on.
    #[tokio::test(start_paused = true)]
    async fn time_in_which_nobody_reads_does_not_count() {
        let pulse = Pulse::new(SECOND * 60);
        sleep(SECOND * 500).await;
        assert_eq!(pulse.watch(async { 7 }).await, Ok(7));
        assert_eq!(pulse.watch(sleep(SECOND * 59)).await, Ok(()));
    }
}
