//! What a bot does: for now, listening.

mod listen;
mod unseal;

pub use listen::{Heard, Listener, Silence};
