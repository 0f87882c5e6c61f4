//! N7: whether what a sync response brings happened while its entity was away.

use std::time::Duration;

use crate::model::Millis;

/// Whether nobody listened between the response that came at `before` and the one that comes `now`. The first one of a loop
/// always follows an absence; later ones do where the whole machine slept, since a long-poll ends in time, news or not.
pub(super) fn was_away(before: Option<Millis>, now: Millis, sync_timeout: Duration) -> bool {
    before.is_none_or(|before| now.since(before) > 2 * sync_timeout)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// N7: a start and a sleep are absences, a slow answer is none.
    #[test]
    fn an_absence_is_told_from_a_pause() {
        let check = |before: Option<u64>, now: u64, expected: bool| {
            let found = was_away(before.map(Millis), Millis(now), Duration::from_secs(30));
            assert_eq!(found, expected, "{before:?} {now}");
        };
        check(None, 5, true);
        check(Some(5), 5, false);
        check(Some(5), 60_005, false);
        check(Some(5), 60_006, true);
        // A clock that was set back tells nothing.
        check(Some(90_000), 5, false);
    }
}
