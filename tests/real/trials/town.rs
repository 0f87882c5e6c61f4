//! A house under trial, with a model that names in its answer what it was asked about: at once, slowly, or after a tool.

use std::time::Duration;

use serde_json::json;

use super::{
    tally::{Tally, is_answer, topics},
    writers::Writers,
};
use crate::house::{Act, Asked, Gate, Maitre, Person, Site, Stub, shown, wait_for};

/// How long a house may take to come up, on a machine that has other things to do.
const READY_WITHIN: Duration = Duration::from_mins(5);
/// How long one long-poll lasts.
const POLL: &str = "10s";
/// How long a model that speaks slowly pauses after each word.
const WORD_PAUSE: Duration = Duration::from_millis(80);

/// How an answer ends.
const ENDING: &str = " this is all that is known so far to any of us";

/// How large a house is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) agents: usize,
    pub(crate) rooms: usize,
    pub(crate) people: usize,
}

/// A house, and people who write to it.
pub(crate) struct Town {
    pub(crate) stub: Stub,
    pub(crate) maitre: Maitre,
    pub(crate) writers: Writers,
    size: Size,
}

impl Town {
    /// A house of this size, not yet started. It reaches the homeserver at `site`, people reach it at `theirs`.
    pub(crate) async fn found(site: &Site, theirs: &Site, extent: Size) -> Self {
        let stub = Stub::start().await;
        stub.otherwise(recite);
        let mut people = Vec::new();
        for _ in 0..extent.people {
            people.push(Person::new(theirs, "writer").await);
        }
        let secret = site.secret.reveal();
        let accounts = format!("{{registration_shared_secret: {secret}, localpart: \"{{name}}-{{test}}\"}}");
        let maitre = Maitre::with_polls(site, POLL, &accounts, &config(&stub, extent, &people));
        let agents: Vec<String> = (0..extent.agents).map(agent).collect();
        for agent in &agents {
            // Homeservers don't look at what they keep.
            std::fs::write(maitre.config().with_file_name(format!("{agent}.png")), agent).unwrap();
        }
        let agents = agents.iter().map(|agent| maitre.user(agent)).collect();
        Self { stub, writers: Writers::new(people, agents), maitre, size: extent }
    }

    /// Starts it for the first time, and has everybody go into every room.
    pub(crate) async fn open(&mut self) {
        self.wake().await;
        for number in 0..self.size.rooms {
            let room = self.maitre.room(&key(number, &self.maitre.test)).await;
            self.writers.enter(room, READY_WITHIN).await;
        }
    }

    /// A house of this size that is up, with everybody in every room.
    pub(crate) async fn settle(site: &Site, extent: Size) -> Self {
        let mut town = Self::found(site, site, extent).await;
        town.open().await;
        town
    }

    /// Starts it and waits until it is up.
    pub(crate) async fn wake(&mut self) {
        self.maitre.start();
        self.maitre.wait_ready_within(READY_WITHIN).await;
    }

    /// The model begins every answer from now on, and ends it when the gate is opened. Asked again by then, it says the same.
    pub(crate) fn hold(&self) -> Gate {
        let gate = Gate::closed();
        let held = gate.clone();
        self.stub.otherwise(move |asked| held.before(&beginning(asked), ENDING));
        gate
    }

    /// The model answers as usual again.
    pub(crate) fn recite(&self) {
        self.stub.otherwise(recite);
    }

    /// Waits until so many answers stand in the room, whole or not. Gives their events.
    pub(crate) async fn wait_begun(&self, count: usize, deadline: Duration) -> Vec<String> {
        wait_for("answers to begin", deadline, async || {
            let begun = self.answers().await;
            if begun.len() >= count { Ok(begun) } else { Err(begun.len()) }
        })
        .await
    }

