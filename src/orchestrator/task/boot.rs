//! Waits for the homeserver before anybody comes up.

use tokio::time::{self, Instant};

use super::{
    crew::Means,
    report::{QUIET_PAUSE, Report},
};
use crate::{
    observe::{HomeserverBack, HomeserverWaiting},
    orchestrator::patience::Said,
};

/// Waits for the homeserver as long as it takes, saying so.
pub(super) async fn wait_for(means: &Means, url: &str) {
    let (began, mut said) = (Instant::now(), Said::default());
    // The house is gone only when everything ends.
    let tell = async |report| drop(means.reports.send(report).await);
    while let Err(error) = means.homeserver.reach().await {
        let reason = error.to_string();
        if said.is_worth_saying(&reason, began.elapsed()) {
            HomeserverWaiting { url, reason: &reason }.emit();
        }
        tell(Report::Waiting { reason }).await;
        time::sleep(QUIET_PAUSE).await;
    }
    tell(Report::Reached).await;
    HomeserverBack { url, waited: began.elapsed() }.emit();
}
