//! Keeps rooms as configured: looks after those that need it, answers invitations, follows upgrades.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time,
};

use super::{
    chance::Chance,
    errands,
    lines::{Lines, RoomError},
    person::person_name,
    report::{Arrival, QUIET_PAUSE, Report, Wish},
    room::{self, Caption, Visit},
    space,
};
use crate::{
    config::Config,
    matrix::{Homeserver, MatrixError, Retry, Session},
    model::{EntityName, RoomId, RoomKey},
    nursery::Stop,
    observe::{self, ErrandFailed, RoomTroubled},
    orchestrator::agenda::{Agenda, Chore},
    store::{Membership, Store},
};

/// How many chores are done at the same time.
const CHORES_AT_ONCE_MAX: usize = 4;
/// How long one chore may take before it is tried again.
const CHORE_TIME_MAX: Duration = Duration::from_mins(3);

/// When a room is looked after again in which somebody who has to leave it is just saying something.
const BUSY_PAUSE: Duration = Duration::from_secs(1);

/// Where the keeper of rooms hears of things.
pub(super) struct Inlets {
    /// Who came and went.
    pub(super) arrivals: mpsc::Receiver<(EntityName, Arrival)>,
    /// What is asked for.
    pub(super) wishes: mpsc::Receiver<Wish>,
    /// Rung when something came in that must be acted on.
    pub(super) action: Arc<Notify>,
}

/// The task's state.
pub(super) struct Rooms {
    config: Arc<Config>,
    store: Store,
    homeserver: Arc<dyn Homeserver>,
    reports: mpsc::Sender<Report>,
    chance: Chance,
    lines: Arc<Lines>,
    agenda: Agenda,
    /// Who is where, as far as this run has seen.
    housed: BTreeSet<(EntityName, RoomKey)>,
    ids: BTreeMap<RoomKey, RoomId>,
    /// What rooms are called whose new name or topic isn't shown yet.
    captions: BTreeMap<RoomKey, Caption>,
    /// What was last said about each room in trouble, so that it isn't said again and again.
    troubles: BTreeMap<String, String>,
}

/// Closes what somebody who went used.
async fn part(lines: Vec<Arc<dyn Session>>, done: oneshot::Sender<()>) {
    for line in lines {
        line.close().await;
    }
    // Whoever waits hears that.
    drop(done);
}

/// A chore that came to its end, and how.
enum Finished {
    Errands(Result<errands::Done, RoomError>),
    Room(RoomKey, Result<Option<Visit>, RoomError>),
    Space(Result<RoomId, RoomError>),
}

impl Rooms {
    pub(super) fn new(
        config: Arc<Config>,
        store: Store,
        homeserver: Arc<dyn Homeserver>,
        reports: mpsc::Sender<Report>,
        chance: Chance,
    ) -> Self {
        let (lines, agenda, troubles) = (Arc::default(), Agenda::default(), BTreeMap::new());
        let (housed, ids, captions) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
        Self { config, store, homeserver, reports, chance, lines, agenda, housed, ids, captions, troubles }
    }

    /// Works until told to stop.
    pub(super) async fn run(self, inlets: Inlets, stop: Stop) {
        tokio::select! {
            biased;
            () = stop.soft() => {}
            () = self.work(inlets) => {}
        }
    }

