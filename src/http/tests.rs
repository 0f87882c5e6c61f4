//! The whole server over real connections.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::*;
use crate::{
    config::Http,
    model::{EntityKind, EntityName, EntityStatus, Millis, Phase, RoomStatus, Secret, Status, UserId},
    nursery::{Nursery, Stop},
    observe::start_metrics,
    store::Store,
};

/// A server that runs until the test drops or stops it.
struct House {
    address: SocketAddr,
    status: watch::Sender<Status>,
    nursery: Nursery,
    client: reqwest::Client,
}

fn at_home(name: &str, phase: Phase, reason: Option<&str>) -> EntityStatus {
    EntityStatus {
        name: EntityName::parse(name).unwrap(),
        kind: EntityKind::Agent,
        user: Some(UserId::parse(format!("@{name}:home")).unwrap()),
        phase,
        reason: reason.map(str::to_owned),
        restarts: 0,
        next_try_at: reason.map(|_| Millis(9_000)),
        synced_at: None,
    }
}

fn picture() -> Status {
    Status {
        version: "0.0.0".to_owned(),
        started_at: Millis(1_000),
        taken_at: Millis(2_000),
        homeserver: "http://localhost".to_owned(),
        ready: false,
        doing: "running".to_owned(),
        entities: vec![at_home("ada", Phase::Ready, None), at_home("bob", Phase::Down, Some("wrong password"))],
        rooms: vec![RoomStatus { key: "lobby".to_owned(), room: None, trouble: Some("no such alias".to_owned()) }],
        counts: crate::model::Counts { live: 99, ..crate::model::Counts::default() },
        parked: crate::model::Parked::default(),
        reloads: Vec::new(),
    }
}

async fn house(token: Option<&str>) -> House {
    let http = Http { bind: Some(([127, 0, 0, 1], 0).into()), token: token.map(Secret::new) };
    let server = bind(&http).await.unwrap().unwrap();
    let (status, receiver) = watch::channel(picture());
    let (store, _memory) = Store::memory();
    let sources = Sources { status: receiver, store, metrics: start_metrics().unwrap() };
    let (nursery, _exits) = Nursery::new(Stop::default());
    let address = server.address();
    nursery.forever("http", server.run(sources, nursery.stop().clone()));
    House { address, status, nursery, client: reqwest::Client::builder().no_proxy().build().unwrap() }
}

impl House {
    fn request(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.get(format!("http://{}{path}", self.address))
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let response = self.request(path).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    async fn stop(self) {
        self.nursery.stop().ask();
        self.nursery.empty().await;
        assert!(self.request("/health").send().await.is_err(), "nobody listens any more");
    }
}

#[tokio::test]
async fn health_says_that_somebody_is_at_home() {
    let house = house(None).await;
    assert_eq!(house.get("/health").await, (200, "ok\n".to_owned()));
    assert_eq!(house.get("/").await.0, 404);
    let posted = house.client.post(format!("http://{}/api/status", house.address)).send().await.unwrap();
    assert_eq!(posted.status(), 405);
    house.stop().await;
}

#[tokio::test]
async fn ready_names_who_is_not_and_why() {
    let house = house(None).await;
    let (code, body) = house.get("/ready").await;
    assert_eq!(code, 503);
    let expected = json!({
        "ready": false,
        "doing": "running",
        "entities": [{"name": "bob", "phase": "down", "reason": "wrong password", "next_try_at": 9000}],
        "rooms": [{"key": "lobby", "trouble": "no such alias"}],
    });
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), expected);
    house.status.send_modify(|status| {
        status.ready = true;
        status.entities.pop();
        status.rooms.clear();
    });
    let (code, body) = house.get("/ready").await;
    assert_eq!(code, 200);
    let expected = json!({"ready": true, "doing": "running", "entities": [], "rooms": []});
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), expected);
    house.stop().await;
}

#[tokio::test]
async fn the_status_is_the_picture_with_what_the_store_counts_now() {
    let house = house(None).await;
    let response = house.request("/api/status").send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let status: Status = response.json().await.unwrap();
    assert_eq!(status.entities, picture().entities);
    assert_eq!(status.counts.live, 0, "the store's figure, not the picture's");
    assert!(status.taken_at > picture().taken_at);
    house.stop().await;
}

#[tokio::test]
async fn metrics_are_in_the_words_of_prometheus() {
    let house = house(None).await;
    let response = house.request("/metrics").send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = response.text().await.unwrap();
    for line in ["# TYPE maitre_entities gauge", "maitre_entities{phase=\"down\"} 1", "maitre_ready 0"] {
        assert!(text.lines().any(|found| found == line), "{line} is missing in:\n{text}");
    }
    house.stop().await;
}

#[tokio::test]
async fn a_token_guards_everything_but_health() {
    let house = house(Some("correct horse")).await;
    assert_eq!(house.get("/health").await.0, 200);
    for path in ["/ready", "/metrics", "/api/status", "/", "/api/other"] {
        assert_eq!(house.get(path).await.0, 401, "{path}");
        let wrong = house.request(path).bearer_auth("wrong horse").send().await.unwrap();
        assert_eq!(wrong.status(), 401, "{path}");
    }
    let right = house.request("/api/status").bearer_auth("correct horse").send().await.unwrap();
    assert_eq!(right.status(), 200);
    house.stop().await;
}

#[tokio::test]
async fn a_page_that_poses_as_us_is_refused() {
    let house = house(None).await;
    let foreign = house.request("/api/status").header("host", "evil.example").send().await.unwrap();
    assert_eq!(foreign.status(), 421);
    let local = house.request("/api/status").header("host", "localhost:1").send().await.unwrap();
    assert_eq!(local.status(), 200);
    house.stop().await;
}

#[tokio::test]
async fn a_port_in_use_is_a_clear_error_and_no_port_is_no_server() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let error = bind(&Http { bind: Some(address), token: None }).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("http.bind: {address} is in use")), "{error}");
    assert!(bind(&Http { bind: None, token: None }).await.unwrap().is_none());
}
