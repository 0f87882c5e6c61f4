//! Waits for the homeserver, then starts the bots in order.

use std::sync::Arc;

use tokio::{
    sync::Notify,
    time::{self, Instant},
};

use super::bot::{Bot, QUIET_PAUSE};
use crate::{
    matrix::Homeserver,
    nursery::{Nursery, Stop},
    observe::{HomeserverBack, HomeserverWaiting},
};

/// Starts `first` once the homeserver answers, and `then` once the router is up.
pub(super) async fn boot(
    homeserver: Arc<dyn Homeserver>,
    url: String,
    nursery: Nursery,
    first: Bot,
    then: Vec<Bot>,
    router_up: Arc<Notify>,
) {
    let stop = nursery.stop().clone();
    tokio::select! {
        biased;
        () = stop.soft() => return,
        () = wait_for(homeserver.as_ref(), &url) => {}
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

/// Waits as long as it takes, saying so.
async fn wait_for(homeserver: &dyn Homeserver, url: &str) {
    let began = Instant::now();
    while let Err(error) = homeserver.reach().await {
        HomeserverWaiting { url, reason: &error.to_string() }.emit();
        time::sleep(QUIET_PAUSE).await;
    }
    HomeserverBack { url, waited: began.elapsed() }.emit();
}
