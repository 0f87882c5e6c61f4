//! One run: everything in it follows from its seed.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    time::Duration,
};

use maitre::{
    model::{Millis, RoomId, UserId},
    observe,
    store::{Store, StoreError},
};
use tokio::{
    runtime::Builder,
    time::{Instant, sleep},
};

use crate::{
    checks::{self, Evidence, Outcomes},
    config::{self, TURNS_MAX},
    dice::Dice,
    ledger::{Due, tag},
    life::{Cuts, Pauses, Program},
    model::{Brain, Moods},
    people::{Crowd, People},
    trace::Trace,
    world::{Faults, Seen, World},
};

/// When runs begin, by their own clock: a day in 2026.
const ORIGIN: Millis = Millis(1_790_000_000_000);
/// How long the house may take to finish everything once nothing disturbs it any more.
const SETTLED_WITHIN: Duration = Duration::from_hours(1);
/// How long nothing must happen before everything counts as finished: longer than it takes to notice that a line has gone
/// silent, which is twice the time of a long-poll.
const QUIET_FOR: Duration = Duration::from_secs(45);
/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_secs(4);

/// When nobody is shown as writing any more who merely didn't say that they are done.
const TYPING_ENDS_WITHIN: Duration = Duration::from_secs(30);
/// How long the homeserver remembers transactions at least; the program relies on it.
const TRANSACTIONS_KEPT: Duration = Duration::from_mins(20);

/// What a run is to be.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    /// The rule that is broken on purpose, as a fault switch; empty breaks none.
    pub(crate) sabotage: &'static str,
    /// Whether every start comes so late that the homeserver has forgotten what it was sent; else the seed decides.
    pub(crate) amnesia: bool,
    /// Whether the run is shown while it goes on.
    pub(crate) loud: bool,
}

/// How it went.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) seed: u64,
    pub(crate) violations: Vec<String>,
    pub(crate) hash: u64,
    pub(crate) trace: Vec<String>,
    pub(crate) outcomes: Outcomes,
    pub(crate) cuts: Cuts,
    /// Every fault that was put in, and how often.
    pub(crate) faults: BTreeMap<&'static str, u64>,
    /// How long it took by its own clock.
    pub(crate) took: Duration,
}

/// Runs once.
pub(crate) fn run(plan: Plan) -> Report {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("one thread and a clock are there to be had");
    runtime.block_on(play(plan))
}

async fn play(plan: Plan) -> Report {
    observe::simulate_clock(ORIGIN);
    observe::arm_faults_here(plan.sabotage);
    let (began, dice, trace) = (Instant::now(), Dice::new(plan.seed), Trace::new(plan.loud));
    let amnesia = plan.amnesia || dice.fork("amnesia").chance(0.15);
    let rough = Faults::rough(&dice.fork("faults"));
    let forget_transactions = if amnesia { 1.0 } else { rough.forget_transactions };
    let faults = Faults { forget_transactions, forget_after: TRANSACTIONS_KEPT, ..rough };
    let world = World::new(dice.fork("world"), faults);
    let moods = Moods::rough(&dice.fork("moods"));
    let models_fail = moods.error + moods.hang + moods.cut > 0.0;
    let brain = Brain::new(dice.fork("brain"), trace.clone(), moods);
    let pauses = if amnesia { Pauses::Long } else { Pauses::Any };
    let program =
        Program::new(config::house(), world.clone(), brain.clone(), (dice.fork("lives"), pauses), trace.clone());
    let people = People { al: world.person("al"), bea: world.person("bea"), mal: world.person("mal") };
    let crowd = Crowd::new(world.clone(), Rc::clone(&program), people, dice.fork("people"), trace.clone());

    let stage = Stage {
        world: &world,
        program: &program,
        brain: &brain,
        crowd: &crowd,
        trace: &trace,
        models_fail,
        calm_since: Cell::default(),
        ghosts: RefCell::default(),
    };
    let (found, lives) = tokio::join!(stage.scene(), program.live());
    let (mut violations, outcomes) = found;
    violations.extend(lives);
    violations.extend(brain.violations());
    violations.extend(stage.ghosts.take());
    // Members of a team and those who ask for a summary sit on the same places.
    if brain.open_most() > TURNS_MAX {
        violations
            .push(format!("bounds: {} of the agents' model calls at once, {TURNS_MAX} are allowed", brain.open_most()));
    }
    for (room, timeline) in stage.timelines() {
        for seen in timeline {
            trace.say(format!("{room}: {} {} {} {}", seen.event, seen.sender, seen.kind, seen.content));
        }
    }
    let faults = world.counts().into_iter().chain(brain.counts()).collect();
    observe::arm_faults_here("");
    let (hash, cuts, took) = (trace.hash(), program.cuts(), began.elapsed());
    Report { seed: plan.seed, violations, hash, trace: trace.end(), outcomes, cuts, faults, took }
}

/// Everybody who is in it.
struct Stage<'a> {
    world: &'a World,
    program: &'a Program,
    brain: &'a Brain,
    crowd: &'a Crowd,
    trace: &'a Trace,
    models_fail: bool,
    /// Since when nothing fails any more.
    calm_since: Cell<Option<Instant>>,
    /// Who was shown as writing and didn't.
    ghosts: RefCell<Vec<String>>,
}

