//! The chat on a full screen: rooms, messages with their threads, who is typing, and answers that grow.
//!
//! `state` decides what every key and every piece of news changes, `rows` and `draw` what is to be seen, all of it pure;
//! `task` waits, `courier` carries to the homeserver what the person wants, and `curtain` gives the terminal back.

mod courier;
mod curtain;
mod task;

mod complete;
mod draw;
mod keys;
mod line;
mod rows;
mod state;
#[cfg(test)]
mod tests;

pub(super) use task::show;
