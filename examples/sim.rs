//! Runs the simulator for long: `cargo run --example sim -- --seeds 10000`, or one seed again: `-- --seed 7 --trace`.
#![expect(clippy::print_stdout, reason = "its table is what it is for")]

#[path = "../tests/sim/afterwards.rs"]
mod afterwards;
#[path = "../tests/sim/checks.rs"]
mod checks;
#[path = "../tests/sim/config.rs"]
mod config;
#[path = "../tests/sim/dice.rs"]
mod dice;
#[path = "../tests/sim/ledger.rs"]
mod ledger;
#[path = "../tests/sim/life.rs"]
mod life;
#[path = "../tests/sim/model.rs"]
mod model;
#[path = "../tests/sim/people.rs"]
mod people;
#[path = "../tests/sim/run.rs"]
mod run;
#[path = "../tests/sim/tally.rs"]
mod tally;
#[path = "../tests/sim/trace.rs"]
mod trace;
#[path = "../tests/sim/world/mod.rs"]
mod world;

use std::{
    num::NonZeroUsize,
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use clap::Parser;
use run::{Plan, run};
use tally::Tally;

/// Runs the whole program over a homeserver, models and a disk that fail on purpose.
#[derive(Parser)]
struct Wish {
    /// How many seeds.
    #[arg(long, default_value_t = 500)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// This one alone.
    #[arg(long, conflicts_with_all = ["seeds", "first"])]
    seed: Option<u64>,
    /// Show everything that happens, as it happens; with `--log` also what the program logs.
    #[arg(long)]
    trace: bool,
    /// What of the program's own log is shown, such as `debug`.
    #[arg(long, default_value = "off")]
    log: String,
    /// Start so late each time that the homeserver has forgotten what it was sent.
    #[arg(long)]
    amnesia: bool,
    /// Break this rule on purpose, in a debug build.
    #[arg(long, default_value = "")]
    break_rule: String,
}

fn main() -> ExitCode {
    let wish = Wish::parse();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(&wish.log))
        .without_time()
        .with_writer(std::io::stderr)
        .init();
    let (first, count) = wish.seed.map_or((wish.first, wish.seeds), |seed| (seed, 1));
    let sabotage: &'static str = Box::leak(wish.break_rule.clone().into_boxed_str());
    let tally = Mutex::new(Tally::default());
    let next = AtomicU64::new(first);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + count {
                return;
            }
            let report = run(Plan { seed, sabotage, amnesia: wish.amnesia, loud: wish.trace });
            for violation in &report.violations {
                println!("seed {seed}: {violation}");
            }
            if wish.trace {
                println!("the run's number is {:016x}; its last line is {:?}", report.hash, report.trace.last());
            }
            tally.lock().unwrap_or_else(PoisonError::into_inner).add(&report);
        }
    };
    let workers = if wish.trace { 1 } else { thread::available_parallelism().map_or(1, NonZeroUsize::get) };
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("{}", tally.table());
    let never = tally.never();
    if !never.is_empty() {
        println!("never put in: {never:?}");
    }
    if tally.failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("failed: {:?}", tally.failed);
    ExitCode::FAILURE
}
