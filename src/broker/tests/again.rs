//! What is begun once more: on request, after a restart, and where the store failed.

use super::house::{House, LIMITS, asked, events, turn};
use crate::{
    broker::{Halted, lanes::Event},
    model::TurnId,
};

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
