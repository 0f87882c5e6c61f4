//! One house from nothing: first boot, then restarts in turn with the raw client, each with its figures.

use std::{path::PathBuf, time::Duration};

use anyhow::{Result, ensure};
use maitre::homeserver::{Homeserver, Installation, Options};
use tokio::time::{Instant, sleep};

use super::{
    house::House,
    process::{Memory, Process, wait_until_quiet},
    program::{Cost, Program, Started},
    raw,
    requests::{self, RequestLog},
};

/// An account whose keys are put away has its connection and little else; with them, it has nine files more.
const DESCRIPTORS_EACH: usize = 4;
/// How long that may take.
const PUT_AWAY_WITHIN: Duration = Duration::from_mins(5);
/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// One run of our program.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    /// What it took until everything was up.
    pub(crate) start: Cost,
    /// What it uses once it has nothing more to do.
    pub(crate) memory: Memory,
    pub(crate) descriptors: usize,
}

/// The figures of one house.
#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) house: House,
    pub(crate) first: Run,
    /// What it uses after the first boot, once it has put its keys away.
    pub(crate) settled: Memory,
    pub(crate) restarts: Vec<Run>,
    pub(crate) raw: Vec<Cost>,
}

/// What homeservers are started from.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) installation: Installation,
    pub(crate) options: Options,
}

/// Measures `house` on a homeserver of its own.
pub(crate) async fn run(site: &Site, house: House, rounds: usize, tell: impl Fn(&str)) -> Result<Trial> {
    let homeserver = Homeserver::start(&site.installation, &site.options).await?;
    let program = Program::new(&homeserver, &house.agents())?;
    tell(&format!("{} entities: first boot", house.entities()));
    let (first, process) = run_once(&program).await?;
    keys_put_away(&process, house).await?;
    let settled = process.memory_at_rest().await?;
    process.stop().await?;
    let (mut restarts, mut raw) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        tell(&format!("{} entities: restart {round} of {rounds}", house.entities()));
        wait_until_quiet(homeserver.pid()).await?;
        raw.push(raw::start(&homeserver, &state(&program)).await?.cost);
        wait_until_quiet(homeserver.pid()).await?;
        restarts.push(live(&program).await?);
    }
    homeserver.stop().await?;
    Ok(Trial { house, first, settled, restarts, raw })
}

/// Waits until the program has put away the keys that nobody needs.
async fn keys_put_away(process: &Process, house: House) -> Result<()> {
    let end = Instant::now() + PUT_AWAY_WITHIN;
    while process.descriptors()? > house.entities() * DESCRIPTORS_EACH {
        ensure!(Instant::now() < end, "{} descriptors are still open", process.descriptors()?);
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// Counts what `house` asks of a homeserver of its own: the table.
pub(crate) async fn count(mut site: Site, house: House) -> Result<String> {
    let mut log = RequestLog::of(&mut site.options)?;
    let homeserver = Homeserver::start(&site.installation, &site.options).await?;
    let program = Program::new(&homeserver, &house.agents())?;
    log.news()?;
    live(&program).await?;
    wait_until_quiet(homeserver.pid()).await?;
    let first = log.news()?;
    live(&program).await?;
    wait_until_quiet(homeserver.pid()).await?;
    let restart = log.news()?;
    drop(raw::start(&homeserver, &state(&program)).await?);
    wait_until_quiet(homeserver.pid()).await?;
    let raw = log.news()?;
    homeserver.stop().await?;
    Ok(requests::table([&first, &restart, &raw]))
}

/// Where the program keeps its state.
fn state(program: &Program) -> PathBuf {
    program.folder.path().join("state")
}

/// Runs the program until its figures are known.
async fn live(program: &Program) -> Result<Run> {
    let (run, process) = run_once(program).await?;
    process.stop().await?;
    Ok(run)
}

/// Starts the program and reads its figures.
async fn run_once(program: &Program) -> Result<(Run, Process)> {
    let Started { process, cost } = program.start().await?;
    let (memory, descriptors) = (process.memory_at_rest().await?, process.descriptors()?);
    Ok((Run { start: cost, memory, descriptors }, process))
}
