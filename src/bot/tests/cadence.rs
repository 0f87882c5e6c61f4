//! The rhythm of an answer, played with a sender whose deliveries, refusals and alarms come in any order.

use std::time::Duration;

use proptest::prelude::*;

use crate::{
    bot::{Cadence, CadenceEffect as Effect, CadenceEvent as Event, Pace},
    model::Millis,
};

/// What a sender sees of the machine, and the rules that it must never see broken.
struct Sender {
    cadence: Cadence,
    now: u64,
    wake_at: Option<Millis>,
    under_way: bool,
    /// What people see.
    shown: Option<String>,
    /// What they will see once it is delivered.
    next: String,
    edits: u32,
    finals: Vec<String>,
    settled_at: Option<u64>,
}

impl Sender {
    fn new(pace: Pace) -> Self {
        let (cadence, effects) = Cadence::begin(pace, Millis(0));
        let mut sender = Self {
            cadence,
            now: 0,
            wake_at: None,
            under_way: false,
            shown: None,
            next: String::new(),
            edits: 0,
            finals: Vec::new(),
            settled_at: None,
        };
        for effect in effects {
            sender.does(effect);
        }
        sender
    }

    fn hears(&mut self, event: Event) {
        if matches!(event, Event::Delivered | Event::RateLimited(_) | Event::Undelivered) {
            self.settled_at = self.under_way.then_some(self.now).or(self.settled_at);
            self.under_way = false;
        }
        for effect in self.cadence.on(event, Millis(self.now)) {
            self.does(effect);
        }
    }

    fn does(&mut self, effect: Effect) {
        if let Effect::WakeAt(at) = effect {
            assert!(at.0 > self.now, "a moment to come");
            self.wake_at = Some(at);
            return;
        }
        assert!(!self.under_way, "never in parallel: {effect:?}");
        assert!(self.finals.is_empty(), "nothing after the final one: {effect:?}");
        assert!(self.settled_at.is_none_or(|at| self.now > at + 1), "never two in one millisecond: {effect:?}");
        self.next = match effect {
            Effect::Send(text) => {
                assert!(self.shown.is_none() && !text.trim().is_empty(), "one visible message");
                text
            }
            Effect::Placeholder => {
                assert!(self.shown.is_none(), "one visible message");
                String::new()
            }
            Effect::Edit(text) => {
                assert!(self.shown.is_some(), "there is something to edit");
                self.edits += 1;
                text
            }
            Effect::Final(text) => {
                self.finals.push(text.clone());
                text
            }
            Effect::WakeAt(_) => unreachable!("handled above"),
        };
        self.under_way = true;
    }

    fn settles(&mut self, event: Event) {
        if self.under_way {
            if event == Event::Delivered {
                self.shown = Some(self.next.clone());
            }
            self.hears(event);
        }
    }

    fn sleeps(&mut self) {
        if let Some(at) = self.wake_at.take() {
            self.now = self.now.max(at.0);
            self.hears(Event::Timer);
        }
    }
}

#[derive(Debug, Clone)]
enum Deed {
    Grow,
    Tool,
    Deliver,
    Refuse(u64),
    Lose,
    Sleep,
    StaleTimer,
    Pass(u64),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        6 => Just(Deed::Grow),
        1 => Just(Deed::Tool),
        5 => Just(Deed::Deliver),
        1 => (0_u64..20_000).prop_map(Deed::Refuse),
        1 => Just(Deed::Lose),
        5 => Just(Deed::Sleep),
        1 => Just(Deed::StaleTimer),
        3 => (0_u64..2_000).prop_map(Deed::Pass),
    ];
    prop::collection::vec(deed, 0..300)
}

fn endings() -> impl Strategy<Value = Event> {
    prop_oneof![Just(Event::Finished), Just(Event::Stopped), Just(Event::Failed("no".to_owned()))]
}

fn play(sender: &mut Sender, deeds: &[Deed]) -> String {
    let mut said = String::new();
    for deed in deeds {
        match deed {
            Deed::Grow => {
                said.push('x');
                sender.hears(Event::Text(said.clone()));
            }
            Deed::Tool => sender.hears(Event::ToolLine("🔧".to_owned())),
            Deed::Deliver => sender.settles(Event::Delivered),
            Deed::Refuse(millis) => sender.settles(Event::RateLimited(Duration::from_millis(*millis))),
            Deed::Lose => sender.settles(Event::Undelivered),
            Deed::Sleep => sender.sleeps(),
            Deed::StaleTimer => sender.hears(Event::Timer),
            Deed::Pass(millis) => sender.now += millis,
        }
    }
    said
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// S1: whatever happens, in whatever order: one message, one event at a time, never two in one millisecond, a
    /// bounded number of edits; and when all is said, one final one with all of it, soon.
    #[test]
    fn an_answer_is_shown_by_the_rules(deeds in deeds(), later in deeds(), ending in endings()) {
        let mut sender = Sender::new(Pace { edits_max: 5, ..Pace::default() });
        let said = play(&mut sender, &deeds);
        prop_assert!(sender.finals.is_empty(), "the end is not guessed");
        sender.hears(ending);
        let ended_at = sender.now;
        sender.settles(Event::Delivered);
        if sender.finals.is_empty() {
            sender.sleeps();
        }
        prop_assert_eq!(sender.finals.len(), 1);
        prop_assert!(sender.now <= ended_at + 2, "at once, whatever the homeserver asked of edits");
        prop_assert!(sender.finals[0].starts_with(&said));
        play(&mut sender, &later);
        prop_assert_eq!(sender.finals.len(), 1);
        prop_assert!(sender.edits <= 5);
    }

    /// S1: as long as there are edits left, all that was said is seen at last.
    #[test]
    fn what_was_said_is_seen(deeds in deeds()) {
        let pace = Pace { edits_max: u32::MAX, ..Pace::default() };
        let mut sender = Sender::new(pace);
        let said = play(&mut sender, &deeds) + "end";
        sender.hears(Event::Text(said.clone()));
        for _ in 0..4 {
            sender.settles(Event::Delivered);
            sender.sleeps();
        }
        prop_assert_eq!(sender.shown, Some(said));
    }
}
