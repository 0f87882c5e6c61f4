//! What people want stopped, changed or gone.

use super::house::{House, LIMITS, asked, events, turn};
use crate::{
    broker::{
        Halted, Scope,
        lanes::Event,
        samples::{event, room},
    },
    model::{Turn, TurnEnd, TurnId},
};

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

/// S4, S8: a turn that waits to go on may stand in the room unfinished. Stopped, it still gets its time, to be closed; edited
/// or asked for again, to be answered.
#[test]
fn a_turn_that_waits_to_go_on_is_closed() {
    let check = |then: fn(&mut House, &TurnId), halted: Option<Halted>| {
        let mut house = House::new(LIMITS);
        let left = ["1", "2"].map(|name| Turn {
            parts: vec![event(&format!("part-{name}"))],
            withdrawals: 0,
            ..turn(&TurnId::parse(name).unwrap(), &[asked(name)])
        });
        for turn in &left {
            house.turns.insert(turn.id.clone(), turn.clone());
            house.on(Event::Unfinished(turn.clone()));
        }
        let second = &left[1].id;
        house.begin_all();
        assert_eq!(house.runs(), events(&["1"]));
        assert_eq!(house.halt(&Scope::Turn(second.clone()), Halted::Stopped), 1);
        assert_eq!(house.halt(&Scope::Turn(second.clone()), Halted::Stopped), 0, "it is once enough");
        then(&mut house, second);
        house.end_all();
        house.begin_all();
        assert_eq!((house.runs(), house.running[second].1), (events(&["2"]), halted));
        house.drain();
    };
    check(|_, _| {}, Some(Halted::Stopped));
    check(|house, turn| assert!(house.again(turn)), None);
    check(|house, _| assert_eq!(house.halt(&Scope::Message(room("r"), event("2")), Halted::Edited), 0), None);
}

/// S4: an answer that is whole and was to be given again is left as it is, and so is what can't be reached any more.
#[test]
fn what_needs_no_end_waits_no_longer() {
    let mut house = House::new(LIMITS);
    house.deliver(asked("1"));
    house.begin_all();
    house.end_all();
    let answered = house.only();
    house.deliver(asked("2"));
    house.begin_all();
    assert!(house.again(&answered));
    let left = turn(&TurnId::parse("t").unwrap(), &[asked("3")]);
    house.turns.insert(left.id.clone(), left.clone());
    house.on(Event::Unfinished(left.clone()));
    assert_eq!(house.halt(&Scope::Turn(answered.clone()), Halted::Stopped), 1);
    assert_eq!(house.halt(&Scope::Turn(left.id), Halted::Gone), 1);
    house.drain();
    assert_eq!((house.marked.contains(&answered), house.answered), (false, events(&["1", "2"])));
}
