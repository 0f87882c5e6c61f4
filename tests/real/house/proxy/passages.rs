//! What came by: who asked for what, from when to when.

use std::sync::{Arc, Mutex};

use axum::http::{Method, request};
use tokio::time::Instant;

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Passage {
    /// What it was authorized by, if by anything.
    pub(crate) token: Option<String>,
    pub(crate) method: Method,
    /// The path with what follows the question mark.
    pub(crate) target: String,
    pub(crate) began: Instant,
    /// When the homeserver's answer began, and its status. None where whoever asked went away before, or still waits.
    pub(crate) answered: Option<(Instant, u16)>,
}

impl Passage {
    /// Whether it is a step of the stream.
    pub(crate) fn is_sync(&self) -> bool {
        self.target.split('?').next().is_some_and(|path| path.ends_with("/sync"))
    }

    /// Whether it goes on from a position.
    pub(crate) fn goes_on(&self) -> bool {
        self.target.contains("since=")
    }

    /// Whether somebody signs in or gets an account.
    pub(crate) fn is_login(&self) -> bool {
        let path = self.target.split('?').next().unwrap_or_default();
        self.method == Method::POST && (path.ends_with("/login") || path.ends_with("/register"))
    }
}

/// All requests so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Passages(Arc<Mutex<Vec<Passage>>>);

impl Passages {
    /// Writes down that this request came. Gives its number.
    pub(super) fn begin(&self, head: &request::Parts) -> usize {
        let token = head.headers.get("authorization").and_then(|value| value.to_str().ok());
        let token = token.and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned);
        let (method, target) = (head.method.clone(), head.uri.to_string());
        let mut all = self.0.lock().unwrap();
        all.push(Passage { token, method, target, began: Instant::now(), answered: None });
        all.len() - 1
    }

    /// Writes down that it was answered.
    pub(super) fn answer(&self, number: usize, status: u16) {
        self.0.lock().unwrap()[number].answered = Some((Instant::now(), status));
    }

    pub(super) fn all(&self) -> Vec<Passage> {
        self.0.lock().unwrap().clone()
    }
}
