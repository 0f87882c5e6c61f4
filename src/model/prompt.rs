//! What a model is asked, and what that cost.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Everything that a model is told for one answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Prompt {
    /// Who it is and how it should work.
    pub system: String,
    /// What was said so far, oldest first. The last one is what it should answer.
    pub messages: Vec<Utterance>,
    /// What it may use.
    pub tools: Vec<ToolSpec>,
    /// The form that the answer must have, if it isn't free text.
    pub shape: Option<Shape>,
}

/// A tool as a model is shown it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolSpec {
    /// Its name.
    pub name: String,
    /// What it does and when to use it.
    pub description: String,
    /// What it takes, as a JSON Schema of an object.
    pub parameters: Value,
}

/// The form of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// What the form is called.
    pub name: &'static str,
    /// The form, as a JSON Schema of an object.
    pub schema: Value,
}

/// A tool that a model wants used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// What the provider calls this call.
    pub id: String,
    /// The tool.
    pub name: String,
    /// What it is given, a JSON object.
    pub input: Value,
}

/// A tool that was used, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolUse {
    /// What was wanted.
    pub call: ToolCall,
    /// What came of it, in words for the model.
    pub outcome: String,
}

/// A picture that somebody sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its media type, such as `image/png`.
    pub mime: String,
    /// The file.
    pub bytes: Arc<[u8]>,
}

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Utterance {
    /// Whether the model itself said it.
    pub speaker: Speaker,
    /// Who said it, under the name that others see. The model is shown it before a person's text; empty shows none.
    pub name: String,
    /// When that was, as others read it. The model is shown it beside a person's name; empty shows none.
    pub at: String,
    /// What was said.
    pub text: String,
    /// What was shown with it.
    pub pictures: Vec<Picture>,
    /// The tools that the model used after saying it, each with what came of it.
    pub uses: Vec<ToolUse>,
}

impl Utterance {
    /// Plain words.
    #[must_use]
    pub fn words(speaker: Speaker, name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { speaker, name: name.into(), text: text.into(), ..Self::default() }
    }
}

/// Whose words they are, from where the model stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Speaker {
    /// Somebody else's: a person's, or those of an agent that isn't asked now.
    #[default]
    Person,
    /// Its own earlier answers.
    Agent,
}

/// What an answer cost, as far as the provider tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Tokens it was given.
    pub input_tokens: u64,
    /// Tokens it produced, those of its thoughts included.
    pub output_tokens: u64,
}
