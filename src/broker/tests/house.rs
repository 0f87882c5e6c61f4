//! Lanes, a store and those who work, all in one place, and what must hold whenever a turn begins.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    broker::{
        Halted, Scope,
        lane::LaneKey,
        lanes::{Effect, Event, Lanes, Limits, Opening},
        samples::{envelope, event},
    },
    model::{Envelope, EventId, Millis, Priority, Turn, TurnEnd, TurnId, UserId},
};

pub(super) const LIMITS: Limits = Limits { active_max: 3, idle: Duration::from_secs(10), waiting_max: 4 };

/// Lanes, a store and those who work, all in one place.
pub(super) struct House {
    pub(super) lanes: Lanes,
    pub(super) now: Duration,
    /// What waits, by lane, as it was delivered.
    pub(super) waiting: Vec<Envelope>,
    /// Turns that the store is asked to begin, with what it was asked for.
    pub(super) beginning: BTreeMap<TurnId, Option<Vec<Envelope>>>,
    /// Those that it could not begin.
    pub(super) failed: BTreeMap<TurnId, Option<Vec<Envelope>>>,
    pub(super) closing: BTreeSet<TurnId>,
    pub(super) running: BTreeMap<TurnId, (Turn, Option<Halted>)>,
    /// Every turn that ever began.
    pub(super) turns: BTreeMap<TurnId, Turn>,
    pub(super) marked: BTreeSet<TurnId>,
    pub(super) answered: Vec<EventId>,
    pub(super) cancelled: BTreeSet<EventId>,
    pub(super) refused: BTreeSet<EventId>,
    pub(super) deleted: BTreeSet<EventId>,
}

