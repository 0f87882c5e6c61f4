//! How much a house costs: memory at rest, first boot and restart, beside a raw client that asks the same things.
//!
//! `cargo bench --bench footprint` measures houses of 28 and 103 entities against a private Synapse and prints the table
//! that `docs/benchmarks.md` quotes. Arguments, after `--`: `--quick` measures two small houses once; `--requests` counts
//! what is asked of the homeserver instead, by the larger of the two houses.

#[path = "../common/process.rs"]
mod process;
#[path = "../common/program.rs"]
mod program;
#[path = "../common/raw_client.rs"]
mod raw_client;

mod house;
mod raw;
mod report;
mod requests;
mod trial;

use std::time::Duration;

use anyhow::{Result, bail};
use house::House;
use maitre::homeserver::{Data, Installation, Options, Places, SYNAPSE};
use tokio::signal::unix::{SignalKind, signal};
use trial::Site;

/// How long the first installation of Synapse on a machine may take.
const INSTALL_WITHIN: Duration = Duration::from_mins(15);

/// What is measured.
struct Task {
    entities: [usize; 2],
    rounds: usize,
}

const FULL: Task = Task { entities: [28, 103], rounds: 5 };
const QUICK: Task = Task { entities: [5, 15], rounds: 1 };

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let (mut task, mut counting) = (FULL, false);
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            raw_client::ARGUMENT => return raw::run().await,
            "--quick" => task = QUICK,
            "--requests" => counting = true,
            // Cargo says this to every bench.
            "--bench" => {}
            other => bail!("{other} is no argument of this bench: there are --quick and --requests"),
        }
    }
    let (mut interrupted, mut terminated) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    // Whatever ends the measurements, everything that was started is ended and removed on the way out.
    tokio::select! {
        outcome = measure(task, counting) => outcome,
        _ = interrupted.recv() => bail!("interrupted"),
        _ = terminated.recv() => bail!("told to stop"),
    }
}

#[expect(clippy::print_stdout, reason = "the table is what this program is for")]
async fn measure(task: Task, counting: bool) -> Result<()> {
    let places = places()?;
    let installation = Installation::ready(&SYNAPSE, &places, INSTALL_WITHIN, &|step| tell(&step.to_string())).await?;
    let site = Site { installation, options: Options::new(Data::Temporary(places.temporary)) };
    let [small, large] = task.entities.map(House::of);
    if counting {
        println!("{}", trial::count(site, large).await?);
    } else {
        let (small, large) =
            (trial::run(&site, small, task.rounds, tell).await?, trial::run(&site, large, task.rounds, tell).await?);
        println!("{}", report::table(&small, &large));
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a bench has nobody above it who could pass the environment down")]
fn places() -> Result<Places> {
    Ok(Places::from_environment(std::env::vars_os())?)
}

/// Says how far it has come.
#[expect(clippy::print_stderr, reason = "it takes minutes, and the table alone belongs on the standard output")]
fn tell(what: &str) {
    eprintln!("{what}");
}
