//! A homeserver's bad days: stands between the program and the homeserver and breaks what passes when told to.

mod fault;
mod passages;
mod wire;

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, State},
    http::{Method, Request, Response, request},
};
use futures_util::stream;
use maitre::nursery::{Nursery, Stop};
use serde_json::json;
use tokio::{
    net::TcpListener,
    time::{sleep, timeout},
};

use self::{
    fault::Spells,
    passages::Passages,
    wire::{Cord, Wires},
};
pub(crate) use self::{
    fault::{Fault, Operation},
    passages::Passage,
};
use super::Site;

/// The largest request that goes through: a picture.
const REQUEST_BYTES_MAX: usize = 16 << 20;
/// How late an answer is that is late.
const LATE_BY: Duration = Duration::from_millis(1_500);
/// How long a long-poll lasts that is cut.
const CUT_AFTER: Duration = Duration::from_millis(300);

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
    /// Which requests fail: their method, what stands in their path, and whether they are forbidden rather than lost.
    failing: Arc<Mutex<Option<(Method, String, bool)>>>,
    spells: Arc<Mutex<Spells>>,
    passages: Passages,
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
            failing: Arc::default(),
            spells: Arc::default(),
            passages: Passages::default(),
        };
        let stop = Stop::default();
        let (nursery, _exits) = Nursery::new(stop.clone());
        let routes = Router::new().fallback(pass).with_state(way.clone());
        let service = routes.into_make_service_with_connect_info::<Cord>();
        nursery.forever("proxy", async move { axum::serve(Wires(listener), service).await.unwrap() });
        Self { site: Site { url, ..site.clone() }, way, stop }
    }

    /// Refuses the next `count` messages, whoever sends them, and wants to hear nothing for a second each time.
    pub(crate) fn refuse_messages(&self, count: usize) {
        self.way.refusing.store(count, Ordering::SeqCst);
    }

    /// How many messages were refused so far, or how many requests have failed since they were told to.
    pub(crate) fn refused(&self) -> usize {
        self.way.refused.load(Ordering::SeqCst)
    }

    /// Forbids every request of this method in whose path `part` stands, from now on and instead of any other.
    pub(crate) fn forbid(&self, method: Method, part: &str) {
        self.way.refused.store(0, Ordering::SeqCst);
        *self.way.failing.lock().unwrap() = Some((method, part.to_owned(), true));
    }

    /// The same as if nobody stood behind a gateway: another try may pass.
    pub(crate) fn lose(&self, method: Method, part: &str) {
        self.way.refused.store(0, Ordering::SeqCst);
        *self.way.failing.lock().unwrap() = Some((method, part.to_owned(), false));
    }

    /// Everything that came by so far, in the order of coming.
    pub(crate) fn passages(&self) -> Vec<Passage> {
        self.way.passages.all()
    }

    /// From now on every request of this sort suffers `fault`, once each: made again, it passes. Of the uploads of an account
    /// one suffers.
    pub(crate) fn afflict(&self, operation: Operation, fault: Fault) {
        self.way.spells.lock().unwrap().cast(operation, fault);
    }

    /// Everything passes from now on.
    pub(crate) fn heal(&self) {
        self.way.spells.lock().unwrap().lift();
        *self.way.failing.lock().unwrap() = None;
    }

    /// How many requests of this sort have suffered `fault`.
    pub(crate) fn hits(&self, operation: Operation, fault: Fault) -> usize {
        self.way.spells.lock().unwrap().hits(operation, fault)
    }
}

impl Way {
    fn refuses(&self, head: &request::Parts) -> bool {
        let is_message = head.method == Method::PUT && head.uri.path().contains("/send/m.room.");
        let one_less = |left: usize| left.checked_sub(1);
        let refuses = is_message && self.refusing.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok();
        if refuses {
            self.refused.fetch_add(1, Ordering::SeqCst);
        }
        refuses
    }

    /// The answer to a request that fails, if this one does.
    fn failure(&self, head: &request::Parts) -> Option<Response<Body>> {
        let failing = self.failing.lock().unwrap();
        let (method, part, is_forbidden) = failing.as_ref()?;
        if head.method != *method || !head.uri.path().contains(part.as_str()) {
            return None;
        }
        self.refused.fetch_add(1, Ordering::SeqCst);
        Some(if *is_forbidden { forbidden() } else { nobody() })
    }

