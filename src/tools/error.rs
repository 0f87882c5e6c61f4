//! What can go wrong with a tool, in sentences for the model that called it.

/// Why a tool did not do what it was called for. Every text in it may be shown to a model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ToolError {
    /// There is no such tool, or not for this agent.
    #[error("There is no tool called {name:?}. The tools are: {known}.")]
    NoSuchTool {
        /// What was called.
        name: String,
        /// What could have been.
        known: String,
    },
    /// The input doesn't fit the tool's schema.
    #[error("The input does not fit: {problem}.")]
    BadInput {
        /// What is wrong, and where.
        problem: String,
    },
    /// The world did not go along.
    #[error("It could not be done: {why}.")]
    Unable {
        /// Why, in words that follow a colon.
        why: &'static str,
    },
}

impl ToolError {
    pub(super) fn bad_input(problem: impl Into<String>) -> Self {
        Self::BadInput { problem: problem.into() }
    }
}
