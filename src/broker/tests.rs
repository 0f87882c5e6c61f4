//! The lanes under everything that can happen to them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use proptest::prelude::*;

use super::{
    Halted, Scope,
    lane::LaneKey,
    lanes::{Effect, Event, Lanes, Limits, Opening},
    samples::{envelope, event, room},
};
use crate::model::{Envelope, EventId, Millis, Priority, Turn, TurnEnd, TurnId, UserId};

const LIMITS: Limits = Limits { active_max: 3, idle: Duration::from_secs(10), waiting_max: 4 };

/// Lanes, a store and those who work, all in one place.
struct House {
    lanes: Lanes,
    now: Duration,
    /// What waits, by lane, as it was delivered.
    waiting: Vec<Envelope>,
    /// Turns that the store is asked to begin, with what it was asked for.
    beginning: BTreeMap<TurnId, Option<Vec<Envelope>>>,
    /// Those that it could not begin.
    failed: BTreeMap<TurnId, Option<Vec<Envelope>>>,
    closing: BTreeSet<TurnId>,
    running: BTreeMap<TurnId, (Turn, Option<Halted>)>,
    /// Every turn that ever began.
    turns: BTreeMap<TurnId, Turn>,
    marked: BTreeSet<TurnId>,
    answered: Vec<EventId>,
    cancelled: BTreeSet<EventId>,
    refused: BTreeSet<EventId>,
    deleted: BTreeSet<EventId>,
}

