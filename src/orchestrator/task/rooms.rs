//! Keeps rooms as configured: looks after those that need it, answers invitations, follows upgrades.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use tokio::{
    sync::{Notify, mpsc},
    time::{self, Instant},
};

use super::{bot::QUIET_PAUSE, errands, house::Report, person::person_name, room, space};
use crate::{
    config::Config,
    matrix::{Homeserver, MatrixError, Session},
    model::{EntityName, RoomId, RoomKey},
    nursery::Stop,
    observe::{ErrandFailed, RoomTroubled},
    store::{Membership, Store, StoreError},
};

/// How many rooms are looked after at the same time.
const ROOMS_AT_ONCE_MAX: usize = 4;
/// How long to wait before a room in trouble is looked after again.
const TROUBLE_PAUSE: Duration = Duration::from_secs(10);

/// An entity, or the person, is up and can act.
pub(super) struct Arrival {
    /// Who.
    pub(super) entity: EntityName,
    /// Its line.
    pub(super) session: Arc<dyn Session>,
}

/// Everybody who can act, by name.
pub(super) type Lines = BTreeMap<EntityName, Arc<dyn Session>>;

/// What goes wrong around rooms.
#[derive(Debug, thiserror::Error)]
pub(super) enum RoomError {
    /// The homeserver said no, or nothing.
    #[error(transparent)]
    Homeserver(#[from] MatrixError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The router isn't in the room and can't get in.
    #[error("{router} can't get into {room}: invite it there ({cause})")]
    RouterOutside {
        /// The router's user id.
        router: String,
        /// The room as configured.
        room: String,
        /// What the homeserver said.
        cause: String,
    },
}

/// The task's state.
pub(super) struct Rooms {
    config: Arc<Config>,
    store: Store,
    reports: mpsc::Sender<Report>,
    lines: Lines,
    /// Rooms that need looking after.
    dirty: BTreeSet<RoomKey>,
    /// Who is where, as far as this run has seen.
    housed: BTreeSet<(EntityName, RoomKey)>,
    ids: BTreeMap<RoomKey, RoomId>,
    homeserver: Arc<dyn Homeserver>,
}

impl Rooms {
    pub(super) fn new(
        config: Arc<Config>,
        store: Store,
        homeserver: Arc<dyn Homeserver>,
        reports: mpsc::Sender<Report>,
    ) -> Self {
        let (lines, dirty, housed, ids) = (Lines::new(), BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
        Self { config, store, reports, lines, dirty, housed, ids, homeserver }
    }

    /// Works until told to stop.
    pub(super) async fn run(self, arrived: mpsc::Receiver<Arrival>, action: Arc<Notify>, stop: Stop) {
        tokio::select! {
            biased;
            () = stop.soft() => {}
            () = self.work(arrived, action) => {}
        }
    }

    async fn work(mut self, mut arrived: mpsc::Receiver<Arrival>, action: Arc<Notify>) {
        self.recall_encrypted().await;
        let mut look_again = Instant::now() + QUIET_PAUSE;
        let mut errands_wait = true;
        loop {
            tokio::select! {
                arrival = arrived.recv() => match arrival {
                    Some(arrival) => self.arrive(arrival).await,
                    None => return,
                },
                () = action.notified() => errands_wait = true,
                () = time::sleep_until(look_again), if errands_wait || !self.dirty.is_empty() => {}
            }
            while let Ok(arrival) = arrived.try_recv() {
                self.arrive(arrival).await;
            }
            if !self.lines.contains_key(&self.config.router().name) {
                continue;
            }
            if errands_wait {
                errands_wait = self.errands().await;
            }
            self.look_after_rooms().await;
            look_again = Instant::now() + TROUBLE_PAUSE;
        }
    }

    /// Tells the door which rooms must never see plaintext. Until it knows, nobody is in a room to speak there.
    async fn recall_encrypted(&self) {
        loop {
            match self.store.encrypted_rooms().await {
                Ok(rooms) => return self.homeserver.remember_encrypted(&rooms.into_iter().collect::<Vec<_>>()),
                Err(error) => {
                    ErrandFailed { errand: "recall which rooms are encrypted", error: &error }.emit();
                    time::sleep(QUIET_PAUSE).await;
                }
            }
        }
    }

    async fn arrive(&mut self, Arrival { entity, session }: Arrival) {
        self.lines.insert(entity.clone(), session);
        if entity == self.config.router().name || entity == person_name() {
            self.dirty.extend(self.config.rooms.keys().cloned());
            return self.tell_housed(&entity).await;
        }
        let Some(configured) = self.config.entity(&entity) else { return };
        let memberships = self.store.memberships(&entity).await.unwrap_or_default();
        for key in &configured.rooms {
            let inside = self.ids.get(key).is_some_and(|id| memberships.get(id) == Some(&Membership::Joined));
            if inside {
                self.housed.insert((entity.clone(), key.clone()));
            } else {
                self.dirty.insert(key.clone());
            }
        }
        // Rooms that no longer name it are among those that were looked after before: look again if it is in one.
        let named: BTreeSet<&RoomKey> = configured.rooms.iter().collect();
        let others = self.ids.iter().filter(|(key, _)| !named.contains(key));
        let left_behind = others.filter(|(_, id)| memberships.get(*id) == Some(&Membership::Joined));
        self.dirty.extend(left_behind.map(|(key, _)| key.clone()));
        self.tell_housed(&entity).await;
    }

    /// Answers invitations and follows upgrades. Tells whether something has to wait.
    async fn errands(&mut self) -> bool {
        let done = errands::run(&self.config, &self.store, &self.lines).await;
        match done {
            Ok(done) => {
                self.dirty.extend(done.rooms_moved);
                done.something_waits
            }
            Err(error) => {
                ErrandFailed { errand: "look for invitations and upgrades", error: &error }.emit();
                true
            }
        }
    }

    async fn look_after_rooms(&mut self) {
        let keys: Vec<RoomKey> = std::mem::take(&mut self.dirty).into_iter().collect();
        let (config, store, lines) = (&self.config, &self.store, &self.lines);
        let visits: Vec<_> = stream::iter(keys)
            .map(async |key| {
                let visit = room::look_after(config, store, lines, &key).await;
                (key, visit)
            })
            .buffer_unordered(ROOMS_AT_ONCE_MAX)
            .collect()
            .await;
        let mut seen = BTreeSet::new();
        for (key, visit) in visits {
            let (room, trouble) = match visit {
                Ok(visit) => {
                    self.ids.insert(key.clone(), visit.room.clone());
                    for entity in visit.inside {
                        seen.insert(entity.clone());
                        self.housed.insert((entity, key.clone()));
                    }
                    (Some(visit.room), None)
                }
                Err(error) => {
                    RoomTroubled { key: &key, error: &error }.emit();
                    self.dirty.insert(key.clone());
                    (None, Some(error.to_string()))
                }
            };
            // The house is gone only when everything ends.
            drop(self.reports.send(Report::Room { key, room, trouble }).await);
        }
        if let Err(error) = space::look_after_space(&self.config, &self.store, &self.lines, &self.ids).await
            && let Some(key) = self.config.rooms.keys().next()
        {
            RoomTroubled { key, error: &error }.emit();
            self.dirty.insert(key.clone());
        }
        for entity in seen {
            self.tell_housed(&entity).await;
        }
    }

    /// Reports `entity` once it is in every room it should be in.
    async fn tell_housed(&self, entity: &EntityName) {
        let Some(configured) = self.config.entity(entity) else { return };
        let everywhere = configured.rooms.iter().all(|key| self.housed.contains(&(entity.clone(), key.clone())));
        if everywhere && self.lines.contains_key(entity) {
            // The house is gone only when everything ends.
            drop(self.reports.send(Report::Housed { entity: entity.clone() }).await);
        }
    }
}
