//! Files that come alone.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    desk::{
        gate::{Action, Answer, Command, Room, Verdict},
        lone_file::{files_before, patience, with_words},
    },
    model::{Conversation, EntityName, EventId, Millis, RoomId, Standing, UserId},
    store::{Decision, DecisionAction, Message, Ordinal, Sort, Wording},
};

fn event(text: &str) -> EventId {
    EventId::parse(format!("${text}")).unwrap()
}

fn message(id: &str, sender: &str, sort: Sort, content: &Value) -> Message {
    Message {
        ordinal: Ordinal(1),
        room: RoomId::parse("!r").unwrap(),
        event: event(id),
        sender: UserId::parse(format!("@{sender}:s")).unwrap(),
        sent_at: Millis(0),
        received_at: Millis(1_000),
        standing: Standing::Live,
        thread: None,
        in_reply_to: None,
        wording: Wording {
            sort,
            body: content["body"].as_str().unwrap_or_default().to_owned(),
            content: content.to_string(),
            mentions: Vec::new(),
            mark: None,
        },
        edited: false,
        deleted: false,
    }
}

fn picture(id: &str, sender: &str) -> Message {
    message(id, sender, Sort::Media, &json!({"msgtype": "m.image", "body": "cat.png"}))
}

fn words(id: &str, sender: &str) -> Message {
    message(id, sender, Sort::Text, &json!({"msgtype": "m.text", "body": "What is this?"}))
}

/// C5: only a file without words waits, never in a direct chat, and never longer than two seconds after it came.
#[test]
fn a_file_alone_waits_for_words() {
    let check = |message: &Message, direct: bool, now: u64, expected: u64| {
        let room = Room { direct, usable: Vec::new() };
        assert_eq!(patience(&room, message, Millis(now)), Duration::from_millis(expected), "{message:?}");
    };
    check(&picture("1", "al"), false, 1_000, 2_000);
    check(&picture("1", "al"), false, 2_500, 500);
    check(&picture("1", "al"), false, 9_000, 0);
    check(&picture("1", "al"), true, 1_000, 0);
    check(&words("1", "al"), false, 1_000, 0);
    let media = |content: Value| message("1", "al", Sort::Media, &content);
    for kind in ["m.file", "m.audio", "m.video"] {
        check(&media(json!({"msgtype": kind, "body": "it", "filename": "it"})), false, 1_000, 2_000);
        check(&media(json!({"msgtype": kind, "body": "See?", "filename": "it"})), false, 1_000, 0);
    }
    check(&media(json!({"body": "a waving cat"})), false, 1_000, 0);
}

/// C5: words are about the files that their sender sent right before them, whatever others said in between.
#[test]
fn words_find_their_files() {
    let check = |before: &[Message], said: &Message, expected: &[&str]| {
        let found: Vec<&EventId> = files_before(before, said).into_iter().map(|file| &file.event).collect();
        assert_eq!(found, expected.iter().map(|id| event(id)).collect::<Vec<_>>().iter().collect::<Vec<_>>());
    };
    let before = [picture("0", "al"), words("1", "al"), picture("2", "al"), words("3", "kim"), picture("4", "al")];
    check(&before, &words("5", "al"), &["4", "2"]);
    check(&before, &words("5", "kim"), &[]);
    check(&before, &picture("5", "al"), &[]);
    check(&[Message { deleted: true, ..picture("4", "al") }], &words("5", "al"), &[]);
}

/// C5, R4: whoever answers the words answers the file with them; a file that somebody was picked for stays theirs, and one
/// followed by a command is routed alone.
#[test]
fn words_decide_about_their_file() {
    let decision = |action: DecisionAction| Decision {
        ordinal: Ordinal(1),
        conversation: Conversation { room: RoomId::parse("!r").unwrap(), thread: None },
        event: event("1"),
        rule: "W11".to_owned(),
        action,
        answering: Vec::new(),
        candidates: Vec::new(),
        reason: String::new(),
        decided_at: Millis(1),
    };
    let verdict = |action: Action| Verdict { rule: "W3", action, reason: "" };
    let ada = || EntityName::parse("ada").unwrap();
    let answer = Action::Answer { answers: vec![Answer::One(ada())], missing: Vec::new() };
    for action in [answer.clone(), Action::Route(vec![ada()]), Action::Ignore, Action::Excuse(Vec::new())] {
        let decided = with_words(decision(DecisionAction::Route), &verdict(action), Millis(9)).unwrap();
        assert_eq!(
            (decided.rule.as_str(), decided.action, decided.decided_at),
            ("C5", DecisionAction::Ignore, Millis(9))
        );
    }
    let run = verdict(Action::Run(Command::Known("stop".to_owned())));
    assert_eq!(with_words(decision(DecisionAction::Route), &run, Millis(9)), None);
    for action in [DecisionAction::Answer, DecisionAction::Ask, DecisionAction::Ignore] {
        assert_eq!(with_words(decision(action), &verdict(answer.clone()), Millis(9)), None, "{action:?}");
    }
}