impl Stage<'_> {
    /// People talk; then everything must come to rest; then they ask once more. Ends the program's last life.
    async fn scene(&self) -> (Vec<String>, Outcomes) {
        let ended = match self.crowd.talk().await {
            Err(trouble) => (vec![trouble], Outcomes::default()),
            Ok(()) => self.rest().await,
        };
        self.program.end();
        ended
    }

    /// What people said is answered; what they ask then is, too.
    async fn rest(&self) -> (Vec<String>, Outcomes) {
        self.trace.say("people have said what they had to say");
        self.calm();
        let mut violations = Vec::from_iter(self.settle("after all that").await);
        self.forget_what_is_gone();
        self.crowd.probe();
        violations.extend(self.settle("after one more question").await);
        let findings = match self.look().await {
            Ok(findings) => findings,
            Err(error) => return (vec![format!("the store can't be read: {error}")], Outcomes::default()),
        };
        violations.extend(findings.violations);
        (violations, findings.outcomes)
    }

    /// From here on nothing fails any more.
    fn calm(&self) {
        self.world.set_faults(Faults::none());
        self.brain.calm();
        self.program.calm();
        self.calm_since.set(Some(Instant::now()));
    }

    /// Waits until nothing is left to be done.
    async fn settle(&self, when: &str) -> Option<String> {
        let until = Instant::now() + SETTLED_WITHIN;
        let (mut quiet_since, mut last) = (Instant::now(), self.world.size());
        loop {
            sleep(LOOK_EVERY).await;
            let busy = self.busy().await;
            let size = self.world.size();
            if busy.is_some() || size != last {
                (quiet_since, last) = (Instant::now(), size);
            }
            if busy.is_none() && quiet_since.elapsed() > LOOK_EVERY {
                self.nobody_writes();
            }
            if quiet_since.elapsed() >= QUIET_FOR {
                return None;
            }
            if Instant::now() > until {
                let why = busy.unwrap_or_else(|| "something is still being said".to_owned());
                return Some(format!("stuck: {} minutes {when}, {why}", SETTLED_WITHIN.as_secs() / 60));
            }
        }
    }

    /// C7: who writes is shown as writing, and nobody else. What a life left that was cut off ends by itself in time, and so
    /// does what was lost before it calmed down.
    fn nobody_writes(&self) {
        let calm_for = self.calm_since.get().map(|since| since.elapsed().min(self.program.age()));
        if calm_for.is_none_or(|calm_for| calm_for < TYPING_ENDS_WITHIN) {
            return;
        }
        for room in self.world.rooms() {
            for user in self.world.typing(&room) {
                let line = format!("C7: {user} is shown as writing in {room}, and doesn't");
                if !self.ghosts.borrow().contains(&line) {
                    self.ghosts.borrow_mut().push(line);
                }
            }
        }
    }

    /// What is still to be done, if anything is.
    async fn busy(&self) -> Option<String> {
        if !self.program.is_ready() {
            return Some(format!("not everybody is up: {}", self.program.picture()));
        }
        let store = self.program.store();
        let Ok(unfinished) = store.unfinished().await else { return Some("the store can't be read".to_owned()) };
        if let Some(turn) = unfinished.turns.first() {
            return Some(format!("the answer {} is unfinished", turn.id));
        }
        if let Some(envelope) = unfinished.queued.first() {
            return Some(format!("{} waits for {}", envelope.event, envelope.responder));
        }
        if let Some(event) = store.due(1).await.ok()?.first() {
            return Some(format!("{} was not looked at", event.event));
        }
        if let Some(unheard) = self.unheard(&store).await.ok()? {
            return Some(unheard);
        }
        if let Some(letter) = store.outbox_pending(1).await.ok()?.first() {
            return Some(format!("{} is to be sent", letter.transaction));
        }
        let notice = store.pending_notices(1).await.ok()?.into_iter().next()?;
        Some(format!("the notice {:?} is to be said", notice.notice.id))
    }

    /// What people said or changed and nobody has heard of yet: a line that has gone silent notices only after a while.
    async fn unheard(&self, store: &Store) -> Result<Option<String>, StoreError> {
        let all = self.crowd.ledger.all().clone();
        let last_due = all.iter().rfind(|asked| !asked.deleted && asked.due != Due::Nothing);
        if let Some(asked) = last_due
            && store.decision(&asked.room, &asked.event).await?.is_none()
        {
            return Ok(Some(format!("nobody has heard of {}", asked.tag())));
        }
        for asked in all.iter().filter(|asked| asked.deleted || asked.edits > 0) {
            let heard = if asked.deleted {
                store.is_deleted(&asked.room, &asked.event).await?
            } else {
                let message = store.message(&asked.room, &asked.event).await?;
                message.is_some_and(|message| message.wording.body.contains(&asked.tag()))
            };
            if !heard {
                return Ok(Some(format!("nobody has heard that it is {} now, or deleted", asked.tag())));
            }
        }
        Ok(None)
    }

    fn timelines(&self) -> BTreeMap<RoomId, Vec<Seen>> {
        self.world.rooms().into_iter().map(|room| (room.clone(), self.world.timeline(&room))).collect()
    }

    /// S8, S7: from here on no model may be shown what was deleted, nor old wordings.
    fn forget_what_is_gone(&self) {
        for asked in self.crowd.ledger.all().iter() {
            for edits in 0..=asked.edits {
                let tag = tag(asked.number, edits);
                if asked.deleted {
                    self.brain.forget(&tag);
                } else if edits < asked.edits {
                    self.brain.outdate(&tag);
                }
            }
        }
    }

    async fn look(&self) -> Result<checks::Findings, StoreError> {
        let (store, timelines) = (self.program.store(), self.timelines());
        let server = self.crowd.people.al.server();
        let user = |name: &str| UserId::parse(format!("@{name}:{server}")).expect("a name makes a user");
        let own: BTreeSet<UserId> = ["router", "ada", "bob", "crew"].map(user).into();
        let asked = self.crowd.ledger.all().clone();
        let evidence =
            Evidence { store: &store, asked: &asked, timelines: &timelines, own: &own, models_fail: self.models_fail };
        checks::check(&evidence).await
    }
}
