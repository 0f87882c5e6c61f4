//! What goes wrong in the world, and how often.

use std::{ops::Range, time::Duration};

use crate::dice::Dice;

/// Probabilities, each for one request unless it says otherwise, and times in milliseconds.
#[derive(Debug, Clone)]
pub(crate) struct Faults {
    /// How long a request takes until it is carried out, and the same again until it is answered.
    pub(crate) latency: Range<u64>,
    /// Instead of that, a slow one.
    pub(crate) slow: f64,
    /// How long a slow one takes each way.
    pub(crate) slow_latency: Range<u64>,
    /// Too many requests (429): not carried out.
    pub(crate) limited: f64,
    /// When a limited request may be made again.
    pub(crate) retry_after: Range<u64>,
    /// Trouble (5xx): not carried out.
    pub(crate) trouble: f64,
    /// No connection: not carried out.
    pub(crate) away: f64,
    /// Carried out, but the connection breaks before the answer.
    pub(crate) lost: f64,
    /// Never answered; half of them are carried out.
    pub(crate) hang: f64,
    /// How long an unanswered request is waited for. A long-poll gets the time of its poll on top.
    pub(crate) patience: Duration,
    /// The token is no good any more.
    pub(crate) token_unknown: f64,
    /// An invitation that can't be accepted yet, for each account and room once.
    pub(crate) join_refused: f64,
    /// A sync answer that brings what the one before it brought once more.
    pub(crate) repeat: f64,
    /// A sync answer that holds some of the news back for the next one, room by room.
    pub(crate) apart: f64,
    /// How many events of a room a sync answer brings.
    pub(crate) timeline_max: usize,
    /// How many events a page of history brings.
    pub(crate) history_max: usize,
    /// What was under way when nobody waited for it any more, or the program died, and is carried out all the same.
    pub(crate) acts_late: f64,
    /// How much later.
    pub(crate) late: Range<u64>,
    /// At the beginning of a life: transactions that are older than [`Faults::forget_after`] are forgotten.
    pub(crate) forget_transactions: f64,
    /// How long a transaction is always remembered: Synapse does so for half an hour at least, and the program counts on
    /// twenty minutes.
    pub(crate) forget_after: Duration,
}

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Fine,
    Limited(Option<Duration>),
    Trouble(u16),
    Away,
    Lost,
    Hangs { acts: bool },
}

/// One request's way there and back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Course {
    pub(super) there: Duration,
    pub(super) fate: Fate,
    pub(super) back: Duration,
}

impl Faults {
    /// Nothing goes wrong, and everything is quick.
    pub(crate) fn none() -> Self {
        Self {
            latency: 1..15,
            slow: 0.0,
            slow_latency: 0..0,
            limited: 0.0,
            retry_after: 0..0,
            trouble: 0.0,
            away: 0.0,
            lost: 0.0,
            hang: 0.0,
            patience: Duration::from_secs(10),
            token_unknown: 0.0,
            join_refused: 0.0,
            repeat: 0.0,
            apart: 0.0,
            timeline_max: 50,
            history_max: 100,
            acts_late: 0.0,
            late: 0..0,
            forget_transactions: 0.0,
            forget_after: Duration::from_mins(21),
        }
    }

    /// Something of everything; how much differs from run to run.
    pub(crate) fn rough(dice: &Dice) -> Self {
        let level = *dice.pick(&[0.2, 1.0, 1.0, 2.5]);
        let often = |probability: f64| if dice.chance(0.75) { probability * level } else { 0.0 };
        Self {
            latency: 1..*dice.pick(&[5, 40, 200]),
            slow: often(0.02),
            slow_latency: 500..4_000,
            limited: often(0.02),
            retry_after: 200..5_000,
            trouble: often(0.02),
            away: often(0.01),
            lost: often(0.025),
            hang: often(0.004),
            token_unknown: often(0.000_5),
            join_refused: often(0.2),
            repeat: often(0.08),
            apart: often(0.25),
            timeline_max: *dice.pick(&[1, 2, 3, 5, 10, 50]),
            history_max: *dice.pick(&[10, 20, 100]),
            acts_late: *dice.pick(&[0.0, 0.5, 1.0]),
            late: 0..*dice.pick(&[2, 100, 500]),
            forget_transactions: often(0.3),
            ..Self::none()
        }
    }

    /// Draws a request's course.
    pub(super) fn course(&self, dice: &Dice) -> Course {
        let pace = || {
            let range = if dice.chance(self.slow) { &self.slow_latency } else { &self.latency };
            dice.millis(range.clone())
        };
        Course { there: pace(), fate: self.fate(dice), back: pace() }
    }

    fn fate(&self, dice: &Dice) -> Fate {
        if dice.chance(self.limited) {
            // A proxy's limits name no time.
            return Fate::Limited(dice.chance(0.8).then(|| dice.millis(self.retry_after.clone())));
        }
        if dice.chance(self.trouble) {
            return Fate::Trouble(*dice.pick(&[500, 502, 503, 504]));
        }
        if dice.chance(self.away) {
            return Fate::Away;
        }
        if dice.chance(self.lost) {
            return Fate::Lost;
        }
        if dice.chance(self.hang) {
            return Fate::Hangs { acts: dice.chance(0.5) };
        }
        Fate::Fine
    }
}

impl Fate {
    /// Under which name it is counted.
    pub(super) fn count(self) -> Option<&'static str> {
        match self {
            Self::Fine => None,
            Self::Limited(_) => Some("homeserver: too many requests (429)"),
            Self::Trouble(_) => Some("homeserver: trouble (5xx) before acting"),
            Self::Away => Some("homeserver: no connection"),
            Self::Lost => Some("homeserver: acted, and the answer was lost"),
            Self::Hangs { acts: true } => Some("homeserver: acted, and never answered"),
            Self::Hangs { acts: false } => Some("homeserver: neither acted nor answered"),
        }
    }
}
