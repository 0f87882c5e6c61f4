//! What can go wrong between us and a model, whether asking again can help, and how a person is told.

use std::time::Duration;

use crate::model::Millis;

/// Why there is no answer, or only a part of one. Nothing in it is secret, and none of it is what people wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LlmError {
    /// The key is missing, wrong, or not good for this model.
    #[error("the provider did not accept the API key")]
    Auth,
    /// The account has nothing left to spend.
    #[error("the account at the provider has no credit left")]
    NoCredit,
    /// Too many requests, or too many tokens.
    #[error("the provider asks us to slow down")]
    RateLimited {
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// The provider has too much to do, for everybody.
    #[error("the provider is overloaded")]
    Overloaded,
    /// The provider itself is in trouble.
    #[error("the provider answered with status {status}")]
    Server {
        /// The HTTP status; 500 where an error came inside a stream without one.
        status: u16,
    },
    /// The prompt is more than the model takes in.
    #[error("the prompt is longer than the model takes in")]
    ContextTooLong,
    /// The model, or the provider's filter, won't answer this.
    #[error("the model refused to answer")]
    Refused,
    /// The provider doesn't know the model.
    #[error("the provider does not know the model")]
    NoSuchModel,
    /// The provider can't do anything with the request.
    #[error("the provider did not understand the request: status {status}, code {code:?}")]
    BadRequest {
        /// The HTTP status; 400 where there was none.
        status: u16,
        /// The provider's word for it, such as `invalid_request_error`; may be empty.
        code: String,
    },
    /// Nobody answers, or the connection broke.
    #[error("the provider can't be reached: {cause}")]
    Network {
        /// What the network said, without addresses.
        cause: String,
    },
    /// The stream ended without saying that the answer is complete.
    #[error("the answer broke off")]
    Truncated,
    /// The answer is longer than the model may write.
    #[error("the answer reached the model's output limit")]
    OutputLimit,
    /// No answer, or not all of it, within the time that the caller gave.
    #[error("the model did not finish within {} s", .after.as_secs())]
    TimedOut {
        /// How long was waited.
        after: Duration,
    },
    /// The provider sent nothing at all for longer than it is given.
    #[error("the provider sent nothing for {} s", .after.as_secs())]
    Stalled {
        /// How long that was.
        after: Duration,
    },
    /// What came isn't the provider's protocol.
    #[error("the provider's answer made no sense")]
    Malformed,
    /// The answer is complete and holds nothing.
    #[error("the answer is empty")]
    Empty,
    /// The model failed so often in a row that it isn't asked for a while.
    #[error("the model is left alone for {} s after repeated failures", .wait.as_secs())]
    CircuitOpen {
        /// When it is asked again, by the wall clock.
        until: Millis,
        /// How long that was when this error arose.
        wait: Duration,
    },
    /// The HTTP client can't be made.
    #[error("the client for models can't be made")]
    NoClient,
}

/// Whether asking again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Yes, after the usual pause.
    Soon,
    /// Yes, but not before this much time has passed.
    After(Duration),
    /// Not until somebody changes something.
    Never,
}

