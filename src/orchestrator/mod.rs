//! The orchestrator: boots the router, then everybody else, keeps them up, keeps rooms as configured, and stops in order.
//!
//! The decisions (`plan`, `reload`, `announcement`, `restart`, `rooms`, `invites`, `board`) are pure; `task` carries them out. It lays the channels
//! in which neighbours meet: sync loops bring batches to the desk, and the desk rings when somebody must act.

mod agenda;
mod announcement;
mod board;
mod invites;
mod patience;
mod plan;
mod reload;
mod restart;
mod retirement;
mod rooms;
mod task;

pub use task::{Book, Chance, Doors, Outcome, Start, Watched, hide_secrets, run, run_on, watch_files};
