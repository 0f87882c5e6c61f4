//! From nothing to a visit and back to nothing: installs and starts the homeserver, keeps the house, ends both.

use std::{io, path::PathBuf, pin::pin, time::Duration};

use tokio::sync::watch;

use super::{
    brain::{Brain, Why},
    show,
    site::Site,
    visit::visit,
};
use crate::{
    cli::{
        args::DemoArgs,
        exit::{Exit, Failure, OrExit as _},
        house::House,
        limits::raise_descriptor_limit,
        runtime,
        signals::Signals,
        terminal::{colour, tell},
    },
    config::{Colour, Config},
    homeserver::{Data, Homeserver, Installation, Options, Places, Registration, SYNAPSE, StartError},
    model::Status,
    nursery::{Nursery, Stop},
    observe::{LimitKept, LogForm, Logs, start_logs, start_logs_in},
    orchestrator::hide_secrets,
    store::Store,
};

/// How long the installation may take, on a slow line.
const INSTALL_WITHIN: Duration = Duration::from_mins(15);
/// How long threads that still block may hold up the end.
const LAST_THREADS_TIME_MAX: Duration = Duration::from_millis(100);
/// What goes into the log unless somebody asks for more.
const QUIET: &str = "warn";

/// Runs until the person leaves, or a signal, or something has to be given up.
#[expect(unreachable_pub, reason = "mod.rs hands it up, and there is no visibility in between")]
pub fn run(args: &DemoArgs) -> Result<Exit, Failure> {
    if let Some(filter) = &args.log {
        let form = if colour(&io::stderr()) == Colour::Always { LogForm::Coloured } else { LogForm::Plain };
        start_logs(&Logs { form, filter: Some(filter.clone()) }).or_exit(Exit::Usage)?;
    }
    let runtime = runtime::build()?;
    let outcome = runtime.block_on(obey_signals(args));
    runtime.shutdown_timeout(LAST_THREADS_TIME_MAX);
    outcome
}

async fn obey_signals(args: &DemoArgs) -> Result<Exit, Failure> {
    let (stop, done) = (Stop::default(), Stop::default());
    let (nursery, _exits) = Nursery::new(done.clone());
    nursery.forever("signals", Signals::take()?.obey(stop.clone(), done.clone()));
    let outcome = demo(args, &stop).await;
    done.ask();
    nursery.empty().await;
    outcome
}

async fn demo(args: &DemoArgs, stop: &Stop) -> Result<Exit, Failure> {
    let keep = args.keep.as_ref().map(std::path::absolute).transpose().or_exit(Exit::State)?;
    let started = tokio::select! {
        biased;
        // Dropped at any moment, the installer and the homeserver end by themselves.
        () = stop.soft() => return Ok(Exit::Success),
        started = start(keep.as_ref()) => started,
    };
    let homeserver = match started {
        // Ctrl-C reaches an installer as well, and it may be quicker than we are.
        Err(_) if stop.is_soft() => return Ok(Exit::Success),
        started => started?,
    };
    let outcome = open_house(args, keep.as_ref(), &homeserver, stop).await;
    close(homeserver, keep.as_ref(), stop).await?;
    tell(&show::farewell(keep.as_deref()));
    outcome
}

/// Installs the homeserver where need be, and starts it.
async fn start(keep: Option<&PathBuf>) -> Result<Homeserver, Failure> {
    #[expect(clippy::disallowed_methods, reason = "the installer needs all of it: paths, proxies, package indices")]
    let places = Places::from_environment(std::env::vars_os()).or_exit(Exit::Unavailable)?;
    let progress = |step| tell(&format!("{step}\n"));
    let installed = Installation::ready(&SYNAPSE, &places, INSTALL_WITHIN, &progress).await;
    let installation = installed.or_exit(Exit::Unavailable)?;
    tell("starting a private homeserver\n");
    let data = keep.map_or(Data::Temporary(places.temporary), |folder| Data::Kept(folder.join("homeserver")));
    let options = Options { registration: Registration::Closed, ..Options::new(data) };
    Homeserver::start(&installation, &options).await.map_err(|error| Failure::because(exit_of(&error), error))
}

fn exit_of(error: &StartError) -> Exit {
    match error {
        StartError::File { .. } | StartError::Identity { .. } | StartError::InUse { .. } => Exit::State,
        StartError::NoPort | StartError::Guard(_) | StartError::Exited { .. } | StartError::TooSlow { .. } => {
            Exit::Unavailable
        }
    }
}

/// Keeps the house while the person is there.
async fn open_house(
    args: &DemoArgs,
    keep: Option<&PathBuf>,
    homeserver: &Homeserver,
    stop: &Stop,
) -> Result<Exit, Failure> {
    let site = Site::on(homeserver, keep.map(PathBuf::as_path))?;
    if args.log.is_none() {
        let logs = Logs { form: LogForm::Plain, filter: Some(QUIET.to_owned()) };
        start_logs_in(&site.log(), &logs).or_exit(Exit::State)?;
    }
    let brain = if args.scripted { Brain::Script(Why::Wanted) } else { Brain::find(args.model.as_deref()).await };
    let config = site.config(&brain)?;
    hide_secrets(&config);
    if let Err(error) = raise_descriptor_limit() {
        LimitKept { error: &error }.emit();
    }
    tell_who_comes(&config);
    let book = Store::open(&site.chat()).await.or_exit(Exit::State)?;
    let house = House::open(config, None).await;
    let outcome = match house {
        Ok(house) => receive(args, (&site, &brain), house, book.clone(), stop).await,
        Err(failure) => Err(failure),
    };
    book.close().await;
    outcome
}

/// What ended first.
enum Ended {
    House(Result<Exit, Failure>),
    Visit(Result<(), Failure>),
}

/// Runs house and visit side by side; the end of one is the end of the other.
async fn receive(
    args: &DemoArgs,
    (site, brain): (&Site, &Brain),
    house: House,
    book: Store,
    stop: &Stop,
) -> Result<Exit, Failure> {
    let status: watch::Receiver<Status> = house.status();
    let closing = stop.child();
    let mut keeping = pin!(house.keep(closing.clone()));
    let (nursery, _exits) = Nursery::new(Stop::default());
    let ended = tokio::select! {
        biased;
        () = stop.soft() => Ended::Visit(Ok(())),
        kept = &mut keeping => Ended::House(kept),
        visited = visit(args, site, brain, status, book, &nursery) => Ended::Visit(visited),
    };
    tell("stopping\n");
    nursery.stop().insist();
    nursery.empty().await;
    match ended {
        Ended::House(kept) => kept,
        Ended::Visit(visited) => {
            closing.ask();
            let kept = keeping.await;
            visited.and(kept)
        }
    }
}

/// Ends the homeserver. Data that nobody will miss needs no care; a second signal lets it end by itself.
async fn close(mut homeserver: Homeserver, keep: Option<&PathBuf>, stop: &Stop) -> Result<(), Failure> {
    let ending = async {
        if keep.is_none() {
            homeserver.kill().await?;
        }
        homeserver.stop().await
    };
    tokio::select! {
        biased;
        ended = ending => Ok(ended?),
        () = stop.hard() => Ok(()),
    }
}

fn tell_who_comes(config: &Config) {
    let kinds: Vec<_> = config.entities.iter().map(crate::config::Entity::kind).collect();
    tell(&format!("bringing {} online\n", show::cast(&kinds)));
}
