//! Many answers cut off at once: they stay to be seen, and are completed in place.

use std::time::Duration;

use maitre::homeserver::Homeserver;
use tokio::time::Instant;

use super::town::{Size, Town};
use crate::house::{Site, installation, temporary};

/// Nearly everybody is in the middle of an answer.
const SIZE: Size = Size { agents: 25, rooms: 1, people: 4 };
const IN_FLIGHT: usize = 20;
/// How long the answers may take, on a machine that has other things to do.
const WITHIN: Duration = Duration::from_mins(5);

/// What the cut came to.
#[derive(Debug)]
pub(crate) struct Cut {
    /// How long it took from the new start until everything was answered, by a model that takes a second at most.
    pub(crate) took: Duration,
    /// The messages that were seen before the kill, and those that are whole in the end.
    pub(crate) begun: Vec<String>,
    pub(crate) whole: Vec<String>,
}

/// Kills a house of 25 agents while 20 of them are in the middle of an answer, and starts it again.
pub(crate) async fn cut_in_the_middle() -> Cut {
    let homeserver = Homeserver::start(&installation().await, &temporary()).await.unwrap();
    let site = Site::of(&homeserver);
    let mut town = Town::settle(&site, SIZE).await;
    // Nobody opens it: these answers are never finished by whoever began them.
    let _gate = town.hold();
    town.writers.ask_some(IN_FLIGHT).await;
    let begun = town.wait_begun(IN_FLIGHT, WITHIN).await;
    town.maitre.kill().await;
    town.recite();
    let restarted = Instant::now();
    town.maitre.start();
    town.wait_complete(WITHIN).await;
    let took = restarted.elapsed();
    let whole = town.answers().await;
    assert!(town.tally().await.is_clean());
    assert!(town.maitre.stop().await.success());
    homeserver.stop().await.unwrap();
    Cut { took, begun, whole }
}
