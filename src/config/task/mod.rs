//! What touches the world: loads a configuration, watches the files that it was read from, and changes values in them.

mod excerpt;
mod eyes;
mod load;
mod replace;
mod setting;
mod trail;
mod watch;

pub use excerpt::{Excerpt, Unseen, excerpt};
pub use load::{Loaded, compile_text, load, load_with};
pub use setting::{NotWritten, Proposal, Unsettable, propose};
pub use watch::{Nudge, Reading, Watch};
