//! A house with one room, one agent and a homeserver that does as it is told.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use tokio::{
    join,
    sync::{mpsc, watch},
    time,
};

use super::homeserver::{Homeserver, Sent};
use crate::{
    bot::Voice,
    broker::{Halt, Halted, Halter},
    config::{Config, compile_text},
    matrix::{Lines, Switchboard},
    model::{
        Conversation, EntityName, Envelope, EventId, Priority, Reply, Responder, RoomId, Standing, Turn, TurnEnd,
        TurnId, UserId,
    },
    observe,
    store::{Begun, Mark, Memory, Message, Ordinal, Projection, Settlement, Sort, Store, TurnStart, Wording},
};

const CONFIG: &str = "
homeserver: {url: http://localhost:8008}
models: {small: {provider: ollama, id: x}}
agents:
  writer: {role: Writes., model: small, rooms: [lobby]}
  critic: {role: Judges., model: small, rooms: [lobby]}
";

pub(super) struct Stage {
    pub(super) config: watch::Receiver<Arc<Config>>,
    pub(super) store: Store,
    pub(super) memory: Memory,
    pub(super) switchboard: Switchboard,
    pub(super) lines: Lines,
    pub(super) homeserver: Homeserver,
    /// Keeps the configuration's sender.
    _config: watch::Sender<Arc<Config>>,
}

/// What happens while an answer is given.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    /// The mind says something.
    Say(Reply),
    /// Time passes.
    Wait(u64),
    /// Somebody halts it.
    Halt(Halted),
}

/// What the mind says.
pub(super) fn text(text: &str) -> Deed {
    Deed::Say(Reply::Text(text.to_owned()))
}

pub(super) const FINISHED: Deed = Deed::Say(Reply::Finished);

pub(super) fn entity(name: &str) -> EntityName {
    EntityName::parse(name).unwrap()
}

pub(super) fn event(id: &str) -> EventId {
    EventId::parse(id).unwrap()
}

pub(super) fn room(name: &str) -> RoomId {
    RoomId::parse(format!("!{name}")).unwrap()
}

impl Stage {
    pub(super) fn new() -> Self {
        Self::with("")
    }

    /// With more in its configuration.
    pub(super) fn with(more: &str) -> Self {
        let loaded = compile_text(&format!("{CONFIG}{more}"), Path::new("/"), &BTreeMap::new()).unwrap();
        let (sender, config) = watch::channel(Arc::new(loaded.config));
        let (store, memory) = Store::memory();
        let (switchboard, lines) = Switchboard::new();
        let names = [("@writer:home", "Writer"), ("@critic:home", "Critic"), ("@bob:home", "Bob")];
        let homeserver = Homeserver::new("@writer:home", &names);
        switchboard.connect(entity("writer"), Arc::new(homeserver.clone()));
        Self { config, store, memory, switchboard, lines, homeserver, _config: sender }
    }

    pub(super) fn voice(&self) -> Voice {
        Voice::new(self.config.clone(), self.store.clone(), self.lines.clone())
    }

    /// A question of Bob's for the writer, and the turn that answers it.
    pub(super) async fn begin(&self) -> Turn {
        let envelope = Envelope {
            conversation: Conversation { room: room("lobby"), thread: Some(event("$question")) },
            event: event("$question"),
            sender: UserId::parse("@bob:home").unwrap(),
            responder: Responder::One(entity("writer")),
            priority: Priority::Person,
            hops: 1,
            root: event("$question"),
            missing: Vec::new(),
            received_at: observe::now(),
        };
        let (responder, events) = (envelope.responder.clone(), vec![envelope.event.clone()]);
        assert!(self.store.queue(envelope).await.unwrap());
        let start = TurnStart { id: TurnId::parse("t1").unwrap(), responder, room: room("lobby"), events };
        went(self.store.begin_turn(start, observe::now()).await.unwrap())
    }

    /// The next attempt, as the store knows the turn.
    pub(super) async fn resume(&self, turn: &Turn) -> Turn {
        went(self.store.resume_turn(&turn.id, observe::now()).await.unwrap())
    }

