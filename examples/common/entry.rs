//! The way into an example that is the program, too: started with `run`, it is what the example wears down.

use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::Builder;

/// Is the program, or does `work` as the command line asks.
pub(crate) fn enter<L: Parser>(work: impl AsyncFnOnce(&L) -> ExitCode) -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("run") {
        return maitre::cli::main();
    }
    let line = L::parse();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work(&line))
}
