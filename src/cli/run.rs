//! `maitre run`: bring every agent of a configuration online and keep them there.

use std::{
    io::{self, IsTerminal as _},
    time::Duration,
};

use super::{
    args::RunArgs,
    configuration::load_or_tell,
    exit::{Exit, Failure, OrExit as _},
    house::House,
    limits::raise_descriptor_limit,
    runtime,
    signals::{HangUps, Signals},
    terminal::colour,
};
use crate::{
    config::{Colour, Loaded},
    nursery::{Nursery, Stop},
    observe::{ConfigLoaded, ConfigWarned, LimitKept, LogForm, Logs, Metrics, start_logs, start_metrics},
    orchestrator::{hide_secrets, watch_files},
};

/// How long threads that still block may hold up the end.
const LAST_THREADS_TIME_MAX: Duration = Duration::from_millis(100);

/// Runs until a signal, or until it has to give up.
pub(super) fn run(args: &RunArgs) -> Result<Exit, Failure> {
    start_logs(&logs(args)).or_exit(Exit::Usage)?;
    let loaded = load_or_tell(&args.config)?;
    hide_secrets(&loaded.config);
    // Nobody reads the metrics of a house without a status server, and unread ones would pile up.
    let metrics = loaded.config.http.bind.map(|_| start_metrics()).transpose()?;
    announce(args, &loaded);
    if let Err(error) = raise_descriptor_limit() {
        LimitKept { error: &error }.emit();
    }
    let runtime = runtime::build()?;
    let outcome = runtime.block_on(keep(args, loaded, metrics));
    runtime.shutdown_timeout(LAST_THREADS_TIME_MAX);
    outcome
}

async fn keep(args: &RunArgs, loaded: Loaded, metrics: Option<Metrics>) -> Result<Exit, Failure> {
    let (stop, done) = (Stop::default(), Stop::default());
    let (nursery, _exits) = Nursery::new(done.clone());
    nursery.forever("signals", Signals::take()?.obey(stop.clone(), done.clone()));
    let watched = watch_files(&args.config, &loaded);
    // Without a terminal that could hang up, SIGHUP is what it is to services: a wish to read the configuration.
    if !io::stdin().is_terminal() {
        nursery.forever("hang-ups", HangUps::take()?.obey(watched.nudge.clone(), done.clone()));
    }
    let config = loaded.config;
    let opened = tokio::select! {
        biased;
        opened = House::open(config, metrics) => Some(opened),
        // A disk that hangs must not make us deaf.
        () = stop.soft() => None,
    };
    let outcome = match opened {
        Some(Ok(house)) => house.following(watched).keep(stop).await,
        Some(Err(failure)) => Err(failure),
        None => Ok(Exit::Success),
    };
    done.ask();
    nursery.empty().await;
    outcome
}

fn logs(args: &RunArgs) -> Logs {
    let form = match (args.log_json, colour(&io::stderr())) {
        (true, _) => LogForm::Json,
        (false, Colour::Always) => LogForm::Coloured,
        (false, Colour::Never) => LogForm::Plain,
    };
    Logs { form, filter: args.log.clone() }
}

fn announce(args: &RunArgs, loaded: &Loaded) {
    let Loaded { config, warnings, .. } = loaded;
    for warning in warnings {
        ConfigWarned { warning: &warning.to_string() }.emit();
    }
    let (entities, rooms) = (config.entities.len(), config.rooms.len());
    ConfigLoaded { file: &args.config, entities, rooms, warnings: warnings.len() }.emit();
}
