//! A bot: one entity's face on the homeserver. So far it listens, and knows how to greet.

mod greeting;
mod task;

pub use greeting::{Greeting, Host, greeting};
pub use task::{Heard, Listener, Silence};
