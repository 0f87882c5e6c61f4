//! A house with a room for everybody who writes, each always with an answer in flight.

use std::{collections::BTreeMap, time::Duration};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokio::time::sleep;

use super::{Extent, Findings, WITHIN, streams::Turns};
use crate::{
    house::{Act, Asked, Maitre, Person, Post, Site, Stub, wait_for},
    trials::tally::{Tally, topic, topics},
};

/// How long a model pauses after each of the four words of an answer.
const WORD_PAUSE: Duration = Duration::from_millis(750);
/// How long an answer takes.
const ANSWER: Duration = Duration::from_secs(3);
/// What questions bear that are answered at once.
pub(super) const PROBE: &str = "probe-";
/// The answer to them.
pub(super) const NOTED: &str = "Noted.";
/// The agent that comes and goes.
pub(super) const NEWCOMER: &str = "newcomer";
/// What is said when changes that were taken over are counted.
const APPLIED: &str = "maitre_config_reloads_total{outcome=\"applied\"} ";

/// A house, and everybody in its rooms.
pub(super) struct Street {
    pub(super) house: House,
    pub(super) writers: Vec<Writer>,
    pub(super) guest: Guest,
}

/// The program, and its model.
pub(super) struct House {
    pub(super) stub: Stub,
    pub(super) maitre: Maitre,
    extent: Extent,
    people: Vec<String>,
}

/// Somebody who writes in one room.
pub(super) struct Writer {
    person: Person,
    number: usize,
    asked: usize,
    room: String,
    /// Whom they ask.
    agent: String,
}

/// An admin who is in the first room, too, and asks what is answered at once.
pub(super) struct Guest {
    pub(super) person: Person,
    pub(super) room: String,
    pub(super) admins: String,
}

/// The name of an agent.
pub(super) fn agent(number: usize) -> String {
    format!("agent{number}")
}

/// What the agent that is edited is for, as of an edition of the file.
pub(super) fn role(edition: usize) -> String {
    format!("Knows the subject as of edition {edition}.")
}

fn key(number: usize) -> String {
    format!("room{number}-{{test}}")
}

/// The line of the agent that comes.
pub(super) fn newcomer() -> String {
    format!("  {NEWCOMER}: {{role: \"Is new here.\", rooms: [\"{}\"]}}\n", key(0))
}

impl Street {
    /// The house, which reaches the homeserver at `site`; people reach it at `theirs`.
    pub(super) async fn open(site: &Site, theirs: &Site, extent: Extent) -> Self {
        let stub = Stub::start().await;
        stub.otherwise(answer);
        let mut persons = Vec::new();
        for _ in 0..extent.rooms {
            persons.push(Person::new(theirs, "writer").await);
        }
        let guest = Person::new(theirs, "guest").await;
        let people = persons.iter().chain([&guest]).map(|person| person.user.clone()).collect();
        let mut house = House { stub, maitre: Maitre::new(site, ""), extent, people };
        house.maitre.configure(&house.text(0, ""));
        house.maitre.start();
        house.maitre.wait_ready_within(WITHIN).await;
        let mut writers = Vec::new();
        for (number, person) in persons.into_iter().enumerate() {
            let room = house.enter(&person, &key(number)).await;
            let agent = house.maitre.user(&agent(number % extent.agents));
            writers.push(Writer { person, number, asked: 0, room, agent });
        }
        let (room, admins) = (house.enter(&guest, &key(0)).await, house.enter(&guest, "admins-{test}").await);
        Self { house, writers, guest: Guest { person: guest, room, admins } }
    }

    /// Whoever no edit concerns, each with the token by which it is known.
    pub(super) fn untouched(&self) -> BTreeMap<String, String> {
        let journal = self.house.maitre.journal();
        let names = (1..self.house.extent.agents).map(agent).chain(["router".to_owned()]);
        names.map(|name| (journal.tokens(&name).0.expect("who is signed in has a token"), name)).collect()
    }

