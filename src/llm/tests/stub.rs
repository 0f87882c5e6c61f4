//! A provider that answers as it is told, and remembers what it was asked and who went away.

use std::{
    collections::VecDeque,
    convert::Infallible,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Request, Response},
};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch, time::timeout};

use crate::{
    config::{Model, Provider},
    model::Secret,
    nursery::{Nursery, Stop},
};

/// How long a test waits for what must happen.
const SOON: Duration = Duration::from_secs(10);

/// What the stub does with one request.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    frames: Vec<String>,
    then: Then,
}

/// What comes after the frames.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Then {
    Finish,
    Hang,
    Break,
    /// Not even headers come.
    Silence,
}

impl Answer {
    fn new(status: u16, frames: Vec<String>, then: Then) -> Self {
        Self { status, headers: Vec::new(), frames, then }
    }

    /// A whole answer in these pieces, which costs 7 and 3 tokens.
    pub(super) fn words(words: &[&str]) -> Self {
        let end = [event(&json!({"choices": [{"delta": {}, "finish_reason": "stop"}]})), usage(), done()];
        Self::new(200, words.iter().map(|word| delta(word)).chain(end).collect(), Then::Finish)
    }

    /// These frames, whatever they mean.
    pub(super) fn frames(frames: &[&str]) -> Self {
        Self::new(200, frames.iter().map(|frame| (*frame).to_owned()).collect(), Then::Finish)
    }

    /// Some words, and then a clean end of the connection without the end of the answer.
    pub(super) fn truncated(words: &[&str]) -> Self {
        Self::new(200, words.iter().map(|word| delta(word)).collect(), Then::Finish)
    }

    /// Some words, and then nothing more.
    pub(super) fn hanging(words: &[&str]) -> Self {
        Self::new(200, words.iter().map(|word| delta(word)).collect(), Then::Hang)
    }

    /// Some words, and then the connection breaks, once [`Stub::snap`] says so.
    pub(super) fn breaking(words: &[&str]) -> Self {
        Self::new(200, words.iter().map(|word| delta(word)).collect(), Then::Break)
    }

    /// Not even headers.
    pub(super) fn silent() -> Self {
        Self::new(200, Vec::new(), Then::Silence)
    }

    /// An error with a status.
    pub(super) fn status(status: u16, body: &Value) -> Self {
        Self::new(status, vec![body.to_string()], Then::Finish)
    }

    pub(super) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }
}

pub(super) fn delta(text: &str) -> String {
    event(&json!({"choices": [{"delta": {"content": text}}]}))
}

pub(super) fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

pub(super) fn done() -> String {
    "data: [DONE]\n\n".to_owned()
}

fn usage() -> String {
    event(&json!({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}}))
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

/// A running stub. It stops when it is dropped.
pub(super) struct Stub {
    address: String,
    shared: Shared,
    stop: Stop,
}

#[derive(Clone)]
struct Shared {
    /// The last answer is given again and again.
    answers: Arc<Mutex<VecDeque<Answer>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    /// How many clients went away before their answer was over.
    gone: watch::Sender<usize>,
    /// Whether connections that are to break may do so.
    snap: watch::Sender<bool>,
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.stop.insist();
    }
}

impl Stub {
    pub(super) async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let shared = Shared {
            answers: Arc::new(Mutex::new(answers.into_iter().collect())),
            asked: Arc::default(),
            gone: watch::Sender::new(0),
            snap: watch::Sender::new(false),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let stop = Stop::default();
        let (nursery, _exits) = Nursery::new(stop.clone());
        let routes = Router::new().fallback(answer).with_state(shared.clone());
        nursery.forever("stub", async move { axum::serve(listener, routes).await.unwrap() });
        Self { address, shared, stop }
    }

    /// A model that this stub serves.
    pub(super) fn model(&self, provider: Provider) -> Model {
        let path = if provider == Provider::OpenAi { "/v1" } else { "" };
        Model {
            provider,
            id: "some-model".to_owned(),
            api_key: Some(Secret::new("key-of-the-house")),
            base_url: Some(format!("{}{path}", self.address)),
            context_tokens: None,
            idle_timeout: Duration::from_mins(1),
            sees: true,
            fallback: None,
        }
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    pub(super) fn calls(&self) -> usize {
        self.shared.asked.lock().unwrap().len()
    }

    /// Breaks what is to break: not earlier, so that what came before has arrived.
    pub(super) fn snap(&self) {
        self.shared.snap.send_replace(true);
    }

    /// How many clients have gone away too early.
    pub(super) fn gone(&self) -> usize {
        *self.shared.gone.borrow()
    }

    /// Waits until this many clients have gone away too early.
    pub(super) async fn sees_gone(&self, count: usize) {
        let mut gone = self.shared.gone.subscribe();
        timeout(SOON, gone.wait_for(|gone| *gone == count)).await.expect("the client goes away").unwrap();
    }
}

/// Counts a client that went away, unless its answer was over by then.
struct Watch {
    gone: watch::Sender<usize>,
    over: bool,
}

impl Watch {
    fn finish(mut self) {
        self.over = true;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.over {
            self.gone.send_modify(|gone| *gone += 1);
        }
    }
}

async fn answer(State(shared): State<Shared>, request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let watch = Watch { gone: shared.gone.clone(), over: false };
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let body = serde_json::from_slice(&body).unwrap();
    shared.asked.lock().unwrap().push(Asked { path: head.uri.to_string(), headers: head.headers, body });
    let answer = {
        let mut answers = shared.answers.lock().unwrap();
        if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() }
    };
    if answer.then == Then::Silence {
        std::future::pending::<()>().await;
    }
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    let frames = stream::iter(answer.frames.into_iter().map(|frame| Ok(Bytes::from(frame))));
    let mut snap = shared.snap.subscribe();
    let end = async move {
        let end = match answer.then {
            Then::Finish => None,
            Then::Hang | Then::Silence => std::future::pending().await,
            Then::Break => {
                snap.wait_for(|snap| *snap).await.unwrap();
                Some(Err(io::Error::other("broken on purpose")))
            }
        };
        watch.finish();
        end
    };
    let body = frames.chain(stream::once(end).filter_map(|end| async { end }));
    Ok(response.body(Body::from_stream(body)).unwrap())
}
