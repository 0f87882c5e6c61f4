//! The command line: arguments in, exit codes out, and the house held together in between.

mod args;
mod check;
mod configuration;
mod demo;
mod entry;
mod exit;
mod house;
mod limits;
mod plan;
mod report;
mod run;
mod runtime;
mod schema;
mod signals;
mod status;
mod terminal;

pub use entry::main;
