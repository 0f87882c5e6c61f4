//! What the orchestrator does: one supervisor, one task per bot, one for rooms.

mod book;
mod boot;
mod bot;
mod errands;
mod house;
mod person;
mod profile;
mod room;
mod rooms;
mod run;
mod space;

pub use book::Book;
pub use run::{Outcome, Start, run};
