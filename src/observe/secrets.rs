//! The secrets that no line of the log may show, found by value in whatever form they are printed.

use std::{
    collections::{HashMap, VecDeque},
    fmt::Write as _,
    ops::Range,
    sync::{LazyLock, PoisonError, RwLock},
};

use crate::model::Secret;

/// Shorter secrets aren't masked by value: they would be found in ordinary words, and nothing would be left to read.
const SECRET_BYTES_MIN: usize = 4;
/// How many lasting secrets are kept; beyond it the oldest is forgotten.
const LASTING_MAX: usize = 16_384;
/// How many passing secrets are kept; beyond it the oldest, long expired by then, is forgotten.
const PASSING_MAX: usize = 4_096;

/// A lock and no task: lines are written on every thread, and whoever writes one can't wait for an answer.
static KNOWN: LazyLock<RwLock<Secrets>> = LazyLock::new(RwLock::default);

/// From now on no line of the log shows this secret: a password, a key, a token that doesn't change.
pub fn register_secret(secret: &Secret) {
    KNOWN.write().unwrap_or_else(PoisonError::into_inner).register(secret, Life::Lasting);
}

/// From now on no line of the log shows this token, one of many that come and go.
pub fn register_token(token: &Secret) {
    KNOWN.write().unwrap_or_else(PoisonError::into_inner).register(token, Life::Passing);
}

/// Calls `read` with every secret that is known.
pub(super) fn with_secrets<T>(read: impl FnOnce(&Secrets) -> T) -> T {
    read(&KNOWN.read().unwrap_or_else(PoisonError::into_inner))
}

/// How long a secret matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// As long as the process.
    Lasting,
    /// Until the homeserver gives the next one.
    Passing,
}

/// A set of secrets that is searched in one pass over a text, however many there are.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    lasting: VecDeque<Secret>,
    passing: VecDeque<Secret>,
    /// Every form in which a secret may be printed, by its first bytes.
    forms: HashMap<[u8; SECRET_BYTES_MIN], Vec<Secret>>,
}

impl Secrets {
    /// Adds `secret`, unless it is too short or there already.
    pub(super) fn register(&mut self, secret: &Secret, life: Life) {
        let (ring, limit) = match life {
            Life::Lasting => (&mut self.lasting, LASTING_MAX),
            Life::Passing => (&mut self.passing, PASSING_MAX),
        };
        if secret.reveal().len() < SECRET_BYTES_MIN || ring.contains(secret) {
            return;
        }
        ring.push_back(secret.clone());
        let oldest = if ring.len() > limit { ring.pop_front() } else { None };
        for form in printed_forms(secret.reveal()) {
            self.forms.entry(start_of(&form)).or_default().push(Secret::new(form));
        }
        if let Some(oldest) = oldest {
            self.forget(&oldest);
        }
    }

    /// Where secrets stand in `text`: in order, overlapping and touching ones as one.
    pub(super) fn find(&self, text: &str) -> Vec<Range<usize>> {
        let bytes = text.as_bytes();
        let mut found: Vec<Range<usize>> = Vec::new();
        for (at, start) in bytes.windows(SECRET_BYTES_MIN).enumerate() {
            // A window has the size it was asked for.
            let Some(forms) = <[u8; SECRET_BYTES_MIN]>::try_from(start).ok().and_then(|start| self.forms.get(&start))
            else {
                continue;
            };
            let lengths =
                forms.iter().map(|form| form.reveal().as_bytes()).filter(|form| bytes[at..].starts_with(form));
            let Some(length) = lengths.map(<[u8]>::len).max() else { continue };
            match found.last_mut() {
                Some(last) if at <= last.end => last.end = last.end.max(at + length),
                _ => found.push(at..at + length),
            }
        }
        found
    }

    fn forget(&mut self, secret: &Secret) {
        for form in printed_forms(secret.reveal()) {
            let start = start_of(&form);
            let Some(forms) = self.forms.get_mut(&start) else { continue };
            if let Some(index) = forms.iter().position(|known| known.reveal() == form) {
                forms.swap_remove(index);
            }
            if forms.is_empty() {
                self.forms.remove(&start);
            }
        }
    }
}

/// As it is, in JSON, as Rust's `{:?}` shows it, that again in JSON, and in an address; each once.
fn printed_forms(secret: &str) -> Vec<String> {
    let debug = inner(&format!("{secret:?}"));
    let mut forms = vec![secret.to_owned(), in_json(secret), in_json(&debug), debug, in_address(secret)];
    forms.sort_unstable();
    forms.dedup();
    forms
}

fn in_json(text: &str) -> String {
    inner(&serde_json::Value::from(text).to_string())
}

/// What stands between the quotes.
fn inner(quoted: &str) -> String {
    quoted[1..quoted.len() - 1].to_owned()
}

fn in_address(text: &str) -> String {
    let mut address = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            address.push(char::from(byte));
        } else {
            write!(address, "%{byte:02X}").expect("a String takes everything");
        }
    }
    address
}

fn start_of(form: &str) -> [u8; SECRET_BYTES_MIN] {
    let mut start = [0; SECRET_BYTES_MIN];
    start.copy_from_slice(&form.as_bytes()[..SECRET_BYTES_MIN]);
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(texts: &[&str]) -> Secrets {
        let mut secrets = Secrets::default();
        for text in texts {
            secrets.register(&Secret::new(*text), Life::Lasting);
        }
        secrets
    }

    #[test]
    fn secrets_are_found_in_every_form() {
        let check = |known: &[&str], text: &str, expected: &[(usize, usize)]| {
            let found = secrets(known).find(text).into_iter().map(|span| (span.start, span.end)).collect::<Vec<_>>();
            assert_eq!(found, expected, "{known:?} in {text:?}");
        };
        check(&["hunter2"], "no such thing", &[]);
        check(&["hunter2"], "is hunter2, hunter2", &[(3, 10), (12, 19)]);
        check(&["hunter2"], "hunter", &[]);
        check(&["hunter2", "hunter22"], "hunter22", &[(0, 8)]);
        check(&["abcd", "cdef"], "abcdef", &[(0, 6)]);
        check(&["abcd"], "abcdabcd", &[(0, 8)]);
        check(&["a\"bcd"], r#"{"x":"a\"bcd"}"#, &[(6, 12)]);
        check(&["a\"bcd"], r#"{"x":"\"a\\\"bcd\""}"#, &[(8, 16)]);
        check(&["a/b cd"], "?x=a%2Fb%20cd&y", &[(3, 13)]);
        check(&["pässwort"], "das pässwort", &[(4, 13)]);
        check(&["abc"], "abc", &[]);
    }

    #[test]
    fn the_oldest_passing_token_is_forgotten_and_no_other() {
        let mut secrets = secrets(&["password", "token-1"]);
        for number in 0..=PASSING_MAX {
            secrets.register(&Secret::new(format!("token-{number}")), Life::Passing);
        }
        let is_known = |text: &str| !secrets.find(text).is_empty();
        assert!(!is_known("token-0"), "the oldest is gone");
        assert!(is_known("token-1") && is_known("token-4096") && is_known("password"));
        assert_eq!(secrets.passing.len(), PASSING_MAX);
        secrets.register(&Secret::new("one more"), Life::Passing);
        assert!(!secrets.find("token-1").is_empty(), "it is known as a lasting one as well");
    }
}
