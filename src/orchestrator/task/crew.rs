//! The crew: brings entities up in order, and afterwards whoever a changed configuration brings, changes or sends away.

use std::{collections::BTreeMap, future::pending, sync::Arc};

use tokio::sync::{Notify, Semaphore, mpsc, oneshot, watch};

use super::{
    boot::wait_for,
    bot::Bot,
    chance::Chance,
    farewell::Farewell,
    person::{PersonAtKeyboard, person_name},
    report::{Report, Wish},
    watcher::Readings,
};
use crate::{
    config::Config,
    desk::Inbox,
    llm::Models,
    matrix::{Homeserver, Lines},
    model::EntityName,
    nursery::{Nursery, Stop},
    orchestrator::plan::boot_plan,
    store::Store,
};

/// What everybody in the crew is made from.
#[derive(Clone)]
pub(super) struct Means {
    pub(super) config: watch::Receiver<Arc<Config>>,
    pub(super) homeserver: Arc<dyn Homeserver>,
    pub(super) store: Store,
    pub(super) lines: Lines,
    pub(super) desk: Inbox,
    pub(super) reports: mpsc::Sender<Report>,
    /// Where the keeper of rooms hears what to look after.
    pub(super) wishes: mpsc::Sender<Wish>,
    /// [`LOGIN_WEIGHT`](super::bot::LOGIN_WEIGHT) permits per login at a time.
    pub(super) logins: Arc<Semaphore>,
    /// The dice for everybody's pauses.
    pub(super) chance: Chance,
}

/// Somebody's task, and how to end it.
#[derive(Clone)]
pub(super) struct Aboard {
    stop: Stop,
    ended: Stop,
}

/// The task that starts and stops entities' tasks.
pub(super) struct Crew {
    pub(super) means: Means,
    /// The configuration that everybody looks at.
    pub(super) current: watch::Sender<Arc<Config>>,
    pub(super) models: Models,
    nursery: Nursery,
    aboard: BTreeMap<EntityName, Aboard>,
    /// Those who are saying farewell: told to stop that, they stay.
    leaving: BTreeMap<EntityName, Aboard>,
    /// Whether the configuration's files weren't what runs when they were read last.
    pub(super) was_wrong: bool,
    /// Whether everybody was started, as happens when the router is up.
    pub(super) is_complete: bool,
}

impl Aboard {
    /// Ends the task and waits until it has ended.
    pub(super) async fn end(&self) {
        self.stop.ask();
        self.ended.soft().await;
    }
}

impl Crew {
    pub(super) fn new(nursery: Nursery, means: Means, current: watch::Sender<Arc<Config>>, models: Models) -> Self {
        let (aboard, leaving) = (BTreeMap::new(), BTreeMap::new());
        Self { means, current, models, nursery, aboard, leaving, was_wrong: false, is_complete: false }
    }

    /// Works until told to stop.
    pub(super) async fn run(mut self, readings: Readings, router_up: Arc<Notify>) {
        let stop = self.nursery.stop().clone();
        tokio::select! {
            biased;
            () = stop.soft() => {}
            () = self.work(readings, router_up) => {}
        }
    }

    async fn work(&mut self, mut readings: Readings, router_up: Arc<Notify>) {
        let config = Arc::clone(&self.current.borrow());
        self.person().await;
        let router = config.router().name.clone();
        wait_for(&self.means, &config.homeserver.url).await;
        self.start(&router).await;
        let mut is_watched = true;
        loop {
            tokio::select! {
                biased;
                () = router_up.notified(), if !self.is_complete => self.complete().await,
                changed = readings.changed(), if is_watched => {
                    is_watched = changed.is_ok();
                    let reading = readings.borrow_and_update().clone();
                    if let Some(reading) = reading.filter(|_| is_watched) {
                        self.take(&reading).await;
                    }
                }
                // Where no files are watched there is nothing left to hear once everybody was started.
                () = pending() => {}
            }
        }
    }

    /// The router is up: everybody else comes, as many at a time as may log in.
    async fn complete(&mut self) {
        self.is_complete = true;
        let config = Arc::clone(&self.current.borrow());
        for name in boot_plan(&config).then {
            self.start(&name).await;
        }
        self.retire_left_over(&config).await;
    }

