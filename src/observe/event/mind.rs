//! Facts about agents at work: answers that failed, tools that were used, what could not be kept.

use std::{error::Error, time::Duration};

use metrics::counter;
use tracing::{debug, info, warn};

use super::{super::metric, cause::Causes};
use crate::model::{EntityName, TurnId};

/// An answer could not be given, and people were told so.
#[derive(Debug)]
pub struct AnswerFailed<'a> {
    /// Which.
    pub turn: &'a TurnId,
    /// By whom.
    pub agent: &'a EntityName,
    /// The model's name in the configuration, if one was chosen.
    pub model: Option<&'a str>,
    /// What people were told.
    pub told: &'a str,
    /// Why, if something failed; the agent's bounds are no failure.
    pub error: Option<&'a (dyn Error + 'a)>,
}

impl AnswerFailed<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        let (turn, agent, error) = (self.turn, self.agent, self.error.map(|error| Causes(error).to_string()));
        warn!(%turn, %agent, model = self.model, told = self.told, error, "answer failed");
        counter!(metric::ANSWERS_FAILED, "agent" => agent.to_string()).increment(1);
    }
}

/// A tool was used for an answer.
#[derive(Debug)]
pub struct ToolUsed<'a> {
    /// For which.
    pub turn: &'a TurnId,
    /// By whom.
    pub agent: &'a EntityName,
    /// Which tool.
    pub tool: &'a str,
    /// How long it took.
    pub took: Duration,
}

impl ToolUsed<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        let took_ms = u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX);
        debug!(turn = %self.turn, agent = %self.agent, tool = self.tool, took_ms, "tool used");
        counter!(metric::TOOLS_USED, "tool" => self.tool.to_owned()).increment(1);
    }
}

/// The beginning of a conversation was summarised, since all of it no longer fits.
#[derive(Debug)]
pub struct ConversationSummarised<'a> {
    /// For which answer.
    pub turn: &'a TurnId,
    /// For whom.
    pub agent: &'a EntityName,
    /// How many messages.
    pub messages: usize,
}

impl ConversationSummarised<'_> {
    /// Logs it.
    pub fn emit(&self) {
        info!(turn = %self.turn, agent = %self.agent, messages = self.messages, "conversation summarised");
    }
}

/// Something that makes answers better could not be done; the answer was given without it.
#[derive(Debug)]
pub struct AnswerLessened<'a> {
    /// Which.
    pub turn: &'a TurnId,
    /// By whom.
    pub agent: &'a EntityName,
    /// What is missing.
    pub what: &'static str,
    /// Why.
    pub error: &'a (dyn Error + 'a),
}

impl AnswerLessened<'_> {
    /// Logs it.
    pub fn emit(&self) {
        let (turn, agent) = (self.turn, self.agent);
        warn!(%turn, %agent, what = self.what, error = %Causes(self.error), "answer lessened");
    }
}
