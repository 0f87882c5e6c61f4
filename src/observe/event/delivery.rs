//! Facts about what is to be said in rooms and doesn't get there.

use std::{error::Error, time::Duration};

use metrics::counter;
use tracing::{error, warn};

use super::{super::metric, cause::Causes};
use crate::model::{EntityName, RoomId};

/// Something could not be sent, and is tried again.
#[derive(Debug)]
pub struct DeliveryRetried<'a> {
    /// Who says it.
    pub entity: &'a EntityName,
    /// Where.
    pub room: &'a RoomId,
    /// How many tries have failed.
    pub tries: u32,
    /// How long until the next.
    pub pause: Duration,
    /// What went wrong.
    pub error: &'a (dyn Error + 'a),
}

impl DeliveryRetried<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        let pause_ms = u64::try_from(self.pause.as_millis()).unwrap_or(u64::MAX);
        warn!(entity = %self.entity, room = %self.room, tries = self.tries, pause_ms, error = %Causes(self.error), "delivery retried");
        counter!(metric::DELIVERY_TROUBLES, "outcome" => "retried").increment(1);
    }
}

/// Something can't be said in a room, and is given up.
#[derive(Debug)]
pub struct DeliveryFailed<'a> {
    /// Who would have said it.
    pub entity: &'a EntityName,
    /// Where.
    pub room: &'a RoomId,
    /// What it was, such as the turn or the notice.
    pub what: &'a str,
    /// Why not.
    pub error: &'a (dyn Error + 'a),
}

impl DeliveryFailed<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        error!(entity = %self.entity, room = %self.room, what = self.what, error = %Causes(self.error), "delivery failed");
        counter!(metric::DELIVERY_TROUBLES, "outcome" => "failed").increment(1);
    }
}

/// What was sent, or is to be sent, could not be written down.
#[derive(Debug)]
pub struct OutboxFailed<'a> {
    /// Why not.
    pub error: &'a (dyn Error + 'a),
}

impl OutboxFailed<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        error!(error = %Causes(self.error), "outbox failed");
        counter!(metric::OUTBOX_FAILURES).increment(1);
    }
}
