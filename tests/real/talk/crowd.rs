//! Many people at once.

use futures_util::{StreamExt as _, stream};

use crate::house::{Act, Asked, Client, Post, Shown, Sort, Stub, shared};

use super::{
    hall::Hall,
    stage::{House as _, Stage, topic},
};

/// How many rooms there are, with two people in each.
const ROOMS: usize = 50;
/// How many messages each person writes: one that opens a thread, and others in it.
const MESSAGES: usize = 3;
/// How many answers are given at once.
const TURNS_MAX: usize = 4;
/// How long the model thinks.
const LATENCY: std::time::Duration = std::time::Duration::from_millis(200);
/// How many rooms are set up at once.
const SET_UP_AT_ONCE: usize = 6;

/// A house with bounds of its own.
async fn busy(conversation: &str) -> Hall {
    let stub = Stub::start_with_latency(LATENCY).await;
    let models = ["alpha", "beta", "gamma"].map(|name| stub.model(name)).concat();
    let config = format!(
        "models:\n{models}agents:\n  alpha: {{role: Listens., model: alpha}}\n  beta: {{role: Talks., model: beta}}\n  \
         gamma: {{role: Waits., model: gamma}}\nrouter: {{model: gamma}}\nconversation: {conversation}\n\
         authorization: {{global_users: [\"@friend-*:localhost\"]}}\n"
    );
    Hall::open(shared(), stub, &config).await
}

/// Somebody in a room of the crowd, and what they ask about, in order.
struct Voice {
    client: Client,
    room: String,
    topics: Vec<String>,
}

impl Voice {
    fn new(client: Client, room: &str) -> Self {
        Self { client, room: room.to_owned(), topics: (0..MESSAGES).map(|_| topic()).collect() }
    }

    /// Says it all, without waiting for anything, and then waits for all answers. Gives them.
    async fn talk(&mut self, alpha: &str) -> Vec<Shown> {
        let root = self.client.post(&self.room, &Post::text(&self.topics[0])).await;
        for topic in &self.topics[1..] {
            self.client.post(&self.room, &Post::text(topic).within(&root)).await;
        }
        let last = self.topics.last().unwrap().clone();
        let look = |messages: &[Shown]| {
            let asked = messages.iter().rfind(|message| message.body == last)?;
            let answers: Vec<_> =
                messages.iter().filter(|m| m.sender == alpha && m.root.as_deref() == Some(&*root)).cloned().collect();
            let is_over = answers.iter().all(|answer| answer.is_final)
                && answers.iter().any(|answer| answer.answers.as_deref() == Some(&*asked.event));
            is_over.then_some(answers)
        };
        self.client.see(&self.room, "all answers", look).await
    }
}

/// Two people who share a room with an agent.
async fn pair(house: &Hall) -> [Voice; 2] {
    let mut first = Client::new(shared(), "friend", Sort::Open).await;
    let mut second = Client::new(shared(), "friend", Sort::Open).await;
    let users = [house.user("alpha"), second.user().to_owned()];
    let room = first.create_room(false, &users).await;
    second.join(&room).await;
    let everybody = [users.to_vec(), vec![first.user().to_owned()]].concat();
    first.wait_members(&room, &everybody).await;
    second.wait_members(&room, &everybody).await;
    [Voice::new(first, &room), Voice::new(second, &room)]
}

/// Conversation 53. C4, C5, N2: many people write at once, in many rooms; every message is answered once, everybody's in their
/// order, and the model never has more to do at once than was allowed, and not less.
#[tokio::test]
async fn a_crowd_is_answered() {
    let house = busy(&format!("{{turns_max: {TURNS_MAX}, turns_reserved: 1}}")).await;
    house.stub.when("topic", Act::say("Heard."));
    let pairs: Vec<[Voice; 2]> =
        stream::iter(0..ROOMS).map(|_| pair(&house)).buffer_unordered(SET_UP_AT_ONCE).collect().await;
    let mut voices: Vec<Voice> = pairs.into_iter().flatten().collect();
    let alpha = house.user("alpha");
    let talks = stream::iter(voices.iter_mut()).map(|voice| voice.talk(&alpha));
    let answers: Vec<Vec<Shown>> = talks.buffer_unordered(2 * ROOMS).collect().await;
    assert_eq!(answers.len(), 2 * ROOMS);
    let calls = house.stub.asked("topic");
    assert_eq!(answers.iter().map(Vec::len).sum::<usize>(), calls.len(), "each call is one answer");
    for voice in &voices {
        let places: Vec<(usize, usize)> = voice.topics.iter().map(|topic| place(&calls, topic)).collect();
        assert!(places.is_sorted(), "{places:?}");
    }
    assert_eq!(house.stub.in_flight_max(), TURNS_MAX);
}

/// Which call was to answer a message, and where in it the message stood. It was only one.
fn place(calls: &[Asked], topic: &str) -> (usize, usize) {
    let those = calls.iter().enumerate().filter(|(_, asked)| asked.last.contains(topic));
    let [(call, asked)] = those.collect::<Vec<_>>().try_into().expect("every message is answered once");
    (call, asked.last.find(topic).unwrap())
}

/// Conversation 54. C4, W12: a person's message never waits behind what agents say to each other, not even when they go on for
/// ever and there is little room.
#[tokio::test]
async fn people_go_before_agents() {
    let bounds = "{turns_max: 2, turns_reserved: 1, hops_max: 100, agent_messages_max: 100}";
    let house = busy(bounds).await;
    let mut stage = Stage::open_in(&house, Sort::Open, &["alpha", "beta", "gamma"]).await;
    let (chatter, elsewhere, there) = (topic(), topic(), topic());
    house.stub.when_asks("alpha", &[&chatter], Act::say(&format!("@beta, and you? {chatter}")));
    house.stub.when_asks("beta", &[&chatter], Act::say(&format!("@alpha, and you? {chatter}")));
    house.stub.when(&elsewhere, Act::say("Here I am."));
    house.stub.when_asks("beta", &[&there], Act::say("Enough of that."));
    let root = stage.ask(&["alpha"], &chatter).await;
    house.stub.wait_asked(&chatter, 5).await;
    let before = house.stub.heard_of("").len();
    stage.ask(&["gamma"], &elsewhere).await;
    stage.answer("gamma", "Here I am.").await;
    check_soon(&house.stub, &elsewhere, before);
    let before = house.stub.heard_of("").len();
    let post = stage.to(&["beta"], &there).within(&root);
    stage.post(&post).await;
    stage.answer("beta", "Enough of that.").await;
    check_soon(&house.stub, &there, before);
}

/// At most what was under way, and what began while the message travelled, came before it.
fn check_soon(stub: &Stub, topic: &str, before: usize) {
    let calls = stub.heard_of("");
    let place = calls.iter().position(|asked| asked.last.contains(topic)).expect("it was asked");
    assert!(place - before <= 4, "{} calls came first", place - before);
}
