//! Facts about answers: how each ended, and how long it took.

use std::time::Duration;

use metrics::{counter, histogram};
use tracing::{error, info};

use super::super::metric;
use crate::model::{Turn, TurnEnd};

/// An answer broke off with the program, or broke down, so often that it is given up. People are told so.
#[derive(Debug)]
pub struct AnswerParked<'a> {
    /// Which.
    pub turn: &'a Turn,
    /// How often it was begun.
    pub tries: u32,
}

impl AnswerParked<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        let Self { turn, tries } = self;
        let (turn_id, room, responder) = (turn.id.as_str(), turn.conversation.room.as_str(), &turn.responder);
        error!(turn = turn_id, room, responder = %responder, tries, "answer parked");
        counter!(metric::LANE_TROUBLES, "what" => "parked").increment(1);
    }
}

/// An answer ended, one way or another.
#[derive(Debug)]
pub struct TurnEnded<'a> {
    /// Which.
    pub turn: &'a Turn,
    /// How.
    pub end: TurnEnd,
    /// How long it took from its order.
    pub took: Duration,
}

impl TurnEnded<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        let Self { turn, end, took } = self;
        let end = match end {
            TurnEnd::Done => "done",
            TurnEnd::Stopped => "stopped",
            TurnEnd::Failed => "failed",
            TurnEnd::Suspended => "suspended",
        };
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let (turn_id, room, responder) = (turn.id.as_str(), turn.conversation.room.as_str(), &turn.responder);
        info!(turn = turn_id, room, responder = %responder, attempt = turn.attempt, end, took_ms, "turn ended");
        counter!(metric::TURNS, "end" => end).increment(1);
        histogram!(metric::TURN_SECONDS).record(took.as_secs_f64());
    }
}
