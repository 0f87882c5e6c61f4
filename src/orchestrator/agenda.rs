//! What has to be done around rooms, and when.

use std::{collections::BTreeMap, time::Duration};

use super::restart::Restart;
use crate::{
    matrix::Retry,
    model::{Millis, RoomKey},
};

/// Something to do around rooms.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Chore {
    /// Answer invitations and follow upgrades.
    Errands,
    /// Bring one managed room to what the configuration says.
    Room(RoomKey),
    /// Bring the space to what the configuration says.
    Space,
}

/// The list of chores: each is done once at a time, again if it was asked for meanwhile, and later if it failed.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    entries: BTreeMap<Chore, Entry>,
}

#[derive(Debug)]
struct Entry {
    due: Millis,
    state: State,
    trouble: Restart,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Waits for its time; whoever asks brings that forward.
    Waiting,
    /// Waits for its time because the homeserver asked for patience; nobody brings that forward.
    Held,
    /// Is being done.
    Running,
    /// Is being done and was asked for meanwhile.
    RunningAndAskedFor,
}

impl Agenda {
    /// Asks for `chore` to be done.
    pub(super) fn ask(&mut self, chore: Chore, now: Millis) {
        let new = || Entry { due: now, state: State::Waiting, trouble: Restart::default() };
        let entry = self.entries.entry(chore).or_insert_with(new);
        match entry.state {
            State::Waiting => entry.due = entry.due.min(now),
            State::Held | State::RunningAndAskedFor => {}
            State::Running => entry.state = State::RunningAndAskedFor,
        }
    }

    /// Asks for `chore` to be done after a while, unless it is due before.
    pub(super) fn ask_later(&mut self, chore: Chore, now: Millis, pause: Duration) {
        let entry = Entry { due: now.after(pause), state: State::Waiting, trouble: Restart::default() };
        self.entries.entry(chore).or_insert(entry);
    }

    /// Takes up what is due, as long as no more than `at_once` are being done.
    pub(super) fn take_up(&mut self, now: Millis, at_once: usize) -> Vec<Chore> {
        let running = self.entries.values().filter(|entry| !entry.waits()).count();
        let due = self.entries.iter_mut().filter(|(_, entry)| entry.waits() && entry.due <= now);
        due.take(at_once.saturating_sub(running))
            .map(|(chore, entry)| {
                entry.state = State::Running;
                chore.clone()
            })
            .collect()
    }

    /// Notes that `chore` is done, or what has to happen before it can be. `jitter` is between 0 and 1.
    pub(super) fn done(&mut self, chore: &Chore, now: Millis, outcome: Result<(), Retry>, jitter: f64) {
        let Some(entry) = self.entries.get_mut(chore) else { return };
        match (outcome, entry.state) {
            (Ok(()), State::RunningAndAskedFor) => {
                *entry = Entry { due: now, state: State::Waiting, trouble: Restart::default() };
            }
            (Ok(()), State::Running | State::Waiting | State::Held) => drop(self.entries.remove(chore)),
            (Err(retry), _) => {
                entry.due = now.after(entry.trouble.failed(now, retry, jitter).delay);
                entry.state = if matches!(retry, Retry::After(_)) { State::Held } else { State::Waiting };
            }
        }
    }

    /// When something is due next.
    pub(super) fn next_at(&self) -> Option<Millis> {
        self.entries.values().filter(|entry| entry.waits()).map(|entry| entry.due).min()
    }
}

