//! Conversations, as people have them: each is numbered, and the table in `docs/behaviour.md` says what it shows.

mod agents;
mod alone;
mod away;
mod busy;
mod commands;
mod content;
mod crash;
mod crowd;
mod deletes;
mod direct;
mod edits;
mod faults;
mod hall;
mod lost;
mod media;
mod people;
mod poison;
mod routed;
mod sealed;
mod slowed;
mod stage;
mod stops;
mod strangers;
mod table;
mod together;
mod tools;