    /// Waits until nothing is outstanding.
    pub(super) async fn wait_complete(&self, deadline: Duration) {
        wait_for("every question to be answered to its end", deadline, async || {
            let tally = self.tally().await;
            if tally.is_complete() { Ok(()) } else { Err(tally) }
        })
        .await;
    }

    /// Counts what became of all questions, and of the turns that answered them.
    pub(super) async fn count(&self, findings: &mut Findings) {
        findings.tally = self.tally().await;
        findings.turns = Turns::default();
        for writer in &self.writers {
            findings.turns.add(&writer.person.history(&writer.room).await);
        }
    }

    async fn tally(&self) -> Tally {
        let ours = self.house.maitre.user("");
        let mut tally = Tally::default();
        for writer in &self.writers {
            tally.add(&writer.person.history(&writer.room).await, ours.trim_start_matches('@'));
        }
        tally
    }
}

impl House {
    /// An edition of the file, with something more of its agents or below.
    pub(super) fn text(&self, edition: usize, more: &str) -> String {
        let rooms = |number: usize| {
            let here = (0..self.extent.rooms).filter(|room| room % self.extent.agents == number);
            here.map(|room| format!("\"{}\"", key(room))).collect::<Vec<_>>().join(", ")
        };
        let agents = (0..self.extent.agents).map(|number| {
            let role = if number == 0 { role(edition) } else { format!("Knows subject {number}.") };
            format!("  {}: {{role: \"{role}\", rooms: [{}]}}\n", agent(number), rooms(number))
        });
        let people: Vec<String> = self.people.iter().map(|user| format!("\"{user}\"")).collect();
        let admin = people.last().expect("the guest");
        format!(
            "models:\n{}defaults: {{placeholder_after: 10s, edits_max: 2}}\nadmin_room: \"admins-{{test}}\"\n\
             authorization: {{global_users: [{}], admins: [{admin}]}}\nagents:\n{}{more}",
            self.stub.model("default"),
            people.join(", "),
            agents.collect::<String>(),
        )
    }

    /// How many changes were taken over so far.
    pub(super) async fn applied(&self) -> usize {
        let (_, text) = self.maitre.get("/metrics").await;
        text.lines().find_map(|line| line.strip_prefix(APPLIED)?.parse().ok()).unwrap_or_default()
    }

    /// Has somebody go into a managed room, as soon as they are asked. Gives the room.
    async fn enter(&self, person: &Person, key: &str) -> String {
        let room = self.maitre.room(&key.replace("{test}", &self.maitre.test)).await;
        wait_for("an invitation", WITHIN, async || person.join(&room).await).await
    }
}

impl Guest {
    /// Asks an agent something in the first room.
    pub(super) async fn ask(&mut self, user: &str, text: &str) {
        let post = Post::text(text).to(&[user]);
        self.person.send(&self.room, "m.room.message", post.content()).await.unwrap();
    }
}

/// Everybody writes on, each as soon as the model has said all of the answer before, and not all at the same moment. May be
/// dropped at any moment.
pub(super) async fn keep_writing(writers: &mut [Writer], stub: &Stub) {
    let apart = ANSWER / u32::try_from(writers.len()).unwrap();
    let first = (0..).map(|number| apart * number);
    let mut writing: FuturesUnordered<_> =
        writers.iter_mut().zip(first).map(|(writer, after)| writer.write(stub, after)).collect();
    while writing.next().await.is_some() {}
}

impl Writer {
    async fn write(&mut self, stub: &Stub, after: Duration) {
        sleep(after).await;
        loop {
            self.asked += 1;
            // A word that is the beginning of no other.
            let topic = topic(self.number, self.asked);
            let post = Post::text(&format!("Tell me about {topic} please")).to(&[&self.agent]);
            self.person.send(&self.room, "m.room.message", post.content()).await.unwrap();
            stub.wait_over(&format!("{topic} "), WITHIN).await;
        }
    }
}

/// A probe is answered at once, a question within three seconds.
fn answer(asked: &Asked) -> Act {
    match topics(&asked.last).first() {
        Some(topic) => Act::Slowly(format!("About {topic} says this"), WORD_PAUSE),
        None => Act::say(NOTED),
    }
}
