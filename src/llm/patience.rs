//! How often a model is asked before that is called a failure: again after what passes by itself, another model where one
//! stands by, nothing once a piece of the answer is out, and all of it within the caller's deadline.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use backon::{ExponentialBuilder, Retryable as _};
use futures_util::{StreamExt as _, stream, stream::BoxStream};
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    Driver, LlmError, Piece, Retry,
    breaker::{Admission, Breaker, Event},
};
use crate::{
    model::Prompt,
    observe::{self, ModelFellBack, ModelPaused, ModelRetried},
};

/// How often a request is repeated.
const RETRIES_MAX: usize = 3;
/// The first pause between two attempts.
const PAUSE_MIN: Duration = Duration::from_millis(400);
/// The longest pause without the jitter, which may double it. A provider's own wish may be longer.
const PAUSE_MAX: Duration = Duration::from_secs(4);

/// Where answers come from: one attempt, no patience. Its streams end with [`Piece::Done`] or an error.
pub(super) trait Source: Send + Sync {
    fn begin(&self, prompt: Prompt) -> BoxStream<'static, Result<Piece, LlmError>>;
}

/// One configured model with the memory of how it did lately.
pub(super) struct Line {
    name: String,
    source: Box<dyn Source>,
    /// A lock and no task: it is held for a few instructions, and whoever asks shouldn't wait for a message to come back.
    breaker: Mutex<Breaker>,
}

/// A model, patiently asked, with another one standing by.
pub(super) struct Patient {
    pub(super) first: Arc<Line>,
    pub(super) second: Option<Arc<Line>>,
}

/// An answer whose first piece is there.
struct Begun {
    first: Piece,
    rest: BoxStream<'static, Result<Piece, LlmError>>,
}

/// The time that a caller gives.
#[derive(Debug, Clone, Copy)]
struct Time {
    until: Instant,
    given: Duration,
}

impl Driver for Patient {
    fn ask(&self, prompt: Prompt, deadline: Duration) -> BoxStream<'static, Result<Piece, LlmError>> {
        let (first, second) = (Arc::clone(&self.first), self.second.clone());
        let time = Time::of(deadline);
        let answer = async move {
            match begin(&first, second.as_deref(), prompt, time).await {
                Ok(begun) => all_of(begun, time),
                Err(error) => stream::iter([Err(error)]).boxed(),
            }
        };
        stream::once(answer).flatten().boxed()
    }
}

impl Time {
    fn of(given: Duration) -> Self {
        Self { until: Instant::now() + given, given }
    }

    fn left(self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    fn is_up(self) -> LlmError {
        LlmError::TimedOut { after: self.given }
    }
}

/// The beginning of an answer, by the one that stands by where the first gives none.
async fn begin(first: &Line, second: Option<&Line>, prompt: Prompt, time: Time) -> Result<Begun, LlmError> {
    let Some(second) = second else { return first.begin(prompt, time).await };
    // A first one that hangs must leave time for the second.
    let error = match first.begin(prompt.clone(), Time::of(time.left() / 2)).await {
        Ok(begun) => return Ok(begun),
        // What one refuses isn't carried from model to model until one gives in.
        Err(LlmError::Refused) => return Err(LlmError::Refused),
        Err(error) => error,
    };
    ModelFellBack { model: &first.name, to: &second.name, error: &error }.emit();
    // The first one is the one that was asked for, so its failure is the one to tell.
    second.begin(prompt, time).await.map_err(|_second| error)
}

/// The whole answer, cut off when the time is up.
fn all_of(begun: Begun, time: Time) -> BoxStream<'static, Result<Piece, LlmError>> {
    let rest = stream::unfold(Some(begun.rest), move |rest| async move {
        let mut rest = rest?;
        match timeout_at(time.until, rest.next()).await {
            Ok(Some(Ok(piece @ (Piece::Text(_) | Piece::Call(_))))) => Some((Ok(piece), Some(rest))),
            Ok(Some(end)) => Some((end, None)),
            Ok(None) => Some((Err(LlmError::Truncated), None)),
            Err(_elapsed) => Some((Err(time.is_up()), None)),
        }
    });
    stream::iter([Ok(begun.first)]).chain(rest).boxed()
}

impl Line {
    pub(super) fn new(name: &str, source: Box<dyn Source>) -> Self {
        Self { name: name.to_owned(), source, breaker: Mutex::default() }
    }

    /// The beginning of an answer, asked for again after failures that may pass, within the time.
    async fn begin(&self, prompt: Prompt, time: Time) -> Result<Begun, LlmError> {
        if let Admission::Wait(wait) = self.admit() {
            return Err(LlmError::CircuitOpen { until: observe::now().after(wait), wait });
        }
        let pauses = ExponentialBuilder::default()
            .with_min_delay(PAUSE_MIN)
            .with_max_delay(PAUSE_MAX)
            .with_max_times(RETRIES_MAX)
            .with_jitter();
        (|| self.attempt(prompt.clone(), time))
            .retry(pauses)
            .sleep(sleep)
            .adjust(|error, pause| self.pause_before_retry(error, pause?, time))
            .notify(|error, pause| ModelRetried { model: &self.name, error, pause }.emit())
            .await
    }

    /// How long to wait before asking again, or not to, since it can't help or not in time, or since the model has just been
    /// given up for a while.
    fn pause_before_retry(&self, error: &LlmError, pause: Duration, time: Time) -> Option<Duration> {
        let pause = match error.retry() {
            Retry::Soon => pause,
            Retry::After(wish) => pause.max(wish),
            Retry::Never => return None,
        };
        (pause < time.left() && self.admit() == Admission::Go).then_some(pause)
    }

    async fn attempt(&self, prompt: Prompt, time: Time) -> Result<Begun, LlmError> {
        let mut rest = self.source.begin(prompt);
        let begun = match timeout_at(time.until, rest.next()).await {
            Ok(Some(Ok(first @ (Piece::Text(_) | Piece::Call(_))))) => Ok(Begun { first, rest }),
            Ok(Some(Ok(Piece::Done(_)))) => Err(LlmError::Empty),
            Ok(Some(Err(error))) => Err(error),
            Ok(None) => Err(LlmError::Truncated),
            Err(_elapsed) => Err(time.is_up()),
        };
        self.note(begun.as_ref().map_or_else(Event::of, |_begun| Event::Answered));
        begun
    }

    fn admit(&self) -> Admission {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner).admit(Instant::now())
    }

    fn note(&self, event: Event) {
        let pause = self.breaker.lock().unwrap_or_else(PoisonError::into_inner).on(event, Instant::now());
        if let Some(pause) = pause {
            ModelPaused { model: &self.name, pause }.emit();
        }
    }
}
