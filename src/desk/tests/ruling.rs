//! What follows from a verdict.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use crate::{
    config::compile_text,
    desk::{
        gate::decide,
        ruling::{Case, Ruling},
        scene::{Scene, facts},
    },
    model::{self, EntityName, EventId, Millis, Missing, PollAbout, Priority, RoomId, RoomKey, Standing, UserId},
    routing::Routed,
    store::{DecisionAction, Mark, Message, Ordinal, Sort, Wording},
};

const CONFIG: &str = "
homeserver: {url: \"http://localhost:1\"}
agents:
  ada: {role: Answers., rooms: [lobby]}
  bob: {rooms: [lobby]}
authorization: {global_users: [\"@al:s\"]}
";

fn name(text: &str) -> EntityName {
    EntityName::parse(text).unwrap()
}

fn user(text: &str) -> UserId {
    UserId::parse(format!("@{text}:s")).unwrap()
}

fn event(text: &str) -> EventId {
    EventId::parse(format!("${text}")).unwrap()
}

fn scene() -> Scene {
    let all = ["router", "ada", "bob"];
    Scene {
        own: all.iter().map(|text| (user(text), name(text))).collect(),
        up: all.iter().map(|text| name(text)).collect(),
        present: all.iter().map(|text| name(text)).collect(),
        keys: vec![RoomKey::parse("lobby").unwrap()],
        ..Scene::default()
    }
}

fn message(sender: &str, mentions: &[&str], mark: Option<Mark>) -> Message {
    Message {
        ordinal: Ordinal(7),
        room: RoomId::parse("!r").unwrap(),
        event: event("1"),
        sender: user(sender),
        sent_at: Millis(0),
        received_at: Millis(5),
        standing: Standing::Live,
        thread: None,
        in_reply_to: None,
        wording: Wording {
            sort: Sort::Text,
            body: "hm".to_owned(),
            content: "{}".to_owned(),
            mentions: mentions.iter().map(|text| user(text)).collect(),
            mark,
        },
        edited: false,
        deleted: false,
    }
}

fn ruling(scene: &Scene, message: &Message) -> Ruling {
    let config = compile_text(CONFIG, Path::new("/"), &BTreeMap::new()).unwrap().config;
    let facts = facts(&config, scene, message);
    Case { config: &config, scene, message, now: Millis(9) }.rule(&facts, &decide(&facts))
}

/// W14: rule, candidates and reason are kept. W2: who can't answer is named once.
#[test]
fn an_answer_leaves_a_decision_and_an_envelope() {
    let mut scene = scene();
    scene.up.remove(&name("bob"));
    let Ruling { decision, envelopes, notices, audit } = ruling(&scene, &message("al", &["ada", "bob"], None));
    assert_eq!(
        (decision.rule.as_str(), decision.action, decision.decided_at),
        ("W2", DecisionAction::Answer, Millis(9))
    );
    assert_eq!(decision.candidates, [name("ada"), name("bob")]);
    assert_eq!(decision.answering, [model::Responder::One(name("ada"))]);
    let [envelope] = envelopes.as_slice() else { panic!("{envelopes:?}") };
    assert_eq!(envelope.missing, [Missing { name: name("bob"), why: "is not online".to_owned() }]);
    assert_eq!((envelope.hops, &envelope.root, envelope.priority), (1, &event("1"), Priority::Person));
    assert!(notices.is_empty() && audit.is_none());
}

/// W12: the hops grow and the root goes along.
#[test]
fn an_entitys_question_carries_where_it_comes_from() {
    let mark = Mark { turn: None, last: true, hops: 2, root: Some(event("asked")) };
    let envelopes = ruling(&scene(), &message("ada", &["bob"], Some(mark))).envelopes;
    assert_eq!((envelopes[0].hops, &envelopes[0].root, envelopes[0].priority), (3, &event("asked"), Priority::Agent));
}

/// A1: a line in the audit and nothing else.
#[test]
fn a_stranger_leaves_a_line() {
    let Ruling { envelopes, notices, audit, .. } = ruling(&scene(), &message("joe", &["ada"], None));
    assert!(envelopes.is_empty() && notices.is_empty());
    assert_eq!(audit.map(|line| (line.kind, line.who)), Some(("unauthorized".to_owned(), Some(user("joe")))));
}

/// W15, W3a, W11: the house's lines have one id for each message, and a room without any of us has no house.
#[test]
fn the_house_speaks_through_whoever_is_there() {
    let nobody_up = Scene { up: [name("router")].into(), ..scene() };
    let excuse = ruling(&nobody_up, &message("al", &["bob"], None)).notices.remove(0);
    assert_eq!((excuse.id.as_str(), excuse.speaker, excuse.reply_to), ("excuse $1", name("router"), Some(event("1"))));
    let alone = Scene {
        keys: Vec::new(),
        present: [name("ada")].into(),
        members: Arc::new([user("al"), user("ada")].into()),
        up: std::collections::BTreeSet::new(),
        ..scene()
    };
    let lonely = ruling(&alone, &message("al", &[], None)).notices.remove(0);
    assert_eq!((lonely.speaker, lonely.conversation.thread), (name("ada"), None));
    assert!(lonely.text.contains("Ada is not online"), "{}", lonely.text);
    let empty = Scene { present: std::collections::BTreeSet::new(), ..alone };
    assert!(ruling(&empty, &message("al", &["bob"], None)).notices.is_empty());
}

/// R1, R2, R3: a pick becomes the decision; without one the person is asked, with a tap for each.
#[test]
fn a_pick_takes_the_place_of_the_first_decision() {
    let config = compile_text(CONFIG, Path::new("/"), &BTreeMap::new()).unwrap().config;
    let (scene, message) = (scene(), message("al", &[], None));
    let case = Case { config: &config, scene: &scene, message: &message, now: Millis(9) };
    let candidates = || vec![name("ada"), name("bob")];
    let announcement = Some("@bob answers".to_owned());
    let chosen = Routed::Chosen { name: name("bob"), reason: "it writes".to_owned(), rule: "R1", announcement };
    let picked = case.routed(candidates(), &chosen);
    assert_eq!((picked.decision.rule.as_str(), picked.decision.candidates), ("R1", candidates()));
    assert_eq!((picked.envelopes.len(), picked.notices[0].text.as_str()), (1, "@bob answers"));
    let unclear = Routed::Unclear { candidates: vec![name("bob"), name("ada")], reason: "hm".to_owned() };
    let asked = case.routed(candidates(), &unclear);
    assert_eq!((asked.decision.action, asked.envelopes.len()), (DecisionAction::Ask, 0));
    let poll = asked.notices[0].poll.as_ref().unwrap();
    let values: Vec<&str> = poll.options.iter().map(|option| option.value.as_str()).collect();
    assert_eq!((values, &poll.asker), (vec!["bob", "ada"], &Some(user("al"))));
    assert_eq!(poll.about, PollAbout::Route(event("1")));
    assert!(asked.notices[0].text.contains("1️⃣ Bob\n- 2️⃣ Ada – Answers."), "{}", asked.notices[0].text);
}
