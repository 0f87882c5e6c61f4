//! A room with somebody in it who talks with entities, and what that person then sees.

use crate::house::{Act, Client, Person, Post, Shown, Sort, Stub, shared, unique};

use super::hall::hall;

/// What entities tap on their answers while people may stop them.
pub(super) const STOP: &str = "🛑";

/// A house as a stage needs it: who lives there, and what they think with.
pub(super) trait House {
    fn user(&self, entity: &str) -> String;
    fn stub(&self) -> &Stub;
    fn said(&self) -> String;
}

/// A room, and the person who made it.
pub(super) struct Stage<'a> {
    pub(super) house: &'a dyn House,
    pub(super) asker: Client,
    pub(super) room: String,
    /// Who of ours is here, the router left out.
    agents: Vec<String>,
    /// All members.
    everybody: Vec<String>,
    /// What stood in the room before the conversation began.
    before: Vec<String>,
}

impl Drop for Stage<'_> {
    #[expect(clippy::print_stderr, reason = "a failing test shows what the program said")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the house said last ---\n{}\n--- (end) ---", self.house.said());
        }
    }
}

impl Stage<'static> {
    /// A room in the shared house with these, the router, who has greeted, and somebody who says nothing.
    pub(super) async fn open(sort: Sort, agents: &[&str]) -> Self {
        Self::open_in(hall(), sort, agents).await
    }

    /// A direct chat in the shared house with these, the router not among them.
    pub(super) async fn direct(sort: Sort, agents: &[&str]) -> Self {
        let house = hall();
        let mut asker = Client::new(shared(), "friend", sort).await;
        let (room, everybody) = gather(house, &mut asker, true, agents).await;
        Self { house, asker, room, agents: owned(agents), everybody, before: Vec::new() }
    }
}

impl<'a> Stage<'a> {
    /// The same in that house.
    pub(super) async fn open_in(house: &'a dyn House, sort: Sort, agents: &[&str]) -> Self {
        let mut asker = Client::new(shared(), "friend", sort).await;
        let ours: Vec<&str> = ["router"].iter().chain(agents).copied().collect();
        let (room, everybody) = gather(house, &mut asker, false, &ours).await;
        let router = house.user("router");
        let look = |messages: &[Shown]| messages.iter().find(|message| message.sender == router).cloned();
        let welcome = asker.see(&room, "the welcome", look).await;
        Self { house, asker, room, agents: owned(agents), everybody, before: vec![welcome.event] }
    }

    /// A room that is there already, with these in it.
    pub(super) fn around(house: &'a dyn House, asker: Client, room: String, agents: &[&str]) -> Self {
        Self { house, asker, room, agents: owned(agents), everybody: Vec::new(), before: Vec::new() }
    }

    // Talking.

    pub(super) fn stub(&self) -> &Stub {
        self.house.stub()
    }

    pub(super) fn user(&self, entity: &str) -> String {
        self.house.user(entity)
    }

    /// Says something on the main timeline that mentions nobody.
    pub(super) async fn say(&mut self, body: &str) -> String {
        self.post(&Post::text(body)).await
    }

    /// Says something on the main timeline to these entities.
    pub(super) async fn ask(&mut self, entities: &[&str], body: &str) -> String {
        let post = self.to(entities, body);
        self.post(&post).await
    }

    /// Says something within a thread that mentions nobody.
    pub(super) async fn say_within(&mut self, root: &str, body: &str) -> String {
        self.post(&Post::text(body).within(root)).await
    }

    pub(super) async fn post(&mut self, post: &Post) -> String {
        self.asker.post(&self.room, post).await
    }

    /// Has somebody else say something.
    pub(super) async fn post_by(&self, who: &mut Client, post: &Post) -> String {
        who.post(&self.room, post).await
    }

    pub(super) async fn edit(&mut self, event: &str, body: &str) {
        self.edit_into(event, &Post::text(body)).await;
    }

    pub(super) async fn edit_into(&mut self, event: &str, post: &Post) {
        self.asker.edit(&self.room, event, post).await;
    }