impl Entry {
    fn waits(&self) -> bool {
        match self.state {
            State::Waiting | State::Held => true,
            State::Running | State::RunningAndAskedFor => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn room(name: &str) -> Chore {
        Chore::Room(RoomKey::parse(name).unwrap())
    }

    #[test]
    fn what_is_asked_for_is_done_once() {
        let mut agenda = Agenda::default();
        agenda.ask(room("a"), Millis(5));
        agenda.ask(room("a"), Millis(6));
        assert_eq!(agenda.take_up(Millis(6), 4), vec![room("a")]);
        assert_eq!((agenda.take_up(Millis(6), 4), agenda.next_at()), (vec![], None));
        agenda.done(&room("a"), Millis(7), Ok(()), 0.0);
        assert_eq!((agenda.take_up(Millis(7), 4), agenda.next_at()), (vec![], None));
    }

    #[test]
    fn what_is_asked_for_meanwhile_is_done_again() {
        let mut agenda = Agenda::default();
        agenda.ask(room("a"), Millis(1));
        agenda.take_up(Millis(1), 4);
        agenda.ask(room("a"), Millis(2));
        agenda.done(&room("a"), Millis(3), Ok(()), 0.0);
        assert_eq!(agenda.take_up(Millis(3), 4), vec![room("a")]);
    }

    #[test]
    fn trouble_waits_longer_each_time_unless_somebody_asks() {
        let mut agenda = Agenda::default();
        agenda.ask(room("a"), Millis(0));
        agenda.take_up(Millis(0), 4);
        agenda.done(&room("a"), Millis(0), Err(Retry::Soon), 0.0);
        assert_eq!(agenda.next_at(), Some(Millis(5_000)));
        agenda.take_up(Millis(5_000), 4);
        agenda.done(&room("a"), Millis(5_000), Err(Retry::Soon), 0.0);
        assert_eq!(agenda.next_at(), Some(Millis(15_000)));
        agenda.ask(room("a"), Millis(6_000));
        assert_eq!(agenda.next_at(), Some(Millis(6_000)));
    }

    #[test]
    fn the_homeservers_patience_is_not_tried() {
        let mut agenda = Agenda::default();
        agenda.ask(room("a"), Millis(0));
        agenda.take_up(Millis(0), 4);
        agenda.done(&room("a"), Millis(0), Err(Retry::After(Duration::from_mins(1))), 0.0);
        agenda.ask(room("a"), Millis(1));
        assert_eq!((agenda.take_up(Millis(59_999), 4), agenda.next_at()), (vec![], Some(Millis(60_000))));
    }

    #[test]
    fn what_can_wait_waits_unless_it_is_due_before() {
        let mut agenda = Agenda::default();
        agenda.ask_later(room("a"), Millis(0), Duration::from_secs(1));
        agenda.ask(room("b"), Millis(0));
        agenda.ask_later(room("b"), Millis(0), Duration::from_secs(1));
        assert_eq!((agenda.take_up(Millis(0), 4), agenda.next_at()), (vec![room("b")], Some(Millis(1_000))));
    }

    #[test]
    fn only_so_many_are_done_at_once() {
        let mut agenda = Agenda::default();
        for name in ["a", "b", "c"] {
            agenda.ask(room(name), Millis(0));
        }
        assert_eq!(agenda.take_up(Millis(0), 2), vec![room("a"), room("b")]);
        agenda.done(&room("a"), Millis(0), Ok(()), 0.0);
        assert_eq!(agenda.take_up(Millis(0), 2), vec![room("c")]);
    }

    proptest! {
        /// Whatever happens in whatever order: what was asked for is running or has a time, and nothing runs twice.
        #[test]
        fn nothing_is_forgotten(events in proptest::collection::vec((0usize..3, 0usize..4), 0..60)) {
            let (mut agenda, mut running, mut now) = (Agenda::default(), Vec::<Chore>::new(), 0);
            for (which, what) in events {
                let chore = room(["a", "b", "c"][which]);
                now += 1_000;
                match what {
                    0 => {
                        agenda.ask(chore.clone(), Millis(now));
                        prop_assert!(running.contains(&chore) || agenda.next_at().is_some());
                    }
                    1 => for taken in agenda.take_up(Millis(now), 2) {
                        prop_assert!(!running.contains(&taken));
                        running.push(taken);
                    },
                    _ => if let Some(place) = running.iter().position(|running| *running == chore) {
                        running.remove(place);
                        agenda.done(&chore, Millis(now), if what == 2 { Ok(()) } else { Err(Retry::Soon) }, 0.5);
                        prop_assert!(what == 2 || agenda.next_at().is_some());
                    },
                }
                prop_assert!(running.len() <= 2);
            }
        }
    }
}
