//! A bot: one entity's face on the homeserver. It listens, greets, and decides how and when an answer is shown.

mod absence;
mod cadence;
mod compose;
mod delivery;
mod greeting;
mod markdown;
mod mentions;
mod notice;
mod split;
mod task;
#[cfg(test)]
mod tests;
mod transactions;

pub use cadence::{Cadence, CadenceEffect, CadenceEvent, Pace};
pub use compose::{Answer, Ending, Place, Thread, Tone};
pub use greeting::{Greeting, Host, greeting};
pub use markdown::{Rendered, render};
pub use mentions::{Mentionable, Roster};
pub use task::{Heard, Listener, Poster, Silence, Voice};
