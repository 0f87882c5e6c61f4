//! Facts about one entity: where it stands, its account, its sync loop.

use std::{error::Error, path::Path, time::Duration};

use metrics::counter;
use tracing::{debug, error, info, warn};

use super::{super::metric, cause::Causes};
use crate::model::{EntityName, Phase, UserId};

/// An entity begins to come up.
#[derive(Debug)]
pub struct EntityStarting<'a> {
    /// Who.
    pub entity: &'a EntityName,
}

impl EntityStarting<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        debug!(entity = %self.entity, "entity starting");
        count(Phase::Starting);
    }
}

/// The keys of an account of which the journal knows nothing: it was lost, or is another one. The account begins anew, and
/// they are kept aside.
#[derive(Debug)]
pub struct KeysSetAside<'a> {
    /// Whose.
    pub entity: &'a EntityName,
    /// Where they are now.
    pub folder: &'a Path,
}

impl KeysSetAside<'_> {
    /// Logs it.
    pub fn emit(&self) {
        warn!(entity = %self.entity, folder = %self.folder.display(), "keys of an earlier journal set aside");
    }
}

/// An entity is logged in, in its rooms, and syncing.
#[derive(Debug)]
pub struct EntityReady<'a> {
    /// Who.
    pub entity: &'a EntityName,
    /// As which user.
    pub user: &'a UserId,
    /// How long it took since it began to come up.
    pub took: Duration,
}

impl EntityReady<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        info!(entity = %self.entity, user = %self.user, took_ms = millis(self.took), "entity ready");
        count(Phase::Ready);
    }
}

/// An entity's loop failed and will be restarted.
#[derive(Debug)]
pub struct EntityBackingOff<'a> {
    /// Who.
    pub entity: &'a EntityName,
    /// How many tries have failed in a row.
    pub attempt: u32,
    /// How long it waits before the next.
    pub delay: Duration,
    /// Why, in plain words.
    pub reason: &'a str,
}

impl EntityBackingOff<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        warn!(
            entity = %self.entity,
            attempt = self.attempt,
            delay_ms = millis(self.delay),
            reason = self.reason,
            "entity backing off"
        );
        count(Phase::BackingOff);
    }
}

/// An entity can't come up; somebody has to do something about it.
#[derive(Debug)]
pub struct EntityDown<'a> {
    /// Who.
    pub entity: &'a EntityName,
    /// Why, in plain words.
    pub reason: &'a str,
    /// How long until it is tried again.
    pub retry_in: Duration,
}

impl EntityDown<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        error!(entity = %self.entity, reason = self.reason, retry_in_ms = millis(self.retry_in), "entity down");
        count(Phase::Down);
    }
}

/// An entity was told to stop and did.
#[derive(Debug)]
pub struct EntityStopped<'a> {
    /// Who.
    pub entity: &'a EntityName,
}

impl EntityStopped<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        debug!(entity = %self.entity, "entity stopped");
        count(Phase::Stopped);
    }
}

/// An account was made on the homeserver.
#[derive(Debug)]
pub struct AccountRegistered<'a> {
    /// Whose.
    pub entity: &'a EntityName,
    /// As which user.
    pub user: &'a UserId,
}

impl AccountRegistered<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        info!(entity = %self.entity, user = %self.user, "account registered");
        counter!(metric::ACCOUNTS_REGISTERED).increment(1);
    }
}

/// An account was deactivated for good on the homeserver, since its entity is configured no longer.
#[derive(Debug)]
pub struct AccountDeactivated<'a> {
    /// Whose.
    pub entity: &'a EntityName,
    /// Which user it was.
    pub user: &'a UserId,
}

impl AccountDeactivated<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        info!(entity = %self.entity, user = %self.user, "account deactivated");
        counter!(metric::ACCOUNTS_DEACTIVATED).increment(1);
    }
}

/// The homeserver gave a new pair of tokens, and they are stored.
#[derive(Debug)]
pub struct TokensRefreshed<'a> {
    /// Whose.
    pub entity: &'a EntityName,
}

impl TokensRefreshed<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        debug!(entity = %self.entity, "tokens refreshed");
        counter!(metric::TOKENS_REFRESHED).increment(1);
    }
}

/// Another client made the account's cross-signing identity or key backup, so we hold no recovery key for it.
#[derive(Debug)]
pub struct IdentityForeign<'a> {
    /// Whose account.
    pub entity: &'a EntityName,
}

impl IdentityForeign<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        warn!(entity = %self.entity, "key backup made by another client");
        counter!(metric::IDENTITIES_FOREIGN).increment(1);
    }
}

/// A step of an entity's sync loop failed.
#[derive(Debug)]
pub struct SyncFailed<'a> {
    /// Whose.
    pub entity: &'a EntityName,
    /// Why.
    pub error: &'a (dyn Error + 'a),
}

impl SyncFailed<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        warn!(entity = %self.entity, error = %Causes(self.error), "sync failed");
        counter!(metric::SYNC_FAILURES, "kind" => "failed").increment(1);
    }
}

/// An entity's sync loop made no progress for too long and is restarted in place.
#[derive(Debug)]
pub struct SyncStalled<'a> {
    /// Whose.
    pub entity: &'a EntityName,
    /// For how long.
    pub silent_for: Duration,
}

impl SyncStalled<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        warn!(entity = %self.entity, silent_for_ms = millis(self.silent_for), "sync stalled");
        counter!(metric::SYNC_FAILURES, "kind" => "stalled").increment(1);
    }
}

fn count(to: Phase) {
    counter!(metric::ENTITY_TRANSITIONS, "to" => to.as_str()).increment(1);
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
