//! The desk's task: what loops bring is admitted, then each event is dealt with once, in order within its room.

mod afterwards;
mod desk;
mod flow;
mod intake;
mod judge;
mod lookup;
mod members;
mod missed;
mod sealed;
mod view;
mod words;

#[cfg(test)]
mod tests;

pub use desk::{Desk, Ways};
pub use intake::Inbox;
