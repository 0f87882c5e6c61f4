//! Masks what a line must not show: known secrets by their value, unknown ones by how secrets look.

use std::{borrow::Cow, ops::Range};

use super::secrets::{Secrets, with_secrets};

/// What stands in place of a secret. It is shorter than the shortest secret, so masking comes to an end.
const MASK: &str = "***";

/// Keys whose values are secret, in JSON, in addresses, in YAML.
const SECRET_KEYS: &[&str] = &[
    "access_token",
    "api_key",
    "client_secret",
    "password",
    "recovery_key",
    "refresh_token",
    "registration_shared_secret",
    "store_key",
];

/// How tokens begin, and how many characters must follow before it is one.
const TOKEN_STARTS: &[(&str, usize)] = &[("syt_", 8), ("syr_", 8), ("mct_", 8), ("mcr_", 8), ("sk-", 16)];

/// `line` without secrets.
///
/// Known ones are looked for before the others, so that no rule cuts one in two, and afterwards, so that none arises
/// where text was taken out.
pub(super) fn redact<'a>(line: &'a str, secrets: &Secrets) -> Cow<'a, str> {
    let line = without_known(Cow::Borrowed(line), secrets);
    let spans = look_secret(&line);
    if spans.is_empty() {
        return line;
    }
    without_known(Cow::Owned(masked(&line, &spans)), secrets)
}

/// `text` without the secrets that are known by their value: for people, who may read about keys and tokens.
#[must_use]
pub fn without_secrets(text: &str) -> String {
    with_secrets(|secrets| without_known(Cow::Borrowed(text), secrets).into_owned())
}

fn without_known<'a>(mut line: Cow<'a, str>, secrets: &Secrets) -> Cow<'a, str> {
    loop {
        let spans = secrets.find(&line);
        if spans.is_empty() {
            return line;
        }
        line = Cow::Owned(masked(&line, &spans));
    }
}

/// `line` with a mask for each of `spans`, which are in order and apart.
fn masked(line: &str, spans: &[Range<usize>]) -> String {
    let mut text = String::with_capacity(line.len());
    let mut done = 0;
    for span in spans {
        text.push_str(&line[done..span.start]);
        text.push_str(MASK);
        done = span.end;
    }
    text.push_str(&line[done..]);
    text
}

/// Where something stands that looks like a secret: in order and apart.
fn look_secret(line: &str) -> Vec<Range<usize>> {
    // ASCII case folding keeps every offset.
    let folded = line.to_ascii_lowercase();
    let keyed = SECRET_KEYS.iter().flat_map(|key| folded.match_indices(key)).filter_map(|(at, key)| {
        let rest = at + key.len();
        value_of_key(&line[rest..]).map(|value| rest + value.start..rest + value.end)
    });
    let bearers = folded.match_indices("bearer ").map(|(at, word)| {
        let start = at + word.len();
        start..start + run(&line[start..], |b| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b))
    });
    let tokens = TOKEN_STARTS.iter().flat_map(|(prefix, rest_min)| {
        line.match_indices(prefix).filter_map(|(at, prefix)| token_at(line, at, prefix.len(), *rest_min))
    });
    let mut spans: Vec<Range<usize>> =
        keyed.chain(bearers).chain(tokens).filter(|span| !span.is_empty() && &line[span.clone()] != MASK).collect();
    spans.sort_unstable_by_key(|span| (span.start, span.end));
    spans.dedup_by(|next, last| {
        let overlap = next.start < last.end;
        if overlap {
            last.end = last.end.max(next.end);
        }
        overlap
    });
    spans
}

/// Where the value stands in what follows a key: `=value`, `": "value"`, `\":\"value\"`, `: value`.
fn value_of_key(rest: &str) -> Option<Range<usize>> {
    let bytes = rest.as_bytes();
    let skip = |from: usize, these: &[u8]| from + run(&rest[from..], |b| these.contains(&b));
    let sign = skip(skip(0, b"\\\"'"), b" ");
    if !matches!(bytes.get(sign), Some(b'=' | b':')) {
        return None;
    }
    let opening = skip(sign + 1, b" ");
    let quote_at = skip(opening, b"\\");
    match bytes.get(quote_at).copied() {
        Some(quote @ (b'"' | b'\'')) => {
            let start = quote_at + 1;
            Some(start..start + quoted(&rest[start..], quote, quote_at - opening))
        }
        _ => Some(opening..opening + run(&rest[opening..], |b| !b.is_ascii_whitespace() && !b"&,;)}]\"'".contains(&b))),
    }
}

/// The length of a value up to its closing quote, which has no more backslashes before it than the opening one had.
fn quoted(rest: &str, quote: u8, depth: usize) -> usize {
    let mut backslashes = 0;
    for (at, byte) in rest.bytes().enumerate() {
        if byte == quote && backslashes <= depth {
            return at - backslashes;
        }
        backslashes = if byte == b'\\' { backslashes + 1 } else { 0 };
    }
    rest.len()
}

