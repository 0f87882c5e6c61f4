//! What people do afterwards, and what it means.

use std::{collections::BTreeMap, path::Path};

use serde_json::{Value, json};

use crate::{
    config::{Config, compile_text},
    desk::afterthought::{Edited, Tap, Tapped, edited, is_caption, is_whole, tap},
    model::{
        Content, Conversation, EntityName, EventId, Millis, Notice, Poll, PollAbout, PollOption, Priority, Responder,
        RoomId, Standing, Turn, TurnId, Usage, UserId,
    },
    store::{
        Decision, DecisionAction, Mark, Message, Ordinal, PollAnswer, Sort, StoredEvent, StoredNotice, StoredTurn,
        TurnState, Wording,
    },
};

fn config() -> Config {
    let text = "
homeserver: {url: \"http://localhost:1\"}
authorization: {aliases: {\"@al:s\": [\"@al2:s\"]}}
";
    compile_text(text, Path::new("/"), &BTreeMap::new()).unwrap().config
}

fn user(name: &str) -> UserId {
    UserId::parse(format!("@{name}:s")).unwrap()
}

fn event(name: &str) -> EventId {
    EventId::parse(format!("${name}")).unwrap()
}

fn place() -> Conversation {
    Conversation { room: RoomId::parse("!r").unwrap(), thread: None }
}

fn wording(body: &str, mentions: &[&str]) -> Wording {
    let mentions = mentions.iter().map(|name| user(name)).collect();
    Wording { sort: Sort::Text, body: body.to_owned(), content: "{}".to_owned(), mentions, mark: None }
}

fn message(sort: Sort) -> Message {
    Message {
        ordinal: Ordinal(1),
        room: place().room,
        event: event("1"),
        sender: user("al"),
        sent_at: Millis(0),
        received_at: Millis(1_000),
        standing: Standing::Live,
        thread: None,
        in_reply_to: None,
        wording: Wording { sort, ..wording("hm", &["kim"]) },
        edited: false,
        deleted: false,
    }
}

fn decision(action: DecisionAction) -> Decision {
    Decision {
        ordinal: Ordinal(1),
        conversation: place(),
        event: event("1"),
        rule: "W5".to_owned(),
        action,
        answering: Vec::new(),
        candidates: Vec::new(),
        reason: String::new(),
        decided_at: Millis(0),
    }
}

/// C5: what is said about a file right after it.
#[test]
fn a_text_right_after_a_file_is_its_caption() {
    let said = |at: u64| StoredEvent {
        ordinal: Ordinal(2),
        room: place().room,
        event: event("2"),
        sender: user("al"),
        sent_at: Millis(0),
        standing: Standing::Live,
        content: Content::Clear { kind: "m.room.message".to_owned(), json: "{}".to_owned() },
        healed: false,
        entity: EntityName::parse("ada").unwrap(),
        admitted_at: Millis(at),
        missed: false,
    };
    let sent = |content: &Value| {
        let body = content["body"].as_str().unwrap_or_default();
        let wording = Wording { sort: Sort::Media, content: content.to_string(), ..wording(body, &[]) };
        Message { wording, ..message(Sort::Media) }
    };
    let picture = || sent(&json!({"msgtype": "m.image", "body": "cat.png"}));
    assert!(is_caption(&picture(), &said(11_000)));
    assert!(!is_caption(&picture(), &said(11_001)));
    assert!(!is_caption(&message(Sort::Text), &said(2_000)));
    assert!(!is_caption(&Message { thread: Some(event("r")), ..picture() }, &said(2_000)));
    assert!(!is_caption(&Message { deleted: true, ..picture() }, &said(2_000)));
    let captioned = sent(&json!({"msgtype": "m.image", "body": "My cat.", "filename": "cat.png"}));
    assert!(!is_caption(&captioned, &said(2_000)), "it has its words");
    let sticker = sent(&json!({"body": "a waving cat", "url": "mxc://s/cat"}));
    assert!(!is_caption(&sticker, &said(2_000)), "nobody talks about a sticker");
}

/// S7: an answer is given anew, a message nobody was due to answer may ask, everything else is only new words.
#[test]
fn an_edit_means_something_by_what_was_decided() {
    let hour = 3_600_000;
    let check = |action: DecisionAction, mentions: &[&str], at: u64, expected: Edited| {
        let (message, new) = (message(Sort::Text), wording("new", mentions));
        assert_eq!(edited(&config(), &message, &decision(action), &new, Millis(at)), expected, "{action:?} {at}");
    };
    check(DecisionAction::Answer, &["kim"], 9 * hour, Edited::Anew);
    check(DecisionAction::Ignore, &["kim", "ada"], 1_000 + hour, Edited::Asks);
    check(DecisionAction::Say, &["ada"], 2_000, Edited::Asks);
    check(DecisionAction::Ignore, &["ada"], 1_001 + hour, Edited::Nothing);
    check(DecisionAction::Ignore, &["kim"], 2_000, Edited::Nothing);
    check(DecisionAction::Run, &["ada"], 2_000, Edited::Nothing);
    for open in [DecisionAction::Route, DecisionAction::Ask] {
        check(open, &["ada"], 2_000, Edited::Asks);
        check(open, &["kim"], 2_000, Edited::Nothing);
    }
    let answered = decision(DecisionAction::Answer);
    let of = |message: &Message, new: &Wording| edited(&config(), message, &answered, new, Millis(0));
    assert_eq!(of(&message(Sort::Text), &wording("hm", &["kim"])), Edited::Nothing, "the same words");
    let gone = Message { deleted: true, ..message(Sort::Text) };
    assert_eq!(of(&gone, &wording("new", &[])), Edited::Nothing);
}

#[test]
fn an_entity_says_when_it_is_done() {
    let marked = |last: bool| {
        let mark = Some(Mark { turn: None, last, hops: 1, root: None });
        is_whole(&Wording { mark, ..wording("so", &[]) })
    };
    assert!(marked(true) && !marked(false) && !is_whole(&wording("so", &[])));
}

fn answer(state: TurnState) -> Tapped {
    let turn = Turn {
        id: TurnId::parse("t").unwrap(),
        attempt: 1,
        conversation: place(),
        responder: Responder::One(EntityName::parse("ada").unwrap()),
        messages: vec![event("1")],
        asker: user("al"),
        priority: Priority::Person,
        hops: 1,
        root: event("1"),
        missing: Vec::new(),
        received_at: Millis(0),
        parts: vec![event("a")],
        withdrawals: 0,
    };
    let (text, usage, started_at) = (String::new(), Usage::default(), Millis(0));
    Tapped { turn: Some(StoredTurn { turn, state, text, usage, started_at, ended_at: None }), notice: None }
}

fn question(about: PollAbout, asker: Option<&str>) -> Tapped {
    let option = PollOption { key: "1\u{fe0f}\u{20e3}".to_owned(), value: "ada".to_owned() };
    let notice = Notice {
        id: "n".to_owned(),
        speaker: EntityName::parse("router").unwrap(),
        conversation: place(),
        reply_to: None,
        text: String::new(),
        poll: Some(Poll { about, options: vec![option], asker: asker.map(user) }),
    };
    let stored = StoredNotice { notice, wording: 1, shown: 1, parts: Vec::new(), answer: None, created_at: Millis(0) };
    Tapped { turn: None, notice: Some(stored) }
}

/// S4, S9: 🛑 stops what runs, whoever taps; 🔁 is the asker's, from whichever account.
#[test]
fn a_tap_on_an_answer_stops_or_repeats_it() {
    let check = |by: &str, key: &str, tapped: &Tapped, expected: Tap| {
        assert_eq!(tap(&config(), &user(by), key, tapped), expected, "{by} {key}");
    };
    let id = || TurnId::parse("t").unwrap();
    check("kim", "🛑", &answer(TurnState::Running), Tap::Stop(id()));
    check("kim", "🛑\u{fe0f}", &answer(TurnState::Suspended), Tap::Stop(id()));
    check("kim", "🛑", &answer(TurnState::Done), Tap::Nothing);
    check("kim", "🛑", &Tapped::default(), Tap::StopAnswers);
    check("al", "🔁", &answer(TurnState::Done), Tap::Again(id()));
    check("al2", "🔁", &answer(TurnState::Failed), Tap::Again(id()));
    check("kim", "🔁", &answer(TurnState::Done), Tap::Nothing);
    check("al", "🔁", &Tapped::default(), Tap::Nothing);
    check("al", "👍", &answer(TurnState::Running), Tap::Nothing);
}

/// R2: only whoever was asked picks, only what was offered, and only once.
#[test]
fn a_tap_on_a_question_answers_it() {
    let check = |by: &str, key: &str, tapped: &Tapped, expected: Tap| {
        assert_eq!(tap(&config(), &user(by), key, tapped), expected, "{by} {key}");
    };
    let routed =
        || Tap::Route { notice: "n".to_owned(), event: event("1"), responder: EntityName::parse("ada").unwrap() };
    let whom = question(PollAbout::Route(event("1")), Some("al"));
    check("al", "1\u{20e3}", &whom, routed());
    check("al2", "1\u{fe0f}\u{20e3}", &whom, routed());
    check("kim", "1\u{20e3}", &whom, Tap::Nothing);
    check("al", "2\u{20e3}", &whom, Tap::Nothing);
    check("al", "🛑", &whom, Tap::Nothing);
    check("kim", "1\u{20e3}", &question(PollAbout::Route(event("1")), None), routed());
    let (notice, value) = ("n".to_owned(), "ada".to_owned());
    let answered = Tap::Answer { notice, about: PollAbout::Encrypt, value };
    check("al", "1\u{20e3}", &question(PollAbout::Encrypt, Some("al")), answered);
    let mut again = whom;
    if let Some(stored) = &mut again.notice {
        stored.answer = Some(PollAnswer { value: "ada".to_owned(), by: user("al") });
    }
    check("al", "1\u{20e3}", &again, Tap::Nothing);
}
