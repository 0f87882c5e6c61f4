//! The desk's task on a store in memory, with the real broker behind it and nobody at the homeserver.

mod afterwards;
mod deciding;
mod intake;
mod missed;
mod order;
mod presence;
mod session;
mod stage;
