//! `maitre demo`: a private homeserver, a few agents and a chat, gone when the person leaves.
//!
//! `run` starts the homeserver and the house on it and ends both, whatever happens in between; `visit` is what the person
//! does there: on a full screen where there is one, in lines otherwise. Everything shown goes through `harmless`: what
//! others wrote must not reach the terminal as it is.

mod brain;
mod run;
mod site;

mod chat;
mod guest;
mod screen;
mod typing;
mod visit;

mod hall;
mod harmless;
mod input;
mod room;
mod said;
mod show;

#[cfg(test)]
mod fixtures;

pub(super) use run::run;
