//! The people: they ask, go on, edit, delete, stop, and talk among themselves, whether the program is there or not.

use std::{cell::RefCell, rc::Rc, time::Duration};

use maitre::model::{EventId, RoomId, UserId};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::{
    afterwards::wording,
    dice::Dice,
    ledger::{Asked, Due, Ledger, tag},
    life::Program,
    model::PASS_ON,
    trace::Trace,
    world::World,
};

/// How long it may take until everybody is up for the first time.
const READY_WITHIN: Duration = Duration::from_hours(6);
/// How many threads are tried once more at the end, the newest ones.
const THREADS_PROBED_MAX: usize = 4;
/// How often is looked whether they are.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Everybody who may write.
pub(crate) struct People {
    pub(crate) al: UserId,
    pub(crate) bea: UserId,
    /// Nobody authorized him.
    pub(crate) mal: UserId,
}

/// The crowd of one run.
pub(crate) struct Crowd {
    pub(crate) world: World,
    pub(crate) program: Rc<Program>,
    pub(crate) dice: Dice,
    pub(crate) trace: Trace,
    pub(crate) people: People,
    pub(crate) ledger: Ledger,
    pub(crate) threads: RefCell<Vec<Thread>>,
    /// What is replied to by clients without threads: deleted, it would take its thread along.
    pub(crate) held: RefCell<Vec<EventId>>,
    pub(crate) rooms: RefCell<Vec<Place>>,
}

/// A room that people talk in, and who is to answer there.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) key: &'static str,
    pub(crate) room: RoomId,
    pub(crate) agents: Vec<&'static str>,
    /// The team that may be asked there.
    pub(crate) team: Option<&'static str>,
    /// Whether answers go to the main timeline, so that there are no threads.
    pub(crate) flat: bool,
}

/// A thread.
#[derive(Debug, Clone)]
pub(crate) struct Thread {
    pub(crate) place: usize,
    pub(crate) root: EventId,
    pub(crate) owner: UserId,
    /// Who goes on with it, where that is sure.
    pub(crate) by: Option<Vec<&'static str>>,
    /// The last thing people said in it.
    pub(crate) last: EventId,
}

/// Who else has written in a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Company {
    Nobody,
    Somebody,
    /// Somebody who took it back.
    Gone,
}

impl Crowd {
    pub(crate) fn new(world: World, program: Rc<Program>, people: People, dice: Dice, trace: Trace) -> Self {
        Self {
            world,
            program,
            dice,
            trace,
            people,
            ledger: Ledger::default(),
            threads: RefCell::default(),
            held: RefCell::default(),
            rooms: RefCell::default(),
        }
    }

    /// Waits until everybody is up, and talks for a while. Fails when nobody gets up.
    pub(crate) async fn talk(&self) -> Result<(), String> {
        self.come_in().await?;
        let acts = 4 + self.dice.below(22);
        for _ in 0..acts {
            let pause = match self.dice.below(20) {
                0..=10 => self.dice.millis(0..600),
                11..=17 => self.dice.millis(600..15_000),
                _ => self.dice.millis(15_000..120_000),
            };
            sleep(pause).await;
            self.act();
        }
        Ok(())
    }

    async fn come_in(&self) -> Result<(), String> {
        let until = Instant::now() + READY_WITHIN;
        while !self.program.is_ready() {
            if Instant::now() > until {
                return Err(format!("I3: not everybody came up: {}", self.program.picture()));
            }
            sleep(LOOK_EVERY).await;
        }
        let places: [(&str, &[&str], Option<&str>); 4] = [
            ("solo", &["ada"], None),
            ("duo", &["ada", "bob"], None),
            ("trio", &[], Some("crew")),
            ("hall", &["bob"], None),
        ];
        for (key, agents, team) in places {
            let room = self.program.room(key).ok_or_else(|| format!("everybody is up, and there is no room {key}"))?;
            for person in [&self.people.al, &self.people.bea, &self.people.mal] {
                self.world.enter(&room, person);
            }
            self.rooms.borrow_mut().push(Place { key, room, agents: agents.to_vec(), team, flat: key == "hall" });
        }
        self.trace.say("everybody is up");
        Ok(())
    }

    /// One more question everywhere, which must be answered whatever was before.
    pub(crate) fn probe(&self) {
        let threads: Vec<Thread> = self.threads.borrow().clone();
        for thread in threads.into_iter().rev().take(THREADS_PROBED_MAX) {
            let place = self.place(thread.place);
            let names = match place.team {
                Some(team) => vec![team],
                None => vec![*self.dice.pick(&place.agents)],
            };
            self.ask(&thread.owner, &place, Some(&thread), names, true);
        }
        for index in 0..self.rooms.borrow().len() {
            let place = self.place(index);
            let names = place.team.map_or_else(|| vec![place.agents[0]], |team| vec![team]);
            self.begin(&self.people.al, index, names, true);
        }
    }

