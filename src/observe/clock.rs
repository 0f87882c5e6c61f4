//! The one place that reads the wall clock.

use std::{
    cell::Cell,
    time::{SystemTime, UNIX_EPOCH},
};

use chrono::{Local, TimeZone as _};
use tokio::time::Instant;

use crate::model::Millis;

thread_local! {
    /// The moment at which this thread's simulation began, in both times; none where there is none.
    static SIMULATED: Cell<Option<(Millis, Instant)>> = const { Cell::new(None) };
}

/// From here on this thread's clock shows `origin` and the time that `tokio::time` says has passed since: for simulations,
/// which pause that. Where nobody calls it, nothing changes.
pub fn simulate_clock(origin: Millis) {
    SIMULATED.set(Some((origin, Instant::now())));
}

/// The moment it is, by this machine's clock. It may jump; waiting is done by `tokio::time`.
#[must_use]
pub fn now() -> Millis {
    if let Some((origin, began)) = SIMULATED.get() {
        return origin.after(began.elapsed());
    }
    jumped(wall_clock())
}

#[expect(clippy::disallowed_methods, reason = "this is the one clock that every other place must use")]
fn wall_clock() -> Millis {
    // A clock before 1970 reads as 1970: wrong either way, and nothing here depends on more than order.
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX))
}

/// The time as a clock tells it that was put forward or back. A debug build reads by how much, in milliseconds, from the file
/// that `MAITRE_CLOCK` names, anew each time: clocks jump while programs run.
#[cfg(debug_assertions)]
fn jumped(now: Millis) -> Millis {
    use std::{path::PathBuf, sync::LazyLock};

    #[expect(clippy::disallowed_methods, reason = "the clock must run before there is a configuration to read")]
    static CLOCK: LazyLock<Option<PathBuf>> = LazyLock::new(|| std::env::var_os("MAITRE_CLOCK").map(PathBuf::from));
    let Some(clock) = &*CLOCK else { return now };
    let by = std::fs::read_to_string(clock).ok().and_then(|text| text.trim().parse().ok()).unwrap_or_default();
    Millis(now.0.saturating_add_signed(by))
}

#[cfg(not(debug_assertions))]
#[inline]
fn jumped(now: Millis) -> Millis {
    now
}

/// The hour and minute of `at` where this machine stands, such as `14:05`.
#[must_use]
pub fn time_of_day(at: Millis) -> String {
    let moment = i64::try_from(at.0).ok().and_then(|millis| Local.timestamp_millis_opt(millis).single());
    moment.map_or_else(|| "--:--".to_owned(), |moment| moment.format("%H:%M").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_counts_milliseconds_of_this_century() {
        let year_2020 = Millis(1_577_836_800_000);
        let year_2100 = Millis(4_102_444_800_000);
        assert!((year_2020..year_2100).contains(&now()));
    }
    #[tokio::test(start_paused = true)]
    async fn a_simulation_has_a_clock_of_its_own() {
        simulate_clock(Millis(1_000));
        tokio::time::sleep(std::time::Duration::from_hours(1)).await;
        assert_eq!(now(), Millis(3_601_000));
        std::thread::scope(|others| {
            assert!(others.spawn(now).join().unwrap() > Millis(3_601_000), "only the thread that simulates");
        });
        SIMULATED.set(None);
    }

    #[test]
    fn a_moment_beyond_the_calendar_has_no_time_of_day() {
        let shown = time_of_day(now());
        assert!(shown.len() == 5 && shown.as_bytes()[2] == b':', "{shown}");
        assert_eq!(time_of_day(Millis(u64::MAX)), "--:--");
    }
}
