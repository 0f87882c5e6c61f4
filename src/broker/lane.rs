//! One lane: what waits for one responder in one conversation, and the turn that it has in flight.

use std::{collections::VecDeque, mem, time::Duration};

use super::{
    Halted, Scope,
    id::turn_id,
    lanes::{Effect, Opening},
};
use crate::model::{Conversation, Envelope, EventId, Priority, Responder, Turn, TurnId};

/// Whose lane it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LaneKey {
    pub(super) responder: Responder,
    pub(super) conversation: Conversation,
}

impl LaneKey {
    pub(super) fn of_envelope(envelope: &Envelope) -> Self {
        Self { responder: envelope.responder.clone(), conversation: envelope.conversation.clone() }
    }

    pub(super) fn of_turn(turn: &Turn) -> Self {
        Self { responder: turn.responder.clone(), conversation: turn.conversation.clone() }
    }
}

/// What the next turn of a lane is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Work {
    /// Messages that are answered together, for the first time.
    Fresh(Vec<Envelope>),
    /// A turn that is to go on, or to be given again; or, for this reason, merely to be closed.
    Again(Box<Turn>, Option<Halted>),
}

/// A turn that waits to go on, or to be given again.
#[derive(Debug)]
struct Returning {
    turn: Turn,
    /// Whether it was answered before, so that what stands of it in the room is whole.
    is_whole: bool,
    /// What stands of it in the room is only to be closed, for this reason.
    halted: Option<Halted>,
}

/// What waits no longer, because people don't want it any more.
#[derive(Debug, Default)]
pub(super) struct Dropped {
    /// Messages that nobody has begun to answer.
    pub(super) envelopes: Vec<Envelope>,
    /// Turns of which nothing is left to be done.
    pub(super) turns: Vec<Turn>,
    /// How many turns still wait, to be closed.
    pub(super) to_close: usize,
}

/// What waits in a lane. Turns that go on come first, then people's messages, then agents'.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    again: VecDeque<Returning>,
    people: VecDeque<Envelope>,
    agents: VecDeque<Envelope>,
}

/// The one turn of a lane that has begun or is about to.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) id: TurnId,
    /// The messages that it answers.
    pub(super) messages: Vec<EventId>,
    /// What it begins on, as long as the store doesn't know. Afterwards the id says all.
    fresh: Option<Vec<Envelope>>,
    pub(super) phase: Phase,
    /// It must not go on once it has begun, for this reason.
    pub(super) halted: Option<Halted>,
    /// It begins anew as soon as it can.
    pub(super) redo: bool,
}

/// How far a flight is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The store is writing that it begins.
    Beginning,
    /// The store could not; it is asked again at this moment.
    Delayed(Duration),
    /// Somebody works on it.
    Running,
    /// The store is writing that it ends before anybody worked on it.
    Closing,
}

/// What a lane does.
#[derive(Debug)]
pub(super) enum Stage {
    /// It wants to begin and has no place among the active ones. Said: whether a person waits.
    Parked(Priority),
    /// Nothing, since this moment.
    Idle(Duration),
    /// It has a turn in flight.
    Busy(Box<Flight>),
}

/// A lane.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) waiting: Waiting,
    pub(super) stage: Stage,
}

impl Lane {
    /// Whether it holds one of the places for active lanes.
    pub(super) fn is_active(&self) -> bool {
        match self.stage {
            Stage::Parked(_) => false,
            Stage::Idle(_) | Stage::Busy(_) => true,
        }
    }

    /// Whether it waits for a place without need.
    pub(super) fn is_left(&self) -> bool {
        !self.is_active() && self.waiting.is_empty()
    }

    /// The turn in flight.
    pub(super) fn flight(&mut self) -> Option<&mut Flight> {
        match &mut self.stage {
            Stage::Busy(flight) => Some(flight),
            Stage::Parked(_) | Stage::Idle(_) => None,
        }
    }