    fn act(&self) {
        match self.dice.below(100) {
            0..=29 => self.begin_somewhere(),
            30..=54 => self.go_on(),
            55..=60 => self.burst(),
            61..=70 => self.edit(),
            71..=77 => self.delete(),
            78..=83 => self.stop(),
            84..=86 => self.again(),
            87..=91 => self.say_for_nobody(),
            92..=95 => self.stranger(),
            _ => self.command(),
        }
    }

    fn somebody(&self) -> UserId {
        if self.dice.chance(0.6) { self.people.al.clone() } else { self.people.bea.clone() }
    }

    pub(crate) fn place(&self, index: usize) -> Place {
        self.rooms.borrow()[index].clone()
    }

    pub(crate) fn begin_somewhere(&self) {
        let index = self.dice.below(self.rooms.borrow().len());
        let place = self.place(index);
        let who = self.somebody();
        match (place.team, place.agents.as_slice()) {
            (Some(team), _) => self.begin(&who, index, vec![team], self.dice.chance(0.5)),
            (None, [only]) => self.begin(&who, index, vec![*only], self.dice.chance(0.3)),
            (None, several) => match self.dice.below(5) {
                4 => self.pass_on(&who, index),
                0 => self.begin(&who, index, several.to_vec(), true),
                1 => self.begin(&who, index, several.to_vec(), false),
                _ => self.begin(&who, index, vec![*self.dice.pick(several)], true),
            },
        }
    }

    /// Begins a thread. Unless `mentioned`, nobody is mentioned: whoever is there alone answers, or one of several is picked.
    fn begin(&self, who: &UserId, index: usize, names: Vec<&'static str>, mentioned: bool) {
        let place = self.place(index);
        let asked = self.ask(who, &place, None, names.clone(), mentioned);
        if place.flat {
            return;
        }
        let by = (mentioned || names.len() == 1).then_some(names);
        let root = asked.clone();
        let thread = Thread { place: index, root, owner: who.clone(), by, last: asked };
        self.threads.borrow_mut().push(thread);
    }

    /// W12: has one agent ask the other.
    fn pass_on(&self, who: &UserId, index: usize) {
        let place = self.place(index);
        let (from, to) = if self.dice.chance(0.5) { ("ada", "bob") } else { ("bob", "ada") };
        let text = format!("@{from} {PASS_ON}{to}");
        let root = self.say(who, &place, None, Due::By(vec![from]), (text, vec![self.user(from)]));
        let thread = Thread { place: index, root: root.clone(), owner: who.clone(), by: None, last: root };
        self.threads.borrow_mut().push(thread);
    }

    /// Asks somebody something, in a thread or on the main timeline.
    fn ask(
        &self,
        who: &UserId,
        place: &Place,
        thread: Option<&Thread>,
        names: Vec<&'static str>,
        mentioned: bool,
    ) -> EventId {
        let topic = self.dice.pick(&["numbers", "sums", "pictures", "plants"]);
        let mentions: Vec<UserId> =
            if mentioned { names.iter().map(|name| self.user(name)).collect() } else { Vec::new() };
        let called: Vec<String> = mentions.iter().map(|user| format!("@{}", user.localpart())).collect();
        let text = format!("{} about {topic}", called.join(" "));
        let due = match (mentioned, thread, names.len()) {
            (false, None, 2..) => Due::OneOf(names),
            _ => Due::By(names),
        };
        self.say(who, place, thread, due, (text.trim().to_owned(), mentions))
    }

    /// Says something, and notes what is due.
    pub(crate) fn say(
        &self,
        who: &UserId,
        place: &Place,
        thread: Option<&Thread>,
        due: Due,
        (text, mentions): (String, Vec<UserId>),
    ) -> EventId {
        let number = self.ledger.len();
        let mut content = wording(&text, &tag(number, 0), &mentions);
        if let Some(thread) = thread {
            // C2: a client without threads replies to what was said in it.
            content["m.relates_to"] = if thread.last != thread.root && self.dice.chance(0.25) {
                self.held.borrow_mut().push(thread.last.clone());
                json!({ "m.in_reply_to": { "event_id": thread.last.as_str() } })
            } else {
                json!({
                    "rel_type": "m.thread", "event_id": thread.root.as_str(), "is_falling_back": true,
                    "m.in_reply_to": { "event_id": thread.last.as_str() },
                })
            };
        }
        let event = self.world.say(&place.room, who, content);
        self.trace.say(format!("{who} says {} in {} ({due:?}): {text}", tag(number, 0), place.key));
        self.ledger.add(Asked {
            number,
            room: place.room.clone(),
            event: event.clone(),
            sender: who.clone(),
            thread: thread.map(|thread| thread.root.clone()),
            due,
            edits: 0,
            deleted: false,
            stopped: false,
            again: false,
            text,
            mentions,
        });
        if let Some(thread) = thread {
            let mut threads = self.threads.borrow_mut();
            if let Some(known) = threads.iter_mut().find(|known| known.root == thread.root) {
                known.last = event.clone();
            }
        }
        event
    }

