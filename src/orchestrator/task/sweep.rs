//! N10: sweeps what is settled and old out of the store, slowly, so that nobody waits for it.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, time};

use crate::{
    config::Config,
    model::Millis,
    nursery::Stop,
    observe::{self, StoreSwept, SweepFailed},
    store::{Store, StoreError},
};

/// The pause after each few rows. Commits of others come in between.
const STEP_PAUSE: Duration = Duration::from_millis(20);
/// The pause after everything was looked at.
const ROUND_PAUSE: Duration = Duration::from_hours(1);

/// Sweeps until told to stop, or until the store is closed for good.
pub(super) async fn sweep(store: Store, config: watch::Receiver<Arc<Config>>, stop: Stop) {
    loop {
        let retention = u64::try_from(config.borrow().state.retention.as_millis()).unwrap_or(u64::MAX);
        let before = Millis(observe::now().0.saturating_sub(retention));
        tokio::select! {
            biased;
            () = stop.soft() => return,
            swept = round(&store, before) => match swept {
                Ok(0) => {}
                Ok(rows) => StoreSwept { rows }.emit(),
                Err(StoreError::Closed) => return,
                Err(error) => SweepFailed { error: &error }.emit(),
            },
        }
        tokio::select! {
            biased;
            () = stop.soft() => return,
            () = time::sleep(ROUND_PAUSE) => {}
        }
    }
}

/// Looks at everything once. What is cut off in the middle is looked at again.
async fn round(store: &Store, before: Millis) -> Result<u64, StoreError> {
    let (mut after, mut rows) = (None, 0);
    loop {
        let pruned = store.prune(before, after).await?;
        rows += pruned.events;
        after = pruned.next;
        if after.is_none() {
            break;
        }
        time::sleep(STEP_PAUSE).await;
    }
    loop {
        let notices = store.prune_notices(before).await?;
        rows += notices as u64;
        if notices == 0 {
            return Ok(rows);
        }
        time::sleep(STEP_PAUSE).await;
    }
}
