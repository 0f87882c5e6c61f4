//! Kills the program again and again while people write, and counts what came of their questions.
//!
//! `cargo run --example kills -- --kills 200` starts a private Synapse and a model that is a stub, lets people write to five
//! agents in three rooms, and has the program die at every step of a message's journey and at random moments. It is the
//! program itself that is killed, as it was built with this example. It ends with 1 when a question was lost or answered
//! twice, an answer was left half-written, or answers came in another order than questions.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "what breaks ends it, and the tables are what it is for")]

#[path = "common/entry.rs"]
mod entry;
#[expect(dead_code, unused_imports, reason = "tests need more of it")]
#[path = "../tests/real/house/mod.rs"]
mod house;
#[expect(dead_code, unused_imports, reason = "other trials need more of it")]
#[path = "../tests/real/trials/mod.rs"]
mod trials;

use std::process::ExitCode;

use trials::{Campaign, cut_in_the_middle};

/// Kills the program again and again while people write.
#[derive(Debug, clap::Parser)]
struct Line {
    /// How often it is killed.
    #[arg(long, default_value_t = 200)]
    kills: usize,
    /// What the choice of moments follows from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    entry::enter::<Line>(run)
}

async fn run(line: &Line) -> ExitCode {
    let mut campaign = Campaign::begin(line.seed).await;
    for kill in 1..=line.kills {
        println!("{kill} of {}: at {}", line.kills, campaign.live().await);
    }
    let toll = campaign.rest().await;
    println!("\n{toll}");
    let cut = cut_in_the_middle().await;
    println!(
        "Killed in the middle of {} answers, it had completed {} of them in place {:.1} s after its start.",
        cut.begun.len(),
        cut.whole.iter().filter(|event| cut.begun.contains(event)).count(),
        cut.took.as_secs_f64()
    );
    if toll.tally.is_clean() && cut.whole == cut.begun { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
