//! Holds the world to what Synapse and our adapter do: a simulator is only as good as what it simulates.

mod stream;
mod verbs;
mod wire;

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    sync::{Mutex, MutexGuard},
};

use futures_util::FutureExt as _;
use maitre::{
    matrix::{Answer, Applicant, Bounds, Catchup, CatchupStep, MatrixError, Outgoing, Presence, Session, Slip, Typing},
    model::{
        Account, Batch, Change, Content, Departure, EntityName, Secret, Standing, SyncToken, Tokens, TransactionId,
    },
};
use tokio::time::{Duration, advance, sleep, timeout};

use super::*;

/// Long enough for everything that ends at all.
const LONG: Duration = Duration::from_hours(1);

/// An account book that outlives lives.
#[derive(Default)]
struct Book(Mutex<BTreeMap<EntityName, Account>>);

impl Book {
    fn accounts(&self) -> MutexGuard<'_, BTreeMap<EntityName, Account>> {
        self.0.lock().unwrap()
    }
}

impl AccountBook for Book {
    fn load<'a>(&'a self, entity: &'a EntityName) -> Answer<'a, Option<Account>> {
        async move { Ok(self.accounts().get(entity).cloned()) }.boxed()
    }

    fn save(&self, account: Account) -> Answer<'_, ()> {
        async move {
            self.accounts().insert(account.entity.clone(), account);
            Ok(())
        }
        .boxed()
    }

    fn save_recovery_key<'a>(&'a self, entity: &'a EntityName, key: Secret) -> Answer<'a, ()> {
        async move {
            self.accounts().get_mut(entity).unwrap().recovery_key = Some(key);
            Ok(())
        }
        .boxed()
    }

    fn save_tokens(&self, _: &EntityName, _: Tokens) -> Result<(), MatrixError> {
        Ok(())
    }
}

/// A world with one room of Al's, and Ada's line, who is in it.
struct Stage {
    world: World,
    book: Arc<Book>,
    al: UserId,
    room: RoomId,
    ada: Arc<dyn Session>,
}

impl Stage {
    async fn new() -> Self {
        Self::with(Faults::none()).await
    }

    /// Ada is in before the faults begin.
    async fn with(faults: Faults) -> Self {
        let world = World::new(Dice::new(7), Faults::none());
        let (book, al) = (Arc::<Book>::default(), world.person("al"));
        let ada = sign_in(&world, &book).await;
        let room = world.create_room(&al, "lobby", &[ada.user().clone()]);
        ada.join(room.clone(), Vec::new()).await.unwrap();
        world.set_faults(faults);
        Self { world, book, al, room, ada }
    }

    fn say(&self, text: &str) -> EventId {
        self.world.say(&self.room, &self.al, json!({ "msgtype": "m.text", "body": text }))
    }

    async fn send(&self, text: &str, transaction: &str) -> Result<EventId, MatrixError> {
        self.ada.send(outgoing(&self.room, "m.room.message", json!({ "body": text }), transaction)).await
    }

    fn bodies(&self) -> Vec<String> {
        let timeline = self.world.timeline(&self.room);
        timeline.iter().filter_map(|seen| Some(seen.content["body"].as_str()?.to_owned())).collect()
    }

    /// Everything up to now was seen.
    async fn caught_up(&self) -> SyncToken {
        let page = self.ada.sync(None, Duration::ZERO).await.unwrap();
        page.token
    }

    /// One step, with what is missing fetched, as the program does it.
    async fn batch(&self, since: &SyncToken) -> Batch {
        let page = self.ada.sync(Some(since.clone()), Duration::ZERO).await.unwrap();
        let bounds = Bounds { gap_pages_max: NonZeroUsize::new(100).unwrap() };
        let joined = BTreeSet::from([self.room.clone()]);
        let mut catchup = Catchup::new(EntityName::parse("ada").unwrap(), Some(since.clone()), &joined, bounds, page);
        loop {
            match catchup.step() {
                CatchupStep::Admit(batch) => return batch,
                CatchupStep::Fetch(gap) => {
                    catchup.fetched(self.ada.history(gap.room, gap.from, gap.until).await.unwrap());
                }
            }
        }
    }
}

fn applicant() -> Applicant {
    Applicant { entity: EntityName::parse("ada").unwrap(), localpart: "ada".to_owned(), credential: None }
}

async fn sign_in(world: &World, book: &Arc<Book>) -> Arc<dyn Session> {
    let homeserver = world.homeserver(Arc::clone(book) as _);
    let session = homeserver.sign_in(applicant()).await.unwrap();
    session.open(None).await.unwrap();
    session.establish().await.unwrap();
    session
}

fn outgoing(room: &RoomId, kind: &'static str, content: Value, transaction: &str) -> Outgoing {
    Outgoing { room: room.clone(), kind, content, transaction: TransactionId::parse(transaction).unwrap() }
}

fn code(error: &MatrixError) -> &str {
    match error {
        MatrixError::Refused { code, .. } => code,
        other => panic!("{other:?} is no refusal"),
    }
}

fn texts(batch: &Batch) -> Vec<String> {
    let text = |content: &Content| match content {
        Content::Clear { json, .. } => serde_json::from_str::<Value>(json).unwrap()["body"].as_str().map(str::to_owned),
        Content::Sealed(_) => None,
    };
    batch.events.iter().filter_map(|event| text(&event.content)).collect()
}