    /// Has the homeserver answer.
    async fn ask(&self, head: &request::Parts, body: Bytes) -> Response<Body> {
        let url = format!("{}{}", self.target, head.uri);
        let mut headers = head.headers.clone();
        headers.remove("host");
        let Ok(answer) = self.http.request(head.method.clone(), url).headers(headers).body(body).send().await else {
            return nobody();
        };
        let mut response = Response::builder().status(answer.status());
        for (name, value) in answer.headers().iter().filter(|(name, _)| *name != "transfer-encoding") {
            response = response.header(name, value);
        }
        response.body(Body::from_stream(answer.bytes_stream())).unwrap()
    }

    /// The same on a bad day.
    async fn fail(
        &self,
        (operation, fault): (Operation, Fault),
        head: &request::Parts,
        body: Bytes,
        cord: &Cord,
    ) -> Response<Body> {
        match fault {
            Fault::Lost => {
                whole(self.ask(head, body).await).await;
                cut(cord)
            }
            Fault::Late => {
                sleep(LATE_BY).await;
                self.ask(head, body).await
            }
            Fault::Torn => torn(self.ask(head, body).await).await,
            Fault::Twice => {
                whole(self.ask(head, body.clone()).await).await;
                self.ask(head, body).await
            }
            Fault::Limited => limited(),
            Fault::Gateway => nobody(),
            Fault::Cut => {
                if operation == Operation::Sync {
                    // Whether it had news by then or not.
                    drop(timeout(CUT_AFTER, self.ask(head, body)).await);
                }
                cut(cord)
            }
        }
    }
}

async fn pass(State(way): State<Way>, ConnectInfo(cord): ConnectInfo<Cord>, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    if way.refuses(&head) {
        return limited();
    }
    if let Some(failure) = way.failure(&head) {
        return failure;
    }
    // Whoever goes away before the answer leaves this unanswered: nobody works on the request any more.
    let passage = way.passages.begin(&head);
    let response = serve(&way, &cord, head, body).await;
    way.passages.answer(passage, response.status().as_u16());
    response
}

async fn serve(way: &Way, cord: &Cord, head: request::Parts, body: Body) -> Response<Body> {
    // Whoever is killed in the middle of a request has nobody left to be answered.
    let Ok(body) = axum::body::to_bytes(body, REQUEST_BYTES_MAX).await else { return cut(cord) };
    let fault = way.spells.lock().unwrap().fault_of(&head, &body);
    match fault {
        Some(fault) => way.fail(fault, &head, body, cord).await,
        None => way.ask(&head, body).await,
    }
}

/// Nothing more comes over this connection.
fn cut(cord: &Cord) -> Response<Body> {
    cord.cut();
    Response::new(Body::empty())
}

fn nobody() -> Response<Body> {
    Response::builder().status(502).body(Body::from("<html>Bad Gateway</html>")).unwrap()
}

fn forbidden() -> Response<Body> {
    let body = json!({"errcode": "M_FORBIDDEN", "error": "told so by a test"});
    Response::builder()
        .status(403)
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .unwrap()
}

fn limited() -> Response<Body> {
    let body = json!({"errcode": "M_LIMIT_EXCEEDED", "error": "slowly, please", "retry_after_ms": 1_000});
    let response = Response::builder().status(429).header("retry-after", "1");
    response.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap()
}

/// The half of an answer, and then nothing.
async fn torn(response: Response<Body>) -> Response<Body> {
    let (head, bytes) = whole(response).await;
    let half = bytes.slice(..bytes.len() / 2);
    let broken = io::Error::from(io::ErrorKind::ConnectionReset);
    Response::from_parts(head, Body::from_stream(stream::iter([Ok(half), Err(broken)])))
}

/// An answer, when all of it is there.
async fn whole(response: Response<Body>) -> (axum::http::response::Parts, Bytes) {
    let (head, body) = response.into_parts();
    (head, axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default())
}
