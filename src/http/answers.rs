//! What each route answers.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use serde::Serialize;
use tokio::sync::watch;

use crate::{
    model::{EntityName, Millis, Parked, Phase, Status},
    observe::{Metrics, StatusIncomplete, now},
    store::{Store, StoreError},
};

/// How many answers that were given up are named; the rest is counted.
const PARKED_SHOWN_MAX: usize = 50;

/// Where answers come from.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The state of the house, as its orchestrator tells it.
    pub status: watch::Receiver<Status>,
    /// What has been admitted.
    pub store: Store,
    /// What has been counted.
    pub metrics: Metrics,
}

impl Sources {
    /// The whole picture as it is now.
    async fn picture(&self) -> Status {
        let mut status = self.status.borrow().clone();
        status.taken_at = now();
        match self.store.counts().await {
            Ok(counts) => status.counts = counts,
            // The rest is worth showing, most of all when the store is in trouble.
            Err(error) => StatusIncomplete { error: &error }.emit(),
        }
        match self.parked().await {
            Ok(parked) => status.parked = parked,
            Err(error) => StatusIncomplete { error: &error }.emit(),
        }
        status
    }

    /// N9: the answers that were given up.
    async fn parked(&self) -> Result<Parked, StoreError> {
        let newest = self.store.failed_turns(PARKED_SHOWN_MAX).await?;
        let newest = newest.into_iter().map(|stored| stored.turn.id).collect();
        Ok(Parked { count: self.store.failed_count().await?, newest })
    }
}

/// What keeps the house from being ready; everything that is fine is left out.
#[derive(Serialize)]
struct Readiness<'a> {
    ready: bool,
    doing: &'a str,
    entities: Vec<Waiting<'a>>,
    rooms: Vec<Troubled<'a>>,
}

#[derive(Serialize)]
struct Waiting<'a> {
    name: &'a EntityName,
    phase: Phase,
    reason: &'a str,
    next_try_at: Option<Millis>,
}

#[derive(Serialize)]
struct Troubled<'a> {
    key: &'a str,
    trouble: &'a str,
}

/// `/health`: somebody is at home.
pub(super) async fn health() -> &'static str {
    "ok\n"
}

/// `/ready`: 200 when everything that is configured is up, else 503 and what isn't.
pub(super) async fn ready(State(sources): State<Sources>) -> impl IntoResponse {
    let status = sources.status.borrow().clone();
    let code = if status.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(readiness(&status))).into_response()
}

/// `/metrics`: the text that Prometheus reads.
pub(super) async fn metrics(State(sources): State<Sources>) -> impl IntoResponse {
    let status = sources.picture().await;
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], sources.metrics.render(&status))
}

/// `/api/status`: the whole picture.
pub(super) async fn status(State(sources): State<Sources>) -> impl IntoResponse {
    Json(sources.picture().await)
}

/// Every other path.
pub(super) async fn nothing_here() -> impl IntoResponse {
    (StatusCode::NOT_FOUND, "there are /health, /ready, /metrics and /api/status\n")
}

fn readiness(status: &Status) -> Readiness<'_> {
    let waiting = status.entities.iter().filter(|entity| entity.phase != Phase::Ready).map(|entity| Waiting {
        name: &entity.name,
        phase: entity.phase,
        reason: entity.reason.as_deref().unwrap_or(entity.phase.as_str()),
        next_try_at: entity.next_try_at,
    });
    let troubled =
        status.rooms.iter().filter_map(|room| Some(Troubled { key: &room.key, trouble: room.trouble.as_deref()? }));
    Readiness { ready: status.ready, doing: &status.doing, entities: waiting.collect(), rooms: troubled.collect() }
}
