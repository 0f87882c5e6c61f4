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
    /// One line of the house.
    House,
    /// Nothing at all.
    Nothing,
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

    /// Everything said in a conversation, whose root counts, may have been stopped by now.
    pub(crate) fn stopped(&self, room: &RoomId, within: impl Fn(&Asked) -> bool) {
        for asked in self.0.borrow_mut().iter_mut().filter(|asked| asked.room == *room && within(asked)) {
            asked.stopped = true;
        }
    }
}
