//! The raw client that our program is held against: a process of its own, this program with another argument, so that it
//! pays for its own beginning as well.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::ChildStdout,
    time::Instant,
};

use super::{process::Process, program::Started};

/// The argument that makes this program the raw client.
pub(crate) const ARGUMENT: &str = "--raw-client";
/// What it says once it has begun.
const READY: &str = "ready";

/// Starts the client, gives it `plan` in one line, and waits until it has begun. It ends when its input does.
pub(crate) async fn start(plan: &impl Serialize) -> Result<Started> {
    let plan = serde_json::to_string(plan)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(ARGUMENT).stdin(Stdio::piped()).stdout(Stdio::piped());
    let began = Instant::now();
    let mut process = Process::spawn(&mut command)?;
    let child = process.child();
    // Its input stays open as long as it is needed.
    writeln!(child.stdin.as_mut().context("a pipe was asked for")?, "{plan}")?;
    let output = ChildStdout::from_std(child.stdout.take().context("a pipe was asked for")?)?;
    let said = BufReader::new(output).lines().next_line().await?;
    ensure!(said.as_deref() == Some(READY), "the raw client failed");
    Started::now(process, began)
}

/// Tells whoever started the client that it has begun.
#[expect(clippy::print_stdout, reason = "this is what its parent waits for")]
pub(crate) fn tell_ready() {
    println!("{READY}");
}
