//! What the orchestrator does: one supervisor, one task per bot, one for rooms.

mod book;
mod boot;
mod bot;
mod chance;
mod errands;
mod house;
mod lines;
mod person;
mod profile;
mod report;
mod room;
mod rooms;
mod run;
mod space;
mod succession;
mod sweep;
mod talk;
mod turns;

pub use book::Book;
pub use chance::Chance;
pub use run::{Doors, Outcome, Start, run, run_on};
