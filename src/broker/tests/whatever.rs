//! Lanes hold, whatever happens to them and in whatever order.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::house::{House, LIMITS};
use crate::{
    broker::{
        Halted, Scope,
        lanes::{Event, Limits},
        samples::{envelope, event},
    },
    model::{Envelope, EventId, Priority, TurnEnd},
};

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
