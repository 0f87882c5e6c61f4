//! Commands against a real store: what is said, what is kept, and who is refused.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use futures_util::FutureExt as _;
use tokio::sync::{mpsc, watch};

use super::{Call, Clerk, THREAD_MODE};
use crate::{
    broker::Dispatch,
    config::{Config, ThreadMode, compile_text},
    desk::gate::Command,
    matrix::{Answer, Provenance, StandIn, Switchboard},
    model::{
        Account, Batch, Change, Content, Conversation, Counts, DeviceId, EntityName, Envelope, EventId, Incoming,
        Millis, Notice, Priority, Responder, RoomId, Sealed, SealedCause, Secret, Setting, Standing, Status, TurnEnd,
        TurnId, UserId,
    },
    nursery::Stop,
    store::{
        Begun, Decision, DecisionAction, Message, Ordinal, Pick, Projection, Settlement, Sort, Store, StoredNotice,
        TurnStart, Wording,
    },
};

const CONFIG: &str = "
homeserver: {url: \"http://localhost:1\"}
models:
  fast: {provider: ollama, id: small, base_url: \"http://localhost:1\"}
  deep: {provider: ollama, id: large, base_url: \"http://localhost:1\"}
agents:
  ada: {role: Answers., rooms: [lobby], model: fast}
  eve: {role: Writes., rooms: [lobby], model: fast}
authorization:
  global_users: [\"@boss:s\", \"@al:s\"]
  admins: [\"@boss:s\"]
  agent_reply_permissions: {eve: [\"@boss:s\"]}
";

struct Office {
    clerk: Clerk,
    store: Store,
    count: u64,
}

fn name(text: &str) -> EntityName {
    EntityName::parse(text).unwrap()
}

fn user(text: &str) -> UserId {
    UserId::parse(format!("@{text}:s")).unwrap()
}

fn event(text: &str) -> EventId {
    EventId::parse(format!("${text}")).unwrap()
}

fn place(thread: Option<&str>) -> Conversation {
    Conversation { room: RoomId::parse("!r").unwrap(), thread: thread.map(event) }
}

fn status() -> Status {
    Status {
        version: "0.1.0".to_owned(),
        started_at: Millis(0),
        taken_at: Millis(1_000),
        homeserver: String::new(),
        ready: true,
        doing: "running".to_owned(),
        entities: Vec::new(),
        rooms: Vec::new(),
        counts: Counts::default(),
        parked: crate::model::Parked::default(),
        reloads: Vec::new(),
    }
}

impl Office {
    /// A room with the router, ada and eve; nobody has a line to the homeserver.
    async fn open() -> Self {
        let config: Arc<Config> = Arc::new(compile_text(CONFIG, Path::new("/"), &BTreeMap::new()).unwrap().config);
        let (store, _memory) = Store::memory();
        for entity in &config.entities {
            let joined = Change::Joined { room: place(None).room };
            let batch = Batch {
                entity: entity.name.clone(),
                token: None,
                received_at: Millis(1),
                after_absence: false,
                events: Vec::new(),
                changes: vec![joined],
            };
            store.admit(vec![batch]).await.unwrap();
            let account = Account {
                entity: entity.name.clone(),
                localpart: entity.localpart.clone(),
                user: Some(user(&entity.localpart)),
                device: DeviceId::parse("D").unwrap(),
                password: None,
                tokens: None,
                recovery_key: Some(Secret::new("key".to_owned())),
                store_key: Secret::new("key".to_owned()),
            };
            store.save_account(account).await.unwrap();
        }
        let (_keep, config) = watch::channel(config);
        let (_keep, status) = watch::channel(status());
        let (orders, _) = mpsc::channel(1);
        let (broker, _) = Dispatch::new(store.clone(), config.clone(), orders);
        let (_, lines) = Switchboard::new();
        Self { clerk: Clerk { config, store: store.clone(), lines, broker, status, nudge: None }, store, count: 0 }
    }

    fn message(&mut self, id: &str, sender: &str, thread: Option<&str>, body: &str) -> Message {
        self.count += 1;
        Message {
            ordinal: Ordinal(self.count),
            room: place(None).room,
            event: event(id),
            sender: user(sender),
            sent_at: Millis(1_000),
            received_at: Millis(1_000),
            standing: Standing::Live,
            thread: thread.map(event),
            in_reply_to: None,
            wording: Wording {
                sort: Sort::Text,
                body: body.to_owned(),
                content: "{}".to_owned(),
                mentions: Vec::new(),
                mark: None,
            },
            edited: false,
            deleted: false,
        }
    }

    async fn carry_out(&self, message: &Message) -> Notice {
        let word = message.wording.body.trim_start_matches('!').split(' ').next().unwrap().to_owned();
        let command = Command::Known(word);
        let thread = message.thread.clone().unwrap_or_else(|| message.event.clone());
        let place = Conversation { thread: Some(thread), ..place(None) };
        let call = Call { message, command: &command, place: &place, configured_mode: ThreadMode::Thread };
        self.clerk.run(&call).await.unwrap().unwrap()
    }

    /// What is said to `sender` who types `body` in the thread.
    async fn say(&mut self, sender: &str, body: &str) -> String {
        let id = format!("command{}", self.count);
        let message = self.message(&id, sender, Some("root"), body);
        self.carry_out(&message).await.text
    }

    /// The house says something about the message `about`, in an event of this name.
    async fn noticed(&self, about: &str, said_in: &str) {
        let (conversation, reply_to) = (place(Some("root")), Some(event(about)));
        let text = "Something about that.".to_owned();
        let notice =
            Notice { id: said_in.to_owned(), speaker: name("router"), conversation, reply_to, text, poll: None };
        self.store.save_notice(&notice, Millis(1)).await.unwrap();
        self.store.notice_sent(said_in, 0, &event(said_in)).await.unwrap();
    }

    /// Somebody asks in the thread, and ada's answer to it ends so.
    async fn answered(&mut self, id: &str, turn: &str, end: TurnEnd) {
        let message = self.message(id, "al", Some("root"), "What is that?");
        let envelope = Envelope {
            conversation: place(Some("root")),
            event: event(id),
            sender: user("al"),
            responder: Responder::One(name("ada")),
            priority: Priority::Person,
            hops: 1,
            root: event(id),
            missing: Vec::new(),
            received_at: Millis(1_000),
        };
        let decision = Decision {
            ordinal: message.ordinal,
            conversation: place(Some("root")),
            event: event(id),
            rule: "W3".to_owned(),
            action: DecisionAction::Answer,
            answering: vec![Responder::One(name("ada"))],
            candidates: vec![name("ada")],
            reason: "it was asked".to_owned(),
            decided_at: Millis(1_010),
        };
        let projection = Projection::Message(Box::new(message));
        let settlement = Settlement {
            decision: Some(decision),
            envelopes: vec![envelope],
            ..Settlement::of(place(None).room, event(id), projection, Millis(1_010))
        };
        self.store.settle(settlement).await.unwrap();
        let id = TurnId::parse(turn).unwrap();
        let start = TurnStart {
            id: id.clone(),
            responder: Responder::One(name("ada")),
            room: place(None).room,
            events: vec![event(&turn.replace("turn", "q"))],
        };
        assert!(matches!(self.store.begin_turn(start, Millis(1_100)).await.unwrap(), Begun::Go(_)));
        self.store.end_turn(&id, end, "", Millis(2_000)).await.unwrap();
    }
}

/// W1, W15, X1: the router answers a command once, as a notice in its thread.
#[tokio::test]
async fn a_command_is_answered_in_its_thread() {
    let mut office = Office::open().await;
    let message = office.message("c", "al", None, "!help");
    let notice = office.carry_out(&message).await;
    assert_eq!((notice.id.as_str(), notice.speaker), ("cmd.$c", name("router")));
    assert_eq!((notice.conversation, notice.reply_to, notice.poll), (place(Some("c")), Some(event("c")), None));
    assert!(notice.text.contains("`!stop [all]`"));
    let place = place(Some("c"));
    let typo = Command::Typo("status".to_owned());
    let call = Call { message: &message, command: &typo, place: &place, configured_mode: ThreadMode::Thread };
    assert!(office.clerk.run(&call).await.unwrap().unwrap().text.starts_with("Did you mean `!status`?"));
    assert!(office.say("al", "!stop it").await.starts_with("That isn't how it goes: `!stop [all]`"));
}

/// I6, A2, X2: only those are shown whom the asker may use.
#[tokio::test]
async fn hi_shows_whom_the_asker_may_use() {
    let mut office = Office::open().await;
    let text = office.say("al", "!hi").await;
    assert!(text.contains("Ada") && !text.contains("Eve") && !text.contains("Router"), "{text}");
    assert!(office.say("boss", "!hi").await.contains("Eve"));
}

/// W14, X3: `!why` explains the last message of the thread, or the one that is replied to, or the question behind an answer or
/// a notice.
#[tokio::test]
async fn why_explains_a_decision() {
    let mut office = Office::open().await;
    office.answered("q1", "turn1", TurnEnd::Done).await;
    let text = office.say("al", "!why").await;
    assert!(text.starts_with("`What is that?` by @al:s"), "{text}");
    assert!(text.contains("Decided after 10 ms: Ada to answer, because it was asked (rule W3)."), "{text}");
    assert!(text.contains("Ada – answered: started after 100 ms, ended after 1.0 s. Id `turn1`"), "{text}");
    office.store.note_part(&TurnId::parse("turn1").unwrap(), 0, &event("answer")).await.unwrap();
    let mut reply = office.message("c", "al", None, "!why");
    reply.in_reply_to = Some(event("answer"));
    assert!(office.carry_out(&reply).await.text.starts_with("`What is that?` by @al:s"));
    office.noticed("q1", "excuse").await;
    reply.in_reply_to = Some(event("excuse"));
    assert!(office.carry_out(&reply).await.text.starts_with("`What is that?` by @al:s"));
    reply.in_reply_to = Some(event("unknown"));
    assert!(office.carry_out(&reply).await.text.starts_with("There is no message here"));
}

/// X4: the thread's status shows what failed in it, the main timeline's what failed in the room; admins see the house as well.
#[tokio::test]
async fn status_shows_admins_more() {
    let mut office = Office::open().await;
    office.answered("q1", "turn1", TurnEnd::Failed).await;
    let incoming = Incoming {
        room: place(None).room,
        event: event("sealed"),
        sender: user("al"),
        sent_at: Millis(1),
        standing: Standing::Live,
        content: Content::Sealed(Sealed { raw: "{}".to_owned(), session: None, cause: SealedCause::KeyMissing }),
    };
    let (entity, received_at) = (name("ada"), Millis(1));
    let (events, changes) = (vec![incoming], Vec::new());
    let batch = Batch { entity, token: None, received_at, after_absence: false, events, changes };
    office.store.admit(vec![batch]).await.unwrap();
    let text = office.say("al", "!status").await;
    assert!(text.contains("An answer of Ada failed; `!retry turn1` tries again."), "{text}");
    assert!(!text.contains("Maitre"), "{text}");
    for (id, thread, is_told) in [("s1", None, true), ("s2", Some("another"), false)] {
        let asked = office.message(id, "al", thread, "!status");
        let text = office.carry_out(&asked).await.text;
        assert_eq!(text.contains("An answer of Ada failed"), is_told, "{thread:?}: {text}");
    }
    let text = office.say("boss", "!status").await;
    assert!(text.starts_with("**Maitre 0.1.0**") && text.contains("**Here:**"), "{text}");
    assert!(text.contains("Messages: 1 taken in, 1 that nobody here can read yet."), "{text}");
}

/// X6: an answer is named by its id or by a reply; one that was given is not given twice by this.
#[tokio::test]
async fn retry_finds_the_answer_that_is_meant() {
    let mut office = Office::open().await;
    office.answered("q1", "turn1", TurnEnd::Done).await;
    assert!(office.say("al", "!retry turn1").await.starts_with("`turn1` was answered."));
    assert!(office.say("al", "!retry t").await.starts_with("`turn1` was answered."));
    assert!(office.say("al", "!retry other").await.starts_with("No answer here has the id `other`."));
    assert!(office.say("al", "!retry").await.starts_with("That isn't how it goes"));
    let mut reply = office.message("c", "al", None, "!retry");
    office.noticed("q1", "parked").await;
    for replied in ["q1", "parked"] {
        reply.in_reply_to = Some(event(replied));
        assert!(office.carry_out(&reply).await.text.starts_with("`turn1` was answered."), "{replied}");
    }
}

/// X7, X8: a thread's model is anybody's to choose, the room's takes power; without a line to the homeserver that is said.
#[tokio::test]
async fn a_model_is_chosen_where_one_may() {
    let mut office = Office::open().await;
    assert!(office.say("al", "!model deep").await.contains("`deep` answers in this thread"));
    assert_eq!(office.store.setting(&place(Some("root")), "model").await.unwrap().as_deref(), Some("deep"));
    assert!(office.say("al", "!room_model fast").await.contains("didn't work"));
    assert_eq!(office.store.setting(&place(None), "model").await.unwrap(), None);
    assert!(office.say("boss", "!room_model fast").await.contains("`fast` answers in this room"));
    assert_eq!(office.store.setting(&place(None), "model").await.unwrap().as_deref(), Some("fast"));
    assert!(office.say("al", "!model reset").await.contains("`fast` (chosen for this room)"));
    assert_eq!(office.store.setting(&place(Some("root")), "model").await.unwrap(), None);
}

/// C1, X7: where a room is one conversation, its model is the room's, and takes power.
#[tokio::test]
async fn one_conversation_has_one_model() {
    let mut office = Office::open().await;
    let message = office.message("c", "al", None, "!model deep");
    let (command, place) = (Command::Known("model".to_owned()), place(None));
    let call = Call { message: &message, command: &command, place: &place, configured_mode: ThreadMode::Room };
    assert!(office.clerk.run(&call).await.unwrap().unwrap().text.contains("didn't work"));
    assert_eq!(office.store.setting(&place, "model").await.unwrap(), None);
}

/// C1, A4, X9: where answers go is for those with power to say, and kept for the room.
#[tokio::test]
async fn where_answers_go_takes_power() {
    let mut office = Office::open().await;
    assert!(office.say("al", "!thread_mode room").await.contains("didn't work"));
    assert!(office.say("boss", "!thread_mode room").await.contains("main timeline"));
    assert_eq!(office.store.setting(&place(None), THREAD_MODE).await.unwrap().as_deref(), Some("room"));
    assert_eq!(super::read_mode("room"), Some(ThreadMode::Room));
    assert!(office.say("al", "!thread_mode").await.contains("main timeline"));
    assert!(office.say("boss", "!thread_mode reset").await.contains("into threads"));
    assert_eq!(office.store.setting(&place(None), THREAD_MODE).await.unwrap(), None);
}

/// A sender's line from the router, where this is known of what they send.
struct Watchful {
    router: UserId,
    provenance: Provenance,
}

impl StandIn for Watchful {
    fn user(&self) -> &UserId {
        &self.router
    }

    fn provenance(&self, _: RoomId, _: EventId) -> Answer<'_, Provenance> {
        async { Ok(self.provenance) }.boxed()
    }
}

/// A4: where verified devices are required, a command that changes an encrypted room is taken from nothing else, and the
/// answer says what to do. Looking is free, and so are rooms that aren't encrypted.
#[tokio::test]
async fn a_verified_device_may_be_required() {
    let mut office = Office::open().await;
    let strict = CONFIG.replace("admins:", "require_verified: true\n  config_in_chat: true\n  admins:");
    let config = compile_text(&strict, Path::new("/"), &BTreeMap::new()).unwrap().config;
    office.clerk.config = watch::channel(Arc::new(config)).1;
    let (board, lines) = Switchboard::new();
    office.clerk.lines = lines;
    let came = |provenance: Provenance| {
        board.connect(name("router"), Arc::new(Watchful { router: user("router"), provenance }));
    };
    came(Provenance::Clear);
    assert!(office.say("boss", "!thread_mode room").await.contains("main timeline"), "it isn't encrypted yet");
    office.store.mark_encrypted(&place(None).room).await.unwrap();
    for provenance in [Provenance::Clear, Provenance::Unverified] {
        came(provenance);
        let said = office.say("boss", "!thread_mode thread").await;
        assert!(said.contains("was not taken") && said.contains("Verify"), "{provenance:?}: {said}");
        let said = office.say("boss", "!config set agents.ada.role Sings.").await;
        assert!(said.contains("was not taken"), "{provenance:?}: {said}");
        assert!(office.say("boss", "!config plan").await.contains("without a file"), "looking is free");
        assert!(office.say("boss", "!thread_mode").await.contains("main timeline"), "and nothing changed");
    }
    came(Provenance::Verified);
    assert!(office.say("boss", "!thread_mode thread").await.contains("into threads"));
    board.disconnect(&name("router"));
    assert!(office.say("boss", "!thread_mode room").await.contains("didn't work"), "nobody can tell");
}

/// X10, A4: the configuration is for admins, where it is switched on; their yes counts for ten minutes.
#[tokio::test]
async fn the_configuration_is_for_admins_where_it_is_switched_on() {
    let mut office = Office::open().await;
    let setting = Setting { path: "agents.ada.role".to_owned(), value: "Sings.".to_owned(), before: 1, after: 2 };
    let (id, speaker, conversation) = ("cmd.$c".to_owned(), name("router"), place(None));
    let notice = Notice { id, speaker, conversation, reply_to: None, text: String::new(), poll: None };
    let asked =
        StoredNotice { notice, wording: 1, shown: 1, parts: vec![event("q")], answer: None, created_at: Millis(0) };
    let tap = async |office: &Office, by: &str, value: &str, at: u64| {
        let pick = Pick { notice: asked.notice.id.clone(), value: value.to_owned(), by: user(by) };
        let said = office.clerk.settle_by_tap(&asked, &setting, &pick, Millis(at)).await.unwrap().unwrap();
        assert_eq!((said.reply_to, said.id.as_str()), (Some(event("q")), "cmd.$c.done"));
        said.text
    };
    assert!(office.say("al", "!config show").await.contains("is for the admins of this house"));
    assert!(office.say("boss", "!config show").await.contains("config_in_chat: true"));
    assert!(office.say("boss", "!config drop agents").await.contains("isn't how it goes"));
    assert!(tap(&office, "boss", "write it", 1).await.contains("config_in_chat: true"), "it was switched off since");
    let on = CONFIG.replace("admins:", "config_in_chat: true\n  admins:");
    let config = compile_text(&on, Path::new("/"), &BTreeMap::new()).unwrap().config;
    office.clerk.config = watch::channel(Arc::new(config)).1;
    assert!(office.say("boss", "!config show").await.contains("without a file"));
    assert_eq!(tap(&office, "boss", "leave it", 1).await, "Nothing was changed.");
    assert!(tap(&office, "al", "write it", 1).await.contains("is for the admins"), "they were an admin then");
    assert!(tap(&office, "boss", "write it", 600_001).await.contains("too long ago"));
    assert!(tap(&office, "boss", "write it", 600_000).await.contains("without a file"));
}

/// X12, X13: encryption is explained and asked about; what can't be switched on now says so.
#[tokio::test]
async fn encryption_is_explained_and_asked_about() {
    let mut office = Office::open().await;
    let message = office.message("c", "boss", None, "!encrypt");
    let notice = office.carry_out(&message).await;
    assert_eq!(notice.poll.unwrap().asker, Some(user("boss")));
    assert!(office.say("boss", "!encrypt confirm").await.starts_with("Encryption could not be switched on"));
    assert!(office.say("al", "!e2ee").await.contains("Router, Ada and Eve: devices vouched for"));
    office.store.mark_encrypted(&place(None).room).await.unwrap();
    assert_eq!(office.say("boss", "!encrypt confirm").await, "This room is encrypted already.");
}

/// S4, X5: `!stop` reaches what waits in the thread; on the main timeline, what its sender began there; for others nothing.
#[tokio::test]
async fn stop_reaches_what_is_meant() {
    let mut office = Office::open().await;
    let (orders, _kept) = mpsc::channel(8);
    let (broker, dispatch) = Dispatch::new(office.store.clone(), office.clerk.config.clone(), orders);
    office.clerk.broker = broker.clone();
    let work = async {
        let (store, broker) = (office.store.clone(), broker.clone());
        let ask = async |id: &str, thread: &str| {
            let envelope = Envelope {
                conversation: place(Some(thread)),
                event: event(id),
                sender: user("al"),
                responder: Responder::One(name("ada")),
                priority: Priority::Person,
                hops: 1,
                root: event(id),
                missing: Vec::new(),
                received_at: Millis(1_000),
            };
            assert!(store.queue(envelope.clone()).await.unwrap());
            broker.deliver(envelope).await;
        };
        ask("q1", "root").await;
        ask("q2", "q2").await;
        let stop = office.message("c1", "boss", None, "!stop");
        assert!(office.carry_out(&stop).await.text.starts_with("Nothing is being answered here."));
        let stop = office.message("c2", "al", None, "!stop");
        assert_eq!(office.carry_out(&stop).await.text, "Stopped: 1 answer.");
        let stop = office.message("c3", "boss", Some("root"), "!stop");
        assert_eq!(office.carry_out(&stop).await.text, "Stopped: 1 answer.");
        let all = office.message("c4", "al", Some("root"), "!stop all");
        assert!(office.carry_out(&all).await.text.contains("didn't work"), "it takes power over the room");
        let all = office.message("c5", "boss", Some("root"), "!stop all");
        let text = office.carry_out(&all).await.text;
        assert_eq!(text, "Stopped in the whole room: 2 answers.", "nobody has told the broker yet that they ended");
    };
    tokio::select! {
        biased;
        () = work => {}
        () = dispatch.run(Stop::default()) => panic!("the broker ended"),
    }
}