impl LlmError {
    /// Whether asking again can help.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::RateLimited { retry_after: Some(after) } => Retry::After(*after),
            Self::CircuitOpen { wait, .. } => Retry::After(*wait),
            Self::RateLimited { retry_after: None }
            | Self::Overloaded
            | Self::Server { .. }
            | Self::Network { .. }
            | Self::Truncated
            | Self::TimedOut { .. }
            | Self::Stalled { .. }
            | Self::Malformed
            | Self::Empty => Retry::Soon,
            Self::Auth
            | Self::NoCredit
            | Self::ContextTooLong
            | Self::Refused
            | Self::NoSuchModel
            | Self::BadRequest { .. }
            | Self::OutputLimit
            | Self::NoClient => Retry::Never,
        }
    }

    /// S6: what failed, in one plain sentence for a chat. `model` is its name in the configuration.
    #[must_use]
    pub fn in_plain_words(&self, model: &str) -> String {
        match self {
            Self::Auth => format!("The provider of the model “{model}” did not accept our API key."),
            Self::NoCredit => format!("Our account at the provider of the model “{model}” has no credit left."),
            Self::RateLimited { retry_after } => {
                let wish = retry_after.map(|after| format!(" and asks us to wait {}", in_words(after)));
                format!("The model “{model}” gets too many requests right now{}.", wish.unwrap_or_default())
            }
            Self::Overloaded => format!("The provider of the model “{model}” is overloaded."),
            Self::Server { status } => format!("The provider of the model “{model}” has trouble (status {status})."),
            Self::ContextTooLong => format!("This conversation is longer than the model “{model}” can take in."),
            Self::Refused => format!("The model “{model}” refused to answer this."),
            Self::NoSuchModel => {
                format!("The provider of the model “{model}” does not know it under the configured `id`.")
            }
            Self::BadRequest { status, .. } => {
                format!("The provider of the model “{model}” did not understand our request (status {status}).")
            }
            Self::Network { .. } => format!("The model “{model}” can't be reached."),
            Self::Truncated => format!("The connection to the model “{model}” broke off in the middle of its answer."),
            Self::OutputLimit => format!("The model “{model}” reached the limit of what it may write in one answer."),
            Self::TimedOut { after } => {
                format!("The model “{model}” did not finish its answer within {}.", in_words(*after))
            }
            Self::Stalled { after } => format!("The model “{model}” sent nothing for {}.", in_words(*after)),
            Self::Malformed => format!("The model “{model}” answered with something that makes no sense."),
            Self::Empty => format!("The model “{model}” gave an empty answer."),
            Self::CircuitOpen { wait, .. } => {
                format!("The model “{model}” failed several times in a row and is asked again in {}.", in_words(*wait))
            }
            Self::NoClient => format!("The model “{model}” can't be asked: the HTTP client can't be made."),
        }
    }
}

/// A length of time for people, rounded up.
fn in_words(time: Duration) -> String {
    let seconds = time.as_millis().div_ceil(1000);
    match (seconds, seconds.div_ceil(60)) {
        (0 | 1, _) => "a second".to_owned(),
        (2..=119, _) => format!("{seconds} seconds"),
        (_, minutes) => format!("{minutes} minutes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn every() -> Vec<(LlmError, Retry)> {
        vec![
            (LlmError::Auth, Retry::Never),
            (LlmError::NoCredit, Retry::Never),
            (LlmError::RateLimited { retry_after: None }, Retry::Soon),
            (LlmError::RateLimited { retry_after: Some(SECOND * 7) }, Retry::After(SECOND * 7)),
            (LlmError::Overloaded, Retry::Soon),
            (LlmError::Server { status: 502 }, Retry::Soon),
            (LlmError::ContextTooLong, Retry::Never),
            (LlmError::Refused, Retry::Never),
            (LlmError::NoSuchModel, Retry::Never),
            (LlmError::BadRequest { status: 422, code: "x_y".to_owned() }, Retry::Never),
            (LlmError::Network { cause: "connection refused".to_owned() }, Retry::Soon),
            (LlmError::Truncated, Retry::Soon),
            (LlmError::OutputLimit, Retry::Never),
            (LlmError::TimedOut { after: SECOND * 120 }, Retry::Soon),
            (LlmError::Stalled { after: SECOND * 60 }, Retry::Soon),
            (LlmError::Malformed, Retry::Soon),
            (LlmError::Empty, Retry::Soon),
            (LlmError::CircuitOpen { until: Millis(5), wait: SECOND * 9 }, Retry::After(SECOND * 9)),
            (LlmError::NoClient, Retry::Never),
        ]
    }

    #[test]
    fn every_failure_says_whether_asking_again_can_help() {
        for (error, retry) in every() {
            assert_eq!(error.retry(), retry, "{error}");
        }
    }

    /// S6: one plain sentence with the model's name, without the inner cause.
    #[test]
    fn a_person_is_told_in_one_plain_sentence() {
        for (error, _) in every() {
            let told = error.in_plain_words("clever");
            assert!(told.contains("“clever”") && told.ends_with('.') && told.matches(". ").count() == 0, "{told}");
            assert!(!told.contains("connection refused") && !told.contains("x_y") && told.len() < 120, "{told}");
        }
        assert_eq!(
            LlmError::RateLimited { retry_after: Some(SECOND * 7) }.in_plain_words("a"),
            "The model “a” gets too many requests right now and asks us to wait 7 seconds."
        );
    }

    #[test]
    fn times_are_said_rounded_up() {
        let check = |millis: u64, expected: &str| assert_eq!(in_words(Duration::from_millis(millis)), expected);
        check(0, "a second");
        check(900, "a second");
        check(1_001, "2 seconds");
        check(119_000, "119 seconds");
        check(119_001, "2 minutes");
        check(200_000, "4 minutes");
    }
}
