//! Who gets an answer: the right host name against pages that pose as us, the token against everybody else.

use std::{hint::black_box, net::IpAddr, time::Duration};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use crate::model::Secret;

/// How long one answer may take.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);
/// The one path that tells nothing but that we live, and tells it to everybody.
const OPEN_PATH: &str = "/health";

/// What a caller must be or show.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    on_loopback: bool,
    token: Option<Secret>,
}

/// Why a caller gets no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The browser of somebody on this machine was led here under a foreign name.
    ForeignHost,
    /// There is no token, or a wrong one.
    NoToken,
}

impl Guard {
    /// Guards a server that listens on `address`.
    pub(super) fn new(address: IpAddr, token: Option<Secret>) -> Self {
        Self { on_loopback: address.to_canonical().is_loopback(), token }
    }

    /// Whether callers must show a token.
    pub(super) fn wants_token(&self) -> bool {
        self.token.is_some()
    }

    fn judge(&self, request: &Request) -> Result<(), Refusal> {
        let text = |name| header_text(request.headers(), &name);
        let host = request.uri().host().or_else(|| text(header::HOST));
        self.check(request.uri().path(), host, text(header::AUTHORIZATION))
    }

    fn check(&self, path: &str, host: Option<&str>, authorization: Option<&str>) -> Result<(), Refusal> {
        // Only browsers can be led astray, and they always name the host.
        if self.on_loopback && host.is_some_and(|host| !is_local(host)) {
            return Err(Refusal::ForeignHost);
        }
        let Some(token) = &self.token else { return Ok(()) };
        let shown = authorization.and_then(bearer).unwrap_or_default();
        if path == OPEN_PATH || equal(shown.as_bytes(), token.reveal().as_bytes()) {
            Ok(())
        } else {
            Err(Refusal::NoToken)
        }
    }
}

/// Lets through who may pass, in bounded time.
pub(super) async fn guarded(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let verdict = guard.judge(&request);
    let mut response = match verdict {
        Ok(()) => match tokio::time::timeout(ANSWER_TIME_MAX, next.run(request)).await {
            Ok(response) => response,
            Err(_late) => (StatusCode::SERVICE_UNAVAILABLE, "took too long\n").into_response(),
        },
        Err(Refusal::ForeignHost) => (StatusCode::MISDIRECTED_REQUEST, "not this host\n").into_response(),
        Err(Refusal::NoToken) => {
            let ask = [(header::WWW_AUTHENTICATE, "Bearer")];
            (StatusCode::UNAUTHORIZED, ask, "show the token of http.token\n").into_response()
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The header's text; one that isn't text reads as the empty one, which fits nothing.
fn header_text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

/// Whether `host`, with or without a port, names this machine from the inside.
fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether both are the same, in a time that tells nothing but the length.
fn equal(shown: &[u8], wanted: &[u8]) -> bool {
    let difference = shown.iter().zip(wanted).fold(0, |difference, (a, b)| black_box(difference | (a ^ b)));
    shown.len() == wanted.len() && difference == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_name_is_refused_on_loopback() {
        let guard = Guard::new([127, 0, 0, 1].into(), None);
        let check = |host: Option<&str>, passes: bool| {
            assert_eq!(guard.check("/ready", host, None).is_ok(), passes, "{host:?}");
        };
        check(None, true);
        for host in ["localhost", "LocalHost:8765", "127.0.0.1:8765", "127.9.9.9", "[::1]:8765", "[::1]"] {
            check(Some(host), true);
        }
        for host in ["evil.example", "evil.example:8765", "localhost.evil.example", "10.0.0.1", "[fe80::1]", "", "["] {
            check(Some(host), false);
        }
        assert!(Guard::new([0, 0, 0, 0].into(), None).check("/ready", Some("evil.example"), None).is_ok());
    }

    #[test]
    fn a_token_opens_everything_and_its_absence_only_health() {
        let guard = Guard::new([0, 0, 0, 0].into(), Some(Secret::new("correct horse")));
        let check = |path: &str, shown: Option<&str>, expected: Result<(), Refusal>| {
            assert_eq!(guard.check(path, Some("anything"), shown), expected, "{path} {shown:?}");
        };
        check("/health", None, Ok(()));
        check("/metrics", Some("Bearer correct horse"), Ok(()));
        check("/metrics", Some("bearer  correct horse "), Ok(()));
        for shown in [
            None,
            Some(""),
            Some("correct horse"),
            Some("Basic correct horse"),
            Some("Bearer "),
            Some("Bearer correct hors"),
            Some("Bearer correct horsE"),
            Some("Bearer correct horse!"),
        ] {
            check("/metrics", shown, Err(Refusal::NoToken));
        }
        check("/health/", None, Err(Refusal::NoToken));
    }
}
