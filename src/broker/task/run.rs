//! Runs the lanes: the store knows first, then whoever is to act.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep, sleep_until},
};

use super::{
    Broker, Halter, Order,
    handle::{Control, Inlets},
};
use crate::{
    broker::{
        Halted, Scope,
        lanes::{Effect, Event, Lanes, Limits, Opening},
        lapse::{Ground, lapsed},
        poison::{Trial, trial},
        refusal::{farewell, given_up, lapse, refusal},
    },
    config::Config,
    model::{Envelope, Responder, RoomId, Turn, TurnEnd, TurnId, UserId},
    nursery::Stop,
    observe::{self, AnswerParked, LanesKept, MessageRefused, TurnUnsaved},
    store::{AuditEntry, Begun, Retry, Store, StoreError, TurnStart, Unfinished},
};

/// How long the store is left alone when it can't be read at the start.
const START_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The broker's own task.
pub struct Dispatch {
    lanes: Lanes,
    store: Store,
    config: watch::Receiver<Arc<Config>>,
    inlets: Inlets,
    orders: mpsc::Sender<Order>,
    /// Orders that nobody has taken yet. At most one for each active lane.
    outbox: VecDeque<Order>,
    halters: HashMap<TurnId, Halter>,
    suspects: Suspects,
    /// Beginnings and endings that the store is writing. At most one for each active lane.
    writes: FuturesUnordered<BoxFuture<'static, Event>>,
    began: Instant,
}

impl Dispatch {
    /// A broker over `store` that gives its `orders` to whoever carries them out, and the way to it.
    #[must_use]
    pub fn new(store: Store, config: watch::Receiver<Arc<Config>>, orders: mpsc::Sender<Order>) -> (Broker, Self) {
        let (broker, inlets) = Broker::new(store.clone());
        let lanes = Lanes::new(limits(&config.borrow()));
        let (outbox, halters, writes, began) =
            (VecDeque::new(), HashMap::new(), FuturesUnordered::new(), Instant::now());
        let suspects = Suspects::default();
        (broker, Self { lanes, store, config, inlets, orders, outbox, halters, suspects, writes, began })
    }

    /// Goes on with what the last run left, then works until told to stop. What runs by then is ended by those who run it;
    /// what waits stays in the store. Ends by itself when the store is closed for good.
    pub async fn run(mut self, stop: Stop) {
        if !self.take_up(&stop).await {
            return;
        }
        let orders = self.orders.clone();
        loop {
            self.next_suspect().await;
            let wake_at = self.lanes.wake_at();
            tokio::select! {
                biased;
                () = stop.soft() => return,
                Some(control) = self.inlets.controls.recv() => self.control(control).await,
                Some(event) = self.writes.next() => self.feed(event).await,
                Ok(place) = orders.reserve(), if !self.outbox.is_empty() => {
                    if let Some(order) = self.outbox.pop_front() {
                        place.send(order);
                    }
                }
                Some(envelope) = self.inlets.envelopes.recv() => self.feed(Event::Delivered(envelope)).await,
                () = sleep_until(self.began + wake_at.unwrap_or_default()), if wake_at.is_some() => {
                    self.feed(Event::Woken).await;
                }
            }
        }
    }

