//! What touches the world: loads a configuration, and watches the files that it was read from.

mod eyes;
mod load;
mod trail;
mod watch;

pub use load::{Loaded, compile_text, load, load_with};
pub use watch::{Nudge, Reading, Watch};
