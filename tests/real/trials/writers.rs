//! People who write steadily: to this agent and that, in one room and another, and on in threads of theirs.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use super::{dice::Dice, tally::topic};
use crate::house::{Person, Post, wait_for};

/// The pause between two messages, whoever writes them.
const PAUSE: Duration = Duration::from_millis(150);
/// Of how many messages one goes on in a thread.
const FOLLOWS_ONE_OF: usize = 3;

/// Some people.
pub(crate) struct Writers {
    people: Vec<Writer>,
    rooms: Vec<String>,
    agents: Vec<String>,
}

struct Writer {
    person: Person,
    asked: usize,
    /// Where the last few threads of theirs are: the room, and the message they grow from.
    threads: Vec<(String, String)>,
}

impl Writers {
    /// They are in no room yet, and will write to `agents`.
    pub(super) fn new(people: Vec<Person>, agents: Vec<String>) -> Self {
        let people = people.into_iter().map(|person| Writer { person, asked: 0, threads: Vec::new() }).collect();
        Self { people, rooms: Vec::new(), agents }
    }

    /// Everybody goes into `room`, as soon as they are invited.
    pub(super) async fn enter(&mut self, room: String, deadline: Duration) {
        for Writer { person, .. } in &self.people {
            wait_for("an invitation", deadline, async || person.join(&room).await).await;
        }
        self.rooms.push(room);
    }

    /// Makes one more room, and asks all agents into it.
    pub(super) async fn gather(&mut self) -> String {
        let users = self.users();
        let everybody: Vec<&String> = self.agents.iter().chain(&users[1..]).collect();
        let request = json!({ "preset": "private_chat", "invite": everybody });
        let room = self.witness().create_room(request).await;
        self.rooms.push(room.clone());
        room
    }

    pub(super) fn agents(&self) -> &[String] {
        &self.agents
    }

    pub(super) fn rooms(&self) -> &[String] {
        &self.rooms
    }

    /// The users of all of them.
    pub(super) fn users(&self) -> Vec<String> {
        self.people.iter().map(|writer| writer.person.user.clone()).collect()
    }

    /// How many questions they have asked.
    pub(crate) fn asked(&self) -> usize {
        self.people.iter().map(|writer| writer.asked).sum()
    }

    /// One who can see every room.
    pub(super) fn witness(&self) -> &Person {
        &self.people[0].person
    }

    /// Writes so many messages. May be dropped at any moment; a message may be in the room by then or not.
    pub(crate) async fn write(&mut self, count: usize, dice: &mut Dice) {
        for _ in 0..count {
            sleep(PAUSE).await;
            self.write_one(dice).await;
        }
    }

    /// Asks the first `count` agents one question each in the first room, one person after the other.
    pub(crate) async fn ask_some(&mut self, count: usize) {
        for agent in 0..count {
            let person = agent % self.people.len();
            let (room, agent) = (self.rooms[0].clone(), self.agents[agent].clone());
            self.people[person].ask(person, room, &agent).await;
        }
    }

    async fn write_one(&mut self, dice: &mut Dice) {
        let person = dice.below(self.people.len());
        let (room, agent) = (dice.below(self.rooms.len()), dice.below(self.agents.len()));
        let writer = &mut self.people[person];
        if dice.below(FOLLOWS_ONE_OF) == 0 && !writer.threads.is_empty() {
            let thread = dice.below(writer.threads.len());
            writer.go_on(person, thread).await;
        } else {
            writer.ask(person, self.rooms[room].clone(), &self.agents[agent]).await;
        }
    }
}

impl Writer {
    /// How many threads somebody keeps in mind.
    const THREADS_MAX: usize = 4;

    async fn ask(&mut self, person: usize, room: String, agent: &str) {
        let post = self.question(person).to(&[agent]);
        let question = self.person.send(&room, "m.room.message", post.content()).await.unwrap();
        if self.threads.len() >= Self::THREADS_MAX {
            self.threads.remove(0);
        }
        self.threads.push((room, question));
    }

    async fn go_on(&mut self, person: usize, thread: usize) {
        let (room, question) = self.threads[thread].clone();
        let post = self.question(person).within(&question);
        self.person.send(&room, "m.room.message", post.content()).await.unwrap();
    }

    fn question(&mut self, person: usize) -> Post {
        self.asked += 1;
        Post::text(&format!("Tell me about {} please", topic(person, self.asked)))
    }
}
