//! A model that isn't one: it speaks OpenAI's protocol and says the same to everybody, as fast as the question wants.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::Result;
use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::State,
    response::Response,
    routing::post,
};
use futures_util::{StreamExt as _, stream};
use maitre::nursery::Nursery;
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::sleep};

use super::pace::Pace;

/// The running stub.
#[derive(Debug)]
pub(crate) struct Stub {
    address: String,
    counts: Arc<Counts>,
}

/// How many are being answered, and how many were at most.
#[derive(Debug, Default)]
struct Counts {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Stub {
    pub(crate) async fn start(nursery: &Nursery) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}/v1", listener.local_addr()?);
        let counts = Arc::<Counts>::default();
        let routes = Router::new().route("/v1/chat/completions", post(answer)).with_state(Arc::clone(&counts));
        let serve = axum::serve(listener, routes);
        nursery.forever("stub", async move {
            // It doesn't end by itself, and should it do so, that is reported as an end.
            drop(serve.await);
        });
        Ok(Self { address, counts })
    }

    /// Its base address.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// How many questions were answered at the same time, at most, since this was asked last.
    pub(crate) fn most_at_once(&self) -> usize {
        self.counts.most.swap(self.counts.now.load(Ordering::Relaxed), Ordering::Relaxed)
    }
}

/// Counts one question until its answer is over or nobody wants it any more.
struct Turn(Arc<Counts>);

impl Turn {
    fn begin(counts: Arc<Counts>) -> Self {
        let now = counts.now.fetch_add(1, Ordering::Relaxed) + 1;
        counts.most.fetch_max(now, Ordering::Relaxed);
        Self(counts)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn answer(State(counts): State<Arc<Counts>>, Json(request): Json<Value>) -> Response<Body> {
    let turn = Turn::begin(counts);
    let pieces = if request.get("response_format").is_some() {
        vec![(std::time::Duration::ZERO, choice(&request).to_string())]
    } else {
        let question = request["messages"].as_array().and_then(|messages| messages.last()).map(Value::to_string);
        Pace::of(&question.unwrap_or_default()).pieces()
    };
    let words = stream::iter(pieces).then(|(wait, piece)| async move {
        if !wait.is_zero() {
            sleep(wait).await;
        }
        frame(&json!({ "choices": [{ "index": 0, "delta": { "content": piece } }] }))
    });
    let usage = json!({ "prompt_tokens": 100, "completion_tokens": 100, "total_tokens": 200 });
    let end = [
        frame(&json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] })),
        frame(&json!({ "choices": [], "usage": usage })),
        Bytes::from_static(b"data: [DONE]\n\n"),
    ];
    let frames = words.chain(stream::iter(end)).map(move |frame| {
        let _counted = &turn;
        Ok::<_, Infallible>(frame)
    });
    Response::builder()
        .header("content-type", "text/event-stream")
        .body(Body::from_stream(frames))
        .expect("the header is a fixed one")
}

/// Whoever wants a choice gets the first of those that may be chosen.
fn choice(request: &Value) -> Value {
    let names = request.pointer("/response_format/json_schema/schema/properties/name/enum");
    json!({ "name": names.and_then(|names| names.get(0)), "reason": "It comes first." })
}

fn frame(data: &Value) -> Bytes {
    Bytes::from(format!("data: {data}\n\n"))
}
