//! Routing with a model that is made up.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{FutureExt as _, StreamExt as _, stream, stream::BoxStream};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::Routing;
use crate::{
    config::{Config, Handoff as Wish, Role},
    llm::{Driver, LlmError, Models, Piece, Places},
    matrix::Switchboard,
    model::{
        Batch, Content, Conversation, EventId, Handoff, Incoming, Millis, Priority, Prompt, RoomId, Standing, Usage,
        UserId,
    },
    nursery::Stop,
    routing::{
        RouteRequest, Routed,
        samples::{config, names},
    },
    store::{Projection, Settlement, Sort, Store, Wording},
};

/// A model that gives these answers, one after the other, and then hangs.
#[derive(Default)]
struct Answers {
    prepared: Mutex<VecDeque<Vec<Result<Piece, LlmError>>>>,
    asked: Mutex<Vec<Prompt>>,
}

impl Driver for Answers {
    fn ask(&self, prompt: Prompt, _: Duration) -> BoxStream<'static, Result<Piece, LlmError>> {
        self.asked.lock().unwrap().push(prompt);
        match self.prepared.lock().unwrap().pop_front() {
            Some(pieces) => stream::iter(pieces).boxed(),
            None => stream::pending().boxed(),
        }
    }
}

fn text(text: &str) -> Vec<Result<Piece, LlmError>> {
    vec![Ok(Piece::Text(text.to_owned())), Ok(Piece::Done(Usage::default()))]
}

fn request() -> RouteRequest {
    let room = RoomId::parse("!r").unwrap();
    let event = EventId::parse("$1").unwrap();
    let conversation = Conversation { room, thread: Some(event.clone()) };
    RouteRequest { conversation, event, candidates: names(&["coder", "cook", "poet"]) }
}

/// A store in which somebody has said `body`.
async fn store(body: &str) -> Store {
    let (store, _memory) = Store::memory();
    let RouteRequest { conversation, event, .. } = request();
    let room = conversation.room;
    let incoming = Incoming {
        room: room.clone(),
        event: event.clone(),
        sender: UserId::parse("@ada:home").unwrap(),
        sent_at: Millis(1),
        standing: Standing::Live,
        content: Content::Clear { kind: "m.room.message".to_owned(), json: "{}".to_owned() },
    };
    let (entity, received_at) = (names(&["coder"]).remove(0), Millis(1));
    let batch =
        Batch { entity, token: None, received_at, after_absence: false, events: vec![incoming], changes: vec![] };
    store.admit(vec![batch]).await.unwrap();
    let due = store.due(1).await.unwrap().remove(0);
    let wording =
        Wording { sort: Sort::Text, body: body.to_owned(), content: "{}".to_owned(), mentions: Vec::new(), mark: None };
    let message = crate::store::Message {
        ordinal: due.ordinal,
        room: room.clone(),
        event: event.clone(),
        sender: due.sender,
        sent_at: due.sent_at,
        received_at: due.admitted_at,
        standing: due.standing,
        thread: None,
        in_reply_to: None,
        wording,
        edited: false,
        deleted: false,
    };
    let settlement = Settlement::of(room, event, Projection::Message(Box::new(message)), Millis(2));
    store.settle(settlement).await.unwrap();
    store
}

async fn routed(config: Config, answers: Vec<Vec<Result<Piece, LlmError>>>, body: &str) -> (Routed, Vec<Prompt>) {
    routed_among(Places::new(1, 0), config, answers, body).await
}

/// The same where others may hold places.
async fn routed_among(
    places: Places,
    config: Config,
    answers: Vec<Vec<Result<Piece, LlmError>>>,
    body: &str,
) -> (Routed, Vec<Prompt>) {
    let model = Arc::new(Answers { prepared: Mutex::new(answers.into()), asked: Mutex::default() });
    let driver: Arc<dyn Driver> = Arc::clone(&model) as _;
    let (_keep, config) = watch::channel(Arc::new(config));
    let (_board, lines) = Switchboard::new();
    let (routing, inbox) = Routing::new(config, Models::of([("m", driver)]), places, store(body).await, lines);
    let stop = Stop::default();
    let play = async {
        let (handoff, answer) = Handoff::new(request());
        inbox.send(handoff).await.unwrap();
        let answer = answer.await.unwrap();
        stop.ask();
        answer
    };
    let ((), routed) = tokio::join!(routing.run(stop.clone()), play);
    let asked = model.asked.lock().unwrap().clone();
    (routed, asked)
}

fn who(routed: &Routed) -> (&str, &str) {
    match routed {
        Routed::Chosen { name, rule, .. } => (name.as_str(), rule),
        Routed::Unclear { .. } => ("", "unclear"),
    }
}

