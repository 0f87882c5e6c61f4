//! A homeserver's bad days: stands between the program and the homeserver and says "too many requests" when told to.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{Method, Request, Response},
};
use maitre::nursery::{Nursery, Stop};
use serde_json::json;
use tokio::net::TcpListener;

use super::Site;

/// The largest request that goes through: a picture.
const REQUEST_BYTES_MAX: usize = 16 << 20;

/// A way to the homeserver that can be narrowed. It ends when it is dropped.
pub(crate) struct Proxy {
    /// The homeserver, as it is reached through here.
    pub(crate) site: Site,
    way: Way,
    stop: Stop,
}

#[derive(Clone)]
struct Way {
    http: reqwest::Client,
    target: String,
    /// How many more messages are refused.
    refusing: Arc<AtomicUsize>,
    refused: Arc<AtomicUsize>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.insist();
    }
}

impl Proxy {
    pub(crate) async fn start(site: &Site) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let way = Way {
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            target: site.url.clone(),
            refusing: Arc::default(),
            refused: Arc::default(),
        };
        let stop = Stop::default();
        let (nursery, _exits) = Nursery::new(stop.clone());
        let routes = Router::new().fallback(pass).with_state(way.clone());
        nursery.forever("proxy", async move { axum::serve(listener, routes).await.unwrap() });
        Self { site: Site { url, ..site.clone() }, way, stop }
    }

    /// Refuses the next `count` messages, whoever sends them, and wants to hear nothing for a second each time.
    pub(crate) fn refuse_messages(&self, count: usize) {
        self.way.refusing.store(count, Ordering::SeqCst);
    }

    /// How many messages were refused so far.
    pub(crate) fn refused(&self) -> usize {
        self.way.refused.load(Ordering::SeqCst)
    }
}

impl Way {
    fn refuses(&self, request: &Request<Body>) -> bool {
        let is_message = request.method() == Method::PUT && request.uri().path().contains("/send/m.room.");
        let one_less = |left: usize| left.checked_sub(1);
        let refuses = is_message && self.refusing.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok();
        if refuses {
            self.refused.fetch_add(1, Ordering::SeqCst);
        }
        refuses
    }
}

async fn pass(State(way): State<Way>, request: Request<Body>) -> Response<Body> {
    if way.refuses(&request) {
        let body = json!({"errcode": "M_LIMIT_EXCEEDED", "error": "slowly, please", "retry_after_ms": 1_000});
        let response = Response::builder().status(429).header("retry-after", "1");
        return response.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap();
    }
    let (head, body) = request.into_parts();
    let url = format!("{}{}", way.target, head.uri);
    let bytes = axum::body::to_bytes(body, REQUEST_BYTES_MAX).await.unwrap();
    let mut headers = head.headers;
    headers.remove("host");
    let Ok(answer) = way.http.request(head.method, url).headers(headers).body(bytes).send().await else {
        return Response::builder().status(502).body(Body::empty()).unwrap();
    };
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers().iter().filter(|(name, _)| *name != "transfer-encoding") {
        response = response.header(name, value);
    }
    response.body(Body::from_stream(answer.bytes_stream())).unwrap()
}
