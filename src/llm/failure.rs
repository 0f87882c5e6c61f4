//! What a provider's error answer means: status, header and body become a typed failure.

use std::time::Duration;

use serde_json::Value;

use super::LlmError;

/// A provider's word for an error is kept up to this length.
const CODE_BYTES_MAX: usize = 80;

/// Words in codes and messages by which providers say that a prompt is too long.
const TOO_LONG: &[&str] = &[
    "context_length",
    "context length",
    "context window",
    "context size",
    "exceed_context",
    "maximum context",
    "prompt is too long",
    "input is too long",
    "input token count",
    "request_too_large",
];
/// The same for refusals by a filter.
const FILTERED: &[&str] =
    &["content_filter", "content_policy", "content management policy", "moderation_blocked", "prohibited_content"];
/// The same for keys.
const BAD_KEY: &[&str] =
    &["api_key_invalid", "invalid_api_key", "api key not valid", "authentication_error", "permission_error"];
/// The same for accounts without credit.
const NO_CREDIT: &[&str] =
    &["insufficient_quota", "insufficient balance", "credit balance is too low", "billing_error"];
/// The same for models that don't exist.
const NO_MODEL: &[&str] = &["model_not_found", "model not found", "no such model"];

/// What an HTTP answer that isn't a success means. `retry_after` comes from its headers.
pub(super) fn of_answer(status: u16, body: &str, retry_after: Option<Duration>) -> LlmError {
    let said = Said::of(&serde_json::from_str(body).unwrap_or(Value::Null));
    of_status(status, &said, retry_after)
}

/// What an error event inside a stream means.
pub(super) fn of_event(body: &Value) -> LlmError {
    let said = Said::of(body);
    of_status(said.status(), &said, None)
}

fn of_status(status: u16, said: &Said, retry_after: Option<Duration>) -> LlmError {
    if status < 500 {
        if status != 429 && said.any(TOO_LONG) {
            return LlmError::ContextTooLong;
        }
        if said.any(NO_CREDIT) {
            return LlmError::NoCredit;
        }
        if said.any(FILTERED) {
            return LlmError::Refused;
        }
    }
    match status {
        401 | 403 => LlmError::Auth,
        402 => LlmError::NoCredit,
        404 => LlmError::NoSuchModel,
        413 => LlmError::ContextTooLong,
        429 => LlmError::RateLimited { retry_after: retry_after.or(said.retry_delay) },
        503 | 529 => LlmError::Overloaded,
        // The request came too slowly or too early: neither is the same the next time.
        408 | 425 => LlmError::Server { status },
        400..=499 if said.any(BAD_KEY) => LlmError::Auth,
        400..=499 if said.any(NO_MODEL) => LlmError::NoSuchModel,
        400..=499 => LlmError::BadRequest { status, code: said.code.clone() },
        _ => LlmError::Server { status },
    }
}

/// How long a provider wants to be left alone, from its headers.
///
/// Seconds and milliseconds are understood. Dates aren't: no provider of models uses them, and they would need a clock.
pub(super) fn retry_after<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Option<Duration> {
    let millis = header("retry-after-ms").and_then(|text| text.trim().parse::<f64>().ok()).map(|ms| ms / 1000.0);
    let seconds = millis.or_else(|| header("retry-after")?.trim().parse::<f64>().ok())?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// What a provider says in the body of an error.
#[derive(Debug, Default, PartialEq)]
struct Said {
    /// Its word for the error: letters, digits and the like only.
    code: String,
    /// A status inside the body.
    number: Option<u16>,
    /// Everything it says, in lower case, to search in. It may quote what people wrote and is never shown.
    all: String,
    /// Google's place for the time to wait.
    retry_delay: Option<Duration>,
}

impl Said {
    fn of(body: &Value) -> Self {
        // Google puts the error into a list, Ollama makes it a text, others send the inner part alone.
        let body = body.get(0).unwrap_or(body);
        let error = body.get("error").unwrap_or(body);
        let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
        let codes = [text("code"), text("status"), text("type")];
        let code = codes.into_iter().find(|code| !code.is_empty()).unwrap_or_default();
        let message = error.as_str().unwrap_or_else(|| text("message"));
        let details = error.get("details").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let reasons = details.iter().filter_map(|detail| detail.get("reason")?.as_str());
        let all: Vec<&str> = codes.into_iter().chain([message]).chain(reasons).collect();
        Self {
            code: identifier(code),
            number: error.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok()),
            all: all.join("\n").to_ascii_lowercase(),
            retry_delay: details.iter().find_map(|detail| google_delay(detail.get("retryDelay")?.as_str()?)),
        }
    }

    fn any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.all.contains(word))
    }

    /// The status that an error without one stands for.
    fn status(&self) -> u16 {
        match self.number {
            Some(number) if (400..600).contains(&number) => number,
            Some(_) | None if self.any(&["overloaded"]) => 529,
            Some(_) | None if self.any(&["rate_limit", "rate limit", "resource_exhausted"]) => 429,
            Some(_) | None if self.any(&["authentication", "permission", "unauthorized"]) => 401,
            Some(_) | None if self.any(&["invalid_request", "invalid_argument", "context_length"]) => 400,
            Some(_) | None => 500,
        }
    }
}

/// `text` if it is a single word, so that no sentence, which might quote somebody, gets through.
fn identifier(text: &str) -> String {
    let is_word =
        text.len() <= CODE_BYTES_MAX && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
    if is_word { text.to_owned() } else { String::new() }
}

