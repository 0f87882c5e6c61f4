//! What a bot's decisions and tasks hold to, whatever happens in whatever order.

mod cadence;
mod homeserver;
mod poster;
mod stage;
mod voice;
mod voice_again;
