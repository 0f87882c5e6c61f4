//! The house as a whole: lays the channels, keeps the picture, and tells the rooms who is up.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, Semaphore, mpsc, watch},
    time::{self, Instant},
};

use super::{
    book::Book,
    boot::boot,
    bot::{Bot, LOGIN_WEIGHT},
    chance::Chance,
    person::PersonAtKeyboard,
    report::{Arrival, Report},
    rooms::Rooms,
    run::Doors,
    talk::Talk,
};
use crate::{
    config::{Config, Entity},
    llm::{self, LlmError},
    matrix::{self, MatrixError, Section, Session, Switchboard},
    model::{EntityName, Millis, Status},
    nursery::{Nursery, Stop},
    observe::{self, EntityReady},
    orchestrator::{
        board::{Board, EntityEvent},
        plan::boot_plan,
    },
    store::Store,
};

/// How many reports may wait to be read; who reports while it is full waits.
const REPORTS_WAITING_MAX: usize = 256;
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

/// Opens the house: every task that it needs begins.
pub(super) fn open(nursery: &Nursery, config: &Arc<Config>, store: Store, status: watch::Sender<Status>, doors: Doors) {
    let Doors { homeserver, models, chance } = doors;
    let (reports, inbox) = mpsc::channel(REPORTS_WAITING_MAX);
    let (arrivals, arrived) = mpsc::channel(REPORTS_WAITING_MAX);
    let (action, router_up) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (switchboard, lines) = Switchboard::new();
    let (current, settings) = watch::channel(Arc::clone(config));
    let stop = nursery.stop().clone();
    let talk = Talk {
        config: settings,
        models,
        store: store.clone(),
        lines,
        status: status.subscribe(),
        action: Arc::clone(&action),
    };
    let desk_inbox = talk.start(nursery);

    let house = House {
        board: Board::new(config, observe::now()),
        router: config.router().name.clone(),
        router_up: Arc::clone(&router_up),
        began: Instant::now(),
        arrivals,
        waiting: BTreeMap::new(),
        status,
        switchboard,
        _current: current,
    };
    nursery.forever("house", house.run(inbox, stop.clone()));
    let rooms = Rooms::new(Arc::clone(config), store.clone(), Arc::clone(&homeserver), reports.clone(), chance.clone());
    nursery.forever("rooms", rooms.run(arrived, action, stop.clone()));

    let logins = Arc::new(Semaphore::new(LOGIN_WEIGHT * config.homeserver.logins_max.get()));
    let bot = |entity: &Entity| Bot {
        entity: entity.clone(),
        settings: config.homeserver.clone(),
        homeserver: Arc::clone(&homeserver),
        store: store.clone(),
        desk: desk_inbox.clone(),
        reports: reports.clone(),
        logins: Arc::clone(&logins),
        chance: chance.clone(),
    };
    let plan = boot_plan(config);
    let named = |name: &EntityName| config.entity(name).map(bot);
    let then: Vec<Bot> = plan.then.iter().filter_map(named).collect();
    nursery.once("boot", boot(nursery.clone(), bot(config.router()), then, router_up));
    if let Some(person) = config.user.clone() {
        let person = PersonAtKeyboard { person, homeserver, store, reports, chance };
        nursery.forever("person", person.run(stop));
    }
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
    arrivals: mpsc::Sender<Arrival>,
    /// Arrivals that the rooms have not taken yet; one for each entity at most.
    waiting: BTreeMap<EntityName, Arrival>,
    status: watch::Sender<Status>,
    /// Who is up, for those who speak in their name.
    switchboard: Switchboard,
    /// The configuration that everybody looks at; they would stop looking if it went.
    _current: watch::Sender<Arc<Config>>,
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
                    if let Some((_, arrival)) = self.waiting.pop_first() {
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
            self.waiting.insert(entity.clone(), Arrival { entity, session });
        }
    }

    fn say_ready(&self, entity: &EntityName, became_ready: bool) {
        if became_ready && let Some(user) = self.board.user_of(entity) {
            EntityReady { entity, user, took: self.began.elapsed() }.emit();
        }
    }
}
