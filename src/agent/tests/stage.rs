//! A room with two agents in it, people who write, and minds that answer.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use super::{driver::Script, line::FakeLine};
use crate::{
    agent::Minds,
    broker::{Halt, Halter},
    config::{Config, compile_text},
    llm::{Models, Places},
    matrix::{Lines, Outgoing, Switchboard},
    model::{
        Account, Conversation, DeviceId, EntityName, Envelope, EventId, Millis, Priority, Reply, Responder, RoomId,
        Secret, Standing, Turn, TurnId, UserId,
    },
    store::{
        Begun, Mark, Memory, Message, Ordinal, Projection, Recollection, Settlement, Sort, Store, TurnStart, Wording,
    },
};

const CONFIG: &str = "
homeserver: { url: 'http://localhost' }
models:
  big: { provider: openai, id: gpt-4o }
agents:
  ada: { display_name: Ada, role: Counts., rooms: [lobby], model: big }
  bob: { display_name: Bob, role: Draws., rooms: [lobby], model: big }
  mute: { role: Has no model., rooms: [lobby] }
authorization: { global_users: ['@eve:home'] }
";

/// The stage.
pub(super) struct Stage {
    pub(super) store: Store,
    pub(super) memory: Memory,
    pub(super) model: Script,
    pub(super) minds: Minds,
    pub(super) sent: Arc<Mutex<Vec<Outgoing>>>,
    lines: Lines,
    places: Places,
    config: watch::Sender<Arc<Config>>,
    _switchboard: Switchboard,
}

/// What a turn came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) text: String,
    pub(super) lines: Vec<String>,
    pub(super) end: Option<Reply>,
}

pub(super) fn entity(name: &str) -> EntityName {
    EntityName::parse(name).unwrap()
}

pub(super) fn user(name: &str) -> UserId {
    UserId::parse(format!("@{name}:home")).unwrap()
}

pub(super) fn event(number: u64) -> EventId {
    EventId::parse(format!("$e{number}")).unwrap()
}

/// An account as it is kept, whether its entity is up or not.
pub(super) fn account(name: &str) -> Account {
    Account {
        entity: entity(name),
        localpart: name.to_owned(),
        user: Some(user(name)),
        device: DeviceId::parse("D").unwrap(),
        password: None,
        tokens: None,
        recovery_key: None,
        store_key: Secret::new("key"),
    }
}

pub(super) fn room() -> RoomId {
    RoomId::parse("!lobby").unwrap()
}

pub(super) fn thread() -> Conversation {
    Conversation { room: room(), thread: Some(event(1)) }
}

pub(super) fn turn_id(agent: &str, number: u64) -> TurnId {
    TurnId::parse(format!("{agent}-{number}")).unwrap()
}

impl Stage {
    /// Agents that think with `model`.
    pub(super) fn new(model: Script) -> Self {
        Self::changed(model, |_| {})
    }

    /// The same under a configuration that was changed.
    pub(super) fn changed(model: Script, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = compile_text(CONFIG, Path::new("/"), &BTreeMap::new()).unwrap().config;
        change(&mut config);
        let (config, config_seen) = watch::channel(Arc::new(config));
        let (store, memory) = Store::memory();
        let places =
            Places::new(config.borrow().conversation.turns_max.get(), config.borrow().conversation.turns_reserved);
        let (switchboard, lines) = Switchboard::new();
        let sent = Arc::new(Mutex::new(Vec::new()));
        for name in ["ada", "bob", "mute", "router"] {
            let names = [(user("eve"), "Eve".to_owned()), (user("mallory"), "Mallory".to_owned())].into();
            let line = FakeLine { user: user(name), names, file: b"1 + 1 = 2".to_vec(), sent: Arc::clone(&sent) };
            switchboard.connect(entity(name), Arc::new(line));
        }
        let models = Models::of([("big", Arc::new(model.clone()) as _)]);
        let minds = Minds::new(config_seen, models, places.clone(), store.clone(), lines.clone());
        Self { store, memory, model, minds, sent, lines, places, config, _switchboard: switchboard }
    }

    /// The program dies and starts again; what is on the disk is all that stays.
    pub(super) fn restart(&mut self, model: Script) {
        self.memory.crash();
        self.store = self.memory.reopen();
        let models = Models::of([("big", Arc::new(model.clone()) as _)]);
        self.model = model;
        self.minds =
            Minds::new(self.config.subscribe(), models, self.places.clone(), self.store.clone(), self.lines.clone());
    }

