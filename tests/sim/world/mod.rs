//! The world: a homeserver and the people on it, which outlive every crash of the program.
//!
//! It stands where the real one would, below the catch-up: it answers the verbs of `matrix::Homeserver` and `matrix::Session`
//! as Synapse and our adapter do together, and fails as they would when its [`Faults`] say so. It has no task of its own:
//! what arrives late is carried out by whoever looks next.

mod faults;
mod hub;
mod line;
mod rooms;
mod server;
mod stream;
mod sync;
#[cfg(test)]
mod tests;
mod verbs;
mod wire;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use maitre::{
    matrix::{AccountBook, Homeserver},
    model::{EventId, RoomId, UserId},
};
use serde_json::{Value, json};
use tokio::{sync::Notify, time::Instant};

pub(crate) use faults::Faults;
use hub::Hub;
pub(crate) use rooms::Seen;
use server::Server;

use crate::dice::Dice;

/// The homeserver's name.
const SERVER: &str = "home";

/// The world. Clones are the same one.
#[derive(Clone)]
pub(crate) struct World {
    server: Arc<Mutex<Server>>,
    /// Rung when something was added to a stream. It wakes in the order of waiting.
    changed: Arc<Notify>,
    dice: Dice,
}

impl World {
    /// A world without rooms, that fails as `faults` say.
    pub(crate) fn new(dice: Dice, faults: Faults) -> Self {
        Self { server: Arc::new(Mutex::new(Server::new(faults))), changed: Arc::default(), dice }
    }

    /// From now on it fails like this.
    pub(crate) fn set_faults(&self, faults: Faults) {
        self.with(|server| server.faults = faults);
    }

    /// A new life of the program begins: what earlier ones asked gets no answer any more.
    pub(crate) fn homeserver(&self, accounts: Arc<dyn AccountBook>) -> Arc<dyn Homeserver> {
        let life = self.with(|server| server.begin_life(&self.dice));
        Arc::new(Hub { world: self.clone(), accounts, life })
    }

    /// Somebody with an account of their own.
    pub(crate) fn person(&self, name: &str) -> UserId {
        let user = user(name);
        self.with(|server| server.make_user(&user, None));
        user
    }

    /// A room of `by`, who invites others at once.
    #[cfg(test)]
    pub(crate) fn create_room(&self, by: &UserId, name: &str, invite: &[UserId]) -> RoomId {
        let plan = maitre::matrix::RoomPlan {
            alias: Some(name.to_owned()),
            name: name.to_owned(),
            topic: None,
            encrypted: false,
            version: None,
            space: false,
            invite: invite.to_vec(),
            admins: Vec::new(),
        };
        self.with(|server| server.create_room(by, &plan)).expect("a person's room gets made")
    }

    /// Brings somebody in, invited or not.
    pub(crate) fn enter(&self, room: &RoomId, who: &UserId) {
        self.with(|server| server.bring_in(room, who));
    }

    /// Somebody says something.
    pub(crate) fn say(&self, room: &RoomId, sender: &UserId, content: Value) -> EventId {
        let said = self.with(|server| server.post(room, sender, "m.room.message", content));
        said.expect("people say only what the homeserver takes")
    }

    /// Somebody takes back what they said.
    pub(crate) fn redact(&self, room: &RoomId, sender: &UserId, event: &EventId) {
        self.with(|server| server.redact(room, sender, event, None)).expect("people take back only what is theirs");
    }

    /// Somebody taps `key` on an event. A second tap with the same key is none.
    pub(crate) fn react(&self, room: &RoomId, sender: &UserId, event: &EventId, key: &str) {
        let content = json!({
            "m.relates_to": { "rel_type": "m.annotation", "event_id": event.as_str(), "key": key }
        });
        drop(self.with(|server| server.post(room, sender, "m.reaction", content)));
    }

    /// Every room, by id.
    pub(crate) fn rooms(&self) -> Vec<RoomId> {
        self.with(|server| server.rooms.keys().cloned().collect())
    }

    /// Everything that happened in a room, in order.
    pub(crate) fn timeline(&self, room: &RoomId) -> Vec<Seen> {
        self.with(|server| server.rooms.get(room).map(|room| room.events.clone()).unwrap_or_default())
    }

    /// How much happened in all rooms together.
    pub(crate) fn size(&self) -> usize {
        self.with(|server| server.rooms.values().map(|room| room.events.len()).sum())
    }

    /// Who is shown as writing.
    pub(crate) fn typing(&self, room: &RoomId) -> Vec<UserId> {
        self.with(|server| server.typing(room, Instant::now()))
    }

    /// Resolves when something happens that anybody could see.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// How often each fault was put in.
    pub(crate) fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.with(|server| server.counts.clone())
    }

    /// How often each verb was asked for.
    #[cfg(test)]
    pub(crate) fn requests(&self) -> BTreeMap<&'static str, u64> {
        self.with(|server| server.requests.clone())
    }

    /// Looks at the server, or does something to it, once what was late and is due by now is carried out.
    fn with<T>(&self, deed: impl FnOnce(&mut Server) -> T) -> T {
        let mut server = self.locked();
        let before = server.last;
        server.carry_out_late(Instant::now());
        let outcome = deed(&mut server);
        let news = server.last != before;
        drop(server);
        if news {
            self.changed.notify_waiters();
        }
        outcome
    }

    fn locked(&self) -> MutexGuard<'_, Server> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The user of that name.
fn user(name: &str) -> UserId {
    UserId::parse(format!("@{name}:{SERVER}")).expect("a plain name makes a user")
}
