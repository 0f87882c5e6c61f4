//! Edits a configuration again and again while every room has an answer in flight, and tells who noticed.
//!
//! `cargo run --example edits -- --edits 50` starts a private Synapse, has people write in 20 rooms so that each always has an
//! answer of three seconds in flight, and meanwhile saves another role for one agent 50 times, adds an agent and takes it out
//! again, and makes a mistake and mends it. It ends with 1 when an edit wasn't in use within a second, or an answer went by an
//! older file, or anybody else noticed: by a stream that broke, a login, or an answer that was lost, doubled or left half-written.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "what breaks ends it, and the table is what it is for")]

#[path = "common/entry.rs"]
mod entry;
#[expect(dead_code, unused_imports, reason = "tests need more of it")]
#[path = "../tests/real/house/mod.rs"]
mod house;
#[expect(dead_code, unused_imports, reason = "other trials need more of it")]
#[path = "../tests/real/trials/mod.rs"]
mod trials;

use std::process::ExitCode;

use house::{Site, installation, temporary};
use maitre::homeserver::Homeserver;
use trials::{Extent, Findings};

/// Edits a configuration while every room has an answer in flight.
#[derive(Debug, clap::Parser)]
struct Line {
    /// How often one agent gets another role.
    #[arg(long, default_value_t = 50)]
    edits: usize,
    /// How many rooms always have an answer in flight.
    #[arg(long, default_value_t = 20)]
    rooms: usize,
    /// How many agents give them; the first one is edited.
    #[arg(long, default_value_t = 5)]
    agents: usize,
}

fn main() -> ExitCode {
    entry::enter::<Line>(run)
}

async fn run(line: &Line) -> ExitCode {
    let Line { edits, rooms, agents } = *line;
    let homeserver = Homeserver::start(&installation().await, &temporary()).await.unwrap();
    let findings = Findings::gather(&Site::of(&homeserver), Extent { rooms, agents, edits }).await;
    homeserver.stop().await.unwrap();
    println!("{findings}");
    if !findings.is_clean() {
        println!("{findings:#?}");
    }
    if findings.is_clean() && findings.late() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