    /// Whether this message waits here or is being answered.
    pub(super) fn knows(&self, event: &EventId) -> bool {
        let in_flight = match &self.stage {
            Stage::Busy(flight) => flight.messages.contains(event),
            Stage::Parked(_) | Stage::Idle(_) => false,
        };
        in_flight || self.waiting.holds(event)
    }
}

impl Waiting {
    pub(super) fn push(&mut self, envelope: Envelope) {
        match envelope.priority {
            Priority::Person => self.people.push_back(envelope),
            Priority::Agent => self.agents.push_back(envelope),
        }
    }

    /// Queues a turn that is to go on: it may stand in the room unfinished.
    pub(super) fn push_unfinished(&mut self, turn: Turn) -> bool {
        self.push_again(Returning { turn, is_whole: false, halted: None })
    }

    /// Queues a turn that is to be given again: what stands of it in the room is whole.
    pub(super) fn push_answered(&mut self, turn: Turn) -> bool {
        self.push_again(Returning { turn, is_whole: true, halted: None })
    }

    /// Answers whether it is new here. One that was only to be closed is wanted again.
    fn push_again(&mut self, returning: Returning) -> bool {
        if let Some(waiting) = self.again.iter_mut().find(|waiting| waiting.turn.id == returning.turn.id) {
            waiting.halted = None;
            return false;
        }
        self.again.push_back(returning);
        true
    }

    /// Whether this turn waits to go on.
    pub(super) fn has_turn(&self, turn: &TurnId) -> bool {
        self.again.iter().any(|waiting| waiting.turn.id == *turn)
    }

    pub(super) fn len(&self) -> usize {
        self.again.len() + self.people.len() + self.agents.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// For whom the next turn is.
    pub(super) fn priority(&self) -> Priority {
        let person = !self.people.is_empty() || self.again.iter().any(Returning::is_for_person);
        if person { Priority::Person } else { Priority::Agent }
    }

    fn holds(&self, event: &EventId) -> bool {
        self.people.iter().chain(&self.agents).any(|envelope| envelope.event == *event)
            || self.again.iter().any(|waiting| waiting.turn.messages.contains(event))
    }

    /// What the next turn is about. C5: all that people wrote meanwhile is answered together. What agents wrote is, too, as
    /// long as it goes back to one question: its hops are counted from there.
    pub(super) fn next(&mut self) -> Option<Work> {
        if let Some(at) = self.again.iter().position(Returning::is_for_person) {
            return self.again.remove(at).map(Returning::into_work);
        }
        if !self.people.is_empty() {
            return Some(Work::Fresh(mem::take(&mut self.people).into()));
        }
        if let Some(waiting) = self.again.pop_front() {
            return Some(waiting.into_work());
        }
        let root = self.agents.front()?.root.clone();
        let together = self.agents.iter().take_while(|envelope| envelope.root == root).count();
        Some(Work::Fresh(self.agents.drain(..together).collect()))
    }

    /// Takes out the messages that `scope` covers, and the turns that would answer nothing else. A turn that may stand in
    /// the room unfinished still gets its time there, to be closed, unless the room is closed to us.
    pub(super) fn halt(&mut self, scope: &Scope, why: Halted) -> Dropped {
        let people = take_out(&mut self.people, |envelope| scope.covers_waiting(envelope));
        let agents = take_out(&mut self.agents, |envelope| scope.covers_waiting(envelope));
        let is_over = |waiting: &Returning| waiting.is_whole || why == Halted::Gone;
        let turns = take_out(&mut self.again, |waiting| scope.covers_turn(&waiting.turn) && is_over(waiting));
        let mut to_close = 0;
        for waiting in self.again.iter_mut().filter(|waiting| scope.covers_turn(&waiting.turn)) {
            to_close += usize::from(waiting.halted.is_none());
            waiting.halted.get_or_insert(why);
        }
        Dropped {
            envelopes: people.into_iter().chain(agents).collect(),
            turns: turns.into_iter().map(|waiting| waiting.turn).collect(),
            to_close,
        }
    }

    /// S7: what was only to be closed is answered after all, with the new words.
    pub(super) fn edited(&mut self, scope: &Scope) {
        for waiting in self.again.iter_mut().filter(|waiting| scope.covers_turn(&waiting.turn)) {
            waiting.halted = None;
        }
    }
}

impl Returning {
    fn is_for_person(&self) -> bool {
        self.turn.priority == Priority::Person
    }

