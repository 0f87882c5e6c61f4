//! Facts about rooms: made, entered, left, and who was asked in.

use std::{error::Error, time::Duration};

use metrics::counter;
use tracing::{info, warn};

use super::{super::metric, cause::Causes};
use crate::model::{Departure, EntityName, RoomId, RoomKey, UserId};

/// A managed room was made.
#[derive(Debug)]
pub struct RoomCreated<'a> {
    /// By whom.
    pub entity: &'a EntityName,
    /// Its key in the configuration.
    pub key: &'a RoomKey,
    /// Its id.
    pub room: &'a RoomId,
}

impl RoomCreated<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        info!(entity = %self.entity, key = %self.key, room = %self.room, "room created");
        count("created");
    }
}

/// An entity joined a room that it belongs to.
#[derive(Debug)]
pub struct RoomJoined<'a> {
    /// Who.
    pub entity: &'a EntityName,
    /// Which.
    pub room: &'a RoomId,
}

impl RoomJoined<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        info!(entity = %self.entity, room = %self.room, "room joined");
        count("joined");
    }
}

/// An entity left a managed room that no longer names it.
#[derive(Debug)]
pub struct RoomLeft<'a> {
    /// Who.
    pub entity: &'a EntityName,
    /// Which.
    pub room: &'a RoomId,
}

impl RoomLeft<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        info!(entity = %self.entity, room = %self.room, "room left");
        count("left");
    }
}

/// Somebody was invited into a managed room.
#[derive(Debug)]
pub struct MemberInvited<'a> {
    /// By whom.
    pub entity: &'a EntityName,
    /// Who.
    pub user: &'a UserId,
    /// Which.
    pub room: &'a RoomId,
}

impl MemberInvited<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        info!(entity = %self.entity, user = %self.user, room = %self.room, "member invited");
        count("member_invited");
    }
}

/// The welcome stands in a room.
#[derive(Debug)]
pub struct RoomWelcomed<'a> {
    /// Who wrote it.
    pub entity: &'a EntityName,
    /// Where.
    pub room: &'a RoomId,
}

impl RoomWelcomed<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        info!(entity = %self.entity, room = %self.room, "room welcomed");
        count("welcomed");
    }
}

/// A room was replaced by another one, and its members of ours follow.
#[derive(Debug)]
pub struct RoomUpgraded<'a> {
    /// The old room.
    pub room: &'a RoomId,
    /// Its replacement.
    pub successor: &'a RoomId,
}

impl RoomUpgraded<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        info!(room = %self.room, successor = %self.successor, "room upgraded");
        count("upgraded");
    }
}

/// A managed room isn't as the configuration wants it; it is tried again.
#[derive(Debug)]
pub struct RoomTroubled<'a> {
    /// Its key in the configuration, or what else it goes by.
    pub key: &'a str,
    /// What went wrong.
    pub error: &'a (dyn Error + 'a),
}

impl RoomTroubled<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        warn!(key = self.key, error = %Causes(self.error), "room troubled");
        count("troubled");
    }
}

/// Something around rooms could not be done now; it is tried again.
#[derive(Debug)]
pub struct ErrandFailed<'a> {
    /// What was to be done, in words.
    pub errand: &'a str,
    /// Why it wasn't.
    pub error: &'a (dyn Error + 'a),
}

impl ErrandFailed<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        warn!(errand = self.errand, error = %Causes(self.error), "errand failed");
        count("errand_failed");
    }
}

/// An entity is no longer a member of a room, by its own hand or another's.
#[derive(Debug)]
pub struct EntityDeparted<'a> {
    /// Who.
    pub entity: &'a EntityName,
    /// Which.
    pub room: &'a RoomId,
    /// In which way.
    pub how: Departure,
    /// Who made it so, if known.
    pub by: Option<&'a UserId>,
}

impl EntityDeparted<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        let how = match self.how {
            Departure::Left => "left",
            Departure::Kicked => "kicked",
            Departure::Banned => "banned",
        };
        let by = self.by.map(tracing::field::display);
        match self.how {
            Departure::Left => info!(entity = %self.entity, room = %self.room, how, by, "entity departed"),
            Departure::Kicked | Departure::Banned => {
                warn!(entity = %self.entity, room = %self.room, how, by, "entity departed");
            }
        }
        counter!(metric::DEPARTURES, "how" => how).increment(1);
    }
}

/// An invite was accepted.
#[derive(Debug)]
pub struct InviteAccepted<'a> {
    /// Who was invited.
    pub entity: &'a EntityName,
    /// Where to.
    pub room: &'a RoomId,
    /// By whom.
    pub by: &'a UserId,
}

impl InviteAccepted<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        info!(entity = %self.entity, room = %self.room, by = %self.by, "invite accepted");
        counter!(metric::INVITES, "outcome" => "accepted").increment(1);
    }
}

/// An invite was declined.
#[derive(Debug)]
pub struct InviteDeclined<'a> {
    /// Who was invited.
    pub entity: &'a EntityName,
    /// Where to.
    pub room: &'a RoomId,
    /// By whom.
    pub by: &'a UserId,
    /// Why, in plain words.
    pub reason: &'a str,
}

impl InviteDeclined<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        info!(entity = %self.entity, room = %self.room, by = %self.by, reason = self.reason, "invite declined");
        counter!(metric::INVITES, "outcome" => "declined").increment(1);
    }
}

/// An invite could not be followed yet; it is tried again.
#[derive(Debug)]
pub struct InviteRetried<'a> {
    /// Who was invited.
    pub entity: &'a EntityName,
    /// Where to.
    pub room: &'a RoomId,
    /// How many tries have failed.
    pub attempt: u32,
    /// How long until the next.
    pub delay: Duration,
    /// What went wrong.
    pub error: &'a (dyn Error + 'a),
}

impl InviteRetried<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        warn!(
            entity = %self.entity,
            room = %self.room,
            attempt = self.attempt,
            delay_ms = u64::try_from(self.delay.as_millis()).unwrap_or(u64::MAX),
            error = %Causes(self.error),
            "invite retried"
        );
        counter!(metric::INVITES, "outcome" => "retried").increment(1);
    }
}

/// Plaintext was about to go into an encrypted room and was held back.
#[derive(Debug)]
pub struct PlaintextRefused<'a> {
    /// Who would have sent it.
    pub entity: &'a EntityName,
    /// Where to.
    pub room: &'a RoomId,
}

impl PlaintextRefused<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        warn!(entity = %self.entity, room = %self.room, "plaintext refused");
        counter!(metric::PLAINTEXT_REFUSED).increment(1);
    }
}

fn count(action: &'static str) {
    counter!(metric::ROOM_ACTIONS, "action" => action).increment(1);
}
