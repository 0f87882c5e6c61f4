//! The whole program over a homeserver, models and a disk that fail on purpose: one seed is one run.
//!
//! `cargo run --example sim -- --seed N --trace` replays a seed and shows it.

mod afterwards;
mod checks;
mod config;
mod dice;
mod ledger;
mod life;
mod model;
mod people;
mod run;
mod tally;
mod trace;
mod world;

use std::{num::NonZeroUsize, thread};

use run::{Plan, Report, run};
use tally::Tally;

/// How many runs every test of this program makes.
const SEEDS: u64 = 500;
/// How many lines of a run's end are shown when it fails.
const LINES_SHOWN: usize = 150;

/// Runs all of `seeds`, side by side on every processor, in the order of their numbers.
fn run_all(seeds: std::ops::Range<u64>, plan: Plan) -> Vec<Report> {
    let workers = thread::available_parallelism().map_or(1, NonZeroUsize::get) as u64;
    let part = |worker: u64| {
        let seeds =
            seeds.clone().skip(usize::try_from(worker).unwrap_or(0)).step_by(usize::try_from(workers).unwrap_or(1));
        move || seeds.map(|seed| run(Plan { seed, ..plan })).collect::<Vec<_>>()
    };
    let mut reports: Vec<Report> = thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|worker| scope.spawn(part(worker))).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a run broke")).collect()
    });
    reports.sort_by_key(|report| report.seed);
    reports
}

/// What a failing seed prints: itself, what is wrong, how it ended, and how to see it again.
fn told(report: &Report) -> String {
    let from = report.trace.len().saturating_sub(LINES_SHOWN);
    let again = format!("cargo run --example sim -- --seed {} --trace", report.seed);
    let violations = report.violations.join("\n  ");
    format!(
        "seed {} breaks:\n  {violations}\nits end:\n{}\nagain: {again}",
        report.seed,
        report.trace[from..].join("\n")
    )
}

/// N1, N2, N3, N4, N6, C4, S1: whatever fails and whenever the program dies, every message that is due is answered once, in
/// order, whole, and nothing else is said.
#[test]
fn nothing_is_lost_and_nothing_doubled() {
    let reports = run_all(0..SEEDS, Plan::default());
    let failed: Vec<&Report> = reports.iter().filter(|report| !report.violations.is_empty()).collect();
    if let Some(first) = failed.first() {
        let seeds: Vec<u64> = failed.iter().map(|report| report.seed).collect();
        panic!("{} of {SEEDS} seeds fail: {seeds:?}\n{}", failed.len(), told(first));
    }
    let mut tally = Tally::default();
    for report in &reports {
        tally.add(report);
    }
    println!("{}", tally.table());
    assert_eq!(tally.never(), [""; 0], "what never happens proves nothing");
}

/// A seed is a run: the same twice, to the last line.
#[test]
fn a_seed_is_a_run() {
    for seed in 0..20 {
        let hashes = [(); 2].map(|()| run(Plan { seed, ..Plan::default() }).hash);
        assert_eq!(hashes[0], hashes[1], "seed {seed} is two runs");
    }
}

/// One of `seeds`, which begin where it was seen first, must notice that a promise is broken, by one of these rules.
#[cfg(debug_assertions)]
#[track_caller]
fn notices(plan: Plan, seeds: std::ops::Range<u64>, rules: &[&str]) {
    let shows = |violation: &String| rules.iter().any(|rule| violation.starts_with(rule));
    let noticed = seeds.clone().any(|seed| run(Plan { seed, ..plan }).violations.iter().any(shows));
    assert!(noticed, "nobody noticed {plan:?} in the seeds {seeds:?}");
}

/// N3, S1: an answer that isn't written down before it is sent is said twice after a crash, or left half-written.
#[cfg(debug_assertions)]
#[test]
fn it_bites_when_an_answer_is_sent_unwritten() {
    let plan = Plan { sabotage: "answer.unwritten", amnesia: true, ..Plan::default() };
    notices(plan, 60..400, &["N3", "S1"]);
}

/// N1: a position that is kept before its events loses them in a crash.
#[cfg(debug_assertions)]
#[test]
fn it_bites_when_the_position_comes_before_the_journal() {
    notices(Plan { sabotage: "admit.position_first", ..Plan::default() }, 267..400, &["N2"]);
}

/// N3: a repetition under another name is said twice.
#[cfg(debug_assertions)]
#[test]
fn it_bites_when_a_repetition_has_another_name() {
    notices(Plan { sabotage: "send.renamed", ..Plan::default() }, 8..400, &["N3"]);
}
