//! Requests to the client-server interface, by hand: what the homeserver says is what a test sees.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

/// How long a request may take beyond the time that it asks the homeserver to wait.
const WITHIN: Duration = Duration::from_mins(1);

/// One device's way to its homeserver.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
}

/// What the homeserver says when it won't.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Api {
    pub(crate) fn new(url: &str, token: Option<&str>) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(WITHIN).build().unwrap();
        Self { http, url: url.to_owned(), token: token.map(str::to_owned) }
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, Refusal> {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Result<Value, Refusal> {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Result<Value, Refusal> {
        self.call(Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<Value, Refusal> {
        self.call(Method::DELETE, path, None).await
    }

    /// Sends a file.
    pub(crate) async fn upload(&self, path: &str, mime: &str, bytes: &[u8]) -> Result<Value, Refusal> {
        let request = self.http.post(format!("{}{path}", self.url)).header("content-type", mime).body(bytes.to_vec());
        self.perform(request, path).await
    }

    /// A homeserver that can't be reached ends the test; one that refuses is an answer.
    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, Refusal> {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.url));
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.perform(request, &format!("{method} {path}")).await
    }

    async fn perform(&self, mut request: RequestBuilder, what: &str) -> Result<Value, Refusal> {
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        let status = response.status();
        let text = response.text().await.unwrap();
        let answer: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{what}: {status} {text}"));
        if status.is_success() {
            return Ok(answer);
        }
        let word = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        Err(Refusal { status: status.as_u16(), code: word("errcode"), message: word("error") })
    }
}

/// An identifier as one part of a path.
pub(crate) fn part(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut path, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            write!(path, "%{byte:02X}").unwrap();
        }
        path
    })
}
