//! The door to what agents can do besides talking: tools, each one thing, and the hands that do it in the world.
//!
//! A [`Tool`] knows what a model must be told and what its input means. What it then does to a conversation it does with
//! [`Hands`], which stand for one call within one turn. Tools of other makers (MCP) fit behind the same trait.
//!
//! **Invariant**: no tool sees an input that doesn't fit the schema it shows. **Invariant**: whatever goes wrong ends as a
//! sentence for the model; a tool never ends a turn.

mod error;
mod schema;
mod toolbox;

mod builtin;
mod spec;

mod ask_person;
mod react;
mod read_thread;
mod recall;
mod remember;
mod time;
mod use_skill;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::Value;

pub use error::ToolError;
pub use toolbox::Toolbox;
pub use use_skill::UseSkill;

use crate::model::ToolSpec;

/// What every deed gives.
pub type Deed<'a, T> = BoxFuture<'a, Result<T, ToolError>>;

/// Something that a model can have done.
pub trait Tool: Send + Sync {
    /// What the model is told about it.
    fn spec(&self) -> ToolSpec;

    /// Whether it changes nothing anywhere, so that it may be done again at any time.
    fn only_looks(&self) -> bool {
        false
    }

    /// How much of what it gives a model is told, in characters; what is longer is cut.
    fn outcome_chars_max(&self) -> usize {
        20_000
    }

    /// Does it. `input` fits the schema; what comes back is for the model to read.
    fn call(&self, input: Value, hands: Arc<dyn Hands>) -> Deed<'_, String>;
}

/// What a tool may do in the world, on behalf of one call in one turn.
///
/// Doing the same again for the same call changes nothing: a call that was cut off may be repeated.
pub trait Hands: Send + Sync {
    /// The date and the time, in words.
    fn now(&self) -> String;

    /// Up to `limit` messages of the conversation from before its `before`th (the newest ones where none is given), oldest first.
    fn read_thread(&self, before: Option<usize>, limit: usize) -> Deed<'_, Excerpt>;

    /// Puts a reaction on the message that is answered.
    fn react(&self, key: String) -> Deed<'_, ()>;

    /// Asks people and waits, for as long as it takes, up to a bound.
    fn ask(&self, question: Question) -> Deed<'_, Reaction>;

    /// Keeps a fact for later conversations.
    fn remember(&self, fact: String, about: About) -> Deed<'_, ()>;

    /// Finds what was kept, best match first.
    fn recall(&self, words: String) -> Deed<'_, Vec<String>>;
}

/// A piece of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// How many messages the whole conversation has.
    pub total: usize,
    /// Each with its number, its author and its time, oldest first.
    pub lines: Vec<String>,
}

/// A question for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What is asked.
    pub text: String,
    /// The answers that they may choose from: one to five.
    pub answers: Vec<String>,
}

/// What people said to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reaction {
    /// They chose this answer.
    Chose(String),
    /// They wrote something new instead, which is answered next.
    WroteInstead,
    /// Nobody said anything for as long as one waits.
    Silence,
}

/// What a fact is about, and so where it is found again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// The room: found in the same room, whoever asks.
    Room,
    /// The person who asked: found wherever the same person asks.
    Person,
}
