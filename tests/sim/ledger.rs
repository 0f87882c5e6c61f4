//! What people said, and what must come of it.

use std::cell::{Ref, RefCell};

use maitre::model::{EventId, RoomId, UserId};

/// What must come of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Due {
    /// One answer by these as one.
    By(Vec<&'static str>),
    /// One answer by one of these, or a question which of them is meant.
    OneOf(Vec<&'static str>),
    /// One answer by these as one, or by one of them, or a question which of them is meant: whoever would go on with the thread
    /// was addressed in what was taken back, and nobody here knows who was judged first.
    SomeOf(Vec<&'static str>),
    /// One line of the house.
    House,
    /// Nothing at all.
    Nothing,
    /// Nothing, or one answer: said among people, of whom the others took back what they had said. Who is judged first, it or
    /// that, nobody here knows.
    Perhaps,
}

/// What somebody said.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Which one it is, from 0.
    pub(crate) number: usize,
    pub(crate) room: RoomId,
    pub(crate) event: EventId,
    pub(crate) sender: UserId,
    /// The thread that it was said in.
    pub(crate) thread: Option<EventId>,
    pub(crate) due: Due,
    /// How often it was said anew.
    pub(crate) edits: u32,
    pub(crate) deleted: bool,
    /// Whether somebody may have stopped its answer.
    pub(crate) stopped: bool,
    /// Whether its answer was wanted anew.
    pub(crate) again: bool,
    /// Its text without the tag.
    pub(crate) text: String,
    /// Whom it mentions.
    pub(crate) mentions: Vec<UserId>,
}

/// Everything that people said in a run.
#[derive(Default)]
pub(crate) struct Ledger(RefCell<Vec<Asked>>);

impl Asked {
    /// The tag of its newest wording.
    pub(crate) fn tag(&self) -> String {
        tag(self.number, self.edits)
    }

    /// Whether it names who is to answer it, and to go on with its thread.
    fn names_somebody(&self) -> bool {
        matches!(self.due, Due::By(_)) && !self.mentions.is_empty()
    }

    /// Whether the router may be asked who answers it.
    pub(crate) fn may_be_routed(&self) -> bool {
        matches!(self.due, Due::OneOf(_) | Due::SomeOf(_))
    }

    /// Whether it belongs to the thread with this root, which does itself.
    pub(crate) fn is_in(&self, root: &EventId) -> bool {
        self.event == *root || self.thread.as_ref() == Some(root)
    }
}

/// What tells one wording of one message from all others.
pub(crate) fn tag(number: usize, edits: u32) -> String {
    format!("q{number}v{edits};")
}

impl Ledger {
    /// Everything so far.
    pub(crate) fn all(&self) -> Ref<'_, Vec<Asked>> {
        self.0.borrow()
    }

    /// How much that is: the number of the next one.
    pub(crate) fn len(&self) -> usize {
        self.0.borrow().len()
    }

    pub(crate) fn add(&self, asked: Asked) {
        self.0.borrow_mut().push(asked);
    }

    /// Changes what is known of message `number`.
    pub(crate) fn change(&self, number: usize, change: impl FnOnce(&mut Asked)) {
        if let Some(asked) = self.0.borrow_mut().get_mut(number) {
            change(asked);
        }
    }

    /// Message `number` was taken back, in a room where these can answer. What somebody said to others after it may now look
    /// like said to nobody else (W6, W7), and what was said to whom it named like said to everybody (W7, W8, W11).
    pub(crate) fn delete(&self, number: usize, responders: &[&'static str]) {
        self.change(number, |asked| asked.deleted = true);
        let mut all = self.0.borrow_mut();
        let Some(root) = all.get(number).map(|gone| gone.thread.clone().unwrap_or_else(|| gone.event.clone())) else {
            return;
        };
        let mut changed = Vec::new();
        for said in all[number..].iter().filter(|said| said.thread.as_ref() == Some(&root) && said.mentions.is_empty())
        {
            let mut earlier = all[..said.number].iter().filter(|other| other.is_in(&root) && !other.deleted);
            let due = match &said.due {
                Due::Nothing if earlier.all(|other| other.sender == said.sender) => Due::Perhaps,
                Due::By(_) if responders.len() > 1 && !earlier.any(Asked::names_somebody) => {
                    Due::SomeOf(responders.to_vec())
                }
                Due::By(_) | Due::OneOf(_) | Due::SomeOf(_) | Due::House | Due::Nothing | Due::Perhaps => continue,
            };
            changed.push((said.number, due));
        }
        for (number, due) in changed {
            all[number].due = due;
        }
    }

    /// Everything said in a conversation, whose root counts, may have been stopped by now.
    pub(crate) fn stopped(&self, room: &RoomId, within: impl Fn(&Asked) -> bool) {
        for asked in self.0.borrow_mut().iter_mut().filter(|asked| asked.room == *room && within(asked)) {
            asked.stopped = true;
        }
    }
}
