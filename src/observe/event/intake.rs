//! Facts about what comes in: admitted batches, gaps, and events that can't be read yet.

use std::{error::Error, time::Duration};

use metrics::{counter, histogram};
use tracing::{debug, error, info, warn};

use super::{super::metric, cause::Causes};
use crate::model::{Admitted, EntityName, EventId, RoomId, SealedCause};

/// A batch of one entity's sync stream is in the store, together with its token.
#[derive(Debug)]
pub struct BatchAdmitted<'a> {
    /// Whose stream it came from.
    pub entity: &'a EntityName,
    /// What became of its events.
    pub admitted: Admitted,
    /// How long that took, waiting for other batches included.
    pub took: Duration,
}

impl BatchAdmitted<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        let Admitted { fresh, known, healed, due: _ } = self.admitted;
        let took_ms = u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX);
        debug!(entity = %self.entity, fresh, known, healed, took_ms, "batch admitted");
        counter!(metric::BATCHES_ADMITTED).increment(1);
        counter!(metric::EVENTS_ADMITTED, "kind" => "fresh").increment(fresh);
        counter!(metric::EVENTS_ADMITTED, "kind" => "known").increment(known);
        counter!(metric::EVENTS_ADMITTED, "kind" => "healed").increment(healed);
        histogram!(metric::ADMISSION_SECONDS).record(self.took.as_secs_f64());
    }
}

/// A batch could not be written down. Its loop brings it again.
#[derive(Debug)]
pub struct AdmissionFailed<'a> {
    /// Whose batch.
    pub entity: &'a EntityName,
    /// Why.
    pub error: &'a (dyn Error + 'a),
}

impl AdmissionFailed<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        error!(entity = %self.entity, error = %Causes(self.error), "admission failed");
        counter!(metric::ADMISSION_FAILURES).increment(1);
    }
}

/// What a sync response left out of a room was fetched.
#[derive(Debug)]
pub struct GapClosed<'a> {
    /// Whose stream it was.
    pub entity: &'a EntityName,
    /// Where.
    pub room: &'a RoomId,
    /// How many pages it took.
    pub pages: usize,
}

impl GapClosed<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        info!(entity = %self.entity, room = %self.room, pages = self.pages, "gap closed");
        counter!(metric::GAPS, "outcome" => "closed").increment(1);
    }
}

/// What a sync response left out of a room is more than we fetch; the rest is given up.
#[derive(Debug)]
pub struct GapBeyondBounds<'a> {
    /// Whose stream it was.
    pub entity: &'a EntityName,
    /// Where.
    pub room: &'a RoomId,
    /// How many pages were fetched.
    pub pages: usize,
}

impl GapBeyondBounds<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        error!(entity = %self.entity, room = %self.room, pages = self.pages, "gap beyond bounds");
        counter!(metric::GAPS, "outcome" => "given_up").increment(1);
    }
}

/// An event came that this entity can't read yet. It is kept.
#[derive(Debug)]
pub struct EventSealed<'a> {
    /// Who can't read it.
    pub entity: &'a EntityName,
    /// Where it stands.
    pub room: &'a RoomId,
    /// Which.
    pub event: &'a EventId,
    /// Why.
    pub cause: SealedCause,
}

impl EventSealed<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        let cause = match self.cause {
            SealedCause::KeyMissing => "key_missing",
            SealedCause::KeyWithheld => "key_withheld",
            SealedCause::Broken => "broken",
        };
        warn!(entity = %self.entity, room = %self.room, event = %self.event, cause, "event sealed");
        counter!(metric::EVENTS_SEALED, "cause" => cause).increment(1);
    }
}

/// An event that could not be read became readable. It is counted with the batch that brings it.
#[derive(Debug)]
pub struct EventHealed<'a> {
    /// Who can read it.
    pub entity: &'a EntityName,
    /// Where it stands.
    pub room: &'a RoomId,
    /// Which.
    pub event: &'a EventId,
}

impl EventHealed<'_> {
    /// Logs it.
    pub fn emit(&self) {
        info!(entity = %self.entity, room = %self.room, event = %self.event, "event healed");
    }
}