    /// The journal hears of the answer as far as it stands in the first message of `turn`.
    pub(super) async fn hear_back(&self, turn: &Turn, body: &str, last: bool) {
        let (first, now) = (turn.parts[0].clone(), observe::now());
        let mark = Mark { turn: Some(turn.id.clone()), last, hops: 1, root: Some(turn.root.clone()) };
        let (content, mentions) = ("{}".to_owned(), Vec::new());
        let wording = Wording { sort: Sort::Text, body: body.to_owned(), content, mentions, mark: Some(mark) };
        let message = Message {
            ordinal: Ordinal(1),
            room: room("lobby"),
            event: first.clone(),
            sender: UserId::parse("@writer:home").unwrap(),
            sent_at: now,
            received_at: now,
            standing: Standing::Live,
            thread: Some(event("$question")),
            in_reply_to: None,
            wording,
            edited: true,
            deleted: false,
        };
        let heard = Settlement::of(room("lobby"), first, Projection::Message(Box::new(message)), now);
        self.store.settle(heard).await.unwrap();
    }

    /// The power is cut, and the program starts again.
    pub(super) fn crash(&mut self) {
        self.memory.crash();
        self.store = self.memory.reopen();
    }

    /// Plays `deeds` and then waits for the answer's end.
    pub(super) async fn speak(&self, turn: &Turn, deeds: &[Deed]) -> (TurnEnd, String) {
        self.speak_until(turn, deeds, std::future::pending()).await
    }

    /// The same, while the program may be told to stop.
    pub(super) async fn speak_until(
        &self,
        turn: &Turn,
        deeds: &[Deed],
        suspended: impl Future<Output = ()> + Send,
    ) -> (TurnEnd, String) {
        self.speak_by(&self.voice(), turn, deeds, suspended).await
    }

    /// The same, by a voice that may give other answers meanwhile.
    pub(super) async fn speak_by(
        &self,
        voice: &Voice,
        turn: &Turn,
        deeds: &[Deed],
        suspended: impl Future<Output = ()> + Send,
    ) -> (TurnEnd, String) {
        let (replies, heard) = mpsc::channel(64);
        let (halter, halt) = Halter::new();
        let spoken = can_be_spawned(voice.speak(turn, heard, halt.clone(), suspended));
        join!(spoken, play(deeds, replies, &halter, &halt)).0
    }

    /// Speaks until nobody polls it any more, as when the process dies.
    pub(super) async fn speak_and_die(&mut self, turn: &Turn, deeds: &[Deed], after: Duration) {
        drop(time::timeout(after, self.speak(turn, deeds)).await);
        self.crash();
    }

    /// The one final event of the answer.
    #[track_caller]
    pub(super) fn only_final(&self) -> Sent {
        let finals: Vec<Sent> = self.homeserver.messages().into_iter().filter(Sent::is_final).collect();
        assert_eq!(finals.len(), 1, "exactly one: {finals:?}");
        finals.into_iter().next().unwrap()
    }

    /// What people see, message by message.
    pub(super) fn visible(&self) -> Vec<String> {
        let (messages, gone) = (self.homeserver.messages(), self.homeserver.taken_back());
        let stand = |sent: &&Sent| sent.edits().is_none() && !gone.contains(&sent.event);
        let newest = |first: &Sent| {
            let edit = messages.iter().rev().find(|sent| sent.edits() == Some(first.event.as_str()));
            edit.unwrap_or(first).text().to_owned()
        };
        messages.iter().filter(stand).map(newest).collect()
    }

    pub(super) async fn parts(&self, turn: &Turn) -> Vec<EventId> {
        self.store.turn(&turn.id).await.unwrap().unwrap().turn.parts
    }
}

/// The program speaks in tasks of its own.
fn can_be_spawned<T>(future: impl Future<Output = T> + Send) -> impl Future<Output = T> + Send {
    future
}

fn went(begun: Begun) -> Turn {
    match begun {
        Begun::Go(turn) => turn,
        other @ (Begun::Withdrawn(_) | Begun::Nothing) => panic!("{other:?}"),
    }
}

async fn play(deeds: &[Deed], replies: mpsc::Sender<Reply>, halter: &Halter, halt: &Halt) {
    for deed in deeds {
        match deed {
            Deed::Say(reply) => drop(replies.send(reply.clone()).await),
            Deed::Wait(millis) => time::sleep(Duration::from_millis(*millis)).await,
            Deed::Halt(why) => {
                halter.pull(*why);
                // A mind that is halted stops at once.
                halt.halted().await;
                return;
            }
        }
    }
}
