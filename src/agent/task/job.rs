//! What one mind is to do, with what, and how that can end badly.

use std::sync::Arc;

use tokio::sync::watch;

use super::skills::Skills;
use crate::{
    agent::failure::{Next, sentence},
    config::Config,
    llm::{LlmError, Models, Places},
    matrix::Lines,
    model::{EntityName, Turn},
    observe::AnswerFailed,
    store::{Store, StoreError},
};

/// What all minds work with.
pub(super) struct Means {
    pub(super) config: watch::Receiver<Arc<Config>>,
    pub(super) models: Models,
    pub(super) store: Store,
    pub(super) lines: Lines,
    pub(super) places: Places,
    pub(super) skills: Skills,
}

/// One answer, or a part of one, for one agent to give.
pub(super) struct Job {
    /// Whose it is.
    pub(super) agent: EntityName,
    /// The turn.
    pub(super) turn: Turn,
    /// The configuration that it began with, and ends with.
    pub(super) config: Arc<Config>,
    /// What to do within a team; none answers people.
    pub(super) assignment: Option<String>,
}

impl Job {
    /// The name under which a tool call of this job is written down: those of several agents may stand in one turn.
    pub(super) fn logged(&self, tool: &str) -> String {
        match self.assignment {
            Some(_) => format!("{}/{tool}", self.agent),
            None => tool.to_owned(),
        }
    }

    /// The tool behind such a name, if it is this job's.
    pub(super) fn tool<'a>(&self, logged: &'a str) -> Option<&'a str> {
        match self.assignment {
            Some(_) => logged.strip_prefix(self.agent.as_str())?.strip_prefix('/'),
            None => Some(logged),
        }
    }
}

/// Why there is no answer, or not all of it.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nobody listens any more.
    Unheard,
    /// A model failed.
    Model {
        /// Its name in the configuration.
        model: String,
        /// How.
        error: LlmError,
    },
    /// The answer left its bounds.
    Bounds {
        /// Which model thought about it.
        model: String,
        /// Which bounds, for people.
        sentence: String,
    },
    /// Something is not configured.
    Unconfigured {
        /// What, for people.
        sentence: String,
    },
    /// The store failed.
    Store(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Failure {
    /// S6: logs it once, and gives what people are told; nothing where nobody listens.
    pub(super) fn told(&self, job: &Job) -> Option<String> {
        let (what, next, model, error): (_, _, _, Option<&dyn std::error::Error>) = match self {
            Self::Unheard => return None,
            Self::Model { model, error } => {
                (error.in_plain_words(model), Next::after(error), Some(model.as_str()), Some(error))
            }
            Self::Bounds { model, sentence } => {
                (format!("{sentence} (The model is “{model}”.)"), Next::Smaller, Some(model.as_str()), None)
            }
            Self::Unconfigured { sentence } => (sentence.clone(), Next::Repair, None, None),
            Self::Store(error) => {
                ("The house can't read its own memory right now.".to_owned(), Next::Again, None, Some(error))
            }
        };
        let told = sentence(&what, next, &job.turn.id);
        AnswerFailed { turn: &job.turn.id, agent: &job.agent, model, told: &told, error }.emit();
        Some(told)
    }
}
