//! What waits: for the model that picks, and for what was said.

mod hearing;
mod run;
#[cfg(test)]
mod tests;

pub use hearing::Hearing;
pub use run::{RouteInbox, Routing};
