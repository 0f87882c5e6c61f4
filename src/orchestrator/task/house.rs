//! The house as a whole: lays the channels, keeps the picture, and tells the rooms who is up.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, Semaphore, mpsc, oneshot, watch},
    time::{self, Instant},
};

use super::{
    book::Book,
    bot::LOGIN_WEIGHT,
    chance::Chance,
    crew::{Crew, Means},
    report::{Arrival, Report},
    rooms::{Inlets, Rooms},
    run::Doors,
    talk::Talk,
    watcher::Readings,
};
use crate::{
    config::{Config, Nudge},
    llm::{self, LlmError},
    matrix::{self, Lines, MatrixError, Section, Session, Switchboard},
    model::{EntityName, Millis, Status},
    nursery::{Nursery, Stop},
    observe::{self, EntityReady},
    orchestrator::board::{Board, EntityEvent},
    store::Store,
};

/// How many reports may wait to be read; who reports while it is full waits.
const REPORTS_WAITING_MAX: usize = 256;
/// How many wishes may wait at the keeper of rooms; who has another one waits with it.
const WISHES_WAITING_MAX: usize = 64;
/// How often the picture is shown when only small things changed.
const PICTURE_PAUSE: Duration = Duration::from_millis(500);

/// Opens the doors that the configuration names.
///
/// # Errors
/// When the door to the homeserver, or that to the models, can't be made.
pub(super) fn doors(config: &Config, store: Store) -> Result<Doors, OpenError> {
    let homeserver = matrix::open(section(config, store))?;
    Ok(Doors { homeserver, models: llm::open(&config.models)?, chance: Chance::new() })
}

/// Opens the house: every task that it needs begins. Gives the lines of those who are up, as they come and go.
pub(super) fn open(
    nursery: &Nursery,
    plans: Plans,
    store: Store,
    status: watch::Sender<Status>,
    doors: Doors,
) -> Lines {
    let Doors { homeserver, models, chance } = doors;
    let Plans { config, readings, nudge } = plans;
    let config = &config;
    let (reports, inbox) = mpsc::channel(REPORTS_WAITING_MAX);
    let (arrivals, arrived) = mpsc::channel(REPORTS_WAITING_MAX);
    let (wishes, asked_for) = mpsc::channel(WISHES_WAITING_MAX);
    let (action, router_up) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (switchboard, lines) = Switchboard::new();
    let (current, settings) = watch::channel(Arc::clone(config));
    let stop = nursery.stop().clone();
    let talk = Talk {
        config: settings.clone(),
        models: models.clone(),
        store: store.clone(),
        lines: lines.clone(),
        status: status.subscribe(),
        action: Arc::clone(&action),
        nudge,
    };
    let desk = talk.start(nursery);

    let house = House {
        board: Board::new(config, observe::now()),
        router: config.router().name.clone(),
        router_up: Arc::clone(&router_up),
        began: Instant::now(),
        arrivals,
        waiting: BTreeMap::new(),
        status,
        switchboard,
    };
    nursery.forever("house", house.run(inbox, stop.clone()));
    let rooms = Rooms::new(Arc::clone(config), store.clone(), Arc::clone(&homeserver), reports.clone(), chance.clone());
    nursery.forever("rooms", rooms.run(Inlets { arrivals: arrived, wishes: asked_for, action }, stop));

    let logins = Arc::new(Semaphore::new(LOGIN_WEIGHT * config.homeserver.logins_max.get()));
    let means =
        Means { config: settings, homeserver, store, lines: lines.clone(), desk, reports, wishes, logins, chance };
    let crew = Crew::new(nursery.clone(), means, current, models);
    nursery.forever("crew", crew.run(readings, router_up));
    lines
}

/// What is wanted, and where it is told that something else is.
pub(super) struct Plans {
    pub(super) config: Arc<Config>,
    pub(super) readings: Readings,
    /// Has it read, where it has a file.
    pub(super) nudge: Option<Nudge>,
}

