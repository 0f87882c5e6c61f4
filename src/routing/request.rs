//! What routing is asked, and what it answers.

use crate::model::{Conversation, EntityName, EventId};

/// A message that several could answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteRequest {
    /// Where it was said.
    pub conversation: Conversation,
    /// The message, which is in the store.
    pub event: EventId,
    /// Who could answer it, at least two.
    pub candidates: Vec<EntityName>,
}

/// Who answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Routed {
    /// This one.
    Chosen {
        /// Who.
        name: EntityName,
        /// Why, in plain words.
        reason: String,
        /// The rule by which it was chosen: `R1` by the model, `R2` by the words.
        rule: &'static str,
        /// R3: what the router says about it in the thread, if it is to say anything.
        announcement: Option<String>,
    },
    /// Nobody can tell; the person is to be asked. The likeliest come first.
    Unclear {
        /// Who could answer.
        candidates: Vec<EntityName>,
        /// Why it isn't clear, in plain words.
        reason: String,
    },
}