    /// Reads what is unfinished. Answers whether there is anything to work on at all.
    async fn take_up(&mut self, stop: &Stop) -> bool {
        let legacy = loop {
            match legacy(&self.store, &self.config).await {
                Ok(legacy) => break legacy,
                Err(error) => {
                    TurnUnsaved { what: "all", step: "resume", error: &error }.emit();
                    if error.retry() == Retry::Never {
                        return false;
                    }
                }
            }
            tokio::select! {
                biased;
                () = stop.soft() => return false,
                () = sleep(START_AGAIN_AFTER) => {}
            }
        };
        for (turn, lapsed, tries) in legacy.turns {
            let tries_max = self.config.borrow().conversation.attempts_max;
            match (lapsed, trial(tries, tries_max)) {
                (Some(why), _) => {
                    let line = lapse_of_turn(&turn, why);
                    self.close(turn, why).await;
                    told(self.store.audit(line).await, "audit", "lapse");
                }
                (None, Trial::Beside) => self.feed(Event::Unfinished(turn)).await,
                (None, Trial::Alone) => self.suspects.waiting.push_back(turn),
                (None, Trial::Park) => {
                    park(&self.store, &turn, tries).await;
                    if !turn.parts.is_empty() {
                        self.close(turn, Halted::Broken).await;
                    }
                }
                (None, Trial::Leave) => {
                    // The newest attempt only closed it: what is to be said was said of the one before.
                    let given_up = Turn { attempt: turn.attempt - 1, ..turn };
                    park(&self.store, &given_up, tries - 1).await;
                }
            }
        }
        for (envelope, lapsed) in legacy.queued {
            match lapsed {
                None => self.feed(Event::Delivered(envelope)).await,
                Some(why) => {
                    told(self.store.audit(lapse_of_envelope(&envelope, why)).await, "audit", "lapse");
                    told(self.store.cancel(vec![envelope]).await, "waiting messages", "cancel");
                }
            }
        }
        true
    }

    /// Has what stands of a turn closed, and nothing more.
    async fn close(&mut self, turn: Turn, why: Halted) {
        let id = turn.id.clone();
        self.feed(Event::Unfinished(turn)).await;
        let (_, effects) = self.lanes.halt(&Scope::Turn(id), why, self.began.elapsed());
        self.perform(effects).await;
    }

    /// Begins the next of those that are tried alone, once the one before has ended.
    async fn next_suspect(&mut self) {
        if self.suspects.tried.as_ref().is_some_and(|turn| self.lanes.holds(turn)) {
            return;
        }
        let next = self.suspects.waiting.pop_front();
        self.suspects.tried = next.as_ref().map(|turn| turn.id.clone());
        if let Some(turn) = next {
            self.feed(Event::Unfinished(turn)).await;
        }
    }

    async fn control(&mut self, control: Control) {
        // Whoever delivers a message and then wants something about it means that message, too.
        for _ in 0..self.inlets.envelopes.len() {
            if let Ok(envelope) = self.inlets.envelopes.try_recv() {
                self.feed(Event::Delivered(envelope)).await;
            }
        }
        match control {
            Control::Halt(scope, why, answer) => {
                let (mut count, effects) = self.lanes.halt(&scope, why, self.began.elapsed());
                self.perform(effects).await;
                let suspects = self.suspects.remove(&scope, why);
                count += suspects.len();
                for suspect in suspects {
                    self.close(suspect, why).await;
                }
                if let Some(line) = farewell(&scope, why, count, observe::now()) {
                    told(self.store.audit(line).await, "audit", "halt");
                }
                // Whoever asked may have gone.
                answer.send(count).unwrap_or_default();
            }
            Control::Again(turn, answer) => {
                let again = self.again(&turn).await;
                answer.send(again).unwrap_or_default();
            }
            Control::Ended(turn, end) => {
                self.halters.remove(&turn);
                self.feed(Event::Ended(turn, end)).await;
            }
        }
    }

    async fn again(&mut self, turn: &TurnId) -> bool {
        let stored = match self.store.turn(turn).await {
            Ok(stored) => stored,
            Err(error) => {
                unsaved(turn, "again", &error);
                return false;
            }
        };
        if let Some(suspect) = self.suspects.take(turn) {
            // It counts its tries anew, and goes on in what stands of it in the room.
            told(self.store.ask_again(turn).await, turn.as_str(), "mark");
            self.feed(Event::Unfinished(suspect)).await;
        }
        let effects = stored.and_then(|stored| self.lanes.again(stored.turn, self.began.elapsed()));
        let accepted = effects.is_some();
        self.perform(effects.unwrap_or_default()).await;
        accepted
    }

