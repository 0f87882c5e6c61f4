//! From the command line to the exit code.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
};

use clap::{Parser as _, error::ErrorKind};

use super::{
    args::{Command, Line},
    check, demo,
    exit::{Exit, Failure},
    plan, run, schema, status,
    terminal::{colour, painted, tell},
};
use crate::observe::Causes;

/// Does what the command line asks and says how it went.
#[must_use]
pub fn main() -> ExitCode {
    // A panic out here is a bug of ours; its message has been written by the time it arrives.
    let exit = catch_unwind(AssertUnwindSafe(|| match Line::try_parse() {
        Ok(line) => perform(&line.command),
        Err(error) => explain(&error),
    }));
    ExitCode::from(exit.unwrap_or(Exit::GaveUp).code())
}

fn perform(command: &Command) -> Exit {
    let outcome = match command {
        Command::Run(args) => run::run(args),
        Command::Check(args) => check::run(args),
        Command::Plan(args) => plan::run(args),
        Command::Status(args) => status::run(args),
        Command::Demo(args) => demo::run(args),
        Command::Schema => schema::run(),
    };
    match outcome {
        Ok(exit) => exit,
        Err(Failure { exit, error }) => {
            if let Some(error) = error {
                let word = painted(colour(&io::stderr()), "1;31", "error");
                tell(&format!("{word}: {}\n", Causes(error.as_ref())));
            }
            exit
        }
    }
}

/// Help and version are what was asked for; everything else was typed wrong.
fn explain(error: &clap::Error) -> Exit {
    // Where it can't be printed there is nobody to read it.
    drop(error.print());
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Success,
        _ => Exit::Usage,
    }
}