/// Why the house can't be opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    /// No door to the homeserver.
    #[error(transparent)]
    Homeserver(#[from] MatrixError),
    /// No door to the models.
    #[error(transparent)]
    Models(#[from] LlmError),
}

fn section(config: &Config, store: Store) -> Section {
    Section {
        url: config.homeserver.url.clone(),
        request_timeout: config.homeserver.request_timeout,
        folder: config.state.folder.join("matrix"),
        device_name: config.accounts.device_name.clone(),
        registration: config.accounts.registration.clone(),
        accounts: Arc::new(Book(store)),
    }
}

/// The task that keeps the picture.
struct House {
    board: Board,
    router: EntityName,
    router_up: Arc<Notify>,
    began: Instant,
    arrivals: mpsc::Sender<(EntityName, Arrival)>,
    /// Arrivals that the rooms have not taken yet; one for each entity at most.
    waiting: BTreeMap<EntityName, Arrival>,
    status: watch::Sender<Status>,
    /// Who is up, for those who speak in their name.
    switchboard: Switchboard,
}

impl House {
    async fn run(mut self, mut inbox: mpsc::Receiver<Report>, stop: Stop) {
        let (mut next_picture, mut stale) = (Instant::now(), true);
        let rooms = self.arrivals.clone();
        loop {
            tokio::select! {
                biased;
                () = stop.soft() => break,
                Some(report) = inbox.recv() => {
                    self.note(report);
                    stale = true;
                    // Whether everything is up is news that nobody should wait for.
                    if self.board.is_ready() != self.status.borrow().ready {
                        next_picture = Instant::now();
                    }
                }
                // The rooms report to us while they are busy, so we never wait for them with a report unread.
                Ok(place) = rooms.reserve(), if !self.waiting.is_empty() => {
                    if let Some(arrival) = self.waiting.pop_first() {
                        place.send(arrival);
                    }
                }
                () = time::sleep_until(next_picture), if stale => {
                    self.status.send_replace(self.board.picture(observe::now()));
                    stale = false;
                    next_picture = Instant::now() + PICTURE_PAUSE;
                }
            }
        }
        self.board.stop();
        self.status.send_replace(self.board.picture(observe::now()));
    }

    fn note(&mut self, report: Report) {
        match report {
            Report::Waiting { reason } => self.board.doing(&format!("waiting for the homeserver ({reason})")),
            Report::Reached => self.board.doing("running"),
            Report::Starting { entity } => {
                self.switchboard.disconnect(&entity);
                self.board.entity(&entity, EntityEvent::Starting);
            }
            Report::Heard { entity, session, at } => self.heard(entity, session, at),
            Report::Failed { entity, reason, next_try_at, down } => {
                self.switchboard.disconnect(&entity);
                self.board.entity(&entity, EntityEvent::Failed { reason, next_try_at, down });
            }
            Report::Housed { entity, missing } => {
                let became_ready = self.board.entity(&entity, EntityEvent::Housed { missing });
                self.say_ready(&entity, became_ready);
            }
            Report::Person { trouble } => self.board.doing(&trouble.unwrap_or_else(|| "running".to_owned())),
            Report::Room { key, room, trouble } => self.board.room(&key, room, trouble),
            Report::Renewed(config) => self.board.renew(&config),
            Report::Reloaded(reload) => self.board.reloaded(reload),
            Report::Gone { entity, done } => self.gone(entity, done),
        }
    }

    fn heard(&mut self, entity: EntityName, session: Arc<dyn Session>, at: Millis) {
        let user = session.user().clone();
        let first = self.board.arrives(&entity);
        let became_ready = self.board.entity(&entity, EntityEvent::Up { user, at });
        self.say_ready(&entity, became_ready);
        if first {
            // The person at the keyboard is nobody through whom an entity speaks.
            if !entity.is_person() {
                self.switchboard.connect(entity.clone(), Arc::clone(&session));
            }
            if entity == self.router {
                self.router_up.notify_one();
            }
            self.waiting.insert(entity, Arrival::Here(session));
        }
    }

    fn gone(&mut self, entity: EntityName, done: oneshot::Sender<()>) {
        self.switchboard.disconnect(&entity);
        self.board.entity(&entity, EntityEvent::Gone);
        let unheard = match self.waiting.remove(&entity) {
            Some(Arrival::Here(session)) => Some(session),
            // Nobody goes twice without having come.
            Some(Arrival::Gone { .. }) | None => None,
        };
        self.waiting.insert(entity, Arrival::Gone { unheard, done });
    }

    fn say_ready(&self, entity: &EntityName, became_ready: bool) {
        if became_ready && let Some(user) = self.board.user_of(entity) {
            EntityReady { entity, user, took: self.began.elapsed() }.emit();
        }
    }
}
