//! Single values: durations, numbers, addresses, names that must not be empty.

use std::{fmt::Display, num::NonZeroUsize, ops::RangeInclusive, time::Duration};

use url::Url;

use super::{
    compile::Compiler,
    fault::{Fault, VALUE},
    key_path::KeyPath,
};

/// A duration with its default and the values that make sense.
pub(super) struct Bounds {
    pub(super) default: Duration,
    pub(super) allowed: RangeInclusive<Duration>,
}

impl Compiler<'_> {
    /// A duration such as `30s`.
    pub(super) fn duration(&mut self, text: Option<&str>, path: &KeyPath, bounds: &Bounds) -> Duration {
        let Some(text) = text else { return bounds.default };
        let fault = match parse_duration(text) {
            Ok(duration) if bounds.allowed.contains(&duration) => return duration,
            Ok(_) => {
                let (least, most) = (bounds.allowed.start(), bounds.allowed.end());
                Fault::value(path, format!("{VALUE} is out of range")).hint(format!(
                    "between {} and {}",
                    show_duration(*least),
                    show_duration(*most)
                ))
            }
            Err(BadDuration::NoUnit) => Fault::value(path, format!("{VALUE} has no unit")).hint(unit_hint(text)),
            Err(BadDuration::NotOne) => Fault::value(path, format!("{VALUE} is not a duration"))
                .hint("write a number and a unit: 500ms, 30s, 2m or 1h"),
        };
        self.note(fault);
        bounds.default
    }

    /// A whole number.
    pub(super) fn number<N>(&mut self, number: Option<u64>, path: &KeyPath, default: N, allowed: RangeInclusive<N>) -> N
    where
        N: TryFrom<u64> + PartialOrd + Display,
    {
        let Some(number) = number else { return default };
        match N::try_from(number) {
            Ok(number) if allowed.contains(&number) => number,
            Ok(_) | Err(_) => {
                let hint = format!("between {} and {}", allowed.start(), allowed.end());
                self.note(Fault::value(path, format!("{VALUE} is out of range")).hint(hint));
                default
            }
        }
    }

    /// A whole number above zero.
    pub(super) fn some(
        &mut self,
        number: Option<u64>,
        path: &KeyPath,
        default: NonZeroUsize,
        max: usize,
    ) -> NonZeroUsize {
        NonZeroUsize::new(self.number(number, path, default.get(), 1..=max)).unwrap_or(default)
    }

    /// A text that people see: not empty, on one line.
    pub(super) fn caption(&mut self, text: Option<&str>, path: &KeyPath, default: impl FnOnce() -> String) -> String {
        let Some(text) = text else { return default() };
        let text = text.trim();
        if text.is_empty() {
            self.note(Fault::value(path, "this must not be empty").hint("write a name, or remove the line"));
        } else if text.contains('\n') {
            self.note(Fault::value(path, "this must be a single line").hint("shorten it"));
        }
        text.to_owned()
    }

    /// The address of a server, without a slash at its end.
    pub(super) fn address(&mut self, text: &str, path: &KeyPath) -> Option<String> {
        match parse_address(text) {
            Ok(address) => Some(address),
            Err((wrong, hint)) => {
                self.note(Fault::value(path, format!("{VALUE} {wrong}")).hint(hint));
                None
            }
        }
    }

    /// The address in an environment variable, if there is one. `path` is the key that it stands in for.
    pub(super) fn address_from(&mut self, variable: &str, path: &KeyPath) -> Option<String> {
        match parse_address(self.given.vault.get(variable)?) {
            Ok(address) => Some(address),
            Err((wrong, _)) => {
                let fault = Fault::missing(path, format!("the environment variable `{variable}` {wrong}"));
                self.note(fault.hint("set it to an address such as https://matrix.example.org"));
                None
            }
        }
    }
}

/// An address without a slash at its end, or what is wrong and what to do.
fn parse_address(text: &str) -> Result<String, (&'static str, &'static str)> {
    let example = "write an address such as https://matrix.example.org";
    let text = text.trim();
    let Ok(url) = Url::parse(text) else { return Err(("is not a web address", example)) };
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(("is not a web address", example));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(("holds a user name or password", "remove what stands before the `@`"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(("is more than an address", "remove what begins with `?` or `#`"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

#[derive(Debug, PartialEq, Eq)]
enum BadDuration {
    NoUnit,
    NotOne,
}

fn parse_duration(text: &str) -> Result<Duration, BadDuration> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| BadDuration::NotOne)?;
    let millis = match unit.trim() {
        "" => return Err(BadDuration::NoUnit),
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(BadDuration::NotOne),
    };
    number.checked_mul(millis).map(Duration::from_millis).ok_or(BadDuration::NotOne)
}

/// A duration as it would be typed.
fn show_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];
    let unit = units.into_iter().find(|(_, unit)| millis > 0 && millis.is_multiple_of(*unit));
    unit.map_or_else(|| format!("{millis}ms"), |(name, unit)| format!("{}{name}", millis / unit))
}

/// The number is echoed: digits alone are no secret.
fn unit_hint(text: &str) -> String {
    let text = text.trim();
    format!("write {text}s for seconds; ms, m and h are known, too")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit() {
        let check = |text: &str, expected: Result<u64, BadDuration>| {
            assert_eq!(parse_duration(text), expected.map(Duration::from_millis), "{text}");
        };
        check("500ms", Ok(500));
        check("30s", Ok(30_000));
        check(" 2 m ", Ok(120_000));
        check("1h", Ok(3_600_000));
        check("30", Err(BadDuration::NoUnit));
        check("", Err(BadDuration::NotOne));
        check("s", Err(BadDuration::NotOne));
        check("-3s", Err(BadDuration::NotOne));
        check("1.5s", Err(BadDuration::NotOne));
        check("3 weeks", Err(BadDuration::NotOne));
        check("99999999999999999999s", Err(BadDuration::NotOne));
        check("9999999999999999d", Err(BadDuration::NotOne));
    }

    #[test]
    fn durations_are_shown_as_they_are_typed() {
        for text in ["0ms", "500ms", "1500ms", "1s", "90s", "10m", "1h", "30d"] {
            assert_eq!(show_duration(parse_duration(text).unwrap()), text);
        }
    }

    #[test]
    fn addresses_are_web_addresses_without_secrets() {
        let check = |text: &str, expected: bool| assert_eq!(parse_address(text).is_ok(), expected, "{text}");
        check("https://matrix.example.org", true);
        check("http://127.0.0.1:8008/", true);
        check("http://[::1]:8008", true);
        check("https://example.org/base", true);
        check("matrix.example.org", false);
        check("localhost:8008", false);
        check("ftp://example.org", false);
        check("https://", false);
        check("https://me:secret@example.org", false);
        check("https://example.org/?a=b", false);
        check("", false);
    }
}