    /// Starts `entity`, or has it stay where it is just leaving.
    pub(super) async fn start(&mut self, entity: &EntityName) {
        if let Some(farewell) = self.leaving.remove(entity) {
            farewell.end().await;
            self.means.note_stay(entity).await;
        }
        if self.aboard.get(entity).is_some_and(|aboard| !aboard.stop.is_soft()) {
            return;
        }
        let Some(configured) = self.current.borrow().entity(entity).cloned() else { return };
        let Means { config, homeserver, store, desk, reports, logins, chance, .. } = self.means.clone();
        let bot = Bot { entity: configured, config, homeserver, store, desk, reports, logins, chance };
        let aboard = self.task(&format!("bot:{entity}"), |stop| bot.run(stop));
        self.aboard.insert(entity.clone(), aboard);
    }

    /// Whether `entity` is here, be it on its way out.
    pub(super) fn has(&self, entity: &EntityName) -> bool {
        self.aboard.get(entity).is_some_and(|aboard| !aboard.stop.is_soft())
    }

    /// Has `entity` begin anew where it was.
    pub(super) async fn restart(&mut self, entity: &EntityName) {
        let Some(aboard) = self.aboard.remove(entity) else { return };
        aboard.end().await;
        self.means.hang_up(entity).await;
        self.start(entity).await;
    }

    /// Sends `entity` away once it has ended what it is saying. Nobody waits for that.
    pub(super) async fn dismiss(&mut self, entity: &EntityName, old: &Config) {
        let retires = old.entity(entity).is_some_and(|gone| self.current.borrow().accounts.retires(gone));
        if retires {
            self.means.note_retirement(entity).await;
        }
        let Some(aboard) = self.aboard.get(entity).cloned() else { return };
        let farewell = Farewell {
            entity: entity.clone(),
            means: self.means.clone(),
            aboard,
            retires,
            rooms: old.entity(entity).map(|entity| entity.rooms.clone()).unwrap_or_default(),
            time: old.conversation.turn_timeout,
        };
        let leaving = self.task(&format!("farewell:{entity}"), |stay| farewell.run(stay));
        self.leaving.insert(entity.clone(), leaving);
        self.forget_gone();
    }

    /// Has the account of an entity that is here no longer deactivated. Nobody waits for that.
    pub(super) fn part_with(&mut self, entity: EntityName) {
        let (means, name) = (self.means.clone(), entity.clone());
        let leaving =
            self.task(&format!("retirement:{entity}"), |stay| async move { means.retire(&name, &stay).await });
        self.leaving.insert(entity, leaving);
    }

    fn forget_gone(&mut self) {
        // Whoever has gone is forgotten, so that the list doesn't grow with every name there ever was.
        self.leaving.retain(|_, farewell| !farewell.ended.is_soft());
        let leaving = &self.leaving;
        self.aboard.retain(|name, aboard| !aboard.ended.is_soft() || leaving.contains_key(name));
    }

    /// Signs the person at the keyboard in, in anew, or looks after them no longer, as the configuration has it.
    pub(super) async fn person(&mut self) {
        let name = person_name();
        if let Some(aboard) = self.aboard.remove(&name) {
            aboard.end().await;
            self.means.hang_up(&name).await;
        }
        let Some(person) = self.current.borrow().user.clone() else { return };
        let Means { homeserver, store, reports, chance, .. } = self.means.clone();
        let person = PersonAtKeyboard { person, homeserver, store, reports, chance };
        let aboard = self.task("person", |stop| person.run(stop));
        self.aboard.insert(name, aboard);
    }

    /// Starts a task that ends when it is told to. It never does before; a panic in it is reported all the same.
    fn task<F>(&self, name: &str, work: impl FnOnce(Stop) -> F) -> Aboard
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let aboard = Aboard { stop: self.nursery.stop().child(), ended: Stop::default() };
        let (work, ended) = (work(aboard.stop.clone()), aboard.ended.clone());
        self.nursery.once(name, async move {
            work.await;
            ended.ask();
        });
        aboard
    }
}

impl Means {
    /// Has everybody let go of `entity`'s line, and closes it.
    pub(super) async fn hang_up(&self, entity: &EntityName) {
        let (done, gone) = oneshot::channel();
        // Both are gone only when everything ends.
        drop(self.reports.send(Report::Gone { entity: entity.clone(), done }).await);
        drop(gone.await);
    }

    /// Tells the keeper of rooms.
    pub(super) async fn wish(&self, wish: Wish) {
        // It is gone only when everything ends.
        drop(self.wishes.send(wish).await);
    }
}