    /// The events of all answers, whole or not.
    pub(crate) async fn answers(&self) -> Vec<String> {
        let mut events = Vec::new();
        for room in self.writers.rooms() {
            let messages = shown(&self.writers.witness().history(room).await).into_iter();
            let ours = messages.filter(|message| message.sender.ends_with(&self.ours()));
            events.extend(ours.filter(is_answer).map(|message| message.event));
        }
        events.sort();
        events
    }

    /// What came of all questions so far, as the homeserver has it.
    pub(crate) async fn tally(&self) -> Tally {
        let ours = self.ours();
        let mut tally = Tally::default();
        for room in self.writers.rooms() {
            tally.add(&self.writers.witness().history(room).await, &ours);
        }
        tally
    }

    /// How the names of our users end.
    fn ours(&self) -> String {
        self.maitre.user("").trim_start_matches('@').to_owned()
    }

    /// Waits until nothing is outstanding.
    pub(crate) async fn wait_complete(&self, deadline: Duration) -> Tally {
        wait_for("every question to be answered to its end", deadline, async || {
            let tally = self.tally().await;
            if tally.is_complete() { Ok(tally) } else { Err(tally) }
        })
        .await
    }

    /// Whether what was admitted is what was said, in the order in which it was said.
    pub(crate) async fn assert_admitted(&self) {
        let journal = self.maitre.journal();
        for room in self.writers.rooms() {
            let history = self.writers.witness().history(room).await;
            for user in self.writers.users() {
                let said = history.iter().filter(|event| event["type"] == "m.room.message" && event["sender"] == *user);
                let said: Vec<&str> = said.filter_map(|event| event["content"]["body"].as_str()).collect();
                assert_eq!(journal.live_texts(room, &user), said, "{user} in {room}");
            }
        }
    }
}

/// The name of an agent.
pub(crate) fn agent(number: usize) -> String {
    format!("agent{number}")
}

fn key(number: usize, test: &str) -> String {
    format!("room{number}-{test}")
}

/// One answer may well be hit by many of the kills, and none of them is its own fault. What was missed while nobody listened is
/// answered without a question: nobody here taps.
fn config(stub: &Stub, size: Size, people: &[Person]) -> String {
    let rooms: Vec<String> = (0..size.rooms).map(|number| format!("\"{}\"", key(number, "{test}"))).collect();
    let rooms = rooms.join(", ");
    let agents = (0..size.agents).map(|number| {
        let name = agent(number);
        format!(
            "  {name}: {{role: \"Knows subject {number}.\", avatar: {name}.png, tools: [time], rooms: [{rooms}]}}\n"
        )
    });
    let users: Vec<String> = people.iter().map(|person| format!("\"{}\"", person.user)).collect();
    format!(
        "models:\n{}agents:\n{}defaults: {{placeholder_after: 300ms}}\nconversation: {{attempts_max: 100, catch_up_max: 10000}}\n\
         authorization: {{global_users: [{}]}}\n",
        stub.model("default"),
        agents.collect::<String>(),
        users.join(", ")
    )
}

/// What the model says: all topics of the question, at once, slowly, or after a tool.
pub(crate) fn recite(asked: &Asked) -> Act {
    let topics = topics(&asked.last);
    let number: usize = topics.first().and_then(|topic| topic.rsplit('-').next()?.parse().ok()).unwrap_or_default();
    match number % 3 {
        0 => Act::Say(recitation(&topics)),
        1 => drawl(asked),
        _ => Act::Use { tool: "time", input: json!({}), then: recitation(&topics) },
    }
}

/// The same slowly, word by word.
pub(super) fn drawl(asked: &Asked) -> Act {
    Act::Slowly(recitation(&topics(&asked.last)), WORD_PAUSE)
}

fn recitation(topics: &[String]) -> String {
    format!("{}{ENDING}", beginning_about(topics))
}

fn beginning(asked: &Asked) -> String {
    beginning_about(&topics(&asked.last))
}

fn beginning_about(topics: &[String]) -> String {
    format!("About {}", topics.join(" "))
}
