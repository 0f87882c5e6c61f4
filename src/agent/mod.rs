//! One mind: what an agent is told, what it does until its answer is whole, and what it keeps.
//!
//! Reading order: who it is (`persona`), what it sees of a conversation (`session`, `window`), remembers (`memory`) and
//! knows how to do (`skills`, kept on a `shelf`), the course of an answer (`turn`) within its bounds (`guard`), and how people
//! are told when it fails (`failure`). The tasks give each answer a place and carry it out.
//!
//! **Invariant**: a tool call is written down before it is made. **Invariant**: nothing here speaks to a room by itself; what
//! is said goes to whoever listens, as [`crate::model::Reply`]s.

mod choice;
mod failure;
mod guard;
mod media;
mod memory;
mod persona;
mod session;
mod shelf;
mod skills;
mod turn;
mod window;

mod task;
#[cfg(test)]
mod tests;

pub use media::{Attachment, AttachmentKind, Reading};
pub use task::Minds;
