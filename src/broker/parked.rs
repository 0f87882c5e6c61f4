//! Lanes that wait for a place among the active ones: people's first, each in the order in which they came.

use std::collections::VecDeque;

use super::lane::LaneKey;
use crate::model::Priority;

/// The lanes that wait.
#[derive(Debug, Default)]
pub(super) struct Parked {
    people: VecDeque<LaneKey>,
    agents: VecDeque<LaneKey>,
}

impl Parked {
    pub(super) fn is_empty(&self) -> bool {
        self.people.is_empty() && self.agents.is_empty()
    }

    pub(super) fn push(&mut self, key: LaneKey, priority: Priority) {
        match priority {
            Priority::Person => self.people.push_back(key),
            Priority::Agent => self.agents.push_back(key),
        }
    }

    pub(super) fn pop(&mut self) -> Option<LaneKey> {
        self.people.pop_front().or_else(|| self.agents.pop_front())
    }

    pub(super) fn remove(&mut self, key: &LaneKey) {
        self.people.retain(|parked| parked != key);
        self.agents.retain(|parked| parked != key);
    }
}
