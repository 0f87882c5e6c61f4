//! A campaign of kills: life after life ends without a warning while people write, and in the end all is as if none had.

use std::{collections::BTreeMap, fmt, os::unix::process::ExitStatusExt as _, time::Duration};

use maitre::homeserver::Homeserver;
use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use super::{
    dice::Dice,
    tally::Tally,
    town::{Size, Town},
};
use crate::house::{Site, installation, temporary};

const SIZE: Size = Size { agents: 5, rooms: 3, people: 3 };
/// How many messages people write in one life at most, so that short lives don't pile up work without end.
const MESSAGES_PER_LIFE_MAX: usize = 8;
/// How long the last life may take to answer what the others left.
const REST_WITHIN: Duration = Duration::from_mins(15);
/// What is counted as killed at whatever moment.
const ANYWHERE: &str = "a random moment";

/// A house on a homeserver of its own that is killed again and again.
pub(crate) struct Campaign {
    homeserver: Homeserver,
    town: Town,
    dice: Dice,
    hits: BTreeMap<&'static str, usize>,
    began: Instant,
}

/// What the kills came to.
#[derive(Debug, Clone)]
pub(crate) struct Toll {
    /// How often the program died where.
    pub(crate) hits: BTreeMap<&'static str, usize>,
    pub(crate) tally: Tally,
    took: Duration,
}

impl Campaign {
    /// The house, up and running.
    pub(crate) async fn begin(seed: u64) -> Self {
        let homeserver = Homeserver::start(&installation().await, &temporary()).await.unwrap();
        let site = Site::of(&homeserver);
        let mut town = Town::settle(&site, SIZE).await;
        assert!(town.maitre.stop().await.success());
        Self { homeserver, town, dice: Dice::new(seed), hits: BTreeMap::new(), began: Instant::now() }
    }

    /// Lives once more, and dies. Answers where.
    pub(crate) async fn live(&mut self) -> &'static str {
        let fate = self.dice.fate();
        let Town { maitre, writers, .. } = &mut self.town;
        maitre.arm_faults(&fate.fault());
        maitre.start();
        let writing = async {
            writers.write(MESSAGES_PER_LIFE_MAX, &mut self.dice).await;
            std::future::pending::<()>().await;
        };
        let died = tokio::select! {
            biased;
            status = maitre.died() => Some(status),
            () = sleep(fate.after) => None,
            () = writing => None,
        };
        let place = match (died, fate.point) {
            (Some(status), Some((point, _))) => {
                assert_eq!(status.signal(), Some(Signal::ABORT.as_raw()), "it died by itself: {status}, {fate:?}");
                point
            }
            (Some(status), None) => panic!("it died by itself: {status}"),
            (None, _) => {
                maitre.kill().await;
                ANYWHERE
            }
        };
        *self.hits.entry(place).or_default() += 1;
        place
    }

    /// One life that may last: everything is answered in it, and the next one finds nothing left to do.
    pub(crate) async fn rest(mut self) -> Toll {
        self.town.maitre.arm_faults("");
        self.town.wake().await;
        self.town.wait_complete(REST_WITHIN).await;
        assert!(self.town.maitre.stop().await.success());
        self.town.wake().await;
        assert!(self.town.maitre.stop().await.success());
        assert_eq!(self.town.maitre.journal().unfinished(), [0; 3], "messages, turns and letters");
        self.town.assert_admitted().await;
        let tally = self.town.tally().await;
        self.homeserver.stop().await.unwrap();
        Toll { hits: self.hits, tally, took: self.began.elapsed() }
    }
}

impl Toll {
    /// How often the program was killed.
    pub(crate) fn kills(&self) -> usize {
        self.hits.values().sum()
    }
}

impl fmt::Display for Toll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| Killed at | Times |\n| :--- | ---: |")?;
        for (place, times) in &self.hits {
            writeln!(f, "| `{place}` | {times} |")?;
        }
        writeln!(f, "\n{} kills in {} s; {}.", self.kills(), self.took.as_secs(), self.tally)
    }
}
