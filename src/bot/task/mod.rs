//! What a bot does: it listens, it speaks, and it posts what the house has to say.

mod asides;
mod audience;
mod closing;
mod courier;
mod courtesy;
mod ground;
mod leftovers;
mod listen;
mod lookup;
mod news;
mod offer;
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