/// R2: the router's model is asked in a place like everybody's. Waiting for one takes nothing of the time for the pick, and it
/// is given back.
#[tokio::test(start_paused = true)]
async fn the_model_is_asked_once_there_is_a_place() {
    let places = Places::new(1, 0);
    let taken = places.place(Priority::Person).await;
    let answers = vec![text(r#"{"name": "poet", "reason": "It rhymes."}"#)];
    let began = Instant::now();
    let free = async {
        sleep(Duration::from_secs(100)).await;
        drop(taken);
    };
    let ((routed, asked), ()) = tokio::join!(routed_among(places.clone(), config(), answers, "Rust?"), free);
    assert_eq!((who(&routed), asked.len(), began.elapsed().as_secs()), (("poet", "R1"), 1, 100));
    assert!(places.place(Priority::Person).now_or_never().is_some(), "it is given back");
}

/// R1: the model is shown the message and chooses; it is asked once (R4).
#[tokio::test]
async fn the_model_chooses() {
    let (routed, asked) = routed(config(), vec![text(r#"{"name": "poet", "reason": "It rhymes."}"#)], "Rust?").await;
    assert_eq!((who(&routed), asked.len()), (("poet", "R1"), 1));
    let Routed::Chosen { reason, announcement, .. } = routed else { panic!("chosen") };
    assert_eq!((reason.as_str(), announcement), ("It rhymes.", None));
    let said: Vec<(&str, &str)> =
        asked[0].messages.iter().map(|said| (said.name.as_str(), said.text.as_str())).collect();
    assert_eq!(said, [("@ada:home", "Rust?")]);
}

/// A5: whoever isn't authorized is marked.
#[tokio::test]
async fn a_stranger_is_marked() {
    let mut config = config();
    config.authorization.global_users.clear();
    let (_, asked) = routed(config, vec![], "Rust?").await;
    assert_eq!(asked[0].messages[0].name, "@ada:home [not authorized]");
}

/// R2: on an invalid name, a failure or silence the words choose.
#[tokio::test(start_paused = true)]
async fn the_words_choose_where_the_model_does_not() {
    let failing = || vec![Err(LlmError::Auth)];
    for (answers, calls) in [
        (vec![text(r#"{"name": "nobody"}"#)], 1),
        (vec![text("cook, of course")], 1),
        (vec![failing()], 1),
        (vec![], 1),
    ] {
        let (routed, asked) = routed(config(), answers, "Please review my Rust program").await;
        assert_eq!((who(&routed), asked.len()), (("coder", "R2"), calls));
    }
}

/// R2: an answer that breaks off is asked for once more, not twice.
#[tokio::test]
async fn a_broken_answer_is_asked_for_once_more() {
    let broken = || vec![Ok(Piece::Text("{".to_owned())), Err(LlmError::Truncated)];
    let (good, asked) = routed(config(), vec![broken(), text(r#"{"name": "cook"}"#)], "x").await;
    assert_eq!((who(&good), asked.len()), (("cook", "R1"), 2));
    let (bad, asked) = routed(config(), vec![broken(), broken()], "a recipe").await;
    assert_eq!((who(&bad), asked.len()), (("cook", "R2"), 2));
}

/// R2: where nothing tells, the person is to be asked.
#[tokio::test]
async fn nobody_is_chosen_at_random() {
    let (routed, _) = routed(config(), vec![vec![Err(LlmError::Auth)]], "Hello there!").await;
    let Routed::Unclear { candidates, .. } = routed else { panic!("{routed:?}") };
    assert_eq!(candidates.len(), 3);
}

/// A router without a model goes by the words alone.
#[tokio::test]
async fn without_a_model_nobody_is_asked() {
    let mut config = config();
    router(&mut config).model = None;
    let (routed, asked) = routed(config, vec![], "I need a poem").await;
    assert_eq!((who(&routed), asked.len()), (("poet", "R2"), 0));
}

/// R3: a visible hand-off names whom the router picked.
#[tokio::test]
async fn a_hand_off_can_be_said() {
    let mut config = config();
    router(&mut config).handoff = Wish::Message;
    let (routed, _) = routed(config, vec![text(r#"{"name": "poet", "reason": "it rhymes"}"#)], "x").await;
    let Routed::Chosen { announcement, .. } = routed else { panic!("{routed:?}") };
    assert_eq!(announcement.as_deref(), Some("@poet answers this: it rhymes"));
}

fn router(config: &mut Config) -> &mut crate::config::Router {
    let routers = config.entities.iter_mut().find_map(|entity| match &mut entity.role {
        Role::Router(router) => Some(router),
        Role::Agent(_) | Role::Team(_) => None,
    });
    routers.unwrap()
}
