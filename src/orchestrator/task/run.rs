//! Runs the house: begins everything, waits, and stops in order.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, time};

use super::{
    chance::Chance,
    house::{Plans, doors, open as open_house},
    person::person_name,
    watcher::{Watched, unwatched},
};
use crate::{
    config::Config,
    llm::Models,
    matrix::Homeserver,
    model::Status,
    nursery::{Ending, Exit, Nursery, Stop},
    observe::{ShutdownBegan, ShutdownDone, ShutdownForced, TaskDied},
    orchestrator::plan::person_refusal,
    store::{Store, StoreError},
};

/// How long running work gets after the first signal.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);
/// How long accounts get to put their keys away, once nobody works any more.
const CLOSING_TIME_MAX: Duration = Duration::from_secs(3);
/// How long everything gets to end once it is told to end now.
const SHUTDOWN_FORCED: Duration = Duration::from_secs(1);

/// Everything the house needs to begin.
pub struct Start {
    /// What is wanted.
    pub config: Arc<Config>,
    /// What is remembered.
    pub store: Store,
    /// How the house is told to stop.
    pub stop: Stop,
    /// Where the picture of the house is shown.
    pub status: watch::Sender<Status>,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was told to stop, and everything ended in order.
    Stopped,
    /// It was told to stop, and something had to be cut off.
    Forced,
    /// Something that everything else needs failed; a service manager should start it again.
    GaveUp(String),
    /// The configuration asks for something that can't be changed any more; starting again won't help.
    Refused(String),
}

/// Where the house meets the world.
pub struct Doors {
    /// The homeserver.
    pub homeserver: Arc<dyn Homeserver>,
    /// The models.
    pub models: Models,
    /// What pauses last longer by.
    pub chance: Chance,
}

/// Runs the house until it is told to stop or has to give up. What is seen of a `watched` configuration is taken over while it
/// runs; one that isn't stays as it began.
pub async fn run(start: Start, watched: Option<Watched>) -> Outcome {
    match doors(&start.config, start.store.clone()) {
        Ok(doors) => keep(start, doors, watched).await,
        Err(reason) => Outcome::GaveUp(reason.to_string()),
    }
}

/// The same on doors that are given, and with a configuration that stays.
pub async fn run_on(start: Start, doors: Doors) -> Outcome {
    keep(start, doors, None).await
}

async fn keep(start: Start, doors: Doors, watched: Option<Watched>) -> Outcome {
    let Start { config, store, stop, status } = start;
    let began = time::Instant::now();
    match refusal(&config, &store).await {
        Ok(None) => {}
        Ok(Some(refusal)) => return Outcome::Refused(refusal),
        Err(error) => return Outcome::GaveUp(error.to_string()),
    }
    let (nursery, mut exits) = Nursery::new(stop.clone());
    let (readings, nudge) = match watched {
        Some(Watched { readings, nudge }) => (readings, Some(nudge)),
        None => (unwatched(), None),
    };
    let lines = open_house(&nursery, Plans { config, readings, nudge }, store.clone(), status, doors);
    let failure = tokio::select! {
        biased;
        () = stop.soft() => None,
        Some(exit) = exits.recv() => Some(last_words(exit)),
    };
    ShutdownBegan { cause: failure.as_deref().unwrap_or("asked to stop") }.emit();
    stop.ask();
    let in_order = empty_in_time(&nursery, &stop).await;
    if in_order {
        // What isn't put away by then is no loss: the next start takes longer over those accounts.
        drop(time::timeout(CLOSING_TIME_MAX, lines.close()).await);
    }
    store.close().await;
    ShutdownDone { uptime: began.elapsed() }.emit();
    match failure {
        Some(reason) => Outcome::GaveUp(reason),
        None if in_order => Outcome::Stopped,
        None => Outcome::Forced,
    }
}

/// H6: what can't be changed once it was made, by the name of its key.
async fn refusal(config: &Config, store: &Store) -> Result<Option<String>, StoreError> {
    let (Some(person), Some(account)) = (&config.user, store.account(&person_name()).await?) else { return Ok(None) };
    Ok(person_refusal(&person.localpart, &account.localpart))
}

/// Waits for everybody to end: first politely, then not. Tells whether politeness was enough.
async fn empty_in_time(nursery: &Nursery, stop: &Stop) -> bool {
    let cause = tokio::select! {
        biased;
        () = nursery.empty() => return true,
        () = stop.hard() => "asked again",
        () = time::sleep(SHUTDOWN_GRACE) => "the grace is over",
    };
    ShutdownForced { cause }.emit();
    stop.insist();
    // What does not end even now blocks its thread; the process goes without it.
    drop(time::timeout(SHUTDOWN_FORCED, nursery.empty()).await);
    false
}

fn last_words(exit: Exit) -> String {
    let Exit { name, ending, .. } = exit;
    let panic = match &ending {
        Ending::Panicked(message) => Some(message.as_str()),
        Ending::Finished | Ending::Cut => None,
    };
    TaskDied { name: &name, panic }.emit();
    match panic {
        Some(message) => format!("{name} broke: {message}"),
        None => format!("{name} ended"),
    }
}
