//! What many runs came to, as a table.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use crate::run::Report;

/// The sum of many runs.
#[derive(Default)]
pub(crate) struct Tally {
    runs: u64,
    rows: BTreeMap<&'static str, u64>,
    faults: BTreeMap<&'static str, u64>,
    took: Duration,
    pub(crate) failed: Vec<u64>,
}

impl Tally {
    /// Adds a run.
    pub(crate) fn add(&mut self, report: &Report) {
        self.runs += 1;
        self.took += report.took;
        let (outcomes, cuts) = (report.outcomes, report.cuts);
        let rows = [
            ("messages of people", outcomes.asked),
            ("answered", outcomes.answered),
            ("answered with a plain sentence, since a model failed", outcomes.failed),
            ("stopped by people", outcomes.stopped),
            ("excused, since whoever was asked was down", outcomes.excused),
            ("left to a tap, since the router's model failed", outcomes.asked_whom),
            ("lives of the program", cuts.lives),
        ];
        for (name, count) in rows {
            *self.rows.entry(name).or_default() += count;
        }
        let cuts = [
            ("crash: just before a commit", cuts.before_commit),
            ("crash: just after a commit", cuts.after_commit),
            ("crash: at a random poll", cuts.at_a_moment),
            ("crash: some polls after an event in a room", cuts.after_an_event),
            ("stop in order, then a new start", cuts.in_order),
        ];
        for (name, count) in report.faults.iter().map(|(name, count)| (*name, *count)).chain(cuts) {
            *self.faults.entry(name).or_default() += count;
        }
        if !report.violations.is_empty() {
            self.failed.push(report.seed);
        }
    }

    /// What should happen in so many runs and never did.
    pub(crate) fn never(&self) -> Vec<&'static str> {
        const FAULTS: usize = 20;
        let rare: Vec<&'static str> =
            self.faults.iter().filter(|(_, count)| **count == 0).map(|(name, _)| *name).collect();
        if rare.is_empty() && self.faults.len() < FAULTS { vec!["many kinds of faults"] } else { rare }
    }

    /// Everything, as Markdown.
    pub(crate) fn table(&self) -> String {
        let mut text = String::from("| Runs | Count |\n| :--- | ---: |\n");
        let hours = self.took.as_secs() / 3600;
        let first = [
            ("seeds", self.runs),
            ("seeds that failed", self.failed.len() as u64),
            ("hours, by their own clock", hours),
        ];
        for (name, count) in first.into_iter().chain(self.rows.iter().map(|(name, count)| (*name, *count))) {
            writeln!(text, "| {name} | {count} |").unwrap_or_default();
        }
        text.push_str("\n| Put in | Count |\n| :--- | ---: |\n");
        for (name, count) in &self.faults {
            writeln!(text, "| {name} | {count} |").unwrap_or_default();
        }
        text
    }
}
