//! Lets a proxy in front of a private Synapse break every sort of request in every way, and prints the table.
//!
//! `cargo run --example matrix` has a house of 20 agents suffer each fault with each sort of request, every request once, so
//! that each cell is hit at least twenty times. It ends with 1 when anything was lost, came twice or was left unfinished.
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

use house::{Fault, Site, installation, temporary};
use maitre::homeserver::Homeserver;
use trials::{Matrix, Row};

/// Lets a proxy break every sort of request in every way.
#[derive(Debug, clap::Parser)]
struct Line {
    /// How many agents suffer, and with them how often each cell is hit.
    #[arg(long, default_value_t = 20)]
    agents: usize,
}

fn main() -> ExitCode {
    entry::enter::<Line>(run)
}

async fn run(line: &Line) -> ExitCode {
    let homeserver = Homeserver::start(&installation().await, &temporary()).await.unwrap();
    let mut rows = Vec::new();
    for fault in Fault::ALL {
        println!("{}", fault.words());
        let row = Row::suffer(&Site::of(&homeserver), fault, line.agents).await;
        if !row.is_clean() {
            println!("{row:#?}");
        }
        rows.push(row);
    }
    let clean = rows.iter().all(Row::is_clean);
    println!("\n{}", Matrix(rows));
    homeserver.stop().await.unwrap();
    if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
