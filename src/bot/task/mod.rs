//! What a bot does: it listens, it speaks, and it posts what the house has to say.

mod closing;
mod courier;
mod courtesy;
mod ground;
mod listen;
mod news;
mod poster;
mod rosters;
mod sign;
mod speech;
mod typists;
mod unseal;
mod voice;

pub use listen::{Heard, Listener, Silence};
pub use poster::Poster;
pub use voice::Voice;
