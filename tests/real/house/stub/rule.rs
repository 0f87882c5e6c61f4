//! What the model does when: a rule fits by words in what it is asked.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::{Act, Asked};

/// One rule.
#[derive(Debug)]
pub(super) struct Rule {
    who: Option<String>,
    needles: Vec<String>,
    is_shaped: bool,
    acts: Vec<Act>,
    used: AtomicUsize,
}

impl Rule {
    pub(super) fn new(who: Option<&str>, needles: &[&str], acts: Vec<Act>) -> Self {
        let needles = needles.iter().map(|&needle| needle.to_owned()).collect();
        Self { who: who.map(str::to_owned), needles, is_shaped: false, acts, used: AtomicUsize::new(0) }
    }

    /// The same for questions whose answer has a form.
    pub(super) fn shaped(self) -> Self {
        Self { is_shaped: true, ..self }
    }

    /// How well it fits: not at all, or the better the more words it knows and the later they stand.
    fn fit(&self, asked: &Asked) -> Option<(bool, usize, usize)> {
        if self.is_shaped != asked.form.is_some() || self.who.as_ref().is_some_and(|who| *who != asked.who) {
            return None;
        }
        let whole: String;
        let text = if self.is_shaped {
            whole = asked.messages.iter().map(|(_, text)| text.as_str()).chain([asked.system.as_str()]).collect();
            &whole
        } else {
            &asked.last
        };
        let places: Option<Vec<usize>> = self.needles.iter().map(|needle| text.rfind(needle.as_str())).collect();
        let places = places?;
        Some((self.who.is_some(), places.len(), places.into_iter().max().unwrap_or_default()))
    }

    /// What is done this time.
    fn next(&self) -> Act {
        let used = self.used.fetch_add(1, Ordering::Relaxed);
        self.acts[used.min(self.acts.len() - 1)].clone()
    }
}

/// What is done with a call: as the rule says that fits best, the newest among equals.
pub(super) fn act(rules: &[Arc<Rule>], asked: &Asked) -> Option<Act> {
    let fitting = rules.iter().filter_map(|rule| Some((rule.fit(asked)?, rule)));
    fitting.max_by_key(|(fit, _)| *fit).map(|(_, rule)| rule.next())
}
