//! When a model that keeps failing is left alone, and for how long.

use std::time::Duration;

use tokio::time::Instant;

use super::LlmError;

/// How many failures in a row it takes.
const FAILURES_MAX: u32 = 5;
/// How long the first pause is. Each further one without a success in between is twice as long.
const PAUSE_MIN: Duration = Duration::from_secs(10);
/// How long a pause is at most.
const PAUSE_MAX: Duration = Duration::from_mins(5);
/// How long the one attempt that ends a pause has for itself, before another one is let through.
const TRIAL: Duration = Duration::from_secs(30);
/// A model that was given less time than this and didn't answer may simply be slow.
const PATIENCE_MIN: Duration = Duration::from_secs(30);

/// Counts failures in a row. Pure: the time comes in with each call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Breaker {
    /// Everybody is let through.
    Healthy {
        /// Failures since the last success.
        failures: u32,
    },
    /// Nobody is let through until then.
    Pausing { until: Instant, pauses: u32 },
    /// One was let through; nobody else is until it is known how that went, or until then.
    Trying { until: Instant, pauses: u32 },
}

/// Whether a request may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// Yes.
    Go,
    /// Not for this long.
    Wait(Duration),
}

/// How a request went, as far as the model's health is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// It began to answer.
    Answered,
    /// It failed in a way that may pass.
    Failed,
    /// It says nothing about the model's health: a wrong key, a prompt that is too long, a caller in a hurry.
    Neutral,
}

impl Event {
    pub(super) fn of(error: &LlmError) -> Self {
        match error {
            LlmError::Overloaded
            | LlmError::Server { .. }
            | LlmError::Network { .. }
            | LlmError::Truncated
            | LlmError::Stalled { .. }
            | LlmError::Malformed
            | LlmError::Empty => Self::Failed,
            LlmError::TimedOut { after } if *after >= PATIENCE_MIN => Self::Failed,
            // A provider that limits us is well, and says itself when it wants to be asked again.
            LlmError::RateLimited { .. }
            | LlmError::TimedOut { .. }
            | LlmError::Auth
            | LlmError::NoCredit
            | LlmError::ContextTooLong
            | LlmError::Refused
            | LlmError::NoSuchModel
            | LlmError::BadRequest { .. }
            | LlmError::OutputLimit
            | LlmError::CircuitOpen { .. }
            | LlmError::NoClient => Self::Neutral,
        }
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self::Healthy { failures: 0 }
    }
}

impl Breaker {
    /// Asks for a way through.
    pub(super) fn admit(&mut self, now: Instant) -> Admission {
        match *self {
            Self::Healthy { .. } => Admission::Go,
            Self::Pausing { until, .. } | Self::Trying { until, .. } if now < until => Admission::Wait(until - now),
            Self::Pausing { pauses, .. } | Self::Trying { pauses, .. } => {
                *self = Self::Trying { until: now + TRIAL, pauses };
                Admission::Go
            }
        }
    }

    /// Takes note of how a request went. Tells the length of the pause where one begins now.
    pub(super) fn on(&mut self, event: Event, now: Instant) -> Option<Duration> {
        match (*self, event) {
            (_, Event::Answered) => *self = Self::default(),
            (Self::Healthy { failures }, Event::Failed) if failures + 1 < FAILURES_MAX => {
                *self = Self::Healthy { failures: failures + 1 };
            }
            (Self::Healthy { .. }, Event::Failed) => return Some(self.pause(now, 0)),
            (Self::Trying { pauses, .. }, Event::Failed) => return Some(self.pause(now, pauses)),
            // The trial told nothing, so the next one may go at once.
            (Self::Trying { pauses, .. }, Event::Neutral) => *self = Self::Pausing { until: now, pauses },
            // A request from before the pause ended late: that is no news.
            (Self::Pausing { .. }, Event::Failed | Event::Neutral) | (Self::Healthy { .. }, Event::Neutral) => {}
        }
        None
    }