impl House {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            lanes: Lanes::new(limits),
            now: Duration::ZERO,
            waiting: Vec::new(),
            beginning: BTreeMap::new(),
            failed: BTreeMap::new(),
            closing: BTreeSet::new(),
            running: BTreeMap::new(),
            turns: BTreeMap::new(),
            marked: BTreeSet::new(),
            answered: Vec::new(),
            cancelled: BTreeSet::new(),
            refused: BTreeSet::new(),
            deleted: BTreeSet::new(),
        }
    }

    pub(super) fn on(&mut self, event: Event) {
        let effects = self.lanes.on(event, self.now);
        self.perform(effects);
    }

    pub(super) fn deliver(&mut self, envelope: Envelope) {
        self.waiting.push(envelope.clone());
        self.on(Event::Delivered(envelope));
    }

    pub(super) fn halt(&mut self, scope: &Scope, why: Halted) -> usize {
        if let (Scope::Message(_, event), Halted::Deleted) = (scope, why) {
            self.deleted.insert(event.clone());
        }
        let (count, effects) = self.lanes.halt(scope, why, self.now);
        self.perform(effects);
        count
    }

    pub(super) fn again(&mut self, turn: &TurnId) -> bool {
        let effects = self.lanes.again(self.turns[turn].clone(), self.now);
        let accepted = effects.is_some();
        self.perform(effects.unwrap_or_default());
        accepted
    }

    /// The store answers about a turn that is to begin.
    pub(super) fn begun(&mut self, id: &TurnId) {
        let Some(asked) = self.beginning.remove(id) else { return };
        if let Some(envelopes) = asked {
            self.turns.insert(id.clone(), turn(id, &envelopes));
        }
        self.marked.remove(id);
        let Some(turn) = self.turns.get_mut(id) else { return self.on(Event::Begun(id.clone(), None)) };
        let left: Vec<EventId> = turn.messages.iter().filter(|event| !self.deleted.contains(*event)).cloned().collect();
        let withdrawn = left.is_empty();
        if withdrawn && turn.parts.is_empty() {
            return self.on(Event::Begun(id.clone(), None));
        }
        if !withdrawn {
            turn.messages = left;
        }
        let opening = Opening { turn: turn.clone(), withdrawn, may_stand: !turn.parts.is_empty() };
        self.on(Event::Begun(id.clone(), Some(opening)));
    }

    /// The store could not.
    pub(super) fn not_begun(&mut self, id: &TurnId) {
        if let Some(asked) = self.beginning.remove(id) {
            self.failed.insert(id.clone(), asked);
            self.on(Event::NotBegun(id.clone()));
        }
    }

    pub(super) fn end(&mut self, id: &TurnId, end: TurnEnd) {
        if let Some((turn, _)) = self.running.remove(id) {
            self.answered.extend(turn.messages.iter().cloned());
            if let Some(kept) = self.turns.get_mut(id) {
                kept.parts = vec![event(&format!("part-of-{id}"))];
            }
            self.on(Event::Ended(id.clone(), end));
        }
    }

    pub(super) fn wake(&mut self) {
        if let Some(at) = self.lanes.wake_at() {
            self.now = self.now.max(at);
            self.on(Event::Woken);
        }
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Begin(id, envelopes) => self.begin(id, envelopes),
                Effect::Resume(id) => {
                    assert!(self.lane_is_free(&LaneKey::of_turn(&self.turns[&id])), "one turn per lane");
                    self.beginning.insert(id, None);
                }
                Effect::Order(turn, halted) => {
                    let busy = self.running.insert(turn.id.clone(), (turn, halted)).is_some();
                    assert!(!busy, "a turn is ordered once");
                }
                Effect::Close(id) => assert!(self.closing.insert(id)),
                Effect::Mark(id) => drop(self.marked.insert(id)),
                Effect::Forget(id) => drop(self.marked.remove(&id)),
                Effect::Pull(id, why) => {
                    let (_, halted) = self.running.get_mut(&id).expect("only what runs is pulled");
                    halted.get_or_insert(why);
                }
                Effect::Cancel(envelopes) => {
                    for envelope in envelopes {
                        self.waiting.retain(|waiting| *waiting != envelope);
                        assert!(self.cancelled.insert(envelope.event));
                    }
                }
                Effect::Refuse(envelope) => {
                    self.waiting.retain(|waiting| *waiting != envelope);
                    assert!(self.refused.insert(envelope.event));
                }
            }
        }
    }

    /// What must hold whenever a turn begins.
    fn begin(&mut self, id: TurnId, envelopes: Vec<Envelope>) {
        let key = LaneKey::of_envelope(&envelopes[0]);
        assert!(self.lane_is_free(&key), "one turn per lane");
        // What the store could not begin is in flight already.
        if self.failed.remove(&id) != Some(Some(envelopes.clone())) {
            if envelopes[0].priority == Priority::Agent {
                let person =
                    |waiting: &&Envelope| LaneKey::of_envelope(waiting) == key && waiting.priority == Priority::Person;
                assert_eq!(self.waiting.iter().find(person), None, "a person is never behind an agent");
            }
            let same =
                |waiting: &&Envelope| LaneKey::of_envelope(waiting) == key && waiting.priority == envelopes[0].priority;
            let first: Vec<Envelope> = self.waiting.iter().filter(same).take(envelopes.len()).cloned().collect();
            assert_eq!(first, envelopes, "in the order in which they came");
            self.waiting.retain(|waiting| !envelopes.contains(waiting));
        }
        self.beginning.insert(id, Some(envelopes));
    }

    fn lane_is_free(&self, key: &LaneKey) -> bool {
        let mut in_flight = self.running.values().map(|(turn, _)| LaneKey::of_turn(turn));
        let delayed = |id: &TurnId| self.turns.get(id).is_some_and(|turn| LaneKey::of_turn(turn) == *key);
        !in_flight.any(|other| other == *key) && !self.closing.iter().any(delayed)
    }

    /// Everything that is open comes to its end.
    pub(super) fn drain(&mut self) {
        for _ in 0..10_000 {
            if let Some(id) = self.beginning.keys().next().cloned() {
                self.begun(&id);
            } else if let Some(id) = self.closing.pop_first() {
                self.on(Event::Ended(id, TurnEnd::Stopped));
            } else if let Some(id) = self.running.keys().next().cloned() {
                self.end(&id, TurnEnd::Done);
            } else if self.lanes.wake_at().is_some() {
                self.wake();
            } else {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    /// What the one turn that runs answers.
    pub(super) fn runs(&self) -> Vec<EventId> {
        self.running.values().next().map(|(turn, _)| turn.messages.clone()).unwrap_or_default()
    }

    pub(super) fn begin_all(&mut self) {
        while let Some(id) = self.beginning.keys().next().cloned() {
            self.begun(&id);
        }
    }

    pub(super) fn end_all(&mut self) {
        while let Some(id) = self.running.keys().next().cloned() {
            self.end(&id, TurnEnd::Done);
        }
    }

    pub(super) fn only(&self) -> TurnId {
        self.turns.keys().next().unwrap().clone()
    }
}

pub(super) fn turn(id: &TurnId, envelopes: &[Envelope]) -> Turn {
    let last = envelopes.last().unwrap();
    Turn {
        id: id.clone(),
        attempt: 1,
        conversation: last.conversation.clone(),
        responder: last.responder.clone(),
        messages: envelopes.iter().map(|envelope| envelope.event.clone()).collect(),
        asker: UserId::parse("@ada:home").unwrap(),
        priority: last.priority,
        hops: 1,
        root: last.root.clone(),
        missing: Vec::new(),
        received_at: Millis(1),
        parts: Vec::new(),
        withdrawals: 0,
    }
}

/// A message in the thread that everybody talks in here.
pub(super) fn asked(message: &str) -> Envelope {
    envelope("a", "r", Some("t"), message)
}

pub(super) fn by_agent(message: &str, root: &str) -> Envelope {
    Envelope { priority: Priority::Agent, hops: 2, root: event(root), ..asked(message) }
}

pub(super) fn events(names: &[&str]) -> Vec<EventId> {
    names.iter().copied().map(event).collect()
}
