//! Waits for the homeserver, then starts the bots in order.

use std::sync::Arc;

use tokio::{
    sync::Notify,
    time::{self, Instant},
};

use super::{
    bot::Bot,
    report::{QUIET_PAUSE, Report},
};
use crate::{
    nursery::{Nursery, Stop},
    observe::{HomeserverBack, HomeserverWaiting},
    orchestrator::patience::Said,
};

/// Starts `first` once the homeserver answers, and `then` once the router is up.
pub(super) async fn boot(nursery: Nursery, first: Bot, then: Vec<Bot>, router_up: Arc<Notify>) {
    let stop = nursery.stop().clone();
    tokio::select! {
        biased;
        () = stop.soft() => return,
        () = wait_for(&first) => {}
    }
    start(&nursery, &stop, first);
    tokio::select! {
        biased;
        () = stop.soft() => return,
        () = router_up.notified() => {}
    }
    for bot in then {
        start(&nursery, &stop, bot);
    }
}

fn start(nursery: &Nursery, stop: &Stop, bot: Bot) {
    nursery.forever(format!("bot:{}", bot.entity.name), bot.run(stop.clone()));
}

/// Waits for the homeserver as long as it takes, saying so.
async fn wait_for(first: &Bot) {
    let (began, url) = (Instant::now(), first.settings.url.as_str());
    let mut said = Said::default();
    while let Err(error) = first.homeserver.reach().await {
        let reason = error.to_string();
        if said.is_worth_saying(&reason, began.elapsed()) {
            HomeserverWaiting { url, reason: &reason }.emit();
        }
        first.tell(Report::Waiting { reason }).await;
        time::sleep(QUIET_PAUSE).await;
    }
    first.tell(Report::Reached).await;
    HomeserverBack { url, waited: began.elapsed() }.emit();
}
