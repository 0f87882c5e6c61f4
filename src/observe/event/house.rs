//! Facts about the whole house: its configuration, its homeserver, its end.

use std::{error::Error, net::SocketAddr, path::Path, time::Duration};

use metrics::{counter, gauge};
use tracing::{error, info, warn};

use super::{super::metric, cause::Causes};
use crate::model::ReloadOutcome;

/// A configuration was read and is in use.
#[derive(Debug)]
pub struct ConfigLoaded<'a> {
    /// Its main file.
    pub file: &'a Path,
    /// How many entities it names.
    pub entities: usize,
    /// How many rooms it manages.
    pub rooms: usize,
    /// How many warnings it gave.
    pub warnings: usize,
}

impl ConfigLoaded<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        let file = self.file.display();
        info!(%file, entities = self.entities, rooms = self.rooms, warnings = self.warnings, "config loaded");
        counter!(metric::CONFIG_LOADS).increment(1);
    }
}

/// The configuration's files changed while the house runs.
#[derive(Debug)]
pub struct ConfigReloaded<'a> {
    /// What became of it.
    pub outcome: ReloadOutcome,
    /// What differs from what ran before, in words.
    pub changes: &'a [String],
    /// Why the files aren't what runs.
    pub reasons: &'a [String],
}

impl ConfigReloaded<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        let (outcome, changes, reasons) = (self.outcome.as_str(), self.changes.join(" | "), self.reasons.join(" | "));
        if self.outcome.is_in_use() {
            info!(outcome, changes, "config reloaded");
        } else {
            warn!(outcome, changes, reasons, "config kept");
        }
        counter!(metric::CONFIG_RELOADS, "outcome" => outcome).increment(1);
    }
}

/// Something in the configuration has no effect, or a surprising one.
#[derive(Debug)]
pub struct ConfigWarned<'a> {
    /// What and where, in one line.
    pub warning: &'a str,
}

impl ConfigWarned<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        warn!(warning = self.warning, "config warned");
        counter!(metric::CONFIG_WARNINGS).increment(1);
    }
}

/// The limit on open files stays as low as it was; a large house may meet it.
#[derive(Debug)]
pub struct LimitKept<'a> {
    /// Why it couldn't be raised.
    pub error: &'a (dyn Error + 'a),
}

impl LimitKept<'_> {
    /// Logs it.
    pub fn emit(&self) {
        warn!(error = %Causes(self.error), "limit kept");
    }
}

/// The status server can be reached.
#[derive(Debug)]
pub struct HttpListening {
    /// Where.
    pub address: SocketAddr,
    /// Whether a caller must show a token.
    pub guarded: bool,
}

impl HttpListening {
    /// Logs it.
    pub fn emit(&self) {
        info!(address = %self.address, guarded = self.guarded, "http listening");
    }
}

/// The status was shown without what the store holds.
#[derive(Debug)]
pub struct StatusIncomplete<'a> {
    /// Why the store didn't tell.
    pub error: &'a (dyn Error + 'a),
}

impl StatusIncomplete<'_> {
    /// Logs it.
    pub fn emit(&self) {
        warn!(error = %Causes(self.error), "status incomplete");
    }
}

/// The homeserver doesn't answer, and we wait for it.
#[derive(Debug)]
pub struct HomeserverWaiting<'a> {
    /// Its base address.
    pub url: &'a str,
    /// Why, in plain words.
    pub reason: &'a str,
}

impl HomeserverWaiting<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        warn!(url = self.url, reason = self.reason, "homeserver waiting");
        gauge!(metric::HOMESERVER_UP).set(0.0);
    }
}

/// The homeserver answers, for the first time or again.
#[derive(Debug)]
pub struct HomeserverBack<'a> {
    /// Its base address.
    pub url: &'a str,
    /// How long we waited for it.
    pub waited: Duration,
}

impl HomeserverBack<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        let waited_ms = u64::try_from(self.waited.as_millis()).unwrap_or(u64::MAX);
        info!(url = self.url, waited_ms, "homeserver back");
        gauge!(metric::HOMESERVER_UP).set(1.0);
    }
}

/// Somebody wants the house to stop.
#[derive(Debug)]
pub struct SignalReceived<'a> {
    /// By which signal.
    pub signal: &'a str,
}

impl SignalReceived<'_> {
    /// Logs it.
    pub fn emit(&self) {
        info!(signal = self.signal, "signal received");
    }
}

/// The house was told to stop: nothing new begins.
#[derive(Debug)]
pub struct ShutdownBegan<'a> {
    /// By what.
    pub cause: &'a str,
}

impl ShutdownBegan<'_> {
    /// Logs it.
    pub fn emit(&self) {
        info!(cause = self.cause, "shutdown began");
    }
}

/// The house doesn't wait any longer for what still runs.
#[derive(Debug)]
pub struct ShutdownForced<'a> {
    /// By what.
    pub cause: &'a str,
}

impl ShutdownForced<'_> {
    /// Logs it.
    pub fn emit(&self) {
        warn!(cause = self.cause, "shutdown forced");
    }
}

/// Everything has ended.
#[derive(Debug)]
pub struct ShutdownDone {
    /// How long the process lived.
    pub uptime: Duration,
}

impl ShutdownDone {
    /// Logs it.
    pub fn emit(&self) {
        info!(uptime_s = self.uptime.as_secs(), "shutdown done");
    }
}

/// A task ended that should not have.
#[derive(Debug)]
pub struct TaskDied<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its panic's message; `None` when it simply returned.
    pub panic: Option<&'a str>,
}

impl TaskDied<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        error!(task = self.name, panic = self.panic, "task died");
        counter!(metric::TASK_DEATHS).increment(1);
    }
}