    async fn work(mut self, Inlets { mut arrivals, mut wishes, action }: Inlets) {
        self.recall_encrypted().await;
        let mut chores = FuturesUnordered::new();
        // Lines close beside the chores, which may still be using them.
        let mut partings: FuturesUnordered<BoxFuture<'static, ()>> = FuturesUnordered::new();
        loop {
            let now = observe::now();
            // Without the router nothing can be done; what is asked for waits for it.
            if self.lines.contains_key(&self.config.router().name) {
                let due = self.agenda.take_up(now, CHORES_AT_ONCE_MAX);
                chores.extend(due.into_iter().map(|chore| self.begin(chore)));
            }
            let idle = self.agenda.next_at().map(|due| due.since(now));
            let router_up = self.lines.contains_key(&self.config.router().name);
            let may_begin = router_up && chores.len() < CHORES_AT_ONCE_MAX;
            tokio::select! {
                biased;
                arrival = arrivals.recv() => match arrival {
                    Some((entity, Arrival::Here(session))) => self.arrive(entity, session).await,
                    Some((entity, Arrival::Gone { unheard, done })) => {
                        let known = Arc::make_mut(&mut self.lines).remove(&entity);
                        partings.push(part(known.into_iter().chain(unheard).collect(), done).boxed());
                    }
                    None => return,
                },
                Some(()) = partings.next(), if !partings.is_empty() => {}
                Some(wish) = wishes.recv() => self.heed(wish).await,
                () = action.notified() => self.agenda.ask(Chore::Errands, observe::now()),
                Some(finished) = chores.next(), if !chores.is_empty() => self.finish(finished).await,
                () = time::sleep(idle.unwrap_or_default()), if may_begin && idle.is_some() => {}
            }
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

    async fn heed(&mut self, wish: Wish) {
        let now = observe::now();
        match wish {
            Wish::Renew(config) => {
                for (key, was) in &self.config.rooms {
                    let (was, now) = (Caption::of(was), config.rooms.get(key).map(Caption::of));
                    if now.is_some_and(|now| now != was) {
                        self.captions.entry(key.clone()).or_insert(was);
                    }
                }
                self.config = config;
                let config = &self.config;
                let is_inside = |entity: &EntityName, key: &RoomKey| {
                    config.entity(entity).is_some_and(|entity| entity.rooms.contains(key))
                };
                self.housed.retain(|(entity, key)| is_inside(entity, key));
                self.ids.retain(|key, _| config.rooms.contains_key(key));
                self.captions.retain(|key, _| config.rooms.contains_key(key));
                self.troubles.retain(|key, _| config.rooms.keys().any(|other| other.as_str() == key));
                let names: Vec<EntityName> = config.entities.iter().map(|entity| entity.name.clone()).collect();
                for name in names {
                    self.tell_housed(&name).await;
                }
            }
            Wish::Visit(key) => self.agenda.ask(Chore::Room(key), now),
            Wish::Space => self.ask_for_space(),
        }
    }

    async fn arrive(&mut self, entity: EntityName, session: Arc<dyn Session>) {
        let now = observe::now();
        Arc::make_mut(&mut self.lines).insert(entity.clone(), session);
        // What was waiting for it can be done now.
        self.agenda.ask(Chore::Errands, now);
        if entity == self.config.router().name || entity == person_name() {
            self.config.rooms.keys().for_each(|key| self.agenda.ask(Chore::Room(key.clone()), now));
            self.ask_for_space();
            return self.tell_housed(&entity).await;
        }
        let Some(configured) = self.config.entity(&entity) else { return };
        // A store that fails here says no membership; the visits then find out.
        let memberships = self.store.memberships(&entity).await.unwrap_or_default();
        let is_inside = |id: &RoomId| memberships.get(id) == Some(&Membership::Joined);
        for key in &configured.rooms {
            if self.ids.get(key).is_some_and(is_inside) {
                self.housed.insert((entity.clone(), key.clone()));
            } else {
                self.agenda.ask(Chore::Room(key.clone()), now);
            }
        }
        // Rooms that no longer name it are among those that were looked after before: look again if it is in one.
        for (key, id) in &self.ids {
            if !configured.rooms.contains(key) && is_inside(id) {
                self.agenda.ask(Chore::Room(key.clone()), now);
            }
        }
        self.tell_housed(&entity).await;
    }

    /// Begins a chore. It owns what it needs, so that arrivals are taken in while it lasts.
    fn begin(&self, chore: Chore) -> BoxFuture<'static, Finished> {
        let (config, store, lines) = (Arc::clone(&self.config), self.store.clone(), Arc::clone(&self.lines));
        let late = || MatrixError::TimedOut { after: CHORE_TIME_MAX }.into();
        match chore {
            Chore::Errands => async move {
                let work = time::timeout(CHORE_TIME_MAX, errands::run(&config, &store, &lines));
                Finished::Errands(work.await.unwrap_or_else(|_| Err(late())))
            }
            .boxed(),
            Chore::Room(key) => {
                let shown = self.captions.get(&key).cloned();
                async move {
                    let visit = room::look_after(&config, &store, &lines, &key, shown.as_ref());
                    let visit = time::timeout(CHORE_TIME_MAX, visit).await.unwrap_or_else(|_| Err(late()));
                    Finished::Room(key, visit)
                }
                .boxed()
            }
            Chore::Space => {
                let rooms = self.ids.clone();
                async move {
                    let work = time::timeout(CHORE_TIME_MAX, space::look_after(&config, &store, &lines, &rooms));
                    Finished::Space(work.await.unwrap_or_else(|_| Err(late())))
                }
                .boxed()
            }
        }
    }

    async fn finish(&mut self, finished: Finished) {
        match finished {
            Finished::Errands(done) => self.finish_errands(done),
            Finished::Room(key, visit) => self.finish_visit(key, visit).await,
            Finished::Space(outcome) => {
                let name = self.config.space.as_ref().map(|space| space.name.as_str()).unwrap_or_default();
                let (room, trouble) = outcome.map_or_else(|error| (None, Some(error)), |room| (Some(room), None));
                self.conclude(Chore::Space, &format!("space {name}"), room, trouble).await;
            }
        }
    }

    fn finish_errands(&mut self, done: Result<errands::Done, RoomError>) {
        let now = observe::now();
        let outcome = match done {
            Ok(done) => {
                done.rooms_touched.into_iter().for_each(|key| self.agenda.ask(Chore::Room(key), now));
                if done.something_waits { Err(Retry::Soon) } else { Ok(()) }
            }
            Err(error) => {
                ErrandFailed { errand: "look for invitations and upgrades", error: &error }.emit();
                Err(error.retry())
            }
        };
        self.agenda.done(&Chore::Errands, now, outcome, self.chance.share());
    }

    async fn finish_visit(&mut self, key: RoomKey, visit: Result<Option<Visit>, RoomError>) {
        if let Ok(Some(Visit { caption: Some(shown), .. })) = &visit
            && self.captions.contains_key(&key)
        {
            // It may have changed once more since the visit began.
            if self.config.rooms.get(&key).map(Caption::of).as_ref() == Some(shown) {
                self.captions.remove(&key);
            } else {
                self.captions.insert(key.clone(), shown.clone());
            }
        }
        let (room, settled, busy, trouble) = match visit {
            Ok(Some(visit)) => (Some(visit.room), visit.settled, visit.somebody_is_busy, visit.trouble),
            Ok(None) => (None, BTreeSet::new(), false, None),
            Err(error) => (None, BTreeSet::new(), false, Some(error)),
        };
        if !self.config.rooms.contains_key(&key) {
            // Nobody wants to hear of it any more; only those who have to leave it matter, as long as somebody can make them.
            let outcome = match trouble.map(|error| error.retry()) {
                None | Some(Retry::Never) if !busy => Ok(()),
                None | Some(Retry::Never) => Err(Retry::Soon),
                Some(retry @ (Retry::Soon | Retry::After(_))) => Err(retry),
            };
            return self.agenda.done(&Chore::Room(key), observe::now(), outcome, self.chance.share());
        }
        if let Some(room) = &room
            && self.ids.insert(key.clone(), room.clone()).as_ref() != Some(room)
        {
            self.ask_for_space();
        }
        self.housed.extend(settled.iter().map(|entity| (entity.clone(), key.clone())));
        self.conclude(Chore::Room(key.clone()), key.as_str(), room, trouble).await;
        if busy {
            self.agenda.ask_later(Chore::Room(key.clone()), observe::now(), BUSY_PAUSE);
        }
        let belonging = self.config.entities.iter().filter(|entity| entity.rooms.contains(&key));
        for entity in belonging.map(|entity| entity.name.clone()).collect::<Vec<_>>() {
            self.tell_housed(&entity).await;
        }
    }

    /// Notes how a chore ended, and says what is wrong where that is news.
    async fn conclude(&mut self, chore: Chore, name: &str, room: Option<RoomId>, trouble: Option<RoomError>) {
        let outcome = trouble.as_ref().map_or(Ok(()), |error| Err(error.retry()));
        self.agenda.done(&chore, observe::now(), outcome, self.chance.share());
        let said = trouble.as_ref().map(ToString::to_string);
        if let (Some(error), Some(said)) = (&trouble, &said)
            && self.troubles.insert(name.to_owned(), said.clone()).as_ref() != Some(said)
        {
            RoomTroubled { key: name, error }.emit();
        }
        if said.is_none() {
            self.troubles.remove(name);
        }
        self.tell(Report::Room { key: name.to_owned(), room, trouble: said }).await;
    }

    fn ask_for_space(&mut self) {
        if self.config.space.is_some() {
            self.agenda.ask(Chore::Space, observe::now());
        }
    }

    /// Reports whether `entity` is in every room it should be in, and else which are missing.
    async fn tell_housed(&self, entity: &EntityName) {
        let Some(configured) = self.config.entity(entity) else { return };
        if !self.lines.contains_key(entity) {
            return;
        }
        let is_missing = |key: &&RoomKey| !self.housed.contains(&(entity.clone(), (*key).clone()));
        let missing: Vec<RoomKey> = configured.rooms.iter().filter(is_missing).cloned().collect();
        self.tell(Report::Housed { entity: entity.clone(), missing }).await;
    }

    async fn tell(&self, report: Report) {
        // The house is gone only when everything ends.
        drop(self.reports.send(report).await);
    }
}
