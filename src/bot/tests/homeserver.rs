//! A homeserver that remembers what it was sent, drops doubles, and fails when it is told to.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use futures_util::FutureExt as _;
use serde_json::Value;
use tokio::time::{self, Instant};

use crate::{
    matrix::{Answer, MatrixError, Outgoing, StandIn, Typing, Unplaced},
    model::{Content, EventId, Millis, RoomId, TransactionId, UserId},
};

/// How long a request takes.
pub(super) const LATENCY: Duration = Duration::from_millis(20);

/// How a request to send fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is carried out, but the answer gets lost.
    Lost,
    /// Nobody is there.
    Away,
    /// Too many requests.
    Limited(Duration),
    /// A gateway answers that nobody is behind it.
    Trouble,
    /// No, and never.
    Forbidden,
}

/// An event in a room.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sent {
    pub(super) event: EventId,
    pub(super) room: RoomId,
    pub(super) kind: &'static str,
    pub(super) content: Value,
    pub(super) transaction: TransactionId,
    /// How long after the beginning it was answered.
    pub(super) at: Duration,
}

impl Sent {
    /// The text that people see once this is there.
    pub(super) fn text(&self) -> &str {
        let shown = self.content.get("m.new_content").unwrap_or(&self.content);
        shown["body"].as_str().unwrap_or_default()
    }

    /// Which event it edits.
    pub(super) fn edits(&self) -> Option<&str> {
        let relation = &self.content["m.relates_to"];
        (relation["rel_type"] == "m.replace").then(|| relation["event_id"].as_str()).flatten()
    }

    pub(super) fn is_final(&self) -> bool {
        self.content["org.maitre.turn"]["final"] == true
    }
}

#[derive(Debug, Default)]
struct State {
    sent: Vec<Sent>,
    known: HashMap<TransactionId, EventId>,
    faults: VecDeque<Fault>,
    /// What every request to send into these rooms meets.
    closed: HashMap<RoomId, Fault>,
    under_way: usize,
    tries: Vec<TransactionId>,
    taken_back: Vec<EventId>,
    typing: Vec<(Typing, Duration)>,
    read: Vec<(EventId, Option<EventId>)>,
    names_asked: usize,
    /// How long the requests beside messages take that come next.
    slow: VecDeque<Duration>,
    is_broken: bool,
    /// How long it takes to prepare a message.
    preparation: Duration,
}

/// The homeserver, as one account sees it.
#[derive(Clone)]
pub(super) struct Homeserver {
    user: UserId,
    began: Instant,
    names: BTreeMap<UserId, String>,
    state: Arc<Mutex<State>>,
    /// What a message and its preparation both need: the one waits for the other, also for one that nobody drives.
    door: Arc<tokio::sync::Mutex<()>>,
}

impl Homeserver {
    pub(super) fn new(user: &str, names: &[(&str, &str)]) -> Self {
        let parse = |user: &str| UserId::parse(user).unwrap();
        let names = names.iter().map(|(user, name)| (parse(user), (*name).to_owned())).collect();
        Self { user: parse(user), began: Instant::now(), names, state: Arc::default(), door: Arc::default() }
    }

    /// From now on preparing a message takes that long.
    pub(super) fn prepare_within(&self, time: Duration) {
        self.state().preparation = time;
    }

    /// The next requests to send fail like this.
    pub(super) fn fail(&self, faults: &[Fault]) {
        self.state().faults.extend(faults.iter().cloned());
    }

    /// From now on every request to send into `room` fails like this.
    pub(super) fn close_room(&self, room: &RoomId, fault: Fault) {
        self.state().closed.insert(room.clone(), fault);
    }

    pub(super) fn open_room(&self, room: &RoomId) {
        self.state().closed.remove(room);
    }

    /// The next requests beside messages take so long.
    pub(super) fn dawdle(&self, times: &[Duration]) {
        self.state().slow.extend(times);
    }

    /// From now on there is a bug in it: whoever asks for its user's name breaks down.
    pub(super) fn break_down(&self) {
        self.state().is_broken = true;
    }

    /// How long a request beside messages takes.
    fn pace(&self) -> Duration {
        self.state().slow.pop_front().unwrap_or(LATENCY)
    }

    /// Forgets which transactions it saw, as homeservers do after a while.
    pub(super) fn forget(&self) {
        self.state().known.clear();
    }

    /// Everything in the rooms, without doubles.
    pub(super) fn sent(&self) -> Vec<Sent> {
        self.state().sent.clone()
    }

    pub(super) fn messages(&self) -> Vec<Sent> {
        self.sent().into_iter().filter(|sent| sent.kind == "m.room.message").collect()
    }

    pub(super) fn reactions(&self) -> Vec<Sent> {
        self.sent().into_iter().filter(|sent| sent.kind == "m.reaction").collect()
    }

    /// The transactions of all requests to send, in order, repeated ones too.
    pub(super) fn tries(&self) -> Vec<String> {
        self.state().tries.iter().map(ToString::to_string).collect()
    }

    pub(super) fn taken_back(&self) -> Vec<EventId> {
        self.state().taken_back.clone()
    }

    pub(super) fn typing(&self) -> Vec<(Typing, Duration)> {
        self.state().typing.clone()
    }

    pub(super) fn read(&self) -> Vec<(EventId, Option<EventId>)> {
        self.state().read.clone()
    }

