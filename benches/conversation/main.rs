//! How fast people are answered, beside a raw client that does the least that anybody could.
//!
//! `cargo bench --bench conversation` lets houses of 3, 25 and 100 agents answer a person on a private Synapse, with a model
//! that is a stub, and prints the tables that `docs/benchmarks.md` quotes. With `--quick` after `--` the houses are small and
//! the questions few; `--agents 3,100` names other sizes, and `--questions 4` how many there are at each pace.

#[path = "../common/process.rs"]
mod process;
#[path = "../common/program.rs"]
mod program;
#[path = "../common/raw_client.rs"]
mod raw_client;

mod floor;
mod house;
mod pace;
mod report;
mod samples;
mod stub;
mod town;
mod trial;
mod watcher;
mod wire;

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use maitre::homeserver::{Data, Installation, Options, Places, SYNAPSE};
use tokio::signal::unix::{SignalKind, signal};
use trial::{Site, Task};

/// How long the first installation of Synapse on a machine may take.
const INSTALL_WITHIN: Duration = Duration::from_mins(15);

/// The sizes, the questions at each pace and those of a burst in each room.
const FULL: (&[usize], usize, usize) = (&[3, 25, 100], 24, 10);
const QUICK: (&[usize], usize, usize) = (&[3, 8], 4, 2);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let (mut task, mut sizes, mut asked) = (FULL, None, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            raw_client::ARGUMENT => return floor::run().await,
            "--quick" => task = QUICK,
            "--agents" => sizes = Some(numbers(&arguments.next().unwrap_or_default())?),
            "--questions" => asked = numbers(&arguments.next().unwrap_or_default())?.first().copied(),
            // Cargo says this to every bench.
            "--bench" => {}
            other => bail!("{other} is no argument of this bench: there are --quick, --agents and --questions"),
        }
    }
    let (usual, questions, burst_each) = task;
    let sizes = sizes.unwrap_or_else(|| usual.to_vec());
    let task = Task { sizes, questions: asked.unwrap_or(questions), burst_each };
    let (mut interrupted, mut terminated) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    // Whatever ends the measurements, everything that was started is ended and removed on the way out.
    tokio::select! {
        outcome = measure(&task) => outcome,
        _ = interrupted.recv() => bail!("interrupted"),
        _ = terminated.recv() => bail!("told to stop"),
    }
}

/// Numbers with commas between them.
fn numbers(list: &str) -> Result<Vec<usize>> {
    list.split(',').map(|number| number.parse().with_context(|| format!("{list:?} is no list of numbers"))).collect()
}

#[expect(clippy::print_stdout, reason = "the tables are what this program is for")]
async fn measure(task: &Task) -> Result<()> {
    let places = places()?;
    let installation = Installation::ready(&SYNAPSE, &places, INSTALL_WITHIN, &|step| tell(&step.to_string())).await?;
    let site = Site { installation, options: Options::new(Data::Temporary(places.temporary)) };
    let mut trials = Vec::new();
    for agents in &task.sizes {
        trials.push(trial::run(&site, task, *agents, tell).await?);
    }
    println!("{}", report::tables(&trials));
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a bench has nobody above it who could pass the environment down")]
fn places() -> Result<Places> {
    Ok(Places::from_environment(std::env::vars_os())?)
}

/// Says how far it has come.
#[expect(clippy::print_stderr, reason = "it takes long, and the tables alone belong on the standard output")]
fn tell(what: &str) {
    eprintln!("{what}");
}
