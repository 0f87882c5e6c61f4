//! Commands carried out: what each needs to know is gathered, what was asked is done, and what is to be said is given.

mod choices;
mod clerk;
mod configuration;
mod control;
mod encryption;
mod permission;
mod report;
mod story;
#[cfg(test)]
mod tests;

pub(super) use choices::{THREAD_MODE, read_mode};
pub(super) use clerk::{Call, Clerk};
