//! Who is next: lanes gather, take turns, refuse and are forgotten.

use super::house::{House, LIMITS, asked, by_agent, events};
use crate::{
    broker::{lanes::Limits, samples::envelope},
    model::{Envelope, Priority},
};

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

/// Lanes that rest are forgotten after a while.
#[test]
fn an_idle_lane_is_evicted() {
    let mut house = House::new(LIMITS);
    house.deliver(asked("1"));
    house.drain();
    assert_eq!((house.now, house.lanes.wake_at()), (LIMITS.idle, None));
}