    async fn feed(&mut self, event: Event) {
        self.lanes.limit(limits(&self.config.borrow()));
        let effects = self.lanes.on(event, self.began.elapsed());
        LanesKept { known: self.lanes.known() }.emit();
        self.perform(effects).await;
    }

    /// Beginnings and endings are written side by side, so that they share commits. The rest is rare, and must be in the
    /// store before what follows from it.
    async fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Begin(id, envelopes) => self.writes.push(begin(self.store.clone(), id, envelopes).boxed()),
                Effect::Resume(id) => self.writes.push(resume(self.store.clone(), id).boxed()),
                Effect::Close(id) => self.writes.push(close(self.store.clone(), id).boxed()),
                Effect::Order(turn, why) => {
                    let (halter, halt) = Halter::new();
                    if let Some(why) = why {
                        halter.pull(why);
                    }
                    self.halters.insert(turn.id.clone(), halter);
                    self.outbox.push_back(Order { turn, halt });
                }
                Effect::Pull(id, why) => {
                    if let Some(halter) = self.halters.get(&id) {
                        halter.pull(why);
                    }
                }
                Effect::Mark(id) => told(self.store.ask_again(&id).await, id.as_str(), "mark"),
                Effect::Forget(id) => told(self.store.forget(&id, observe::now()).await, id.as_str(), "forget"),
                Effect::Cancel(envelopes) => told(self.store.cancel(envelopes).await, "waiting messages", "cancel"),
                Effect::Refuse(envelope) => refuse(&self.store, envelope).await,
            }
        }
    }
}

/// Answers that broke off with the program so often that the next try is the last. They are tried one after the other.
#[derive(Default)]
struct Suspects {
    waiting: VecDeque<Turn>,
    tried: Option<TurnId>,
}

impl Suspects {
    /// Takes out this turn, if it is one of them.
    fn take(&mut self, turn: &TurnId) -> Option<Turn> {
        let at = self.waiting.iter().position(|suspect| suspect.id == *turn)?;
        self.waiting.remove(at)
    }

    /// Takes out those that nobody wants any more. One that was merely edited is given with the new words.
    fn remove(&mut self, scope: &Scope, why: Halted) -> Vec<Turn> {
        let meant = |turn: &Turn| why != Halted::Edited && scope.covers_turn(turn);
        let (gone, kept): (Vec<Turn>, Vec<Turn>) = std::mem::take(&mut self.waiting).into_iter().partition(meant);
        self.waiting = kept.into();
        gone
    }
}

/// What an earlier life left, each with the reason for which it is not to be answered any more, if there is one.
struct Legacy {
    /// Each also with how often it was begun.
    turns: Vec<(Turn, Option<Halted>, u32)>,
    queued: Vec<(Envelope, Option<Halted>)>,
}

/// N6: what is unfinished, looked at once more.
async fn legacy(store: &Store, config: &watch::Receiver<Arc<Config>>) -> Result<Legacy, StoreError> {
    let Unfinished { turns, queued, tries } = store.unfinished().await?;
    let own = store.users().await?.into_iter().filter(|(_, entity)| !entity.is_person());
    let own: BTreeSet<UserId> = own.map(|(user, _)| user).collect();
    let rooms = turns.iter().map(|turn| &turn.conversation).chain(queued.iter().map(|envelope| &envelope.conversation));
    let rooms: BTreeSet<RoomId> = rooms.map(|conversation| conversation.room.clone()).collect();
    let mut grounds = BTreeMap::new();
    for room in rooms {
        let around = store.surroundings(&room).await?;
        let ground = Ground { names: around.names(), standings: around.standings };
        grounds.insert(room, ground);
    }
    let config = Arc::clone(&config.borrow());
    let lapsed = |room: &RoomId, question: (&UserId, &Responder)| {
        grounds.get(room).and_then(|ground| lapsed(&config, &own, ground, question))
    };
    let of_turn = |turn: Turn| {
        let lapsed = lapsed(&turn.conversation.room, (&turn.asker, &turn.responder));
        let tries = tries.get(&turn.id).copied().unwrap_or_default();
        (turn, lapsed, tries)
    };
    let of_envelope = |envelope: Envelope| {
        let lapsed = lapsed(&envelope.conversation.room, (&envelope.sender, &envelope.responder));
        (envelope, lapsed)
    };
    Ok(Legacy {
        turns: turns.into_iter().map(of_turn).collect(),
        queued: queued.into_iter().map(of_envelope).collect(),
    })
}