    /// Somebody writes message number `number` into the thread that grows from message 1.
    pub(super) async fn write(&self, number: u64, sender: &str, body: &str) {
        self.put(message(number, sender, &json!({ "msgtype": "m.text", "body": body }))).await;
    }

    pub(super) async fn put(&self, message: Message) {
        let event = message.event.clone();
        self.settle(event, Projection::Message(Box::new(message))).await;
    }

    pub(super) async fn settle(&self, event: EventId, projection: Projection) {
        self.store.settle(Settlement::of(room(), event, projection, Millis(0))).await.unwrap();
    }

    /// An agent has answered message `to`.
    pub(super) async fn answered(&self, number: u64, agent: &str, body: &str, to: u64) {
        let mut answer = message(number, agent, &json!({ "msgtype": "m.text", "body": body }));
        answer.in_reply_to = Some(event(to));
        answer.wording.mark = Some(Mark { turn: Some(turn_id(agent, to)), last: true, hops: 1, root: None });
        self.put(answer).await;
    }

    /// The next attempt of `agent`'s turn on message `number`, asked by `asker`.
    pub(super) async fn begin(&self, agent: &str, number: u64, asker: &str, priority: Priority) -> Turn {
        let responder = Responder::One(entity(agent));
        let envelope = Envelope {
            conversation: thread(),
            event: event(number),
            sender: user(asker),
            responder: responder.clone(),
            priority,
            hops: 1,
            root: event(number),
            missing: Vec::new(),
            received_at: Millis(0),
        };
        self.store.queue(envelope).await.unwrap();
        let start = TurnStart { id: turn_id(agent, number), responder, room: room(), events: vec![event(number)] };
        match self.store.begin_turn(start, Millis(0)).await.unwrap() {
            Begun::Go(turn) => turn,
            other => panic!("there is something to answer: {other:?}"),
        }
    }

    /// What Ada answers to message `number`, by Eve.
    pub(super) async fn answer(&self, number: u64) -> Heard {
        let turn = self.begin("ada", number, "eve", Priority::Person).await;
        let (_halter, halt) = Halter::new();
        self.hear(&turn, halt).await
    }

    /// What comes of a turn.
    pub(super) async fn hear(&self, turn: &Turn, halt: Halt) -> Heard {
        let (sender, receiver) = mpsc::channel(4);
        let ((), heard) = tokio::join!(self.minds.answer(turn, halt, sender), listen(receiver));
        heard
    }

    /// What an agent finds in its memory when Eve asks.
    pub(super) async fn recalled(&self, agent: &str, words: &str) -> Vec<String> {
        let words = words.split(' ').map(str::to_owned).collect();
        let about = Recollection { agent: entity(agent), rooms: vec![room()], person: user("eve"), words };
        self.store.recall(about, 9).await.unwrap().into_iter().map(|memo| memo.text).collect()
    }

    /// What the model was asked `nth`, from 0.
    pub(super) fn prompt(&self, nth: usize) -> crate::model::Prompt {
        self.model.asked()[nth].clone()
    }
}

/// Everything that is said, to the end.
pub(super) async fn listen(mut replies: mpsc::Receiver<Reply>) -> Heard {
    let mut heard = Heard { text: String::new(), lines: Vec::new(), end: None };
    while let Some(reply) = replies.recv().await {
        match reply {
            Reply::Text(text) => heard.text = text,
            Reply::ToolLine(line) => heard.lines.push(line),
            Reply::Finished | Reply::Failed(_) => heard.end = Some(reply),
        }
    }
    heard
}

pub(super) fn message(number: u64, sender: &str, content: &Value) -> Message {
    let media = content.get("url").is_some();
    Message {
        ordinal: Ordinal(number),
        room: room(),
        event: event(number),
        sender: user(sender),
        sent_at: Millis(number * 60_000),
        received_at: Millis(number * 60_000),
        standing: Standing::Live,
        thread: (number > 1).then(|| event(1)),
        in_reply_to: None,
        wording: Wording {
            sort: if media { Sort::Media } else { Sort::Text },
            body: content["body"].as_str().unwrap().to_owned(),
            content: content.to_string(),
            mentions: Vec::new(),
            mark: None,
        },
        edited: false,
        deleted: false,
    }
}

/// The answer, whole.
pub(super) fn whole(text: &str) -> Heard {
    Heard { text: text.to_owned(), lines: Vec::new(), end: Some(Reply::Finished) }
}
