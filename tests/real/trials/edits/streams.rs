//! What happened to those whom no edit concerns: their streams, as a proxy saw them, and the turns that they gave.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::Value;
use tokio::time::Instant;

use crate::house::Passage;

/// The streams of those whom no edit concerns.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    /// How many accounts.
    pub(crate) accounts: usize,
    /// How many steps they took.
    pub(crate) steps: usize,
    /// The longest time in which an account had no step under way.
    pub(crate) gap_max: Duration,
    /// Accounts that took no step, with steps that nobody waited for, or that weren't the next one.
    pub(crate) wrong: Vec<String>,
}

impl Streams {
    /// The steps that began after `from` and were authorized by one of these tokens, each with whom it belongs to. The
    /// last step of everybody may be under way yet.
    pub(super) fn of(passages: &[Passage], tokens: &BTreeMap<String, String>, from: Instant) -> Self {
        let mut streams = Self { accounts: tokens.len(), ..Self::default() };
        for (token, name) in tokens {
            let is_theirs = |passage: &&Passage| passage.token.as_ref() == Some(token) && passage.began >= from;
            let steps: Vec<&Passage> = passages.iter().filter(is_theirs).filter(|passage| passage.is_sync()).collect();
            streams.add(name, &steps);
        }
        streams
    }

    fn add(&mut self, name: &str, steps: &[&Passage]) {
        self.steps += steps.len();
        if steps.is_empty() {
            self.wrong.push(format!("{name} took no step"));
        }
        for step in steps {
            if !step.goes_on() {
                self.wrong.push(format!("{name} began anew"));
            }
            if step.answered.is_some_and(|(_, status)| status != 200) {
                self.wrong.push(format!("{name} was refused: {:?}", step.answered));
            }
        }
        for pair in steps.windows(2) {
            match pair[0].answered {
                Some((at, _)) => self.gap_max = self.gap_max.max(pair[1].began.saturating_duration_since(at)),
                None => self.wrong.push(format!("{name} broke a step off")),
            }
        }
    }
}

/// The turns that gave answers, as their events name them.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    /// How many.
    pub(crate) seen: BTreeSet<String>,
    /// Messages whose events don't name one and the same turn, and turns that stand in two messages.
    pub(crate) wrong: Vec<String>,
}

impl Turns {
    /// Adds what happened in a room.
    pub(super) fn add(&mut self, history: &[Value]) {
        let mut messages: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for event in history.iter().filter(|event| event["type"] == "m.room.message") {
            let Some(turn) = event["content"]["org.maitre.turn"]["id"].as_str() else { continue };
            let relation = &event["content"]["m.relates_to"];
            let target = if relation["rel_type"] == "m.replace" { &relation["event_id"] } else { &event["event_id"] };
            messages.entry(target.as_str().unwrap_or_default()).or_default().insert(turn);
        }
        for (message, turns) in messages {
            if turns.len() != 1 {
                self.wrong.push(format!("{message} is of the turns {turns:?}"));
            }
            for turn in turns {
                if !self.seen.insert(turn.to_owned()) {
                    self.wrong.push(format!("{turn} stands in two messages"));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use serde_json::json;

    use super::*;

    /// A step from one second to another, if it was waited for.
    fn step(from: Instant, began: u64, answered: Option<u64>, target: &str) -> Passage {
        let at = |seconds| from + Duration::from_secs(seconds);
        Passage {
            token: Some("t".to_owned()),
            method: Method::GET,
            target: format!("/_matrix/client/v3/sync?{target}"),
            began: at(began),
            answered: answered.map(|seconds| (at(seconds), 200)),
        }
    }

    #[test]
    fn a_break_in_a_stream_is_seen() {
        let from = Instant::now();
        let check = |steps: &[Passage], gap: u64, wrong: &[&str]| {
            let streams = Streams::of(steps, &[("t".to_owned(), "ada".to_owned())].into(), from);
            assert_eq!(
                (streams.gap_max, streams.wrong),
                (Duration::from_secs(gap), wrong.iter().map(|&w| w.to_owned()).collect())
            );
        };
        let last = step(from, 9, None, "since=3");
        check(&[step(from, 0, Some(4), "since=1"), step(from, 5, Some(9), "since=2"), last.clone()], 1, &[]);
        check(&[step(from, 0, None, "since=1"), last.clone()], 0, &["ada broke a step off"]);
        check(&[step(from, 0, Some(9), ""), last], 0, &["ada began anew"]);
        check(&[], 0, &["ada took no step"]);
    }

    #[test]
    fn turns_are_told_apart() {
        let event = |id: &str, turn: &str, relation: Value| {
            json!({"event_id": id, "type": "m.room.message",
                   "content": {"org.maitre.turn": {"id": turn}, "m.relates_to": relation}})
        };
        let edit = json!({"rel_type": "m.replace", "event_id": "$1"});
        let check = |events: &[Value]| {
            let mut turns = Turns::default();
            turns.add(events);
            (turns.seen.len(), turns.wrong.len())
        };
        assert_eq!(check(&[event("$1", "a", json!({})), event("$2", "a", edit.clone())]), (1, 0));
        assert_eq!(check(&[event("$1", "a", json!({})), event("$2", "b", edit)]), (2, 1));
        assert_eq!(check(&[event("$1", "a", json!({})), event("$2", "a", json!({}))]), (1, 1));
    }
}
