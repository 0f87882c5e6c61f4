//! The program's lives: it starts, it is cut off at some moment or told to stop, it starts again.

use std::{
    cell::{Cell, RefCell},
    pin::pin,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use maitre::{
    config::Config,
    llm::Models,
    model::{Counts, Millis, Parked, RoomId, Status},
    nursery::Stop,
    observe,
    orchestrator::{Book, Chance, Doors, Outcome, Start, run_on},
    store::{Memory, Pull, Store},
};
use tokio::{
    sync::{Notify, watch},
    task::yield_now,
    time::{Instant, sleep, timeout},
};

use crate::{dice::Dice, model::Brain, trace::Trace, world::World};

/// How often the program is cut off in one run at most.
const CUTS_MAX: u64 = 6;
/// How long it gets to end in order.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// The program, through all its lives.
pub(crate) struct Program {
    config: Arc<Config>,
    world: World,
    memory: Memory,
    brain: Brain,
    dice: Dice,
    pauses: Pauses,
    trace: Trace,
    /// Whether it may still be cut off.
    rough: Cell<bool>,
    /// When the present life began.
    began: Cell<Instant>,
    /// The picture that the present life shows.
    status: RefCell<Option<watch::Receiver<Status>>>,
    over: Notify,
    cuts: RefCell<Cuts>,
}

/// How long it is away between two lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pauses {
    /// Mostly seconds.
    Any,
    /// Longer than a homeserver remembers transactions.
    Long,
}

/// How often it was cut off, and how.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cuts {
    pub(crate) lives: u64,
    pub(crate) before_commit: u64,
    pub(crate) after_commit: u64,
    pub(crate) at_a_moment: u64,
    pub(crate) after_an_event: u64,
    pub(crate) in_order: u64,
}

/// How a life ends.
#[derive(Debug, Clone, Copy)]
enum End {
    /// Not before the run is over.
    Never,
    /// At a commit.
    Commit { peaceful: u64, pull: Pull },
    /// After a time, and so many rounds of the tasks that are busy then.
    Moment { after: Duration, rounds: usize },
    /// After so many changes in the world, and so many rounds.
    Event { changes: usize, rounds: usize },
    /// As a signal would.
    Order { after: Duration },
}

impl Program {
    pub(crate) fn new(
        config: Arc<Config>,
        world: World,
        brain: Brain,
        (dice, pauses): (Dice, Pauses),
        trace: Trace,
    ) -> Rc<Self> {
        let (_, memory) = Store::memory();
        Rc::new(Self {
            config,
            world,
            memory,
            brain,
            dice,
            pauses,
            trace,
            rough: Cell::new(true),
            began: Cell::new(Instant::now()),
            status: RefCell::new(None),
            over: Notify::new(),
            cuts: RefCell::default(),
        })
    }

    /// A look at what is committed.
    pub(crate) fn store(&self) -> Store {
        self.memory.reopen()
    }

    /// Whether everything that is configured is up.
    pub(crate) fn is_ready(&self) -> bool {
        self.status.borrow().as_ref().is_some_and(|status| status.borrow().ready)
    }

    /// How long the present life lasts.
    pub(crate) fn age(&self) -> Duration {
        self.began.get().elapsed()
    }

    /// What the status says, in short.
    pub(crate) fn picture(&self) -> String {
        let status = self.status.borrow();
        let Some(status) = status.as_ref() else { return "not running".to_owned() };
        let status = status.borrow();
        let entities: Vec<String> = status
            .entities
            .iter()
            .map(|entity| {
                format!("{} {} {}", entity.name, entity.phase.as_str(), entity.reason.as_deref().unwrap_or(""))
            })
            .collect();
        let rooms: Vec<String> = status
            .rooms
            .iter()
            .filter_map(|room| Some(format!("{}: {}", room.key, room.trouble.as_deref()?)))
            .collect();
        format!("{}; {}; {}", status.doing, entities.join(", "), rooms.join(", "))
    }

    /// The room behind a key, once it is there.
    pub(crate) fn room(&self, key: &str) -> Option<RoomId> {
        let status = self.status.borrow();
        let status = status.as_ref()?.borrow();
        status.rooms.iter().find(|room| room.key == key)?.room.clone()
    }

    /// From now on it lives on.
    pub(crate) fn calm(&self) {
        self.rough.set(false);
    }

    /// Ends the last life in order.
    pub(crate) fn end(&self) {
        self.over.notify_one();
    }

    pub(crate) fn cuts(&self) -> Cuts {
        *self.cuts.borrow()
    }

    /// Lives until the run is over. Tells what went wrong with the lives themselves.
    pub(crate) async fn live(&self) -> Vec<String> {
        let mut violations = Vec::new();
        let mut lives = 0;
        loop {
            lives += 1;
            self.began.set(Instant::now());
            let end = if self.rough.get() && lives <= CUTS_MAX { self.next_end() } else { End::Never };
            self.trace.say(format!("life {lives} begins, and ends with {end:?}"));
            let (over, trouble) = self.one_life(lives, end).await;
            violations.extend(trouble);
            self.status.replace(None);
            self.cuts.borrow_mut().lives += 1;
            if over {
                return violations;
            }
            let down = self.pause();
            self.trace.say(format!("life {lives} is over; the next one begins in {} ms", down.as_millis()));
            sleep(down).await;
        }
    }

