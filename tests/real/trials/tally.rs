//! The count: whether every question was answered exactly once, in order, to its end. It looks from outside, at what the
//! homeserver has.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde_json::Value;

use crate::house::{Shown, shown};

/// What questions bear so that answers can be told apart: a word of its own for each.
const TOPIC: &str = "q-";
/// What entities tap on their answers while people may stop them.
const STOP: &str = "🛑";

/// What came of all questions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) questions: usize,
    /// Questions that nobody answered.
    pub(crate) lost: BTreeSet<String>,
    /// Questions that were answered more than once.
    pub(crate) doubled: BTreeSet<String>,
    /// Answers that don't say that they are whole, or still offer to be stopped.
    pub(crate) unfinished: Vec<String>,
    /// Threads in which answers came in another order than questions.
    pub(crate) disordered: BTreeSet<String>,
}

/// The topics that stand in a text, in their order.
pub(crate) fn topics(text: &str) -> Vec<String> {
    let words = text.split_whitespace().filter(|word| word.starts_with(TOPIC));
    words.map(|word| word.trim_end_matches(['.', ',', ':']).to_owned()).collect()
}

/// A topic that nobody else has: the person's, and the how-manieth.
pub(crate) fn topic(person: usize, number: usize) -> String {
    format!("{TOPIC}{person}-{number}")
}

impl Tally {
    /// Adds what happened in a room, whose own entities have names that end with `ours`.
    pub(crate) fn add(&mut self, history: &[Value], ours: &str) {
        let messages = shown(history);
        let (answers, questions): (Vec<_>, Vec<_>) =
            messages.iter().filter(|message| !message.is_deleted).partition(|message| message.sender.ends_with(ours));
        let answers: Vec<&Shown> = answers.into_iter().filter(|answer| is_answer(answer)).collect();
        let mut asked: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for question in questions {
            let thread = question.root.as_ref().unwrap_or(&question.event);
            asked.entry(thread.clone()).or_default().extend(topics(&question.body));
        }
        for (thread, asked) in asked {
            let answers = answers.iter().filter(|answer| answer.root.as_ref() == Some(&thread));
            self.compare(&thread, &asked, &answers.flat_map(|answer| topics(&answer.body)).collect::<Vec<_>>());
        }
        self.unfinished.extend(answers.into_iter().filter(|answer| is_unfinished(answer)).map(told));
    }

    fn compare(&mut self, thread: &str, asked: &[String], answered: &[String]) {
        self.questions += asked.len();
        let times = |topic: &String| answered.iter().filter(|answered| *answered == topic).count();
        self.lost.extend(asked.iter().filter(|topic| times(topic) == 0).cloned());
        self.doubled.extend(asked.iter().filter(|topic| times(topic) > 1).cloned());
        let mut seen = BTreeSet::new();
        let firsts: Vec<&String> = answered.iter().filter(|topic| seen.insert(*topic)).collect();
        let expected: Vec<&String> = asked.iter().filter(|topic| times(topic) > 0).collect();
        if firsts != expected {
            self.disordered.insert(format!("{thread}: asked {expected:?}, answered {firsts:?}"));
        }
    }

    /// Whether nothing is outstanding.
    pub(crate) fn is_complete(&self) -> bool {
        self.lost.is_empty() && self.unfinished.is_empty()
    }

    /// Whether each question was answered once, in order, to the end.
    pub(crate) fn is_clean(&self) -> bool {
        self.is_complete() && self.doubled.is_empty() && self.disordered.is_empty()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [lost, doubled, disordered] = [&self.lost, &self.doubled, &self.disordered].map(BTreeSet::len);
        write!(
            f,
            "{} questions: {lost} lost, {doubled} answered twice, {} left half-written, {disordered} threads out of order",
            self.questions,
            self.unfinished.len()
        )
    }
}

/// Whether something that we say answers somebody: it stands in a thread, and isn't the house's.
pub(super) fn is_answer(message: &Shown) -> bool {
    !message.is_deleted && message.root.is_some() && message.kind != "m.notice"
}

fn is_unfinished(answer: &Shown) -> bool {
    !answer.is_final || answer.taps.iter().any(|(user, key)| *user == answer.sender && key == STOP)
}

fn told(answer: &Shown) -> String {
    let Shown { event, sender, body, is_final, taps, .. } = answer;
    format!("{event} of {sender}, final: {is_final}, taps: {taps:?}: {body}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A message in a thread, or the one that it grows from.
    fn said(id: &str, sender: &str, root: Option<&str>, body: &str, last: bool) -> Value {
        let mut content = json!({"msgtype": "m.text", "body": body, "org.maitre.turn": {"final": last}});
        if let Some(root) = root {
            content["m.relates_to"] = json!({"rel_type": "m.thread", "event_id": root});
        }
        json!({"event_id": id, "type": "m.room.message", "sender": sender, "origin_server_ts": 1, "content": content})
    }

    fn check(answers: &[(&str, bool)]) -> [usize; 4] {
        let mut history = vec![said("$1", "@ada:s", None, "Tell q-1-1.", false)];
        history.push(said("$2", "@ada:s", Some("$1"), "And q-1-2.", false));
        for (index, (body, last)) in answers.iter().enumerate() {
            history.push(said(&format!("$a{index}"), "@bot-t:s", Some("$1"), body, *last));
        }
        let mut tally = Tally::default();
        tally.add(&history, "-t:s");
        assert_eq!(tally.questions, 2);
        [tally.lost.len(), tally.doubled.len(), tally.unfinished.len(), tally.disordered.len()]
    }

    #[test]
    fn what_is_wrong_is_counted() {
        let clean = [0; 4];
        assert_eq!(check(&[("About q-1-1", true), ("About q-1-2", true)]), clean);
        assert_eq!(check(&[("About q-1-1 q-1-2", true)]), clean, "together");
        assert_eq!(check(&[("About q-1-2", true)]), [1, 0, 0, 0]);
        assert_eq!(check(&[("About q-1-1 q-1-2", true), ("About q-1-2", true)]), [0, 1, 0, 0]);
        assert_eq!(check(&[("About q-1-1 q-1-2", false)]), [0, 0, 1, 0]);
        assert_eq!(check(&[("About q-1-2", true), ("About q-1-1", true)]), [0, 0, 0, 1]);
    }
}
