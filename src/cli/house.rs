//! The running house: store, status server and orchestrator, opened in this order and closed in the other.

use std::{pin::pin, sync::Arc, time::Duration};

use anyhow::{Context as _, anyhow};
use tokio::{
    sync::{mpsc, watch},
    time::{sleep, timeout},
};

use super::exit::{Exit, Failure, OrExit as _};
use crate::{
    config::Config,
    http::{Server, Sources, bind},
    model::{Counts, Millis, Parked, Status},
    nursery::{self, Ending, Nursery, Stop},
    observe::{Metrics, TaskDied, now},
    orchestrator::{self, Outcome, Start, Watched},
    store::Store,
};

/// How long the orchestrator may take once it must end at once. The process is gone within two seconds.
const HARD_STOP_TIME_MAX: Duration = Duration::from_millis(1500);
/// How long what is left may take to close.
const CLOSE_TIME_MAX: Duration = Duration::from_millis(400);

/// Everything that must work before the first entity can start.
pub(super) struct House {
    config: Arc<Config>,
    store: Store,
    server: Option<(Server, Metrics)>,
    status: watch::Sender<Status>,
    /// What its configuration becomes while it runs, where somebody watches that.
    watched: Option<Watched>,
}

impl House {
    /// Opens the store and, where `metrics` are kept, the status server.
    pub(super) async fn open(config: Config, metrics: Option<Metrics>) -> Result<Self, Failure> {
        // The store comes first: of two houses with one configuration, the second should hear of the folder, not the port.
        let store = Store::open(&config.state.folder).await;
        let store = store
            .context("the folder for state (state.folder in the configuration) can't be used")
            .or_exit(Exit::State)?;
        let server = bind(&config.http).await.or_exit(Exit::Unavailable)?;
        let (status, _) = watch::channel(first_picture(&config, now()));
        Ok(Self { config: Arc::new(config), store, server: server.zip(metrics), status, watched: None })
    }

    /// The same, which takes over what becomes of its configuration.
    pub(super) fn following(self, watched: Watched) -> Self {
        Self { watched: Some(watched), ..self }
    }

    /// The picture of the house as it changes.
    pub(super) fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Runs until `stop` is pulled or the orchestrator gives up.
    pub(super) async fn keep(self, stop: Stop) -> Result<Exit, Failure> {
        let Self { config, store, server, status, watched } = self;
        // The status server outlives the orchestrator, so that it can tell how far the stop has come.
        let (nursery, exits) = Nursery::new(Stop::default());
        if let Some((server, metrics)) = server {
            let sources = Sources { status: status.subscribe(), store: store.clone(), metrics };
            nursery.forever("http", server.run(sources, nursery.stop().clone()));
        }
        let start = Start { config, store: store.clone(), stop: stop.clone(), status };
        let outcome = orchestrate((start, watched), &stop, exits).await;
        nursery.stop().ask();
        let closed = timeout(CLOSE_TIME_MAX, async {
            nursery.empty().await;
            store.close().await;
        });
        match (outcome, closed.await) {
            (Outcome::Stopped, Ok(())) => Ok(Exit::Success),
            (Outcome::Stopped | Outcome::Forced, _) => Ok(Exit::Forced),
            (Outcome::Refused(reason), _) => Err(Failure::because(Exit::Config, anyhow!(reason))),
            (Outcome::GaveUp(reason), _) => Err(Failure::because(Exit::GaveUp, anyhow!(reason))),
        }
    }
}

/// Runs the orchestrator; the death of a task beside it stops it, in order.
async fn orchestrate(
    (start, watched): (Start, Option<Watched>),
    stop: &Stop,
    mut exits: mpsc::Receiver<nursery::Exit>,
) -> Outcome {
    let mut running = pin!(orchestrator::run(start, watched));
    let mut overdue = pin!(async {
        stop.hard().await;
        sleep(HARD_STOP_TIME_MAX).await;
    });
    let mut death = None;
    let outcome = loop {
        tokio::select! {
            biased;
            Some(exit) = exits.recv() => {
                let panic = match &exit.ending {
                    Ending::Panicked(message) => Some(message.as_str()),
                    Ending::Finished | Ending::Cut => None,
                };
                TaskDied { name: &exit.name, panic }.emit();
                death = Some(format!("the task {} died", exit.name));
                stop.ask();
            }
            outcome = &mut running => break outcome,
            () = &mut overdue => break Outcome::Forced,
        }
    };
    death.map_or(outcome, Outcome::GaveUp)
}

/// What there is to see before the orchestrator has begun.
fn first_picture(config: &Config, started_at: Millis) -> Status {
    Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at,
        taken_at: started_at,
        homeserver: config.homeserver.url.clone(),
        ready: false,
        doing: "starting".to_owned(),
        entities: Vec::new(),
        rooms: Vec::new(),
        counts: Counts::default(),
        parked: Parked::default(),
        reloads: Vec::new(),
    }
}
