//! What a bot does: for now, listening.

mod listen;
mod news;
mod unseal;

pub use listen::{Heard, Listener, Silence};