fn lapse_of_turn(turn: &Turn, why: Halted) -> AuditEntry {
    lapse(&turn.conversation.room, &turn.asker, &turn.responder, why, observe::now())
}

fn lapse_of_envelope(envelope: &Envelope, why: Halted) -> AuditEntry {
    lapse(&envelope.conversation.room, &envelope.sender, &envelope.responder, why, observe::now())
}

/// N9: gives up what breaks down again and again. If that can't be written down, the next start does.
async fn park(store: &Store, turn: &Turn, tries: u32) {
    AnswerParked { turn, tries }.emit();
    told(store.park(&turn.id, given_up(turn, tries), observe::now()).await, turn.id.as_str(), "park");
}

async fn refuse(store: &Store, envelope: Envelope) {
    let (room, event) = (&envelope.conversation.room, &envelope.event);
    MessageRefused { room, event, responder: &envelope.responder }.emit();
    let (event, notice) = (event.clone(), refusal(&envelope));
    told(store.refuse(envelope, notice, observe::now()).await, event.as_str(), "refuse");
}

async fn begin(store: Store, id: TurnId, envelopes: Vec<Envelope>) -> Event {
    let Some(first) = envelopes.first() else { return Event::Begun(id, None) };
    let start = TurnStart {
        id: id.clone(),
        responder: first.responder.clone(),
        room: first.conversation.room.clone(),
        events: envelopes.iter().map(|envelope| envelope.event.clone()).collect(),
    };
    let outcome = observe::fault_around("begin", store.begin_turn(start, observe::now())).await;
    begun(&store, id, outcome).await
}

async fn resume(store: Store, id: TurnId) -> Event {
    let outcome = observe::fault_around("begin", store.resume_turn(&id, observe::now())).await;
    begun(&store, id, outcome).await
}

async fn begun(store: &Store, id: TurnId, outcome: Result<Begun, StoreError>) -> Event {
    let (turn, withdrawn) = match outcome {
        Ok(Begun::Go(turn)) => (turn, false),
        Ok(Begun::Withdrawn(turn)) => (turn, true),
        Ok(Begun::Nothing) => return Event::Begun(id, None),
        Err(error) => {
            unsaved(&id, "begin", &error);
            return Event::NotBegun(id);
        }
    };
    // What can't be read is looked for in the room.
    let may_stand = turn.attempt > 1 && store.may_stand(&id).await.unwrap_or(true);
    Event::Begun(id, Some(Opening { turn, withdrawn, may_stand }))
}

async fn close(store: Store, id: TurnId) -> Event {
    if let Err(error) = store.end_turn(&id, TurnEnd::Stopped, "", observe::now()).await {
        unsaved(&id, "close", &error);
    }
    Event::Ended(id, TurnEnd::Stopped)
}

fn unsaved(turn: &TurnId, step: &'static str, error: &StoreError) {
    TurnUnsaved { what: turn.as_str(), step, error }.emit();
}

fn told<T>(outcome: Result<T, StoreError>, what: &str, step: &'static str) {
    if let Err(error) = outcome {
        TurnUnsaved { what, step, error: &error }.emit();
    }
}

fn limits(config: &Config) -> Limits {
    let conversation = &config.conversation;
    Limits {
        active_max: conversation.lanes_active_max.get(),
        idle: conversation.lane_idle,
        waiting_max: conversation.lane_waiting_max.get(),
    }
}
