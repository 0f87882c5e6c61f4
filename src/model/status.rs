//! The state of the house as shown to operators: one value, written by the orchestrator, read by everybody else.

use serde::{Deserialize, Serialize};

use super::{EntityKind, EntityName, Millis, RoomId, TurnId, UserId};

/// The whole picture at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The program's version.
    pub version: String,
    /// When this process started.
    pub started_at: Millis,
    /// When this picture was taken.
    pub taken_at: Millis,
    /// The homeserver's base address.
    pub homeserver: String,
    /// Whether everything that is configured is up.
    pub ready: bool,
    /// What the house is doing as a whole, in plain words: `waiting for the homeserver`, `running`, `stopping` …
    pub doing: String,
    /// Every entity, router first.
    pub entities: Vec<EntityStatus>,
    /// Every managed room.
    pub rooms: Vec<RoomStatus>,
    /// What has been admitted so far.
    pub counts: Counts,
    /// Answers that were given up until somebody has them tried again.
    #[serde(default)]
    pub parked: Parked,
    /// What became of the configuration's files when they changed: the last few times, newest first.
    #[serde(default)]
    pub reloads: Vec<Reload>,
}

/// What became of the configuration's files once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reload {
    /// When they were read.
    pub at: Millis,
    /// What became of them.
    pub outcome: ReloadOutcome,
    /// What differs from what ran before, in words.
    pub changes: Vec<String>,
    /// Why they aren't what runs, in plain words.
    pub reasons: Vec<String>,
}

/// What became of changed files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReloadOutcome {
    /// They are what runs now.
    Applied,
    /// They mean what runs already.
    Unchanged,
    /// Something is wrong with them.
    Invalid,
    /// They ask for something that can't change while the house runs.
    Refused,
    /// Something that they ask for didn't work, and what was done for it was undone.
    RolledBack,
}

impl ReloadOutcome {
    /// The word that the status shows.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Invalid => "invalid",
            Self::Refused => "refused",
            Self::RolledBack => "rolled_back",
        }
    }

    /// Whether the files are what runs.
    #[must_use]
    pub fn is_in_use(self) -> bool {
        match self {
            Self::Applied | Self::Unchanged => true,
            Self::Invalid | Self::Refused | Self::RolledBack => false,
        }
    }
}

/// Answers that failed for good, or broke down again and again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Parked {
    /// How many there are.
    pub count: u64,
    /// The newest of them, newest first: what `!retry` takes.
    pub newest: Vec<TurnId>,
}

/// One entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EntityStatus {
    /// Its name in the configuration.
    pub name: EntityName,
    /// Router, agent or team.
    pub kind: EntityKind,
    /// Its Matrix user, once known.
    pub user: Option<UserId>,
    /// Where it stands.
    pub phase: Phase,
    /// Why it isn't ready, in plain words.
    pub reason: Option<String>,
    /// How often its sync loop was restarted since the process began.
    pub restarts: u64,
    /// When the next try is due, while it is backing off or down.
    pub next_try_at: Option<Millis>,
    /// When its sync loop last made progress.
    pub synced_at: Option<Millis>,
}

/// Where an entity stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Not begun, or logging in, or syncing for the first time.
    Starting,
    /// Logged in, in its rooms, syncing.
    Ready,
    /// Its loop failed and will be restarted.
    BackingOff,
    /// It cannot log in; tried again slowly.
    Down,
    /// Told to stop.
    Stopped,
}

impl Phase {
    /// The word that the status shows.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::BackingOff => "backing_off",
            Self::Down => "down",
            Self::Stopped => "stopped",
        }
    }
}

/// One managed room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoomStatus {
    /// Its key in the configuration.
    pub key: String,
    /// Its id, once known.
    pub room: Option<RoomId>,
    /// What is wrong with it, in plain words.
    pub trouble: Option<String>,
}

/// What the journal holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Events admitted that may call for an answer.
    pub live: u64,
    /// Events kept as context only.
    pub history: u64,
    /// Events nobody of ours can read yet.
    pub sealed: u64,
    /// Events that could not be read at first and became readable.
    pub healed: u64,
    /// Rooms that events came from.
    pub rooms: u64,
}