/// A delay such as `34.5s`.
fn google_delay(text: &str) -> Option<Duration> {
    text.strip_suffix('s')?.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bad_request(status: u16, code: &str) -> LlmError {
        LlmError::BadRequest { status, code: code.to_owned() }
    }

    fn limited(seconds: Option<u64>) -> LlmError {
        LlmError::RateLimited { retry_after: seconds.map(Duration::from_secs) }
    }

    #[test]
    fn a_status_tells_what_went_wrong() {
        let check = |status: u16, expected: LlmError| {
            for body in ["", "<html>", "{}", "[]", "null"] {
                assert_eq!(of_answer(status, body, None), expected, "{status} {body:?}");
            }
        };
        check(400, bad_request(400, ""));
        check(401, LlmError::Auth);
        check(402, LlmError::NoCredit);
        check(403, LlmError::Auth);
        check(404, LlmError::NoSuchModel);
        check(408, LlmError::Server { status: 408 });
        check(413, LlmError::ContextTooLong);
        check(422, bad_request(422, ""));
        check(429, limited(None));
        check(500, LlmError::Server { status: 500 });
        check(502, LlmError::Server { status: 502 });
        check(503, LlmError::Overloaded);
        check(529, LlmError::Overloaded);
        check(301, LlmError::Server { status: 301 });
    }

    /// Bodies as the providers send them.
    #[test]
    fn a_body_tells_more_than_the_status() {
        let check = |status: u16, body: Value, expected: LlmError| {
            assert_eq!(of_answer(status, &body.to_string(), None), expected, "{status} {body}");
        };
        let openai =
            |code: &str, kind: &str, message: &str| json!({"error": {"code": code, "type": kind, "message": message}});
        check(
            400,
            openai("context_length_exceeded", "invalid_request_error", "This model's maximum context length is 8192"),
            LlmError::ContextTooLong,
        );
        check(400, openai("content_policy_violation", "x", "no"), LlmError::Refused);
        check(
            400,
            openai("", "invalid_request_error", "Unknown parameter: 'x'."),
            bad_request(400, "invalid_request_error"),
        );
        check(400, openai("model_not_found", "x", "no"), LlmError::NoSuchModel);
        check(429, openai("insufficient_quota", "insufficient_quota", "You exceeded your quota"), LlmError::NoCredit);
        check(429, openai("rate_limit_exceeded", "tokens", "reduce the context length"), limited(None));
        check(500, openai("", "server_error", "context window"), LlmError::Server { status: 500 });
        let anthropic =
            |kind: &str, message: &str| json!({"type": "error", "error": {"type": kind, "message": message}});
        check(400, anthropic("invalid_request_error", "prompt is too long: 210000 tokens"), LlmError::ContextTooLong);
        check(400, anthropic("invalid_request_error", "Your credit balance is too low"), LlmError::NoCredit);
        check(413, anthropic("request_too_large", "Request exceeds the maximum size"), LlmError::ContextTooLong);
        check(529, anthropic("overloaded_error", "Overloaded"), LlmError::Overloaded);
        let gemini = json!([{"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "API key not valid.",
            "details": [{"reason": "API_KEY_INVALID"}]}}]);
        check(400, gemini, LlmError::Auth);
        let gemini =
            json!({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [{"retryDelay": "34s"}]}});
        check(429, gemini, limited(Some(34)));
        check(404, json!({"error": "model 'x' not found"}), LlmError::NoSuchModel);
        check(400, json!({"error": {"type": "exceed_context_size_error", "n_ctx": 4096}}), LlmError::ContextTooLong);
    }

    #[test]
    fn an_error_inside_a_stream_is_understood_without_a_status() {
        let check = |body: Value, expected: LlmError| assert_eq!(of_event(&body), expected, "{body}");
        check(json!({"type": "error", "error": {"type": "overloaded_error"}}), LlmError::Overloaded);
        check(json!({"type": "server_error", "message": "Error in input stream"}), LlmError::Server { status: 500 });
        check(json!({"code": "rate_limit_exceeded"}), limited(None));
        check(json!({"type": "authentication_error"}), LlmError::Auth);
        check(json!({"code": 502, "message": "upstream"}), LlmError::Server { status: 502 });
        check(json!({"code": "context_length_exceeded"}), LlmError::ContextTooLong);
        check(json!("what"), LlmError::Server { status: 500 });
        check(json!(null), LlmError::Server { status: 500 });
    }

    #[test]
    fn a_code_that_is_a_sentence_is_not_kept() {
        let body = json!({"error": {"code": "you wrote: my secret"}}).to_string();
        assert_eq!(of_answer(400, &body, None), bad_request(400, ""));
    }

    #[test]
    fn headers_tell_how_long_to_wait() {
        let check = |headers: &[(&str, &'static str)], millis: Option<u64>| {
            let header = |name: &str| headers.iter().find(|(own, _)| *own == name).map(|(_, value)| *value);
            assert_eq!(retry_after(header), millis.map(Duration::from_millis), "{headers:?}");
        };
        check(&[], None);
        check(&[("retry-after", "7")], Some(7_000));
        check(&[("retry-after", " 0.5 ")], Some(500));
        check(&[("retry-after", "7"), ("retry-after-ms", "1500")], Some(1_500));
        check(&[("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT")], None);
        check(&[("retry-after", "-1")], None);
        check(&[("retry-after", "1e300")], None);
        check(&[("retry-after", "NaN")], None);
    }
}