    pub(super) async fn delete(&mut self, event: &str) {
        self.asker.delete(&self.room, event).await;
    }

    pub(super) async fn tap(&mut self, event: &str, key: &str) {
        self.asker.tap(&self.room, event, key).await;
    }

    /// A text to these entities.
    pub(super) fn to(&self, entities: &[&str], body: &str) -> Post {
        let users: Vec<String> = entities.iter().map(|entity| self.user(entity)).collect();
        Post::text(body).to(&users.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Somebody else who comes in.
    pub(super) async fn guest(&mut self, name: &str) -> Client {
        let sort = match self.asker {
            Client::Open(_) => Sort::Open,
            Client::Sealed(_) => Sort::Sealed,
        };
        let mut guest = Client::new(shared(), name, sort).await;
        self.asker.invite(&self.room, guest.user()).await;
        guest.join(&self.room).await;
        self.everybody.push(guest.user().to_owned());
        self.asker.wait_members(&self.room, &self.everybody).await;
        guest.wait_members(&self.room, &self.everybody).await;
        guest
    }

    // Seeing.

    /// Waits until `entity` is seen to have read up to `event`.
    pub(super) async fn see_read(&mut self, entity: &str, event: &str) {
        let user = self.user(entity);
        self.asker.see_read(&self.room, &user, event).await;
    }

    /// Waits until `entity` is seen typing.
    pub(super) async fn see_typing(&mut self, entity: &str) {
        let user = self.user(entity);
        self.asker.see_typing(&self.room, &user).await;
    }

    /// Waits for a message that stands as wished.
    pub(super) async fn see(&mut self, what: &str, look: impl Fn(&Shown) -> bool) -> Shown {
        let find = |messages: &[Shown]| messages.iter().find(|message| look(message)).cloned();
        self.asker.see(&self.room, what, find).await
    }

    /// Waits until `entity` has said exactly this for good, and holds it against what every answer must be.
    pub(super) async fn answer(&mut self, entity: &str, body: &str) -> Shown {
        let user = self.user(entity);
        let is_it = |message: &Shown| message.sender == user && message.body == body && message.is_final;
        let answer = self.see(&format!("{entity} to say {body:?}"), is_it).await;
        check_answer(&answer);
        answer
    }

    /// Waits until `entity` has said something for good that holds all of this, in whatever case.
    pub(super) async fn answer_with(&mut self, entity: &str, words: &[&str]) -> Shown {
        let user = self.user(entity);
        let holds =
            |message: &Shown| words.iter().all(|word| message.body.to_lowercase().contains(&word.to_lowercase()));
        let is_it = |message: &Shown| message.sender == user && message.is_final && holds(message);
        let answer = self.see(&format!("{entity} to say something with {words:?}"), is_it).await;
        check_answer(&answer);
        answer
    }

    /// Waits until `entity` shows exactly this for now.
    pub(super) async fn growing(&mut self, entity: &str, body: &str) -> Shown {
        let user = self.user(entity);
        let is_it = |message: &Shown| message.sender == user && message.body == body;
        self.see(&format!("{entity} to begin with {body:?}"), is_it).await
    }

    /// All messages that are as wished, as they stand now.
    pub(super) async fn all(&mut self, look: impl Fn(&Shown) -> bool) -> Vec<Shown> {
        let find = |messages: &[Shown]| Some(messages.iter().filter(|message| look(message)).cloned().collect());
        self.asker.see(&self.room, "what there is", find).await
    }

    /// A message as it stands now.
    pub(super) async fn now(&mut self, message: &Shown) -> Shown {
        self.see("the message", |seen| seen.event == message.event).await
    }

    /// Waits for a notice of `entity` that holds all of this.
    pub(super) async fn notice(&mut self, entity: &str, words: &[&str]) -> Shown {
        let user = self.user(entity);
        let holds =
            |message: &Shown| words.iter().all(|word| message.body.to_lowercase().contains(&word.to_lowercase()));
        let before = self.before.clone();
        let is_new = |message: &Shown| message.kind == "m.notice" && !before.contains(&message.event);
        let is_it = |message: &Shown| message.sender == user && is_new(message) && holds(message);
        self.see(&format!("{entity} to tell something with {words:?}"), is_it).await
    }

    /// Has one more question answered, and then sees of all entities these messages, in this order, and nothing else.
    pub(super) async fn only(&mut self, expected: &[&Shown]) {
        let first = self.agents[0].clone();
        self.only_after(&first, expected).await;
    }

    /// The same, where only this entity can answer the one more question.
    pub(super) async fn only_after(&mut self, entity: &str, expected: &[&Shown]) {
        let seen = self.all_after(entity).await;
        assert_eq!(seen, expected.iter().map(|message| plain(message)).collect::<Vec<_>>());
    }

    /// The same in whatever order.
    pub(super) async fn only_in_any_order(&mut self, expected: &[&Shown]) {
        let first = self.agents[0].clone();
        let mut seen = self.all_after(&first).await;
        let mut expected: Vec<_> = expected.iter().map(|message| plain(message)).collect();
        seen.sort();
        expected.sort();
        assert_eq!(seen, expected);
    }

    /// All that entities have said when `entity` has answered one more question.
    async fn all_after(&mut self, entity: &str) -> Vec<Plain> {
        let marker = topic();
        let said = format!("Seen: {marker}");
        self.stub().when_asks(entity, &[&marker], Act::say(&said));
        self.ask(&[entity], &marker).await;
        let user = self.user(entity);
        let is_it = |message: &Shown| message.sender == user && message.body == said && message.is_final;
        let answered = self.see("the answer to the last question", is_it).await;
        self.before.push(answered.event);
        self.see_no_stop().await;
        self.asker.see_nobody_typing(&self.room).await;
        // All of ours have names that end alike.
        let (before, ours) = (self.before.clone(), self.user("").trim_start_matches('@').to_owned());
        let is_new = |message: &Shown| message.sender.ends_with(&ours) && !before.contains(&message.event);
        self.all(|message| is_new(message) && !message.is_deleted).await.iter().map(plain).collect()
    }

    /// Waits until nobody of ours offers to be stopped any more.
    async fn see_no_stop(&mut self) {
        let asker = self.asker.user().to_owned();
        let offers = |message: &Shown| message.taps.iter().any(|(user, key)| key == STOP && *user != asker);
        let look = |messages: &[Shown]| (!messages.iter().any(offers)).then_some(());
        self.asker.see(&self.room, "nobody to offer a stop", look).await;
    }
}

/// A word that no other conversation has, and that is no part of another one.
pub(super) fn topic() -> String {
    format!("{}.", unique("topic"))
}

/// What holds for every answer that is whole.
fn check_answer(answer: &Shown) {
    assert_eq!(answer.kind, "m.text", "{answer:#?}");
    assert!(answer.pings.values().all(|&times| times == 1), "everybody is called once: {answer:#?}");
    assert!(answer.root.is_none() || (answer.is_falling_back && answer.answers.is_some()), "{answer:#?}");
}

/// A message as far as it is compared: who, in which thread, what.
type Plain = (String, Option<String>, String);

fn plain(message: &Shown) -> Plain {
    (message.sender.clone(), message.root.clone(), message.body.clone())
}

/// Makes a room with these in it. A room that is no direct chat is never somebody's own.
async fn gather(house: &dyn House, asker: &mut Client, direct: bool, entities: &[&str]) -> (String, Vec<String>) {
    let mut users: Vec<String> = entities.iter().map(|entity| house.user(entity)).collect();
    let room = asker.create_room(direct, &users).await;
    users.push(asker.user().to_owned());
    if !direct {
        let witness = Person::new(shared(), "witness").await;
        asker.invite(&room, &witness.user).await;
        witness.join(&room).await.unwrap();
        users.push(witness.user);
    }
    asker.wait_members(&room, &users).await;
    (room, users)
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}
