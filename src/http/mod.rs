//! The status server: whether the house lives, whether it is ready, what it counted, and the whole picture as JSON.
//!
//! It answers on loopback unless it is told otherwise, and shows its figures to nobody without the token where there is
//! one. It changes nothing: every route only reads.

mod answers;
mod connection;
mod guard;
mod server;
#[cfg(test)]
mod tests;

pub use answers::Sources;
pub use server::{HttpError, Server, bind};