    /// Goes on in a thread.
    fn go_on(&self) {
        let Some(thread) = self.some_thread() else { return self.begin_somewhere() };
        let place = self.place(thread.place);
        let who = if self.dice.chance(0.8) { thread.owner.clone() } else { self.somebody() };
        let company = self.company(&thread, &who);
        match &thread.by {
            // W7, W8: whoever is in it goes on.
            Some(names) if company == Company::Nobody && self.dice.chance(0.7) => {
                drop(self.ask(&who, &place, Some(&thread), names.clone(), false));
            }
            // W6: people among themselves.
            _ if company == Company::Somebody && self.dice.chance(0.3) => {
                drop(self.say(&who, &place, Some(&thread), Due::Nothing, ("to each other".to_owned(), Vec::new())));
            }
            _ => {
                let names = match place.team {
                    Some(team) => vec![team],
                    None => vec![*self.dice.pick(&place.agents)],
                };
                self.join(&thread, &names);
                drop(self.ask(&who, &place, Some(&thread), names, true));
            }
        }
    }

    /// Who beside `who` has written in a thread.
    fn company(&self, thread: &Thread, who: &UserId) -> Company {
        let all = self.ledger.all();
        let mut others = all.iter().filter(|asked| asked.is_in(&thread.root) && asked.sender != *who).peekable();
        match (others.peek().is_some(), others.any(|asked| !asked.deleted)) {
            (false, _) => Company::Nobody,
            (true, true) => Company::Somebody,
            (true, false) => Company::Gone,
        }
    }

    /// Somebody else is asked in a thread: who goes on with it is sure only if it was only them all the time.
    fn join(&self, thread: &Thread, names: &[&'static str]) {
        let mut threads = self.threads.borrow_mut();
        if let Some(known) = threads.iter_mut().find(|known| known.root == thread.root)
            && known.by.as_deref() != Some(names)
        {
            known.by = None;
        }
    }

    /// Several quick messages of one person.
    fn burst(&self) {
        let Some(thread) = self.some_thread() else { return self.begin_somewhere() };
        let place = self.place(thread.place);
        let names = place.team.map_or_else(|| vec![*self.dice.pick(&place.agents)], |team| vec![team]);
        self.join(&thread, &names);
        for _ in 0..2 + self.dice.below(4) {
            let thread = self.threads.borrow().iter().find(|known| known.root == thread.root).cloned();
            drop(self.ask(&self.somebody(), &place, thread.as_ref(), names.clone(), true));
        }
    }

    /// W5, A3: what is said to people, or as a notice.
    fn say_for_nobody(&self) {
        let index = self.dice.below(self.rooms.borrow().len());
        let place = self.place(index);
        if self.dice.chance(0.5) {
            let (al, bea) = (self.people.al.clone(), self.people.bea.clone());
            drop(self.say(&al, &place, None, Due::Nothing, (format!("@{} hello", bea.localpart()), vec![bea])));
        } else {
            let mut content = json!({ "body": "by the way, nothing", "m.mentions": {} });
            content["msgtype"] = json!("m.notice");
            drop(self.world.say(&place.room, &self.people.al, content));
        }
    }

    /// A1: somebody whom nobody authorized.
    fn stranger(&self) {
        let index = self.dice.below(self.rooms.borrow().len());
        let place = self.place(index);
        let thread = self.some_thread().filter(|thread| thread.place == index);
        let name = place.team.unwrap_or_else(|| place.agents[0]);
        let mal = self.people.mal.clone();
        let mentions = vec![self.user(name)];
        drop(self.say(&mal, &place, thread.as_ref(), Due::Nothing, (format!("@{name} you there"), mentions)));
    }

    /// W1: a command.
    fn command(&self) {
        let index = self.dice.below(self.rooms.borrow().len());
        let place = self.place(index);
        let word = self.dice.pick(&["!help", "!hi", "!status", "!hlep"]);
        drop(self.say(&self.somebody(), &place, None, Due::House, ((*word).to_owned(), Vec::new())));
    }

    pub(crate) fn user(&self, name: &str) -> UserId {
        UserId::parse(format!("@{name}:{}", self.people.al.server())).expect("a name makes a user")
    }
}