    /// How long it is away.
    fn pause(&self) -> Duration {
        match (self.pauses, self.dice.below(20)) {
            (Pauses::Long, _) | (Pauses::Any, 0) => self.dice.millis(1_260_000..1_800_000),
            (Pauses::Any, 1 | 2) => self.dice.millis(60_000..240_000),
            (Pauses::Any, 3..=9) => self.dice.millis(1_000..20_000),
            (Pauses::Any, _) => self.dice.millis(1..1_000),
        }
    }

    fn next_end(&self) -> End {
        let rounds = self.dice.below(40);
        match self.dice.below(10) {
            0..=2 => End::Commit {
                peaceful: self.dice.below(150) as u64,
                pull: *self.dice.pick(&[Pull::Before, Pull::After]),
            },
            3..=5 => End::Event { changes: self.dice.below(60), rounds },
            6 | 7 => End::Moment { after: self.dice.millis(0..120_000), rounds },
            8 => End::Order { after: self.dice.millis(0..120_000) },
            _ => End::Never,
        }
    }

    /// One life. Tells whether it was the last, and what went wrong.
    async fn one_life(&self, life: u64, end: End) -> (bool, Option<String>) {
        let stop = Stop::default();
        let cut = Arc::new(Notify::new());
        if let End::Commit { peaceful, pull } = end {
            let (stop, cut) = (stop.clone(), Arc::clone(&cut));
            self.memory.crash_at(peaceful, pull, move || {
                stop.insist();
                cut.notify_one();
            });
        }
        let mut house = pin!(self.house(life, stop.clone()));
        tokio::select! {
            biased;
            () = cut.notified() => {}
            outcome = &mut house => {
                return (false, Some(format!("a life ended by itself: {outcome:?}")));
            }
            () = self.over.notified() => {
                stop.ask();
                let outcome = timeout(STOP_WITHIN, house).await;
                let trouble = match outcome {
                    Ok(Outcome::Stopped | Outcome::Forced) => None,
                    Ok(other) => Some(format!("told to stop, a life ended with {other:?}")),
                    Err(_) => Some("told to stop, a life didn't end".to_owned()),
                };
                return (true, trouble);
            }
            () = self.comes(end) => {
                if let End::Order { .. } = end {
                    stop.ask();
                    let outcome = timeout(STOP_WITHIN, house).await;
                    self.count(end);
                    // Whatever is left of it must not live on beside the next one.
                    stop.insist();
                    yield_now().await;
                    let trouble = outcome.is_err().then(|| "told to stop, a life didn't end".to_owned());
                    return (false, trouble);
                }
                self.memory.crash();
                stop.insist();
            }
        }
        self.trace.say("cut off");
        self.count(end);
        (false, None)
    }

    async fn house(&self, life: u64, stop: Stop) -> Outcome {
        let store = self.memory.reopen();
        let (sender, status) = watch::channel(first_picture());
        self.status.replace(Some(status));
        let start = Start { config: Arc::clone(&self.config), store: store.clone(), stop, status: sender };
        let doors = Doors {
            homeserver: self.world.homeserver(Arc::new(Book(store))),
            models: Models::of([("big", Arc::new(self.brain.clone()) as _)]),
            chance: Chance::seeded(self.dice.fork(&format!("life {life}")).next()),
        };
        run_on(start, doors).await
    }

    /// Resolves when a life is to end, if it isn't the disk that ends it.
    async fn comes(&self, end: End) {
        let rounds = match end {
            End::Never | End::Commit { .. } => std::future::pending().await,
            End::Order { after } => {
                sleep(after).await;
                0
            }
            End::Moment { after, rounds } => {
                sleep(after).await;
                rounds
            }
            End::Event { changes, rounds } => {
                for _ in 0..=changes {
                    self.world.changed().await;
                }
                rounds
            }
        };
        for _ in 0..rounds {
            yield_now().await;
        }
    }

    fn count(&self, end: End) {
        let mut cuts = self.cuts.borrow_mut();
        match end {
            End::Never => {}
            End::Commit { pull: Pull::Before, .. } => cuts.before_commit += 1,
            End::Commit { pull: Pull::After, .. } => cuts.after_commit += 1,
            End::Moment { .. } => cuts.at_a_moment += 1,
            End::Event { .. } => cuts.after_an_event += 1,
            End::Order { .. } => cuts.in_order += 1,
        }
    }
}

fn first_picture() -> Status {
    let now: Millis = observe::now();
    Status {
        version: String::new(),
        started_at: now,
        taken_at: now,
        homeserver: "http://home".to_owned(),
        ready: false,
        doing: "starting".to_owned(),
        entities: Vec::new(),
        rooms: Vec::new(),
        counts: Counts::default(),
        parked: Parked::default(),
        reloads: Vec::new(),
    }
}
