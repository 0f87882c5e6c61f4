//! What the orchestrator does: one supervisor, one task per bot, one for rooms.

mod announce;
mod book;
mod boot;
mod bot;
mod chance;
mod crew;
mod errands;
mod farewell;
mod house;
mod lines;
mod person;
mod profile;
mod reload;
mod report;
mod retirement;
mod room;
mod rooms;
mod run;
mod secrets;
mod space;
mod succession;
mod sweep;
mod talk;
mod turns;
mod watcher;

pub use book::Book;
pub use chance::Chance;
pub use run::{Doors, Outcome, Start, run, run_on};
pub use secrets::hide_secrets;
pub use watcher::{Watched, watch_files};
