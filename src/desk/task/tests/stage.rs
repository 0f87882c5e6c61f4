//! A house of three agents, a team and a router in one room, and what people say in it.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    sync::{Notify, mpsc, watch},
    task::yield_now,
    time::timeout,
};

use super::session::FakeLine;
use crate::{
    broker::{Broker, Dispatch, Order},
    config::{Config, compile_text},
    desk::{Desk, Inbox, Ways},
    matrix::{Lines, Switchboard},
    model::{
        Account, Batch, Change, Content, Conversation, Counts, DeviceId, EntityKind, EntityName, EntityStatus, EventId,
        Handoff, Incoming, Millis, Phase, RoomId, RoomKey, Secret, Standing, Status, TurnEnd, TurnId, UserId,
    },
    nursery::Stop,
    observe,
    routing::{RouteRequest, Routed},
    store::{Decision, ManagedRoom, Memory, Store, StoredNotice},
};

const CONFIG: &str = "
homeserver: {url: \"http://localhost:1\"}
agents:
  ada: {role: Answers., rooms: [lobby]}
  bob: {role: Writes., rooms: [lobby]}
  eve: {role: Draws., rooms: [lobby]}
teams:
  duo: {role: Does both., agents: [ada, bob], rooms: [lobby]}
bot_accounts: [\"@bridge:s\"]
conversation: {redact_answers: true, agent_messages_max: 3, catch_up_max: 3}
authorization:
  global_users: [\"@al:s\", \"@kim:s\", \"@bridge:s\"]
  aliases: {\"@al:s\": [\"@al2:s\"]}
  agent_reply_permissions: {eve: [\"@kim:s\"]}
";
/// How long anything may take. Nothing here waits for a clock.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn name(text: &str) -> EntityName {
    EntityName::parse(text).unwrap()
}

pub(super) fn user(text: &str) -> UserId {
    UserId::parse(format!("@{text}:s")).unwrap()
}

pub(super) fn event(text: &str) -> EventId {
    EventId::parse(format!("${text}")).unwrap()
}

pub(super) fn room() -> RoomId {
    RoomId::parse("!r").unwrap()
}

pub(super) fn thread(root: &str) -> Conversation {
    Conversation { room: room(), thread: Some(event(root)) }
}

pub(super) fn main_timeline() -> Conversation {
    Conversation { room: room(), thread: None }
}

/// An event of any type.
pub(super) fn incoming(id: &str, sender: &str, kind: &str, content: &Value) -> Incoming {
    Incoming {
        room: room(),
        event: event(id),
        sender: user(sender),
        sent_at: observe::now(),
        standing: Standing::Live,
        content: Content::Clear { kind: kind.to_owned(), json: content.to_string() },
    }
}

/// A message with these mentions and this relation.
pub(super) fn message(id: &str, sender: &str, body: &str, mentions: &[&str], relation: Value) -> Incoming {
    let mut content = json!({"msgtype": "m.text", "body": body, "m.mentions": mentioned(mentions)});
    if !relation.is_null() {
        content["m.relates_to"] = relation;
    }
    incoming(id, sender, "m.room.message", &content)
}

fn mentioned(names: &[&str]) -> Value {
    let ids: Vec<String> = names.iter().map(|name| user(name).to_string()).collect();
    if ids.is_empty() { json!({}) } else { json!({"user_ids": ids}) }
}

/// What al says on the main timeline, to nobody in particular.
pub(super) fn person(body: &str, id: &str) -> Incoming {
    message(id, "al", body, &[], Value::Null)
}

/// What al says there to these.
pub(super) fn asks(id: &str, mentions: &[&str]) -> Incoming {
    message(id, "al", "well?", mentions, Value::Null)
}

pub(super) fn in_thread(root: &str) -> Value {
    json!({"rel_type": "m.thread", "event_id": event(root).as_str(), "is_falling_back": true,
           "m.in_reply_to": {"event_id": event(root).as_str()}})
}

pub(super) fn replying(to: &str) -> Value {
    json!({"m.in_reply_to": {"event_id": event(to).as_str()}})
}

/// How far an answer is that an entity gives.
pub(super) struct Answering<'a> {
    pub(super) hops: u32,
    pub(super) root: &'a str,
    pub(super) last: bool,
}

/// An entity's answer in a thread.
pub(super) fn answer(id: &str, sender: &str, root: &str, mentions: &[&str], how: &Answering<'_>) -> Incoming {
    let content = json!({"msgtype": "m.text", "body": "so", "m.mentions": mentioned(mentions),
                         "m.relates_to": in_thread(root), "org.maitre.turn": mark(how)});
    incoming(id, sender, "m.room.message", &content)
}

fn mark(how: &Answering<'_>) -> Value {
    json!({"id": "t", "part": 0, "final": how.last, "hops": how.hops, "root": event(how.root).as_str()})
}

/// A new wording of a message.
pub(super) fn edit(id: &str, sender: &str, of: &str, body: &str, mentions: &[&str]) -> Incoming {
    let content = json!({
        "msgtype": "m.text", "body": format!("* {body}"), "m.mentions": {},
        "m.new_content": {"msgtype": "m.text", "body": body, "m.mentions": mentioned(mentions)},
        "m.relates_to": {"rel_type": "m.replace", "event_id": event(of).as_str()},
    });
    incoming(id, sender, "m.room.message", &content)
}

/// How an entity's answer becomes whole.
pub(super) fn completed(id: &str, sender: &str, of: &str, mentions: &[&str], how: &Answering<'_>) -> Incoming {
    let content = json!({
        "msgtype": "m.text", "body": "* whole", "m.mentions": mentioned(mentions), "org.maitre.turn": mark(how),
        "m.new_content": {"msgtype": "m.text", "body": "whole", "m.mentions": mentioned(mentions),
                          "org.maitre.turn": mark(how)},
        "m.relates_to": {"rel_type": "m.replace", "event_id": event(of).as_str()},
    });
    incoming(id, sender, "m.room.message", &content)
}

pub(super) fn tap(id: &str, sender: &str, on: &str, key: &str) -> Incoming {
    let relation = json!({"rel_type": "m.annotation", "event_id": event(on).as_str(), "key": key});
    incoming(id, sender, "m.reaction", &json!({"m.relates_to": relation}))
}

pub(super) fn deletion(id: &str, sender: &str, of: &str) -> Incoming {
    incoming(id, sender, "m.room.redaction", &json!({"redacts": event(of).as_str()}))
}

/// The house.
pub(super) struct Stage {
    pub(super) store: Store,
    pub(super) memory: Memory,
    pub(super) inbox: Inbox,
    pub(super) broker: Broker,
    pub(super) switchboard: Switchboard,
    pub(super) orders: tokio::sync::Mutex<mpsc::Receiver<Order>>,
    pub(super) routes: tokio::sync::Mutex<mpsc::Receiver<Handoff<RouteRequest, Routed>>>,
    pub(super) redacted: Arc<Mutex<Vec<EventId>>>,
    pub(super) members_asked: Arc<Mutex<usize>>,
    config: watch::Receiver<Arc<Config>>,
    lines: Lines,
    tasks: Mutex<Option<(Desk, Dispatch)>>,
    /// Nobody would look at what they send, were they gone.
    senders: (watch::Sender<Arc<Config>>, watch::Sender<Status>),
}

impl Stage {
    /// Everybody is up, in a room that the configuration names.
    pub(super) async fn lobby() -> Self {
        Self::lobby_just_joined(&["router", "ada", "bob", "eve", "duo"], &[]).await
    }

    /// These are, and those among them who are late haven't heard of anything in the room yet.
    pub(super) async fn lobby_just_joined(present: &[&str], late: &[&str]) -> Self {
        let (store, memory) = Store::memory();
        let lobby = ManagedRoom { key: RoomKey::parse("lobby").unwrap(), room: room(), made_by_us: true };
        store.save_room(lobby).await.unwrap();
        Self::of(store, memory, present, late).await
    }

    /// These are up, in a direct chat with al.
    pub(super) async fn chat(entities: &[&str]) -> Self {
        Self::chat_just_joined(entities, &[]).await
    }

    /// The same, where these among them have joined and haven't heard of it yet.
    pub(super) async fn chat_just_joined(entities: &[&str], late: &[&str]) -> Self {
        let (store, memory) = Store::memory();
        for entity in entities {
            let changes = vec![Change::Invited { room: room(), by: user("al"), direct: true }];
            store.admit(vec![Batch { changes, ..batch(entity, Vec::new()) }]).await.unwrap();
        }
        Self::of(store, memory, entities, late).await
    }

    async fn of(store: Store, memory: Memory, present: &[&str], late: &[&str]) -> Self {
        let config = Arc::new(compile_text(CONFIG, Path::new("/"), &BTreeMap::new()).unwrap().config);
        for entity in &config.entities {
            store.save_account(account(&entity.name)).await.unwrap();
        }
        for entity in present.iter().filter(|entity| !late.contains(*entity)) {
            let changes = vec![Change::Joined { room: room() }];
            store.admit(vec![Batch { changes, ..batch(entity, Vec::new()) }]).await.unwrap();
        }
        let (config_sender, config) = watch::channel(config);
        let (switchboard, lines) = Switchboard::new();
        let (status_sender, status) = watch::channel(status());
        let parts = Parts { store: store.clone(), config: config.clone(), lines: lines.clone(), status };
        let (desk, dispatch, ends) = parts.assemble();
        let stage = Self {
            store,
            memory,
            inbox: ends.inbox,
            broker: ends.broker,
            switchboard,
            orders: tokio::sync::Mutex::new(ends.orders),
            routes: tokio::sync::Mutex::new(ends.routes),
            redacted: Arc::default(),
            members_asked: Arc::default(),
            config,
            lines,
            tasks: Mutex::new(Some((desk, dispatch))),
            senders: (config_sender, status_sender),
        };
        for entity in present {
            stage.connect(entity, present);
        }
        stage
    }

    /// The same store after a crash, with new tasks on it.
    pub(super) fn restarted(mut self) -> Self {
        self.memory.crash();
        self.store = self.memory.reopen();
        let (status_sender, status) = watch::channel(status());
        let parts = Parts { store: self.store.clone(), config: self.config.clone(), lines: self.lines.clone(), status };
        let (desk, dispatch, ends) = parts.assemble();
        self.inbox = ends.inbox;
        self.broker = ends.broker;
        self.orders = tokio::sync::Mutex::new(ends.orders);
        self.routes = tokio::sync::Mutex::new(ends.routes);
        self.tasks = Mutex::new(Some((desk, dispatch)));
        self.senders.1 = status_sender;
        self
    }

    /// The configuration no longer lets this person in.
    pub(super) fn dismiss(&self, person: &str) {
        let gone = user(person);
        self.senders.0.send_modify(|config| {
            let users = &mut Arc::make_mut(config).authorization.global_users;
            users.retain(|pattern| !pattern.matches(&gone));
        });
    }

    /// This one can't log in, and needs somebody's help.
    pub(super) fn down(&self, entity: &str) {
        self.switchboard.disconnect(&name(entity));
        let failed = EntityStatus {
            name: name(entity),
            kind: EntityKind::Agent,
            user: None,
            phase: Phase::Down,
            reason: None,
            restarts: 1,
            next_try_at: None,
            synced_at: None,
        };
        self.senders.1.send_modify(|status| status.entities.push(failed));
    }

    /// This one comes up, in a room with al and these.
    pub(super) fn connect(&self, entity: &str, present: &[&str]) {
        let members = present.iter().map(|entity| user(entity)).chain([user("al"), user("bridge")]).collect();
        let line = FakeLine {
            user: user(entity),
            members,
            asked: Arc::clone(&self.members_asked),
            redacted: Arc::clone(&self.redacted),
        };
        self.switchboard.connect(name(entity), Arc::new(line));
    }

    /// Plays `scene` while the desk and the broker work.
    pub(super) async fn run<T>(&self, scene: impl AsyncFnOnce(&Self) -> T) -> T {
        let (desk, dispatch) = self.tasks.lock().unwrap().take().unwrap();
        let stop = Stop::default();
        let play = timeout(PATIENCE, scene(self));
        tokio::select! {
            biased;
            done = play => done.expect("the scene takes too long"),
            () = desk.run(stop.clone()) => panic!("the desk ended"),
            () = dispatch.run(stop.clone()) => panic!("the broker ended"),
        }
    }

    /// The desk alone, until it ends by itself.
    pub(super) async fn until_it_ends(self) {
        let (desk, _) = self.tasks.lock().unwrap().take().unwrap();
        timeout(PATIENCE, desk.run(Stop::default())).await.expect("the desk goes on");
    }

    /// A loop brings this and is answered.
    pub(super) async fn bring(&self, batch: Batch) {
        let (handoff, answer) = Handoff::new(batch);
        self.inbox.send(handoff).await.unwrap();
        answer.await.unwrap();
    }

    /// The router's loop brings these, and the desk has dealt with them.
    pub(super) async fn hear(&self, events: Vec<Incoming>) {
        self.bring(batch("router", events)).await;
        self.settled().await;
    }

    /// Waits until nothing is due.
    pub(super) async fn settled(&self) {
        while !self.store.due(1).await.unwrap().is_empty() {
            yield_now().await;
        }
    }

    pub(super) async fn decision(&self, id: &str) -> Option<Decision> {
        self.store.decision(&room(), &event(id)).await.unwrap()
    }

    /// The rule that decided about a message.
    pub(super) async fn rule(&self, id: &str) -> String {
        self.decision(id).await.map_or_else(|| "none".to_owned(), |decision| decision.rule)
    }

    /// Who was to answer a message, each with the thread of the answer.
    pub(super) async fn answers(&self, id: &str) -> Vec<String> {
        let decision = self.decision(id).await;
        decision.into_iter().flat_map(|decision| decision.answering).map(|responder| responder.to_string()).collect()
    }

    /// The next turn that begins.
    pub(super) async fn order(&self) -> Order {
        self.orders.lock().await.recv().await.unwrap()
    }

    /// The turn ends, with one message in the room.
    pub(super) async fn answered(&self, order: &Order, part: &str) {
        self.store.note_part(&order.turn.id, 0, &event(part)).await.unwrap();
        self.ended(&order.turn.id).await;
    }

    async fn ended(&self, turn: &TurnId) {
        self.broker.ended(turn.clone(), TurnEnd::Done, "so".to_owned()).await;
    }

    /// The next message for the router, and the way to answer it.
    pub(super) async fn routing(&self) -> Handoff<RouteRequest, Routed> {
        self.routes.lock().await.recv().await.unwrap()
    }

    /// What the house is about to say.
    pub(super) async fn notices(&self) -> Vec<StoredNotice> {
        self.store.pending_notices(100).await.unwrap()
    }

    /// Waits until something is so.
    pub(super) async fn until(&self, holds: impl AsyncFn() -> bool) {
        while !holds().await {
            yield_now().await;
        }
    }

    /// Nobody is given anything to answer.
    pub(super) async fn nobody_answers(&self) {
        assert!(self.store.unfinished().await.unwrap().queued.is_empty());
        assert!(self.orders.lock().await.try_recv().is_err());
    }
}

/// What the tasks are made from.
struct Parts {
    store: Store,
    config: watch::Receiver<Arc<Config>>,
    lines: Lines,
    status: watch::Receiver<Status>,
}

/// The ends of the ways that lead to them and away from them.
struct Ends {
    inbox: Inbox,
    broker: Broker,
    orders: mpsc::Receiver<Order>,
    routes: mpsc::Receiver<Handoff<RouteRequest, Routed>>,
}

impl Parts {
    fn assemble(self) -> (Desk, Dispatch, Ends) {
        let (orders_sender, orders) = mpsc::channel(64);
        let (routes_sender, routes) = mpsc::channel(64);
        let (broker, dispatch) = Dispatch::new(self.store.clone(), self.config.clone(), orders_sender);
        let ways = Ways {
            lines: self.lines,
            broker: broker.clone(),
            routes: routes_sender,
            status: self.status,
            action: Arc::new(Notify::new()),
            nudge: None,
        };
        let (desk, inbox) = Desk::new(self.store, self.config, ways);
        (desk, dispatch, Ends { inbox, broker, orders, routes })
    }
}

/// What an entity's loop brings.
pub(super) fn batch(entity: &str, events: Vec<Incoming>) -> Batch {
    let (entity, received_at) = (name(entity), observe::now());
    Batch { entity, token: None, received_at, after_absence: false, events, changes: Vec::new() }
}

fn account(entity: &EntityName) -> Account {
    Account {
        entity: entity.clone(),
        localpart: entity.to_string(),
        user: Some(user(entity.as_str())),
        device: DeviceId::parse("D").unwrap(),
        password: None,
        tokens: None,
        recovery_key: None,
        store_key: Secret::new("key"),
    }
}

fn status() -> Status {
    Status {
        version: String::new(),
        started_at: Millis(0),
        taken_at: Millis(0),
        homeserver: String::new(),
        ready: true,
        doing: String::new(),
        entities: Vec::new(),
        rooms: Vec::new(),
        counts: Counts::default(),
        parked: crate::model::Parked::default(),
        reloads: Vec::new(),
    }
}
