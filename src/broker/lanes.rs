//! All lanes as one machine: what comes in, what the store and the workers say, and what is to be done about it.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Halted, Scope,
    lane::{Dropped, Flight, Lane, LaneKey, Phase, Stage, Waiting},
    parked::Parked,
};
use crate::model::{Envelope, Priority, Turn, TurnEnd, TurnId};

/// How many messages may wait in all conversations together. What is beyond that is refused.
const WAITING_MAX: usize = 20_000;
/// How long the store is left alone after it could not write that a turn begins.
const DELAY: Duration = Duration::from_secs(1);

/// How much is kept in mind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// How many lanes are active at once. Those beyond wait until one is idle.
    pub(super) active_max: usize,
    /// How long an idle lane stays active.
    pub(super) idle: Duration,
    /// How many messages wait in one lane. What is beyond that is refused.
    pub(super) waiting_max: usize,
}

/// What comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// A message for a responder; it is in the store.
    Delivered(Envelope),
    /// A turn that the last run of the program left unfinished.
    Unfinished(Turn),
    /// The store has written that this turn begins, or that there is nothing to begin.
    Begun(TurnId, Option<Opening>),
    /// The store could not write it.
    NotBegun(TurnId),
    /// A turn ended, and the store knows.
    Ended(TurnId, TurnEnd),
    /// A moment has come that [`Lanes::wake_at`] named.
    Woken,
}

/// How a turn begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Opening {
    /// The turn.
    pub(super) turn: Turn,
    /// Whether its messages were deleted while nobody worked on it, so that all it needs is an ending.
    pub(super) withdrawn: bool,
    /// Whether anything of it stands in the room, or may, since nobody heard what became of its first message.
    pub(super) may_stand: bool,
}

/// What is to be done, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// Have the store begin a turn on these messages.
    Begin(TurnId, Vec<Envelope>),
    /// Have the store begin the next attempt of a turn.
    Resume(TurnId),
    /// Have the turn carried out, told from the beginning that it is halted if it is.
    Order(Turn, Option<Halted>),
    /// Have the store end a turn that nobody worked on.
    Close(TurnId),
    /// Have the store know that a turn is to be given again.
    Mark(TurnId),
    /// Tell a running turn that it is to end.
    Pull(TurnId, Halted),
    /// Have the store cancel what waits no longer.
    Cancel(Vec<Envelope>),
    /// Have the store end turns that were to be given again and will not be.
    Forget(TurnId),
    /// Cancel a message because too many wait, and say so.
    Refuse(Envelope),
}

/// All lanes.
#[derive(Debug)]
pub(super) struct Lanes {
    limits: Limits,
    /// In an order of its own: what concerns several lanes is done in the same order in every run.
    known: BTreeMap<LaneKey, Lane>,
    /// The lane of each turn in flight.
    flights: BTreeMap<TurnId, LaneKey>,
    parked: Parked,
    active: usize,
    waiting: usize,
    wake_at: Option<Duration>,
}