fn token_at(line: &str, at: usize, prefix: usize, rest_min: usize) -> Option<Range<usize>> {
    let in_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    let inside_a_word = at.checked_sub(1).is_some_and(|before| in_word(line.as_bytes()[before]));
    let length = run(&line[at + prefix..], in_word);
    (!inside_a_word && length >= rest_min).then(|| at..at + prefix + length)
}

/// How many bytes at the start of `text` are `wanted`. Only sets of ASCII, or complements of such, keep to characters.
fn run(text: &str, wanted: impl Fn(u8) -> bool) -> usize {
    text.bytes().position(|b| !wanted(b)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{model::Secret, observe::secrets::Life};

    fn known(texts: &[String]) -> Secrets {
        let mut secrets = Secrets::default();
        for text in texts {
            secrets.register(&Secret::new(text.clone()), Life::Lasting);
        }
        secrets
    }

    #[test]
    fn what_looks_like_a_secret_is_masked() {
        let check = |line: &str, expected: &str| assert_eq!(redact(line, &Secrets::default()), expected, "{line}");
        check("nothing to hide", "nothing to hide");
        check("Authorization: Bearer abc.DEF-1", "Authorization: Bearer ***");
        check("authorization: bearer abc next", "authorization: bearer *** next");
        check("GET /sync?access_token=abc&since=s1", "GET /sync?access_token=***&since=s1");
        check("login syt_YWRh_kqbTsLqUbzwZ_0abcde ok", "login *** ok");
        check("mct_AbCdEfGhIjKl", "***");
        check("the key sk-proj-abcdefghijklmnop", "the key ***");
        check("a task-of-many-words-and-more", "a task-of-many-words-and-more");
        check("my_syt_abcdefghijkl", "my_syt_abcdefghijkl");
        check("syt_short", "syt_short");
        check(r#"{"password":"a\"b","user":"ada"}"#, r#"{"password":"***","user":"ada"}"#);
        check(r#"{"password" : "", "a": 1}"#, r#"{"password" : "", "a": 1}"#);
        check(r#"{"body":"{\"password\":\"a\\\"b\",\"x\":1}"}"#, r#"{"body":"{\"password\":\"***\",\"x\":1}"}"#);
        check("registration_shared_secret: s3cret", "registration_shared_secret: ***");
        check("registration_shared_secret: 's3 cret' # why", "registration_shared_secret: '***' # why");
        check("API_KEY=abc, next", "API_KEY=***, next");
        check("password = ünï", "password = ***");
        check("the password was wrong", "the password was wrong");
        check("password=\"cut off", "password=\"***");
        check("password=***", "password=***");
        check("password", "password");
        check("Bearer ", "Bearer ");
    }

    #[test]
    fn known_secrets_are_masked_wherever_they_stand() {
        let check = |secrets: &[&str], line: &str, expected: &str| {
            let secrets: Vec<String> = secrets.iter().map(|text| (*text).to_owned()).collect();
            assert_eq!(redact(line, &known(&secrets)), expected, "{line}");
        };
        check(&["hunter2"], "tried hunter2 and xhunter2x", "tried *** and x***x");
        check(&["abc&def"], "access_token=abc&def&x=1", "access_token=***&x=1");
        check(&["a b c d"], "password=a b c d", "password=***");
        check(&["****"], "********* and ***", "*** and ***");
        check(&["*a**"], "*aaaaaa", "*aaaaaa");
    }

    proptest! {
        #[test]
        fn a_known_secret_never_survives(
            secrets in proptest::collection::vec("\\PC{4,12}|[a*]{4,6}|[\"\\\\&= ]{4,6}", 1..5),
            before in ".{0,20}", between in "(password=|Bearer |\"password\":\"|)", after in ".{0,20}",
        ) {
            let known = known(&secrets);
            let mut line = before;
            for secret in &secrets {
                line.push_str(&between);
                line.push_str(secret);
                line.push_str(&after);
            }
            let shown = redact(&line, &known);
            for secret in &secrets {
                prop_assert!(!shown.contains(secret.as_str()), "{secret:?} is in {shown:?}");
            }
        }

        #[test]
        fn a_secret_does_not_survive_in_json(secret in "[ -~]{4,20}", noise in ".{0,10}") {
            let known = known(std::slice::from_ref(&secret));
            let line = serde_json::json!({ "text": format!("{noise}{secret}{noise}") }).to_string();
            let shown = redact(&line, &known);
            let escaped = serde_json::Value::from(secret.as_str()).to_string();
            prop_assert!(!shown.contains(&escaped[1..escaped.len() - 1]), "{secret:?} is in {shown}");
        }

        #[test]
        fn any_line_is_taken_and_nothing_else_is_lost(
            words in proptest::collection::vec("[a-z]{1,8}", 0..8), secret in "[A-Z]{4,8}",
        ) {
            let known = known(std::slice::from_ref(&secret));
            let expected = words.iter().map(|word| format!("{word} ***")).collect::<Vec<_>>().join(" ");
            let line = expected.replace("***", &secret);
            prop_assert_eq!(redact(&line, &known), expected);
        }
    }
}
