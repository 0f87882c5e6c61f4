//! When a bot that failed is tried again.

use std::time::Duration;

use crate::{
    matrix::{MatrixError, Retry},
    model::Millis,
};

/// The pauses after the first, second, … failure in a row; the last one repeats.
const PAUSES_SECS: [u64; 5] = [5, 10, 20, 40, 60];
/// How long a bot must have been well before its failures are forgotten.
const HEALTHY_SECS: u64 = 60;
/// How long an entity that needs somebody's help waits before it is tried again.
const DOWN_PAUSE_SECS: u64 = 60;
/// The share of a pause that jitter may add, so that many bots don't come back in one instant.
const JITTER_SHARE: f64 = 0.2;

/// The machine for one bot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Restart {
    failures: usize,
    well_since: Option<Millis>,
}

/// What to do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pause {
    /// Which failure in a row it was, counted from one.
    pub(super) attempt: usize,
    /// How long to wait.
    pub(super) delay: Duration,
    /// Whether it needs somebody's help, rather than time.
    pub(super) down: bool,
}

impl Restart {
    /// The bot is well at this moment.
    pub(super) fn well(&mut self, now: Millis) {
        self.well_since.get_or_insert(now);
    }

    /// The bot failed. `jitter` is between 0 and 1.
    pub(super) fn failed(&mut self, now: Millis, retry: Retry, jitter: f64) -> Pause {
        let healthy = |since: Millis| now.since(since) >= Duration::from_secs(HEALTHY_SECS);
        if self.well_since.take().is_some_and(healthy) {
            self.failures = 0;
        }
        let usual = PAUSES_SECS[self.failures.min(PAUSES_SECS.len() - 1)];
        self.failures += 1;
        let down = retry == Retry::Never;
        let base = match retry {
            Retry::Soon => Duration::from_secs(usual),
            Retry::After(asked) => asked.max(Duration::from_secs(usual)),
            Retry::Never => Duration::from_secs(DOWN_PAUSE_SECS),
        };
        let delay = base.mul_f64(1.0 + JITTER_SHARE * jitter.clamp(0.0, 1.0));
        Pause { attempt: self.failures, delay, down }
    }
}

/// Whether waiting helps after a failed login. A token that is refused in the middle of it helps itself: the next step is to
/// log in `anew`. Where that was refused, somebody is needed.
pub(super) fn after_login(error: &MatrixError, anew: bool) -> Retry {
    match error {
        MatrixError::LoggedOut if !anew => Retry::Soon,
        error => error.retry(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secs(pause: Pause) -> u64 {
        pause.delay.as_secs()
    }

    #[test]
    fn pauses_grow_and_stay_at_a_minute() {
        let mut restart = Restart::default();
        let pauses: Vec<u64> = (0..7).map(|_| secs(restart.failed(Millis(0), Retry::Soon, 0.0))).collect();
        assert_eq!(pauses, [5, 10, 20, 40, 60, 60, 60]);
    }

    #[test]
    fn a_healthy_minute_forgets_the_past() {
        let check = |well_for: u64, expected: u64| {
            let mut restart = Restart::default();
            restart.failed(Millis(0), Retry::Soon, 0.0);
            restart.well(Millis(1_000));
            restart.well(Millis(30_000));
            let pause = restart.failed(Millis(1_000 + well_for * 1_000), Retry::Soon, 0.0);
            assert_eq!(secs(pause), expected, "after {well_for} s");
        };
        check(60, 5);
        check(59, 10);
    }

    #[test]
    fn the_homeserver_may_ask_for_more_time_but_not_for_less() {
        let after = |secs| Retry::After(Duration::from_secs(secs));
        assert_eq!(secs(Restart::default().failed(Millis(0), after(90), 0.0)), 90);
        assert_eq!(secs(Restart::default().failed(Millis(0), after(1), 0.0)), 5);
    }

    #[test]
    fn what_needs_help_is_down_and_tried_slowly() {
        let pause = Restart::default().failed(Millis(0), Retry::Never, 0.0);
        assert_eq!(pause, Pause { attempt: 1, delay: Duration::from_mins(1), down: true });
    }

    proptest! {
        #[test]
        fn no_pause_is_shorter_than_five_seconds_or_longer_than_a_jittered_minute(
            failures in 0usize..50, jitter in 0.0f64..1.0, gaps in proptest::collection::vec(0u64..200_000, 50),
        ) {
            let (mut restart, mut now) = (Restart::default(), 0);
            for gap in gaps.iter().take(failures) {
                restart.well(Millis(now));
                now += gap;
                let pause = restart.failed(Millis(now), Retry::Soon, jitter);
                prop_assert!((5..=72).contains(&secs(pause)));
            }
        }
    }

    /// I2: a lost login is made anew, and nobody counts as down meanwhile; a refused one needs help.
    #[test]
    fn a_lost_login_helps_itself_once() {
        let check =
            |error: MatrixError, anew, expected| assert_eq!(after_login(&error, anew), expected, "{error:?} {anew}");
        check(MatrixError::LoggedOut, false, Retry::Soon);
        check(MatrixError::LoggedOut, true, Retry::Never);
        check(MatrixError::ServerTrouble { status: 502 }, true, Retry::Soon);
        check(MatrixError::WrongPassword { localpart: "ada".to_owned() }, false, Retry::Never);
    }
}