impl Lanes {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            known: BTreeMap::new(),
            flights: BTreeMap::new(),
            parked: Parked::default(),
            active: 0,
            waiting: 0,
            wake_at: None,
        }
    }

    /// Whether this turn is in flight, or waits to go on.
    pub(super) fn holds(&self, turn: &TurnId) -> bool {
        self.flights.contains_key(turn) || self.known.values().any(|lane| lane.waiting.has_turn(turn))
    }

    /// From now on these limits hold.
    pub(super) fn limit(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// How many lanes are kept in mind.
    pub(super) fn known(&self) -> usize {
        self.known.len()
    }

    /// When something is due that nobody else brings.
    pub(super) fn wake_at(&self) -> Option<Duration> {
        self.wake_at
    }

    /// What is to be done about `event`.
    pub(super) fn on(&mut self, event: Event, now: Duration) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            Event::Delivered(envelope) => self.delivered(envelope, now, &mut effects),
            Event::Unfinished(turn) => self.queue_again(turn, Waiting::push_unfinished, now, &mut effects),
            Event::Begun(turn, opening) => self.begun(&turn, opening, now, &mut effects),
            Event::NotBegun(turn) => self.not_begun(&turn, now),
            Event::Ended(turn, end) => self.ended(&turn, end, now, &mut effects),
            Event::Woken => self.woken(now, &mut effects),
        }
        self.fill(now, &mut effects);
        self.check();
        effects
    }

    /// Ends what `scope` covers, and tells how many turns and messages that concerned.
    pub(super) fn halt(&mut self, scope: &Scope, why: Halted, now: Duration) -> (usize, Vec<Effect>) {
        let (mut count, mut effects, mut gone) = (0, Vec::new(), Vec::new());
        for (key, lane) in &mut self.known {
            if let Stage::Busy(flight) = &mut lane.stage
                && scope.covers_flight(&key.responder, &key.conversation, flight)
            {
                count += 1;
                match (scope, why) {
                    (Scope::Message(_, event), Halted::Deleted) if flight.messages.len() > 1 => {
                        flight.leave_out(event, &mut effects);
                    }
                    (_, Halted::Stopped | Halted::Deleted | Halted::Edited | Halted::Gone | Halted::Broken) => {
                        flight.halt(why, &mut effects);
                    }
                }
            }
            if why == Halted::Edited {
                lane.waiting.edited(scope);
                continue;
            }
            let Dropped { envelopes, turns, to_close } = lane.waiting.halt(scope, why);
            count += envelopes.len() + turns.len() + to_close;
            self.waiting -= envelopes.len() + turns.len();
            effects.extend(turns.into_iter().map(|turn| Effect::Forget(turn.id)));
            if !envelopes.is_empty() {
                effects.push(Effect::Cancel(envelopes));
            }
            if lane.is_left() {
                gone.push(key.clone());
            }
        }
        for key in gone {
            self.known.remove(&key);
            self.parked.remove(&key);
        }
        self.fill(now, &mut effects);
        self.check();
        (count, effects)
    }

    /// Has `turn` given again; none if too much waits in its lane.
    pub(super) fn again(&mut self, turn: Turn, now: Duration) -> Option<Vec<Effect>> {
        let mut effects = Vec::new();
        if let Some(lane) = self.known.get_mut(&LaneKey::of_turn(&turn)) {
            if let Some(flight) = lane.flight().filter(|flight| flight.id == turn.id && flight.phase != Phase::Closing)
            {
                flight.halt(Halted::Edited, &mut effects);
                return Some(effects);
            }
            if lane.waiting.len() >= self.limits.waiting_max {
                return None;
            }
        }
        effects.push(Effect::Mark(turn.id.clone()));
        self.queue_again(turn, Waiting::push_answered, now, &mut effects);
        self.fill(now, &mut effects);
        self.check();
        Some(effects)
    }

    fn delivered(&mut self, envelope: Envelope, now: Duration, effects: &mut Vec<Effect>) {
        let key = LaneKey::of_envelope(&envelope);
        let lane = self.known.get(&key);
        if lane.is_some_and(|lane| lane.knows(&envelope.event)) {
            return;
        }
        let in_lane = lane.map_or(0, |lane| lane.waiting.len());
        if in_lane >= self.limits.waiting_max || self.waiting >= WAITING_MAX {
            effects.push(Effect::Refuse(envelope));
            return;
        }
        self.waiting += 1;
        self.lane(&key, now).waiting.push(envelope);
        self.advance(&key, effects);
    }

    fn queue_again(
        &mut self,
        turn: Turn,
        push: impl FnOnce(&mut Waiting, Turn) -> bool,
        now: Duration,
        effects: &mut Vec<Effect>,
    ) {
        let key = LaneKey::of_turn(&turn);
        let is_new = push(&mut self.lane(&key, now).waiting, turn);
        self.waiting += usize::from(is_new);
        self.advance(&key, effects);
    }

    fn begun(&mut self, turn: &TurnId, opening: Option<Opening>, now: Duration, effects: &mut Vec<Effect>) {
        let Some(flight) = self.flight(turn).filter(|flight| flight.phase == Phase::Beginning) else { return };
        match opening {
            Some(opening) => effects.push(flight.begun(opening)),
            None => self.land(turn, now, effects),
        }
    }

    fn not_begun(&mut self, turn: &TurnId, now: Duration) {
        if self.flight(turn).is_some_and(|flight| flight.phase == Phase::Beginning) {
            self.delay(turn, now);
        }
    }

    /// The store failed a turn; it is asked again in a while.
    fn delay(&mut self, turn: &TurnId, now: Duration) {
        let again_at = now + DELAY;
        if let Some(flight) = self.flight(turn) {
            flight.phase = Phase::Delayed(again_at);
            self.wake_by(again_at);
        }
    }

    fn ended(&mut self, turn: &TurnId, end: TurnEnd, now: Duration, effects: &mut Vec<Effect>) {
        let Some(flight) = self.flight(turn) else { return };
        match (flight.phase, end) {
            // Nobody can have worked on it: a late word about an earlier attempt.
            (Phase::Beginning | Phase::Delayed(_), _) => {}
            (Phase::Running, TurnEnd::Done | TurnEnd::Stopped | TurnEnd::Failed) if flight.redo => {
                effects.push(flight.begin_anew());
            }
            // We don't stop: what it stands on couldn't be read or written.
            (Phase::Running, TurnEnd::Suspended) => self.delay(turn, now),
            (Phase::Running | Phase::Closing, _) => self.land(turn, now, effects),
        }
    }

    fn woken(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        let (mut next, mut expired): (Option<Duration>, Vec<LaneKey>) = (None, Vec::new());
        for (key, lane) in &mut self.known {
            let due = match &mut lane.stage {
                Stage::Idle(since) => *since + self.limits.idle,
                Stage::Busy(flight) => match flight.phase {
                    Phase::Delayed(due) => due,
                    Phase::Beginning | Phase::Running | Phase::Closing => continue,
                },
                Stage::Parked(_) => continue,
            };
            if due > now {
                next = Some(next.map_or(due, |next| next.min(due)));
            } else if let Some(flight) = lane.flight() {
                flight.phase = Phase::Beginning;
                effects.push(flight.beginning());
            } else {
                expired.push(key.clone());
            }
        }
        self.active -= expired.len();
        for key in expired {
            self.known.remove(&key);
        }
        self.wake_at = next;
    }

    /// The turn in flight with this id.
    fn flight(&mut self, turn: &TurnId) -> Option<&mut Flight> {
        self.known.get_mut(self.flights.get(turn)?)?.flight()
    }

    /// The lane of this key, made if need be, with a place among the active ones if there is one.
    fn lane(&mut self, key: &LaneKey, now: Duration) -> &mut Lane {
        if !self.known.contains_key(key) {
            let has_place = self.parked.is_empty() && self.make_place();
            self.active += usize::from(has_place);
            let stage = if has_place { Stage::Idle(now) } else { Stage::Parked(Priority::Agent) };
            if !has_place {
                self.parked.push(key.clone(), Priority::Agent);
            }
            self.known.insert(key.clone(), Lane { waiting: Waiting::default(), stage });
        }
        self.known.get_mut(key).expect("it was there or has just been made")
    }

    /// Begins the next turn of a lane that has come to rest, or notes that a person waits for a place.
    fn advance(&mut self, key: &LaneKey, effects: &mut Vec<Effect>) {
        let Some(lane) = self.known.get_mut(key) else { return };
        match lane.stage {
            Stage::Busy(_) => {}
            Stage::Parked(parked_as) => {
                let priority = lane.waiting.priority();
                if priority != parked_as {
                    lane.stage = Stage::Parked(priority);
                    self.parked.remove(key);
                    self.parked.push(key.clone(), priority);
                }
            }
            Stage::Idle(_) => {
                let before = lane.waiting.len();
                let Some(work) = lane.waiting.next() else { return };
                self.waiting -= before - lane.waiting.len();
                let flight = Flight::new(work);
                effects.push(flight.beginning());
                self.flights.insert(flight.id.clone(), key.clone());
                lane.stage = Stage::Busy(Box::new(flight));
            }
        }
    }

    /// A turn is over: its lane goes on, rests, or makes room for one that waits for a place.
    fn land(&mut self, turn: &TurnId, now: Duration, effects: &mut Vec<Effect>) {
        let Some(key) = self.flights.remove(turn) else { return };
        let Some(lane) = self.known.get_mut(&key) else { return };
        lane.stage = Stage::Idle(now);
        if self.parked.is_empty() {
            let rests_until = now + self.limits.idle;
            self.advance(&key, effects);
            self.wake_by(rests_until);
            return;
        }
        self.active -= 1;
        if lane.waiting.is_empty() {
            self.known.remove(&key);
        } else {
            let priority = lane.waiting.priority();
            lane.stage = Stage::Parked(priority);
            self.parked.push(key, priority);
        }
    }

    /// Gives free places to lanes that wait for one.
    fn fill(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        while !self.parked.is_empty() && self.make_place() {
            let Some(key) = self.parked.pop() else { return };
            if let Some(lane) = self.known.get_mut(&key) {
                lane.stage = Stage::Idle(now);
                self.active += 1;
                self.advance(&key, effects);
            }
        }
    }

    /// Whether there is a place for one more active lane; the one that has been idle longest gives up its own.
    fn make_place(&mut self) -> bool {
        if self.active < self.limits.active_max {
            return true;
        }
        let idle = self.known.iter().filter_map(|(key, lane)| match lane.stage {
            Stage::Idle(since) => Some((since, key)),
            Stage::Parked(_) | Stage::Busy(_) => None,
        });
        let Some(key) = idle.min_by_key(|(since, _)| *since).map(|(_, key)| key.clone()) else { return false };
        self.known.remove(&key);
        self.active -= 1;
        self.active < self.limits.active_max
    }

    fn wake_by(&mut self, moment: Duration) {
        self.wake_at = Some(self.wake_at.map_or(moment, |at| at.min(moment)));
    }

    /// What must hold whatever came in.
    fn check(&self) {
        debug_assert!(self.flights.iter().all(|(id, key)| match &self.known[key].stage {
            Stage::Busy(flight) => flight.id == *id,
            Stage::Parked(_) | Stage::Idle(_) => false,
        }));
        debug_assert_eq!(self.waiting, self.known.values().map(|lane| lane.waiting.len()).sum::<usize>());
        debug_assert_eq!(self.active, self.known.values().filter(|lane| lane.is_active()).count());
        debug_assert!(self.known.values().all(|lane| !lane.is_left()), "an empty lane waits for a place");
    }
}