    fn pause(&mut self, now: Instant, pauses: u32) -> Duration {
        let length = PAUSE_MIN.saturating_mul(1 << pauses.min(16)).min(PAUSE_MAX);
        *self = Self::Pausing { until: now + length, pauses: pauses + 1 };
        length
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is done with the breaker, a second being the unit of time.
    #[derive(Debug, Clone, Copy)]
    enum Deed {
        Admit(u64),
        On(u64, Event),
    }

    use Deed::{Admit, On};
    use Event::{Answered, Failed, Neutral};

    /// What the breaker says to each deed: seconds to wait after `Admit`, the length of a pause after `On`.
    fn run(deeds: &[Deed]) -> Vec<u64> {
        let start = Instant::now();
        let mut breaker = Breaker::default();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        deeds
            .iter()
            .map(|deed| match *deed {
                Admit(now) => match breaker.admit(at(now)) {
                    Admission::Go => 0,
                    Admission::Wait(wait) => wait.as_secs(),
                },
                On(now, event) => breaker.on(event, at(now)).map_or(0, |pause| pause.as_secs()),
            })
            .collect()
    }

    #[track_caller]
    fn check(deeds: &[Deed], expected: &[u64]) {
        assert_eq!(run(deeds), expected, "{deeds:?}");
    }

    #[test]
    fn only_failures_in_a_row_begin_a_pause() {
        check(&[On(0, Failed); 4], &[0; 4]);
        check(&[On(0, Failed); 5], &[0, 0, 0, 0, 10]);
        let interrupted = [[On(0, Failed); 4], [On(0, Answered), On(0, Failed), On(0, Failed), Admit(0)]].concat();
        check(&interrupted, &[0; 8]);
        check(&[On(0, Neutral); 20], &[0; 20]);
    }

    #[test]
    fn after_a_pause_one_tries_first() {
        let broken = [On(0, Failed); 5];
        let then = |deeds: &[Deed]| run(&[&broken[..], deeds].concat())[5..].to_vec();
        assert_eq!(then(&[Admit(0), Admit(9), Admit(10), Admit(10)]), [10, 1, 0, 30], "the second one waits");
        assert_eq!(then(&[Admit(10), On(11, Answered), Admit(11), Admit(11)]), [0, 0, 0, 0]);
        assert_eq!(then(&[Admit(10), On(12, Failed), Admit(12)]), [0, 20, 20], "the pause grows");
        assert_eq!(then(&[Admit(10), On(12, Neutral), Admit(12), Admit(12)]), [0, 0, 0, 30]);
        assert_eq!(then(&[Admit(10), Admit(40), Admit(40)]), [0, 0, 30], "a trial that was given up blocks nobody");
        assert_eq!(then(&[On(1, Failed), On(2, Failed), Admit(10)]), [0, 0, 0], "late failures are no news");
    }

    #[test]
    fn pauses_grow_to_a_limit_and_a_success_forgets_them() {
        let mut deeds = vec![On(0, Failed); 5];
        for trial in 1..8 {
            deeds.extend([Admit(trial * 1_000), On(trial * 1_000, Failed)]);
        }
        let pauses: Vec<u64> = run(&deeds).into_iter().filter(|said| *said > 0).collect();
        assert_eq!(pauses, [10, 20, 40, 80, 160, 300, 300, 300]);
        deeds.extend([Admit(9_000), On(9_000, Answered)]);
        deeds.extend([On(9_001, Failed); 5]);
        assert_eq!(run(&deeds).last(), Some(&10));
    }

    #[test]
    fn what_is_no_fault_of_the_model_is_not_counted() {
        let timed_out = |secs: u64| LlmError::TimedOut { after: Duration::from_secs(secs) };
        assert_eq!(Event::of(&LlmError::Server { status: 500 }), Failed);
        assert_eq!(Event::of(&LlmError::Overloaded), Failed);
        assert_eq!(Event::of(&timed_out(30)), Failed);
        assert_eq!(Event::of(&timed_out(8)), Neutral, "it may be slow, and its caller in a hurry");
        assert_eq!(Event::of(&LlmError::RateLimited { retry_after: None }), Neutral);
        assert_eq!(Event::of(&LlmError::Auth), Neutral);
    }

    proptest! {
        /// Whatever happens, a wait is bounded, and who waits that long is let through.
        #[test]
        fn nobody_waits_forever(deeds in proptest::collection::vec((0_u64..60, 0_u8..4), 0..200)) {
            let mut now = Instant::now();
            let mut breaker = Breaker::default();
            for (seconds, what) in deeds {
                now += Duration::from_secs(seconds);
                match what {
                    0 => drop(breaker.on(Answered, now)),
                    1 => drop(breaker.on(Failed, now)),
                    2 => drop(breaker.on(Neutral, now)),
                    _ => drop(breaker.admit(now)),
                }
                let mut copy = breaker;
                if let Admission::Wait(wait) = copy.admit(now) {
                    prop_assert!(wait <= PAUSE_MAX);
                    prop_assert_eq!(copy.admit(now + wait), Admission::Go);
                }
            }
        }
    }
}
