//! The rooms of a trial: ours and those of the raw client, with a person who asks in all of them.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use anyhow::{Context as _, Result};
use maitre::{homeserver::Homeserver, nursery::Nursery};
use serde_json::json;
use tokio::time::Instant;

use super::{
    floor::Plan,
    house::{HALL, House, PERSON, ROOMS, key},
    pace::Pace,
    process::Process,
    raw_client,
    watcher::{Latency, Watcher},
    wire::Wire,
};

/// Everything that a person needs to ask questions.
#[derive(Debug)]
pub(crate) struct Town {
    pub(crate) house: House,
    /// A room with the person and the one account of the raw client that answers.
    pub(crate) floor_small: String,
    /// A room with the person and as many accounts of the raw client as our room with everybody has of ours.
    pub(crate) floor_hall: String,
    server: &'static str,
    person: Wire,
    watcher: Watcher,
    /// Our rooms, by key.
    rooms: BTreeMap<String, String>,
    /// How many questions were asked so far.
    questions: AtomicUsize,
    /// The raw client, gone with this.
    _floor: Process,
}

/// A question that was asked.
#[derive(Debug)]
pub(crate) struct Asked {
    event: String,
    began: Instant,
}

impl Town {
    pub(crate) async fn open(homeserver: &Homeserver, nursery: &Nursery, house: House, model: &str) -> Result<Self> {
        let person = register(homeserver, PERSON).await?;
        let server = homeserver.server_name();
        let mut rooms = BTreeMap::new();
        for key in (0..ROOMS).map(key).chain([HALL.to_owned()]) {
            let room = person.join(&format!("#{key}:{server}")).await.with_context(|| format!("cannot join {key}"))?;
            rooms.insert(key, room);
        }
        let mut accounts = Vec::new();
        // The agents, and one for the router.
        for number in 0..=house.agents {
            accounts.push(register(homeserver, &format!("raw{number}")).await?);
        }
        let users: Vec<String> = accounts.iter().map(|account| account.user.clone()).collect();
        let (floor_small, floor_hall) = (person.create_room(&users[..1]).await?, person.create_room(&users).await?);
        accounts[0].join(&floor_small).await?;
        for account in &accounts {
            account.join(&floor_hall).await?;
        }
        let watcher = Watcher::start(nursery, person.clone()).await?;
        let plan = Plan { model: model.to_owned(), asker: person.user.clone(), accounts };
        let floor = raw_client::start(&plan).await?.process;
        let questions = AtomicUsize::new(0);
        Ok(Self { house, floor_small, floor_hall, server, person, watcher, rooms, questions, _floor: floor })
    }

    /// Asks in one of our rooms and waits for the whole answer.
    pub(crate) async fn ask(&self, room: &str, agent: Option<&str>, pace: Pace) -> Result<Latency> {
        self.wait(self.send(room, agent, pace).await?).await
    }

    /// The same in a room of the raw client.
    pub(crate) async fn ask_floor(&self, room: &str, pace: Pace) -> Result<Latency> {
        self.wait(self.say(room, None, pace).await?).await
    }

    /// Asks in one of our rooms.
    pub(crate) async fn send(&self, room: &str, agent: Option<&str>, pace: Pace) -> Result<Asked> {
        self.say(self.rooms.get(room).context("no such room")?, agent, pace).await
    }

    /// Waits for the whole answer.
    pub(crate) async fn wait(&self, asked: Asked) -> Result<Latency> {
        self.watcher.answer_to(&asked.event, asked.began).await
    }

    async fn say(&self, room: &str, agent: Option<&str>, pace: Pace) -> Result<Asked> {
        let number = self.questions.fetch_add(1, Ordering::Relaxed);
        let mentioned: Vec<String> = agent.map(|agent| format!("@{agent}:{}", self.server)).into_iter().collect();
        let text = format!("Question {number}, {}?", pace.word());
        let body = mentioned.iter().map(|user| format!("{user}: ")).chain([text]).collect::<String>();
        let content = json!({ "msgtype": "m.text", "body": body, "m.mentions": { "user_ids": mentioned } });
        let began = Instant::now();
        let event = self.person.send(room, &format!("question-{number}"), &content).await?;
        Ok(Asked { event, began })
    }
}

async fn register(homeserver: &Homeserver, localpart: &str) -> Result<Wire> {
    let account = homeserver.registrar().register(localpart, &homeserver.password_of(localpart)).await?;
    Ok(Wire::new(homeserver.url(), &account))
}
