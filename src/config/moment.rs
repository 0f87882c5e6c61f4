//! A moment as agents are told it: in the configured time zone.

use chrono::{DateTime, TimeZone as _};
use chrono_tz::Tz;

use super::Config;
use crate::model::Millis;

impl Config {
    /// The day of `at` with the time zone, such as `Friday, 20 November 2026 (Europe/Berlin)`.
    #[must_use]
    pub fn day(&self, at: Millis) -> String {
        self.written(at, &format!("%A, %-d %B %Y ({})", self.timezone.name()))
    }

    /// The day and the minute of `at`, such as `2026-11-20 14:05`.
    #[must_use]
    pub fn minute(&self, at: Millis) -> String {
        self.written(at, "%Y-%m-%d %H:%M")
    }

    /// All of it, such as `Friday, 20 November 2026, 14:05 (Europe/Berlin, UTC+01:00)`.
    #[must_use]
    pub fn moment(&self, at: Millis) -> String {
        self.written(at, &format!("%A, %-d %B %Y, %H:%M ({}, UTC%:z)", self.timezone.name()))
    }

    fn written(&self, at: Millis, form: &str) -> String {
        let local: Option<DateTime<Tz>> =
            i64::try_from(at.0).ok().and_then(|millis| self.timezone.timestamp_millis_opt(millis).single());
        local.map_or_else(|| "an unknown time".to_owned(), |local| local.format(form).to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, path::Path};

    use super::*;
    use crate::config::compile_text;

    #[test]
    fn a_moment_is_told_where_the_house_stands() {
        let text = "homeserver: { url: 'http://localhost' }\ntimezone: Europe/Berlin\nagents: { ada: { role: x } }\n";
        let config = compile_text(text, Path::new("/"), &BTreeMap::new()).unwrap().config;
        let at = Millis(1_795_179_900_000);
        assert_eq!(config.day(at), "Friday, 20 November 2026 (Europe/Berlin)");
        assert_eq!(config.minute(at), "2026-11-20 14:05");
        assert_eq!(config.moment(at), "Friday, 20 November 2026, 14:05 (Europe/Berlin, UTC+01:00)");
        assert_eq!(config.minute(Millis(u64::MAX)), "an unknown time");
    }
}
