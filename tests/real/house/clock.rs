//! Waiting for something to become true, never for ever.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long anything may take that usually takes a second or a few.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);
/// How often a condition is looked at that nothing announces.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Waits until `look` finds what it looks for. A test that waits in vain says for what, and what it saw last.
pub(crate) async fn wait_for<T, S: std::fmt::Debug>(
    what: &str,
    deadline: Duration,
    mut look: impl AsyncFnMut() -> Result<T, S>,
) -> T {
    let end = Instant::now() + deadline;
    loop {
        let seen = match look().await {
            Ok(found) => return found,
            Err(seen) => seen,
        };
        assert!(Instant::now() < end, "waited {} s in vain for {what}; seen last: {seen:?}", deadline.as_secs());
        sleep(LOOK_EVERY).await;
    }
}
