//! The farewell of an entity that the configuration names no longer: what it is saying is said, then it leaves and stops.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::{self, Instant};

use super::{
    crew::{Aboard, Means},
    report::Wish,
};
use crate::{
    model::{EntityName, RoomId, RoomKey},
    nursery::Stop,
    observe::{ErrandFailed, RoomLeft},
    store::{Membership, StoreError},
};

/// How often is looked whether it is done.
const LOOK_PAUSE: Duration = Duration::from_millis(500);
/// How long leaving one room may take.
const LEAVE_TIME_MAX: Duration = Duration::from_secs(30);

/// Somebody who goes.
pub(super) struct Farewell {
    pub(super) entity: EntityName,
    pub(super) means: Means,
    pub(super) aboard: Aboard,
    /// Where it belonged.
    pub(super) rooms: Vec<RoomKey>,
    /// Whether its account is deactivated then.
    pub(super) retires: bool,
    /// How long an answer may take; nobody waits longer for the last one.
    pub(super) time: Duration,
}

impl Farewell {
    /// Goes, unless told to stay before it has gone.
    pub(super) async fn run(self, stay: Stop) {
        tokio::select! {
            biased;
            () = stay.soft() => return,
            () = self.leave() => {}
        }
        self.aboard.end().await;
        self.means.hang_up(&self.entity).await;
        // Where it couldn't leave by itself, the router takes it out.
        for key in &self.rooms {
            self.means.wish(Wish::Visit(key.clone())).await;
        }
        if self.retires {
            self.means.retire(&self.entity, &stay).await;
        }
    }

    async fn leave(&self) {
        let until = Instant::now() + self.time;
        loop {
            match self.is_busy().await {
                Ok(false) => break,
                Ok(true) => {}
                Err(error) => ErrandFailed { errand: "see whether an entity may go", error: &error }.emit(),
            }
            if Instant::now() >= until {
                break;
            }
            time::sleep(LOOK_PAUSE).await;
        }
        let rooms = match self.inside().await {
            Ok(rooms) => rooms,
            Err(error) => {
                ErrandFailed { errand: "find the rooms of an entity that goes", error: &error }.emit();
                return;
            }
        };
        let Some(line) = self.means.lines.of(&self.entity) else { return };
        for room in rooms {
            match time::timeout(LEAVE_TIME_MAX, line.leave(room.clone())).await {
                Ok(Ok(())) => RoomLeft { entity: &self.entity, room: &room }.emit(),
                Ok(Err(error)) => ErrandFailed { errand: "leave a room for good", error: &error }.emit(),
                Err(late) => ErrandFailed { errand: "leave a room for good", error: &late }.emit(),
            }
        }
    }

    /// Whether it has something to say yet.
    async fn is_busy(&self) -> Result<bool, StoreError> {
        let unfinished = self.means.store.unfinished().await?;
        let running = unfinished.turns.iter().map(|turn| &turn.responder);
        let waiting = unfinished.queued.iter().map(|envelope| &envelope.responder);
        Ok(running.chain(waiting).any(|responder| responder.names().contains(&self.entity)))
    }

    /// The managed rooms that it is in.
    async fn inside(&self) -> Result<BTreeSet<RoomId>, StoreError> {
        let memberships = self.means.store.memberships(&self.entity).await?;
        let managed = self.means.store.rooms().await?.into_iter().map(|managed| managed.room);
        Ok(managed.filter(|room| memberships.get(room) == Some(&Membership::Joined)).collect())
    }
}