    pub(super) fn names_asked(&self) -> usize {
        self.state().names_asked
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn put(&self, message: Outgoing) -> Result<EventId, MatrixError> {
        let at = self.began.elapsed() + LATENCY / 2;
        let mut state = self.state();
        if let Some(event) = state.known.get(&message.transaction) {
            return Ok(event.clone());
        }
        let same_tap = |sent: &Sent| sent.kind == "m.reaction" && sent.content == message.content;
        if state.sent.iter().any(|sent| same_tap(sent) && !state.taken_back.contains(&sent.event)) {
            return Err(MatrixError::Refused {
                code: "M_DUPLICATE_ANNOTATION".to_owned(),
                message: "twice".to_owned(),
            });
        }
        let event = EventId::parse(format!("${}", state.sent.len())).unwrap();
        state.known.insert(message.transaction.clone(), event.clone());
        let Outgoing { room, kind, content, transaction } = message;
        state.sent.push(Sent { event: event.clone(), room, kind, content, transaction, at });
        Ok(event)
    }

    /// A request is carried out in the middle of its time, so that who is cut off later doesn't know what became of it.
    async fn carry_out(&self, message: Outgoing) -> Result<EventId, MatrixError> {
        let _under_way = self.under_way(&message);
        time::sleep(LATENCY / 2).await;
        let fault = {
            let mut state = self.state();
            state.closed.get(&message.room).cloned().or_else(|| state.faults.pop_front())
        };
        let outcome = match fault {
            None => self.put(message),
            Some(Fault::Lost) => {
                self.put(message)?;
                Err(MatrixError::TimedOut { after: LATENCY })
            }
            Some(Fault::Away) => Err(MatrixError::Unreachable { cause: "away".to_owned() }),
            Some(Fault::Trouble) => Err(MatrixError::ServerTrouble { status: 502 }),
            Some(Fault::Limited(pause)) => Err(MatrixError::RateLimited { after: Some(pause) }),
            Some(Fault::Forbidden) => {
                Err(MatrixError::Refused { code: "M_FORBIDDEN".to_owned(), message: "no".to_owned() })
            }
        };
        time::sleep(LATENCY / 2).await;
        outcome
    }

    fn under_way(&self, message: &Outgoing) -> UnderWay {
        let mut state = self.state();
        state.tries.push(message.transaction.clone());
        let counted = usize::from(message.kind == "m.room.message");
        state.under_way += counted;
        assert!(!is_parallel(&state, &message.room), "never in parallel: {}", message.transaction);
        UnderWay { homeserver: self.clone(), counted }
    }
}

/// A request, until it is answered or nobody waits for it any more.
struct UnderWay {
    homeserver: Homeserver,
    counted: usize,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.homeserver.state().under_way -= self.counted;
    }
}

/// Two messages at once are fine in different rooms, which only those tests use that close one.
fn is_parallel(state: &State, room: &RoomId) -> bool {
    state.under_way > 1 && state.closed.is_empty() && room.as_str() == "!lobby"
}

impl StandIn for Homeserver {
    fn user(&self) -> &UserId {
        assert!(!self.state().is_broken, "broken on purpose");
        &self.user
    }

    fn prepare(&self, _: RoomId) -> Answer<'_, ()> {
        async move {
            let pace = self.state().preparation;
            let _door = self.door.lock().await;
            time::sleep(pace).await;
            Ok(())
        }
        .boxed()
    }

    fn send(&self, message: Outgoing) -> Answer<'_, EventId> {
        async move {
            drop(self.door.lock().await);
            self.carry_out(message).await
        }
        .boxed()
    }

    fn redact(&self, room: RoomId, event: EventId) -> Answer<'_, EventId> {
        async move {
            time::sleep(self.pace()).await;
            let mut state = self.state();
            match state.closed.get(&room) {
                Some(Fault::Away) => return Err(MatrixError::Unreachable { cause: "away".to_owned() }),
                Some(Fault::Trouble) => return Err(MatrixError::ServerTrouble { status: 502 }),
                Some(Fault::Lost | Fault::Limited(_) | Fault::Forbidden) | None => {}
            }
            if !state.taken_back.contains(&event) {
                state.taken_back.push(event);
            }
            Ok(EventId::parse("$redaction").unwrap())
        }
        .boxed()
    }

    fn typing(&self, _: RoomId, typing: Typing) -> Answer<'_, ()> {
        async move {
            time::sleep(self.pace()).await;
            let at = self.began.elapsed();
            self.state().typing.push((typing, at));
            Ok(())
        }
        .boxed()
    }

    fn read_up_to(&self, _: RoomId, event: EventId, thread: Option<EventId>) -> Answer<'_, ()> {
        async move {
            time::sleep(LATENCY).await;
            self.state().read.push((event, thread));
            Ok(())
        }
        .boxed()
    }

    fn names(&self, _: RoomId) -> Answer<'_, BTreeMap<UserId, String>> {
        async move {
            time::sleep(LATENCY).await;
            self.state().names_asked += 1;
            Ok(self.names.clone())
        }
        .boxed()
    }

    fn find_own(&self, room: RoomId, _: Option<EventId>) -> Answer<'_, Vec<Unplaced>> {
        async move {
            time::sleep(LATENCY).await;
            let own = |sent: Sent| Unplaced {
                event: sent.event,
                sender: self.user.clone(),
                sent_at: Millis(0),
                content: Content::Clear { kind: sent.kind.to_owned(), json: sent.content.to_string() },
            };
            Ok(self.sent().into_iter().rev().filter(|sent| sent.room == room).map(own).collect())
        }
        .boxed()
    }
}
