//! The broker's task and the ways to it.

mod halt;
mod handle;
mod run;
#[cfg(test)]
mod tests;

pub use halt::{Halt, Halted, Halter};
pub use handle::{Broker, Order};
pub use run::Dispatch;
