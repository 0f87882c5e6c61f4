//! Who is in a room, asked once and remembered until somebody comes or goes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{sleep, timeout};

use crate::{
    matrix::{Lines, Presence, Retry},
    model::{Change, EntityName, RoomId, UserId},
};

/// How many rooms are remembered; with more, all are asked for again.
const ROOMS_MAX: usize = 10_000;
/// How long a room waits for one of us who can see who is in it. Until then nobody of us could speak there either.
const ASKING_TIME_MAX: Duration = Duration::from_mins(1);
/// The pause before it is asked again.
const ASKING_PAUSE: Duration = Duration::from_secs(1);

/// Who is in which room.
pub(super) struct Members {
    lines: Lines,
    /// A lock rather than a task: it is held for a look, and whoever admits must not wait for whoever asks.
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    rooms: BTreeMap<RoomId, Arc<BTreeSet<UserId>>>,
    /// Counts changes, so that an answer that was under way during one isn't remembered.
    changes: u64,
}

impl Members {
    /// Nobody is known yet.
    pub(super) fn new(lines: Lines) -> Self {
        Self { lines, known: Mutex::default() }
    }

    /// Somebody came or went.
    pub(super) fn note(&self, changes: &[Change]) {
        for change in changes {
            match change {
                Change::Joined { room } | Change::Departed { room, .. } | Change::MembersChanged { room } => {
                    let mut known = self.known();
                    known.changes += 1;
                    known.rooms.remove(room);
                }
                Change::Invited { .. } | Change::Encrypted { .. } | Change::Missed { .. } | Change::Upgraded { .. } => {
                }
            }
        }
    }

    /// Who is in `room`, as one of those `present` in it sees it. Who of them is about to come is waited for: at the start
    /// there are messages before there is anybody to ask. Nobody, when nobody could be asked in time.
    pub(super) async fn of(&self, room: &RoomId, present: &BTreeSet<EntityName>) -> Arc<BTreeSet<UserId>> {
        if present.is_empty() {
            return Arc::default();
        }
        // Without an answer it is asked again for the next message; this one is treated as one among many people.
        timeout(ASKING_TIME_MAX, self.asked(room, present)).await.unwrap_or_default()
    }

    async fn asked(&self, room: &RoomId, present: &BTreeSet<EntityName>) -> Arc<BTreeSet<UserId>> {
        let mut lines = self.lines.clone();
        loop {
            let changes = {
                let known = self.known();
                if let Some(members) = known.rooms.get(room) {
                    return Arc::clone(members);
                }
                known.changes
            };
            let Some(line) = present.iter().find_map(|entity| lines.of(entity)) else {
                lines.changed().await;
                continue;
            };
            match line.members(room.clone()).await {
                Ok(presences) => return self.remember(room, presences, changes),
                Err(error) if error.retry() == Retry::Never => return Arc::default(),
                Err(_) => sleep(ASKING_PAUSE).await,
            }
        }
    }

    fn remember(&self, room: &RoomId, presences: BTreeMap<UserId, Presence>, changes: u64) -> Arc<BTreeSet<UserId>> {
        let joined = presences.into_iter().filter(|(_, presence)| *presence == Presence::Joined);
        let members: Arc<BTreeSet<UserId>> = Arc::new(joined.map(|(user, _)| user).collect());
        let mut known = self.known();
        if known.changes == changes {
            if known.rooms.len() >= ROOMS_MAX {
                known.rooms.clear();
            }
            known.rooms.insert(room.clone(), Arc::clone(&members));
        }
        members
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
