//! `maitre demo`: a private homeserver, a few agents and a chat, gone when the person leaves.
//!
//! `run` starts the homeserver and the house on it and ends both, whatever happens in between; `visit` is what the person
//! does there. Everything shown goes through `harmless`: what others wrote must not reach the terminal as it is.

mod run;
mod site;

mod chat;
mod guest;
mod typing;
mod visit;

mod hall;
mod harmless;
mod input;
mod show;

pub(super) use run::run;
