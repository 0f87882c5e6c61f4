//! What edits came to.

use std::{fmt, time::Duration};

use super::{
    Mistake, Newcomer,
    streams::{Streams, Turns},
};
use crate::trials::tally::Tally;

/// How soon another role should be live.
const LIVE_WITHIN: Duration = Duration::from_secs(1);

/// What edits came to.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// How long each edit took from being saved to being taken over.
    pub(crate) lives: Vec<Duration>,
    /// How many times the next answer went by an older file.
    pub(crate) stale: usize,
    /// How many answers were in flight when each edit was saved.
    pub(crate) in_flight: Vec<usize>,
    /// How often anybody signed in while roles were edited.
    pub(crate) logins: usize,
    pub(crate) newcomer: Option<Newcomer>,
    pub(crate) mistake: Option<Mistake>,
    pub(crate) streams: Streams,
    pub(crate) turns: Turns,
    pub(crate) tally: Tally,
}

impl Findings {
    /// Whether every edit was live for the next message, and nobody else noticed anything.
    pub(crate) fn is_clean(&self) -> bool {
        let undisturbed = self.logins == 0 && self.streams.wrong.is_empty() && self.turns.wrong.is_empty();
        self.stale == 0 && undisturbed && self.tally.is_clean()
    }

    /// How many edits were live later than they should have been.
    pub(crate) fn late(&self) -> usize {
        self.lives.iter().filter(|live| **live > LIVE_WITHIN).count()
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.lives.len();
        let [low, middle, high] = spread(&self.lives).map(millis);
        let [few, usual, many] = spread(&self.in_flight);
        writeln!(f, "| What | Seen |\n| :--- | ---: |")?;
        writeln!(f, "| answers in flight at a save: least, median, most | {few}, {usual}, {many} |")?;
        writeln!(f, "| another role, from the save to being in use: least, median, most | {low}, {middle}, {high} |")?;
        writeln!(f, "| in use within a second | {} of {count} |", count - self.late())?;
        writeln!(f, "| the next answer went by it | {} of {count} |", count - self.stale)?;
        writeln!(f, "| logins meanwhile | {} |", self.logins)?;
        if let Some(Newcomer { came, answered, left }) = self.newcomer {
            writeln!(f, "| a new agent, from the save to being in its room | {} |", millis(came))?;
            writeln!(f, "| to having answered there | {} |", millis(answered))?;
            writeln!(f, "| taken out again, from the save to having left | {} |", millis(left))?;
        }
        if let Some(Mistake { told, mended }) = self.mistake {
            writeln!(f, "| a mistake, from the save to line and caret in the admins' room | {} |", millis(told))?;
            writeln!(f, "| mended, from the save to being told | {} |", millis(mended))?;
        }
        let Streams { accounts, steps, gap_max, wrong } = &self.streams;
        writeln!(f, "| steps of the streams of the {accounts} others | {steps} |")?;
        writeln!(f, "| of those, broken off, begun anew or refused | {} |", wrong.len())?;
        writeln!(f, "| longest rest between two steps | {} |", millis(*gap_max))?;
        writeln!(f, "| turns seen, and wrong ones | {}, {} |", self.turns.seen.len(), self.turns.wrong.len())?;
        writeln!(f, "\n{}.", self.tally)
    }
}

fn millis(duration: Duration) -> String {
    format!("{} ms", duration.as_millis())
}

/// The least, the median and the most.
fn spread<T: Copy + Ord + Default>(figures: &[T]) -> [T; 3] {
    let mut sorted = figures.to_vec();
    sorted.sort();
    let at = |index: usize| sorted.get(index).copied().unwrap_or_default();
    [at(0), at(sorted.len() / 2), at(sorted.len().saturating_sub(1))]
}
