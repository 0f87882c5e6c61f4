//! What goes wrong next, and for how long.

use std::{collections::BTreeMap, fmt, fs, path::PathBuf, time::Duration};

use maitre::homeserver::Homeserver;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use rusqlite::Connection;
use rustix::process::Signal;
use tokio::time::sleep;

use super::house::{Fault, Maitre, Operation, Proxy};

/// The longest pause between two mishaps.
const PAUSE_MAX: Duration = Duration::from_secs(3);
/// How long requests of one sort suffer.
const SUFFERING: Duration = Duration::from_secs(3);
/// The longest time for which something hangs or is held.
const HANG_MAX: Duration = Duration::from_secs(7);
/// By how much the clock jumps, in milliseconds.
const JUMP: i64 = 3_600_000;
/// Of how many mishaps one isn't a matter of requests.
const OTHERS_ONE_OF: u32 = 3;

/// Everything that went wrong so far.
#[derive(Debug)]
pub(crate) struct Mishaps {
    rng: StdRng,
    /// The file that says by how much the clock is wrong.
    clock: PathBuf,
    counts: BTreeMap<&'static str, usize>,
}

impl Mishaps {
    pub(crate) fn new(seed: u64, clock: PathBuf) -> Self {
        Self { rng: StdRng::seed_from_u64(seed), clock, counts: BTreeMap::new() }
    }

    /// One mishap after the other, without an end. When it is dropped, [`Self::mend`] makes up for it.
    pub(crate) async fn happen(&mut self, maitre: &Maitre, homeserver: &mut Homeserver, proxy: &Proxy) {
        loop {
            self.pause(PAUSE_MAX).await;
            if !self.rng.random_ratio(1, OTHERS_ONE_OF) {
                self.harm_requests(proxy).await;
                continue;
            }
            match self.rng.random_range(0..4) {
                0 => {
                    self.count("the homeserver hangs");
                    homeserver.pause().await.unwrap();
                    self.pause(HANG_MAX).await;
                    homeserver.resume().await.unwrap();
                }
                1 => {
                    self.count("the clock jumps by an hour");
                    let by = [-JUMP, 0, JUMP][self.rng.random_range(0..3)];
                    fs::write(&self.clock, by.to_string()).unwrap();
                }
                2 => {
                    self.count("the process stands still");
                    maitre.signal(Signal::STOP);
                    self.pause(HANG_MAX).await;
                    maitre.signal(Signal::CONT);
                }
                _ => {
                    self.count("somebody else holds the database");
                    let other = Connection::open(maitre.state().join("maitre.db")).unwrap();
                    // It may be held by the program itself at this moment.
                    if other.execute_batch("BEGIN IMMEDIATE").is_ok() {
                        self.pause(HANG_MAX).await;
                    }
                }
            }
        }
    }

    /// Ends whatever goes wrong.
    pub(crate) async fn mend(&mut self, maitre: &Maitre, homeserver: &mut Homeserver, proxy: &Proxy) {
        proxy.heal();
        maitre.signal(Signal::CONT);
        homeserver.resume().await.unwrap();
        fs::write(&self.clock, "0").unwrap();
        let hits =
            Operation::ALL.iter().flat_map(|operation| Fault::ALL.map(|fault| (fault, proxy.hits(*operation, fault))));
        for (fault, hits) in hits {
            *self.counts.entry(fault.words()).or_default() += hits;
        }
    }

    async fn harm_requests(&mut self, proxy: &Proxy) {
        let operation = Operation::ALL[self.rng.random_range(0..Operation::ALL.len())];
        let fault = Fault::ALL[self.rng.random_range(0..Fault::ALL.len())];
        proxy.afflict(operation, fault);
        sleep(SUFFERING).await;
        proxy.heal();
    }

    async fn pause(&mut self, max: Duration) {
        sleep(self.rng.random_range(Duration::ZERO..max)).await;
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }
}

impl fmt::Display for Mishaps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| What went wrong | Times |\n| :--- | ---: |")?;
        for (what, times) in &self.counts {
            writeln!(f, "| {what} | {times} |")?;
        }
        Ok(())
    }
}