impl House {
    fn new(limits: Limits) -> Self {
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

    fn on(&mut self, event: Event) {
        let effects = self.lanes.on(event, self.now);
        self.perform(effects);
    }

    fn deliver(&mut self, envelope: Envelope) {
        self.waiting.push(envelope.clone());
        self.on(Event::Delivered(envelope));
    }

    fn halt(&mut self, scope: &Scope, why: Halted) -> usize {
        if let (Scope::Message(_, event), Halted::Deleted) = (scope, why) {
            self.deleted.insert(event.clone());
        }
        let (count, effects) = self.lanes.halt(scope, why, self.now);
        self.perform(effects);
        count
    }

    fn again(&mut self, turn: &TurnId) -> bool {
        let effects = self.lanes.again(self.turns[turn].clone(), self.now);
        let accepted = effects.is_some();
        self.perform(effects.unwrap_or_default());
        accepted
    }

    /// The store answers about a turn that is to begin.
    fn begun(&mut self, id: &TurnId) {
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
        let opening = Opening { turn: turn.clone(), withdrawn };
        self.on(Event::Begun(id.clone(), Some(opening)));
    }

    /// The store could not.
    fn not_begun(&mut self, id: &TurnId) {
        if let Some(asked) = self.beginning.remove(id) {
            self.failed.insert(id.clone(), asked);
            self.on(Event::NotBegun(id.clone()));
        }
    }

    fn end(&mut self, id: &TurnId, end: TurnEnd) {
        if let Some((turn, _)) = self.running.remove(id) {
            self.answered.extend(turn.messages.iter().cloned());
            if let Some(kept) = self.turns.get_mut(id) {
                kept.parts = vec![event(&format!("part-of-{id}"))];
            }
            self.on(Event::Ended(id.clone(), end));
        }
    }

    fn wake(&mut self) {
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
    fn drain(&mut self) {
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
}

fn turn(id: &TurnId, envelopes: &[Envelope]) -> Turn {
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
    }
}

/// A message in the thread that everybody talks in here.
fn asked(message: &str) -> Envelope {
    envelope("a", "r", Some("t"), message)
}

fn by_agent(message: &str, root: &str) -> Envelope {
    Envelope { priority: Priority::Agent, hops: 2, root: event(root), ..asked(message) }
}

fn events(names: &[&str]) -> Vec<EventId> {
    names.iter().copied().map(event).collect()
}

impl House {
    /// What the one turn that runs answers.
    fn runs(&self) -> Vec<EventId> {
        self.running.values().next().map(|(turn, _)| turn.messages.clone()).unwrap_or_default()
    }

    fn begin_all(&mut self) {
        while let Some(id) = self.beginning.keys().next().cloned() {
            self.begun(&id);
        }
    }

    fn end_all(&mut self) {
        while let Some(id) = self.running.keys().next().cloned() {
            self.end(&id, TurnEnd::Done);
        }
    }

    fn only(&self) -> TurnId {
        self.turns.keys().next().unwrap().clone()
    }
}

/// C4, C5: what comes during a turn is answered together in the next one.
#[test]
fn a_busy_lane_gathers() {
    let mut house = House::new(LIMITS);
    for message in ["1", "2", "3"] {
        house.deliver(asked(message));
    }
    house.begin_all();
    assert_eq!(house.runs(), events(&["1"]));
    house.deliver(asked("4"));
    house.end_all();
    house.begin_all();
    assert_eq!(house.runs(), events(&["2", "3", "4"]));
    house.deliver(asked("4"));
    house.end_all();
    assert!(house.beginning.is_empty() && house.running.is_empty(), "what comes twice is answered once");
}

/// C4, C5: different conversations and responders go on side by side; main-timeline messages have one of their own each.
#[test]
fn other_lanes_go_on() {
    let mut house = House::new(LIMITS);
    house.deliver(envelope("a", "r", Some("1"), "1"));
    house.deliver(envelope("a", "r", Some("2"), "2"));
    house.deliver(envelope("b", "r", Some("1"), "1"));
    house.begin_all();
    assert_eq!(house.running.len(), 3);
}

/// A person's message goes before those of agents that wait longer; agents' are answered together where one question
/// led to them.
#[test]
fn people_go_first() {
    let mut house = House::new(Limits { waiting_max: 10, ..LIMITS });
    house.deliver(asked("1"));
    house.deliver(by_agent("2", "x"));
    house.deliver(by_agent("3", "x"));
    house.deliver(by_agent("4", "y"));
    house.deliver(asked("5"));
    let mut order = Vec::new();
    for _ in 0..4 {
        house.begin_all();
        order.push(house.runs());
        house.end_all();
    }
    assert_eq!(order, [events(&["1"]), events(&["5"]), events(&["2", "3"]), events(&["4"])]);
}

/// Too many wait: the next one is refused, and that is said.
#[test]
fn a_full_lane_refuses() {
    let mut house = House::new(LIMITS);
    for message in 0..10 {
        house.deliver(asked(&message.to_string()));
    }
    assert_eq!(house.refused, events(&["5", "6", "7", "8", "9"]).into_iter().collect());
    house.drain();
    assert_eq!(house.answered, events(&["0", "1", "2", "3", "4"]));
}

/// Beyond the active lanes others wait, people first; an idle one makes room at once.
#[test]
fn lanes_take_turns() {
    let mut house = House::new(Limits { active_max: 1, ..LIMITS });
    let other = |responder: &str, message: &str| envelope(responder, "r", Some("t"), message);
    house.deliver(other("a", "1"));
    house.deliver(Envelope { priority: Priority::Agent, ..other("b", "2") });
    house.deliver(other("c", "3"));
    house.deliver(other("a", "4"));
    let mut order = Vec::new();
    while !house.beginning.is_empty() {
        house.begin_all();
        assert_eq!(house.running.len(), 1);
        order.extend(house.runs());
        house.end_all();
    }
    assert_eq!(order, events(&["1", "3", "4", "2"]));
    house.deliver(other("d", "5"));
    assert_eq!(house.beginning.len(), 1, "an idle lane made room");
}

/// S4: a halt reaches what runs; what waits behind a turn goes on, what waits in a conversation is cancelled.
#[test]
fn a_halt_reaches_what_it_covers() {
    let mut house = House::new(LIMITS);
    house.deliver(asked("1"));
    house.begin_all();
    house.deliver(asked("2"));
    let id = house.only();
    assert_eq!(house.halt(&Scope::Turn(id.clone()), Halted::Stopped), 1);
    assert_eq!(house.running[&id].1, Some(Halted::Stopped));
    house.end(&id, TurnEnd::Stopped);
    house.begin_all();
    assert_eq!(house.runs(), events(&["2"]));
    house.deliver(asked("3"));
    assert_eq!(house.halt(&Scope::Conversation(asked("x").conversation), Halted::Stopped), 2);
    assert_eq!(house.cancelled, events(&["3"]).into_iter().collect());
    house.drain();
    assert_eq!(house.answered, events(&["1", "2"]));
}

/// S4, S8: a turn that is halted before it ran is closed without a word, or, where something stands already, with one.
#[test]
fn a_turn_can_be_halted_before_it_runs() {
    let mut house = House::new(LIMITS);
    house.deliver(asked("1"));
    assert_eq!(house.halt(&Scope::All, Halted::Stopped), 1);
    house.begin_all();
    assert_eq!((house.running.len(), house.closing.len()), (0, 1));
    house.drain();
    house.deliver(asked("2"));
    house.begin_all();
    house.end_all();
    let id = house.answered.is_empty().then(|| house.only());
    assert_eq!(id, None);
    let again = house.turns.values().find(|turn| !turn.parts.is_empty()).unwrap().id.clone();
    assert!(house.again(&again));
    house.halt(&Scope::Room(room("r")), Halted::Gone);
    house.begin_all();
    assert_eq!(house.running[&again].1, Some(Halted::Gone), "told from the beginning");
}

/// S7: an edit of what runs begins it anew once it is at rest, of what waits it changes nothing.
#[test]
fn an_edit_begins_a_running_turn_anew() {
    let mut house = House::new(LIMITS);
    let message = |name: &str| Scope::Message(room("r"), event(name));
    house.deliver(asked("1"));
    assert_eq!(house.halt(&message("1"), Halted::Edited), 1);
    house.begin_all();
    house.deliver(asked("2"));
    assert_eq!((house.runs(), house.halt(&message("2"), Halted::Edited)), (events(&["1"]), 0));
    let id = house.only();
    assert_eq!(house.running[&id].1, None);
    assert_eq!(house.halt(&message("1"), Halted::Edited), 1);
    assert_eq!((house.running[&id].1, house.marked.contains(&id)), (Some(Halted::Edited), true));
    house.end(&id, TurnEnd::Stopped);
    assert_eq!(house.beginning.keys().collect::<Vec<_>>(), [&id], "before what waits");
    house.begin_all();
    assert_eq!(house.runs(), events(&["1"]));
    house.drain();
    assert_eq!(house.answered, events(&["1", "1", "2"]));
}

/// S8: of several messages that are answered together, a deleted one is left out; the last one takes the turn with it.
#[test]
fn a_deleted_message_is_left_out() {
    let mut house = House::new(LIMITS);
    let message = |name: &str| Scope::Message(room("r"), event(name));
    house.deliver(asked("1"));
    house.deliver(asked("2"));
    house.deliver(asked("3"));
    house.deliver(asked("4"));
    house.halt(&message("4"), Halted::Deleted);
    assert_eq!(house.cancelled, events(&["4"]).into_iter().collect());
    house.begin_all();
    house.end_all();
    house.halt(&message("2"), Halted::Deleted);
    house.begin_all();
    assert_eq!(house.runs(), events(&["3"]));
    let id = house.running.keys().next().unwrap().clone();
    house.halt(&message("3"), Halted::Deleted);
    assert_eq!(house.running[&id].1, Some(Halted::Deleted));
    house.drain();
}

/// S9: an answer is given again on request, once; while it runs, it begins anew.
#[test]
fn an_answer_is_given_again() {
    let mut house = House::new(LIMITS);
    house.deliver(asked("1"));
    house.begin_all();
    house.end_all();
    let id = house.only();
    assert!(house.again(&id) && house.again(&id));
    assert!(house.marked.contains(&id));
    house.begin_all();
    assert_eq!(house.running.len(), 1);
    assert!(house.again(&id));
    assert_eq!(house.running[&id].1, Some(Halted::Edited));
    house.drain();
    assert_eq!(house.answered, events(&["1", "1", "1"]));
}

/// N4: what the last run left goes on before what waits in its lane.
#[test]
fn an_unfinished_turn_goes_first() {
    let mut house = House::new(LIMITS);
    let left = turn(&TurnId::parse("t").unwrap(), &[asked("1")]);
    house.turns.insert(left.id.clone(), left.clone());
    house.on(Event::Unfinished(left));
    house.deliver(asked("2"));
    house.begin_all();
    assert_eq!(house.runs(), events(&["1"]));
    house.drain();
    assert_eq!(house.answered, events(&["1", "2"]));
}

/// A store that fails is asked again after a while, for the same.
#[test]
fn a_beginning_that_failed_is_repeated() {
    let mut house = House::new(LIMITS);
    house.deliver(asked("1"));
    let (id, asked_for) = house.beginning.first_key_value().map(|(id, asked)| (id.clone(), asked.clone())).unwrap();
    house.not_begun(&id);
    house.wake();
    assert_eq!(house.beginning.get(&id), Some(&asked_for));
    house.drain();
    assert_eq!(house.answered, events(&["1"]));
}

/// Lanes that rest are forgotten after a while.
#[test]
fn an_idle_lane_is_evicted() {
    let mut house = House::new(LIMITS);
    house.deliver(asked("1"));
    house.drain();
    assert_eq!((house.now, house.lanes.wake_at()), (LIMITS.idle, None));
}

#[derive(Debug, Clone)]
enum Deed {
    Deliver { responder: u8, thread: u8, agent: bool },
    Begun(usize),
    NotBegun(usize),
    Closed,
    End(usize, bool),
    Again(usize),
    Halt(u8, usize, u8),
    Wake,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        6 => (0..3_u8, 0..2_u8, any::<bool>())
            .prop_map(|(responder, thread, agent)| Deed::Deliver { responder, thread, agent }),
        5 => any::<usize>().prop_map(Deed::Begun),
        1 => any::<usize>().prop_map(Deed::NotBegun),
        1 => Just(Deed::Closed),
        4 => (any::<usize>(), any::<bool>()).prop_map(|(at, done)| Deed::End(at, done)),
        1 => any::<usize>().prop_map(Deed::Again),
        2 => (0..6_u8, any::<usize>(), 0..4_u8).prop_map(|(scope, at, why)| Deed::Halt(scope, at, why)),
        1 => Just(Deed::Wake),
    ];
    prop::collection::vec(deed, 0..80)
}

fn nth<T: Clone>(mut all: impl ExactSizeIterator<Item = T>, at: usize) -> Option<T> {
    if all.len() == 0 { None } else { all.nth(at % all.len()) }
}

fn act(house: &mut House, deed: &Deed, delivered: &mut Vec<Envelope>) {
    match deed {
        Deed::Deliver { responder, thread, agent } => {
            let message = format!("m{}", delivered.len());
            let (responder, thread) = (["a", "b", "c"][usize::from(*responder)], format!("t{thread}"));
            let mut sent = envelope(responder, "r", Some(&thread), &message);
            if *agent {
                sent = Envelope { priority: Priority::Agent, root: event("x"), ..sent };
            }
            delivered.push(sent.clone());
            house.deliver(sent);
        }
        Deed::Begun(at) => {
            if let Some(id) = nth(house.beginning.keys().cloned(), *at) {
                house.begun(&id);
            }
        }
        Deed::NotBegun(at) => {
            if let Some(id) = nth(house.beginning.keys().cloned(), *at) {
                house.not_begun(&id);
            }
        }
        Deed::Closed => {
            if let Some(id) = house.closing.pop_first() {
                house.on(Event::Ended(id, TurnEnd::Stopped));
            }
        }
        Deed::End(at, done) => {
            if let Some(id) = nth(house.running.keys().cloned(), *at) {
                house.end(&id, if *done { TurnEnd::Done } else { TurnEnd::Failed });
            }
        }
        Deed::Again(at) => {
            if let Some(id) = nth(house.turns.keys().cloned(), *at) {
                house.again(&id);
            }
        }
        Deed::Halt(scope, at, why) => {
            let Some(one) = nth(delivered.iter().cloned(), *at) else { return };
            let scope = match scope {
                0 => Scope::All,
                1 => Scope::Room(one.conversation.room),
                2 => Scope::Conversation(one.conversation),
                3 => Scope::Member(one.responder.speaker().clone(), one.conversation.room),
                4 => nth(house.running.keys().cloned(), *at).map_or(Scope::All, Scope::Turn),
                _ => Scope::Message(one.conversation.room, one.event),
            };
            let why = [Halted::Stopped, Halted::Deleted, Halted::Edited, Halted::Gone][usize::from(*why)];
            let one_message = matches!(scope, Scope::Message(..));
            house.halt(&scope, if why == Halted::Deleted && !one_message { Halted::Stopped } else { why });
        }
        Deed::Wake => house.wake(),
    }
}

proptest! {
    /// C4: one turn per lane; nothing is lost, in order, no person behind an agent, and no lane gets stuck.
    #[test]
    fn lanes_hold_whatever_happens(deeds in deeds(), active_max in 1..4_usize) {
        let mut house = House::new(Limits { active_max, ..LIMITS });
        let mut delivered = Vec::new();
        for deed in &deeds {
            act(&mut house, deed, &mut delivered);
        }
        house.drain();
        prop_assert_eq!(&house.waiting, &[], "no lane is stuck");
        let began: BTreeSet<EventId> = house.turns.values().flat_map(|turn| turn.messages.clone()).collect();
        for envelope in delivered {
            let event = &envelope.event;
            let fates = [house.cancelled.contains(event), house.refused.contains(event), began.contains(event)];
            let gone = house.deleted.contains(event);
            prop_assert!(gone || fates.iter().filter(|fate| **fate).count() == 1, "{event}: {fates:?}");
        }
    }
}
