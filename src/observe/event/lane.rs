//! Facts about who answers what: messages refused, turns that could not be written down, and how a responder was chosen.

use std::error::Error;

use metrics::{counter, gauge};
use tracing::{error, info, warn};

use super::{super::metric, cause::Causes};
use crate::model::{EventId, Responder, RoomId};

/// A message was refused because too many wait already. Its sender is told so.
#[derive(Debug)]
pub struct MessageRefused<'a> {
    /// The room.
    pub room: &'a RoomId,
    /// The message.
    pub event: &'a EventId,
    /// Who was to answer it.
    pub responder: &'a Responder,
}

impl MessageRefused<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        warn!(room = %self.room, event = %self.event, responder = %self.responder, "message refused");
        counter!(metric::LANE_TROUBLES, "what" => "refused").increment(1);
    }
}

/// How many lanes are kept in mind changed, or may have.
#[derive(Debug)]
pub struct LanesKept {
    /// How many there are now.
    pub known: usize,
}

impl LanesKept {
    /// Counts it. It is no news to anybody.
    pub fn emit(&self) {
        gauge!(metric::LANES).set(f64::from(u32::try_from(self.known).unwrap_or(u32::MAX)));
    }
}

/// What happened to a turn or to what waits could not be written down. It is tried again, at the latest by the next start.
#[derive(Debug)]
pub struct TurnUnsaved<'a> {
    /// The id of the turn, or of the message.
    pub what: &'a str,
    /// What was to be written, in a word such as `begin`.
    pub step: &'static str,
    /// Why it wasn't.
    pub error: &'a (dyn Error + 'a),
}

impl TurnUnsaved<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        error!(what = self.what, step = self.step, error = %Causes(self.error), "turn not saved");
        counter!(metric::LANE_TROUBLES, "what" => "unsaved").increment(1);
    }
}

/// How it was settled who answers a message that mentions nobody.
#[derive(Debug)]
pub struct MessageRouted<'a> {
    /// The room.
    pub room: &'a RoomId,
    /// The message.
    pub event: &'a EventId,
    /// By what: `model`, `words`, or `person` where the person is asked.
    pub by: &'static str,
}

impl MessageRouted<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        info!(room = %self.room, event = %self.event, by = self.by, "message routed");
        counter!(metric::MESSAGES_ROUTED, "by" => self.by).increment(1);
    }
}

/// The model that picks who answers did not.
#[derive(Debug)]
pub struct RoutingFailed<'a> {
    /// Its name in the configuration.
    pub model: &'a str,
    /// Why.
    pub error: &'a (dyn Error + 'a),
}

impl RoutingFailed<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        warn!(model = self.model, error = %Causes(self.error), "routing model failed");
        counter!(metric::ROUTING_FAILURES).increment(1);
    }
}

/// Something went wrong with a team's answer beside its members' work. What they did is delivered all the same.
#[derive(Debug)]
pub struct TeamTroubled<'a> {
    /// The turn's id.
    pub turn: &'a str,
    /// At which step, in a word such as `plan`.
    pub step: &'static str,
    /// What.
    pub error: &'a (dyn Error + 'a),
}

impl TeamTroubled<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        warn!(turn = self.turn, step = self.step, error = %Causes(self.error), "team troubled");
        counter!(metric::TEAM_TROUBLES, "step" => self.step).increment(1);
    }
}
