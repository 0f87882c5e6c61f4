//! The desk: takes in what every sync loop brings, and decides for each event, once, who answers it and what else
//! follows.
//!
//! Reading order: what a batch means (`admission`), what an event says (`message`, `mentions`, `command`), what it
//! shows (`projection`), what is known around it (`scene`), who answers (`gate`), which files wait for words (`lone_file`),
//! what waits because too much was missed (`missed`), what follows from that (`ruling`), what people change later
//! (`afterthought`), what the house says (`words`); then the task that carries it all.
//!
//! **Invariant**: a loop hears back only after its batch is durable, events and position together. What it never heard
//! of it brings again. **Invariant**: what an event shows, what was decided, and who is to answer are written in one
//! step.

mod admission;

mod command;
mod mentions;
mod message;

mod gate;
mod lone_file;
mod missed;
mod projection;
mod scene;

mod afterthought;
mod ruling;
mod words;

mod task;

#[cfg(test)]
mod tests;

pub use task::{Desk, Inbox, Ways};
