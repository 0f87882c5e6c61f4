//! Facts about the desk: what it decided, and what it could not deal with.

use std::error::Error;

use metrics::counter;
use tracing::{debug, error, warn};

use super::{super::metric, cause::Causes};
use crate::model::{EventId, RoomId};

/// It was decided who answers a message.
#[derive(Debug)]
pub struct MessageDecided<'a> {
    /// The room.
    pub room: &'a RoomId,
    /// The message.
    pub event: &'a EventId,
    /// The rule that fired.
    pub rule: &'static str,
}

impl MessageDecided<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        debug!(room = %self.room, event = %self.event, rule = self.rule, "message decided");
        counter!(metric::MESSAGES_DECIDED, "rule" => self.rule).increment(1);
    }
}

/// What was decided could not be written down; it is tried again.
#[derive(Debug)]
pub struct SettlementFailed<'a> {
    /// Why.
    pub error: &'a (dyn Error + 'a),
}

impl SettlementFailed<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        warn!(error = %Causes(self.error), "settlement failed");
        counter!(metric::DESK_TROUBLES, "outcome" => "retried").increment(1);
    }
}

/// An event broke whoever dealt with it, and was put aside.
#[derive(Debug)]
pub struct EventBroken<'a> {
    /// The room.
    pub room: &'a RoomId,
    /// The event.
    pub event: &'a EventId,
    /// What the panic said.
    pub panic: &'a str,
}

impl EventBroken<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        error!(room = %self.room, event = %self.event, panic = self.panic, "event put aside");
        counter!(metric::DESK_TROUBLES, "outcome" => "put_aside").increment(1);
    }
}
