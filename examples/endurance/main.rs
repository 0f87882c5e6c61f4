//! Twenty agents for many minutes under faults of all kinds at once: nothing is lost, and nothing grows.
//!
//! `cargo run --example endurance -- --minutes 10` lets people write without a pause while a proxy breaks requests, the model
//! fails, the homeserver hangs, the clock jumps, somebody else holds the database and the process stands still, in whatever
//! order the seed gives. It counts tasks, descriptors, conversations and memory every few seconds, and ends with 1 when a
//! question was lost or answered twice, or when the last minutes show more of anything than the second one did.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "what breaks ends it, and the table is what it is for")]

#[path = "../common/entry.rs"]
mod entry;
#[expect(dead_code, unused_imports, reason = "tests need more of it")]
#[path = "../../tests/real/house/mod.rs"]
mod house;
mod mishap;
mod model;
mod sample;
#[expect(dead_code, unused_imports, reason = "other trials need more of it")]
#[path = "../../tests/real/trials/mod.rs"]
mod trials;

use std::{process::ExitCode, time::Duration};

use house::{Proxy, Site, installation, temporary};
use maitre::homeserver::Homeserver;
use mishap::Mishaps;
use sample::{Growth, Samples};
use tokio::time::{Instant, sleep};
use trials::{Size, Town, dice::Dice};

const SIZE: Size = Size { agents: 20, rooms: 4, people: 4 };
/// How long the rest may take once the faults are over.
const REST_WITHIN: Duration = Duration::from_mins(10);
/// How many messages are written between two looks at what is left; nobody writes while much is.
const MESSAGES_PER_ROUND: usize = 10;
const SAMPLE_EVERY: Duration = Duration::from_secs(5);

/// Twenty agents under faults of all kinds.
#[derive(Debug, clap::Parser)]
struct Line {
    /// How long.
    #[arg(long, default_value_t = 10)]
    minutes: u64,
    /// What the choice of faults follows from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    entry::enter::<Line>(run)
}

async fn run(line: &Line) -> ExitCode {
    let mut homeserver = Homeserver::start(&installation().await, &temporary()).await.unwrap();
    let site = Site::of(&homeserver);
    let proxy = Proxy::start(&site).await;
    let mut town = Town::found(&proxy.site, &site, SIZE).await;
    let clock = town.maitre.config().with_file_name("clock");
    town.maitre.set("MAITRE_CLOCK", &clock.to_string_lossy());
    town.open().await;
    model::make_unreliable(&town.stub, line.seed);
    let mut samples = Samples::default();
    let mut mishaps = Mishaps::new(line.seed, clock);
    let end = Instant::now() + Duration::from_mins(line.minutes);
    let pid = town.maitre.pid();
    {
        let Town { maitre, writers, .. } = &mut town;
        let maitre = &*maitre;
        let mut dice = Dice::new(line.seed);
        let writing = async {
            loop {
                writers.write(MESSAGES_PER_ROUND, &mut dice).await;
                while maitre.journal().unfinished()[0] > MESSAGES_PER_ROUND {
                    sleep(Duration::from_millis(200)).await;
                }
            }
        };
        let sampling = async {
            loop {
                sleep(SAMPLE_EVERY).await;
                samples.take(maitre).await;
            }
        };
        tokio::select! {
            biased;
            () = tokio::time::sleep_until(end) => {}
            () = mishaps.happen(maitre, &mut homeserver, &proxy) => {}
            () = sampling => {}
            () = writing => {}
        }
    }
    mishaps.mend(&town.maitre, &mut homeserver, &proxy).await;
    town.recite();
    town.wait_complete(REST_WITHIN).await;
    assert_eq!(town.maitre.pid(), pid, "it is the same process");
    samples.take(&town.maitre).await;
    assert!(town.maitre.stop().await.success());
    let tally = town.tally().await;
    homeserver.stop().await.unwrap();
    let growth = samples.growth();
    println!("{mishaps}\n");
    if let Some(growth) = &growth {
        println!("{growth}");
    }
    println!("{} min; {tally}.", line.minutes);
    if tally.is_clean() && growth.as_ref().is_none_or(Growth::is_none) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