    fn into_work(self) -> Work {
        Work::Again(Box::new(self.turn), self.halted)
    }
}

/// Takes out what is `meant`, leaving the rest in its order.
fn take_out<T>(queue: &mut VecDeque<T>, meant: impl Fn(&T) -> bool) -> VecDeque<T> {
    let (out, kept) = mem::take(queue).into_iter().partition(|one| meant(one));
    *queue = kept;
    out
}

impl Flight {
    /// A flight about `work`, that the store is about to write down.
    pub(super) fn new(work: Work) -> Self {
        let (id, messages, fresh, halted) = match work {
            Work::Fresh(envelopes) => {
                let first = envelopes.first().expect("a turn answers at least one message");
                let id = turn_id(&first.responder, &first.conversation.room, &first.event);
                (id, envelopes.iter().map(|envelope| envelope.event.clone()).collect(), Some(envelopes), None)
            }
            Work::Again(turn, halted) => {
                let Turn { id, messages, .. } = *turn;
                (id, messages, None, halted)
            }
        };
        Self { id, messages, fresh, phase: Phase::Beginning, halted, redo: false }
    }

    /// What has the store write that it begins.
    pub(super) fn beginning(&self) -> Effect {
        match &self.fresh {
            Some(envelopes) => Effect::Begin(self.id.clone(), envelopes.clone()),
            None => Effect::Resume(self.id.clone()),
        }
    }

    /// Begins its next attempt.
    pub(super) fn begin_anew(&mut self) -> Effect {
        (self.fresh, self.phase, self.redo) = (None, Phase::Beginning, false);
        self.beginning()
    }

    /// The store has written how it begins. It is carried out, unless that is no longer wanted.
    pub(super) fn begun(&mut self, Opening { turn, withdrawn, may_stand }: Opening) -> Effect {
        if mem::take(&mut self.redo) && turn.messages != self.messages {
            return self.begin_anew();
        }
        let halted = self.halted.take().or(withdrawn.then_some(Halted::Deleted));
        if halted.is_some() && !may_stand {
            self.phase = Phase::Closing;
            return Effect::Close(turn.id);
        }
        self.phase = Phase::Running;
        self.fresh = None;
        self.messages.clone_from(&turn.messages);
        Effect::Order(turn, halted)
    }

    /// People want it to end, for this reason, or to begin anew.
    pub(super) fn halt(&mut self, why: Halted, effects: &mut Vec<Effect>) {
        match (self.phase, why) {
            // The new wording is what will be read.
            (Phase::Beginning | Phase::Delayed(_), Halted::Edited) | (Phase::Closing, _) => {}
            (Phase::Running, Halted::Edited) => self.begin_anew_after_end(effects),
            (Phase::Running, Halted::Stopped | Halted::Deleted | Halted::Gone | Halted::Broken) if !self.redo => {
                effects.push(Effect::Pull(self.id.clone(), why));
            }
            (
                Phase::Running | Phase::Beginning | Phase::Delayed(_),
                Halted::Stopped | Halted::Deleted | Halted::Gone | Halted::Broken,
            ) => {
                self.halted.get_or_insert(why);
            }
        }
    }

    /// S8: one of several messages is answered no more; the others are.
    pub(super) fn leave_out(&mut self, event: &EventId, effects: &mut Vec<Effect>) {
        self.messages.retain(|message| message != event);
        match self.phase {
            Phase::Beginning | Phase::Delayed(_) => self.redo = true,
            Phase::Running => self.begin_anew_after_end(effects),
            Phase::Closing => {}
        }
    }

    fn begin_anew_after_end(&mut self, effects: &mut Vec<Effect>) {
        self.redo = true;
        effects.push(Effect::Mark(self.id.clone()));
        effects.push(Effect::Pull(self.id.clone(), Halted::Edited));
    }
}
