//! How often the same trouble is said while it lasts: at once, and then ever more rarely.

use std::time::Duration;

/// How long it is quiet after the first time.
const FIRST_SILENCE: Duration = Duration::from_secs(10);
/// The longest silence about a trouble that lasts.
const SILENCE_MAX: Duration = Duration::from_mins(10);

/// What was said last of a trouble, and when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Said {
    reason: String,
    next_at: Duration,
    silence: Duration,
}

impl Said {
    /// Whether `reason` should be said again, `waited` after the trouble began: when it is another one, or when it has been
    /// quiet for a while that doubles each time.
    pub(super) fn is_worth_saying(&mut self, reason: &str, waited: Duration) -> bool {
        let is_new = self.reason != reason;
        if !is_new && waited < self.next_at {
            return false;
        }
        self.silence = if is_new { FIRST_SILENCE } else { (self.silence * 2).min(SILENCE_MAX) };
        reason.clone_into(&mut self.reason);
        self.next_at = waited + self.silence;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// I3: waiting is said, but a night without a homeserver doesn't fill the log.
    #[test]
    fn the_same_trouble_is_said_ever_more_rarely() {
        let mut said = Said::default();
        let mut at = |reason: &str, secs: u64| said.is_worth_saying(reason, Duration::from_secs(secs));
        assert!(at("no route", 0));
        assert!(!at("no route", 5));
        assert!(at("no route", 10));
        assert!(!at("no route", 25));
        assert!(at("no route", 30));
        assert!(at("refused", 35), "another trouble is news");
        assert!(!at("refused", 40));
        let mut hours = Said::default();
        let count = (0..3600 * 8 / 5).filter(|step| hours.is_worth_saying("x", Duration::from_secs(step * 5))).count();
        assert!(count < 60, "{count} lines in eight hours");
    }
}
