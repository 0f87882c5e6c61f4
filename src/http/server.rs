//! Binding first, so that a port in use is said at the start; then serving until told to stop.

use std::{io, net::SocketAddr, time::Duration};

use axum::{Router, middleware::from_fn_with_state, routing::get};
use tokio::{
    net::TcpListener,
    time::{MissedTickBehavior, interval, sleep},
};

use super::{
    answers::{Sources, health, metrics, nothing_here, ready, status},
    connection::Bounded,
    guard::{Guard, guarded},
};
use crate::{
    config::Http,
    nursery::Stop,
    observe::{HttpListening, Metrics},
};

/// How long answers under way may take after the stop.
const GOODBYE: Duration = Duration::from_secs(1);
/// How often what the metrics recorded is folded up.
const TIDY_INTERVAL: Duration = Duration::from_secs(5);

/// Why the status server can't be reached.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Another program listens there.
    #[error("http.bind: {address} is in use by another program; choose another port, or none with `bind: off`")]
    InUse {
        /// Where.
        address: SocketAddr,
    },
    /// The operating system has another objection.
    #[error("http.bind: can't listen on {address}")]
    Refused {
        /// Where.
        address: SocketAddr,
        /// What it said.
        source: io::Error,
    },
}

/// The status server, reachable but not yet answering.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    guard: Guard,
}

/// Makes the status server reachable, where one is configured.
///
/// # Errors
/// [`HttpError`] when it can't listen there.
pub async fn bind(http: &Http) -> Result<Option<Server>, HttpError> {
    let Some(address) = http.bind else { return Ok(None) };
    let error = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => HttpError::InUse { address },
        _ => HttpError::Refused { address, source },
    };
    let listener = TcpListener::bind(address).await.map_err(error)?;
    let address = listener.local_addr().map_err(error)?;
    Ok(Some(Server { listener, address, guard: Guard::new(address.ip(), http.token.clone()) }))
}

impl Server {
    /// Where it listens: the port that was found where port 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop` asks; answers under way get a second more.
    pub async fn run(self, sources: Sources, stop: Stop) {
        HttpListening { address: self.address, guarded: self.guard.wants_token() }.emit();
        let metrics = sources.metrics.clone();
        let until = stop.clone();
        let serving = axum::serve(Bounded::new(self.listener), routes(self.guard, sources))
            .with_graceful_shutdown(async move { until.soft().await });
        tokio::select! {
            biased;
            // Serving only fails where accepting does, and that is tried again inside.
            _ended = async { serving.await } => {}
            () = keep_tidy(metrics) => {}
            () = async { stop.soft().await; sleep(GOODBYE).await } => {}
        }
    }
}

fn routes(guard: Guard, sources: Sources) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/api/status", get(status))
        .fallback(nothing_here)
        .with_state(sources)
        .layer(from_fn_with_state(guard, guarded))
}

/// Never ends.
async fn keep_tidy(metrics: Metrics) {
    let mut ticks = interval(TIDY_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        metrics.tidy();
    }
}
