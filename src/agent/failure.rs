//! S6: how people are told that an answer could not be given: what failed, what happens next, and an id to quote.

use crate::{
    llm::{LlmError, Retry},
    model::TurnId,
};

/// How much of a turn's id people are shown: enough to find it in the log.
const ID_CHARS: usize = 10;

/// What can be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The same again, later.
    Again,
    /// Something smaller.
    Smaller,
    /// Nothing, until somebody changes something.
    Repair,
}

impl Next {
    /// What helps after a model's failure.
    pub(super) fn after(error: &LlmError) -> Self {
        match (error, error.retry()) {
            (LlmError::ContextTooLong | LlmError::OutputLimit | LlmError::Refused, _) => Self::Smaller,
            (_, Retry::Soon | Retry::After(_)) => Self::Again,
            (_, Retry::Never) => Self::Repair,
        }
    }

    fn in_words(self) -> &'static str {
        match self {
            Self::Again => "It was tried more than once; react with 🔁 to ask again.",
            Self::Smaller => "Ask for less, or in other words.",
            Self::Repair => "Whoever runs this house has to change something first.",
        }
    }
}

/// The whole notice.
pub(super) fn sentence(what: &str, next: Next, turn: &TurnId) -> String {
    let id: String = turn.as_str().chars().take(ID_CHARS).collect();
    format!("{what} {} (id {id})", next.in_words())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// S6: model, cause class, what next, id.
    #[test]
    fn a_failure_is_one_plain_notice() {
        let turn = TurnId::parse("0123456789abcdef").unwrap();
        let check = |error: LlmError, expected: &str| {
            let what = error.in_plain_words("big");
            assert_eq!(sentence(&what, Next::after(&error), &turn), expected);
        };
        check(
            LlmError::Auth,
            "The provider of the model “big” did not accept our API key. Whoever runs this house has to change something \
             first. (id 0123456789)",
        );
        check(
            LlmError::Overloaded,
            "The provider of the model “big” is overloaded. It was tried more than once; react with 🔁 to ask again. (id \
             0123456789)",
        );
        check(
            LlmError::Refused,
            "The model “big” refused to answer this. Ask for less, or in other words. (id 0123456789)",
        );
        assert_eq!(Next::after(&LlmError::TimedOut { after: Duration::from_secs(1) }), Next::Again);
        assert_eq!(Next::after(&LlmError::ContextTooLong), Next::Smaller);
    }
}
