//! The desk: takes in what every sync loop brings. Who answers will be decided here, too.
//!
//! **Invariant**: a loop hears back only after its batch is durable, events and position together. What it never heard of
//! it brings again.

mod admission;
mod task;

pub use task::{Desk, Inbox};
