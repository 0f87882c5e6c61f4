//! The door to the language models: one question, one stream of pieces that ends with what it cost.
//!
//! Whoever asks sees neither provider nor protocol. Failures are typed and say whether asking again can help; what passes
//! by itself is tried again behind this door, but only as long as no piece of the answer has been shown.
//!
//! **Invariant**: a stream ends with [`Piece::Done`] or with an error, never without either.

mod answer;
mod breaker;
mod error;
mod failure;
mod models;
mod patience;
mod places;
mod provider;
mod pulse;
mod question;
mod scripted;
#[cfg(test)]
mod tests;
mod usual;
mod whole;

use std::time::Duration;

use futures_util::stream::BoxStream;

use crate::model::{Prompt, ToolCall, Usage};

pub use error::{LlmError, Retry};
pub use models::{Models, Renewal, open};
pub use places::{Place, Places};
pub use whole::{Whole, object_in, whole};

/// A model that can be asked.
pub trait Driver: Send + Sync {
    /// Asks, and gives the answer as it comes, all of it within `deadline` from now.
    ///
    /// Where the prompt wants a shape, the provider is held to it as far as it can be; whoever asks checks what came.
    ///
    /// Dropping the stream cancels the request, which reaches the provider as a disconnect. Nothing is asked before the
    /// stream is polled.
    fn ask(&self, prompt: Prompt, deadline: Duration) -> BoxStream<'static, Result<Piece, LlmError>>;
}

/// A part of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// The next words, never empty. The first one is more than white space.
    Text(String),
    /// A tool that it wants used. Such pieces come after all words and only in an answer that is complete. The input is what
    /// the model wrote: mostly an object, but that is for the tool to find out.
    Call(ToolCall),
    /// The answer is complete. Always the last piece.
    Done(Usage),
}
