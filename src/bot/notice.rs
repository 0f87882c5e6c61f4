//! Builds the events of a notice: a line outside any answer, perhaps with something to tap.

use serde_json::{Value, json};

use super::{
    compose::{Tone, said},
    mentions::Roster,
};
use crate::model::{EventId, Notice, Poll, PollAbout, UserId};

/// The key under which every event of a notice says which notice it belongs to.
pub(super) const NOTICE_KEY: &str = "org.maitre.notice";

/// The events that show `notice`: edits of the messages that were `sent` so far, then new messages.
pub(super) fn notice_events(notice: &Notice, sent: &[EventId], roster: &Roster) -> Vec<Value> {
    let call = notice.poll.as_ref().filter(|poll| is_call(poll));
    let tone = if call.is_some() { Tone::Text } else { Tone::Notice };
    let asker = call.and_then(|poll| poll.asker.as_ref());
    let mut events = Vec::new();
    for (part, mut content) in said(tone, &notice.text, roster).into_iter().enumerate() {
        content[NOTICE_KEY] = json!({ "id": notice.id, "part": part });
        if let (0, Some(asker)) = (part, asker) {
            mention(&mut content, asker);
        }
        events.push(match sent.get(part) {
            Some(of) => replacement(of, &content),
            None => placed(notice, content),
        });
    }
    events
}

/// The reaction that offers one answer below the message `on`.
pub(super) fn tap_event(on: &EventId, key: &str) -> Value {
    json!({ "m.relates_to": { "rel_type": "m.annotation", "event_id": on.as_str(), "key": key } })
}

/// Whether a question comes unasked and is meant to be heard: clients don't ring for notices. Who typed a command looks.
fn is_call(poll: &Poll) -> bool {
    match poll.about {
        PollAbout::Route(_) | PollAbout::Turn(_) | PollAbout::Missed => true,
        PollAbout::Encrypt | PollAbout::Setting(_) => false,
    }
}

fn mention(content: &mut Value, user: &UserId) {
    let known = content["m.mentions"]["user_ids"].as_array().cloned().unwrap_or_default();
    if !known.iter().any(|other| other == user.as_str()) {
        let all: Vec<Value> = known.into_iter().chain([user.as_str().into()]).collect();
        content["m.mentions"] = json!({ "user_ids": all });
    }
}

/// Whoever was to hear of it has heard; an edit wakes nobody.
fn replacement(of: &EventId, content: &Value) -> Value {
    json!({
        "msgtype": content["msgtype"],
        "body": format!("* {}", content["body"].as_str().unwrap_or_default()),
        "m.mentions": {},
        "m.relates_to": { "rel_type": "m.replace", "event_id": of.as_str() },
        NOTICE_KEY: content[NOTICE_KEY],
        "m.new_content": content,
    })
}

fn placed(notice: &Notice, mut content: Value) -> Value {
    let said_to = notice.reply_to.as_ref();
    match (&notice.conversation.thread, said_to) {
        (Some(root), _) => {
            content["m.relates_to"] = json!({
                "rel_type": "m.thread",
                "event_id": root.as_str(),
                "is_falling_back": true,
                "m.in_reply_to": { "event_id": said_to.unwrap_or(root).as_str() },
            });
        }
        (None, Some(event)) => content["m.relates_to"] = json!({ "m.in_reply_to": { "event_id": event.as_str() } }),
        (None, None) => {}
    }
    content
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bot::Mentionable,
        model::{Conversation, EntityName, RoomId},
    };

    fn event(id: &str) -> EventId {
        EventId::parse(id).unwrap()
    }

    fn user(name: &str) -> UserId {
        UserId::parse(format!("@{name}:home")).unwrap()
    }

    fn roster() -> Roster {
        let somebody =
            |name: &str| Mentionable { user: user(name), display_name: name.to_owned(), handles: Vec::new() };
        Roster::new(&somebody("router"), vec![somebody("ada")])
    }

    fn notice(thread: Option<&str>, reply_to: Option<&str>) -> Notice {
        let conversation = Conversation { room: RoomId::parse("!r").unwrap(), thread: thread.map(event) };
        let speaker = EntityName::parse("router").unwrap();
        Notice {
            id: "n1".to_owned(),
            speaker,
            conversation,
            reply_to: reply_to.map(event),
            text: "hi".to_owned(),
            poll: None,
        }
    }

    /// X, C3: a notice stands where it was asked for.
    #[test]
    fn a_notice_stands_in_its_place() {
        let relation = |notice: &Notice| notice_events(notice, &[], &roster())[0].get("m.relates_to").cloned();
        let in_thread = |to: &str| {
            Some(json!({ "rel_type": "m.thread", "event_id": "$root", "is_falling_back": true,
                         "m.in_reply_to": { "event_id": to } }))
        };
        assert_eq!(relation(&notice(Some("$root"), Some("$asked"))), in_thread("$asked"));
        assert_eq!(relation(&notice(Some("$root"), None)), in_thread("$root"));
        assert_eq!(relation(&notice(None, Some("$asked"))), Some(json!({ "m.in_reply_to": { "event_id": "$asked" } })));
        assert_eq!(relation(&notice(None, None)), None);
    }

    /// A3, S2: a notice is no text, and has no mention that isn't in it.
    #[test]
    fn a_notice_is_a_notice() {
        let content = notice_events(&notice(None, None), &[], &roster()).remove(0);
        let expected = json!({
            "msgtype": "m.notice", "body": "hi", "format": "org.matrix.custom.html", "formatted_body": "<p>hi</p>",
            "m.mentions": {}, "org.maitre.notice": { "id": "n1", "part": 0 },
        });
        assert_eq!(content, expected);
    }

    /// R2: a question is for who asked, and rings there.
    #[test]
    fn a_question_is_a_text_that_mentions_the_asker() {
        let asking = |about: PollAbout| {
            let poll = Poll { about, options: Vec::new(), asker: Some(user("bob")) };
            let notice = Notice { poll: Some(poll), text: "@ada?".to_owned(), ..notice(None, None) };
            notice_events(&notice, &[], &roster()).remove(0)
        };
        assert_eq!(asking(PollAbout::Encrypt)["msgtype"], "m.notice", "it answers a command");
        let content = asking(PollAbout::Route(event("$asked")));
        assert_eq!(content["msgtype"], "m.text");
        assert_eq!(content["m.mentions"], json!({ "user_ids": ["@ada:home", "@bob:home"] }));
        assert_eq!(tap_event(&event("$x"), "1️⃣")["m.relates_to"]["key"], "1️⃣");
    }

    /// E1: a notice whose text changes is edited, and wakes nobody again.
    #[test]
    fn a_new_wording_is_an_edit() {
        let notice = Notice { text: "@ada".to_owned(), ..notice(None, Some("$asked")) };
        let content = notice_events(&notice, &[event("$shown")], &roster()).remove(0);
        assert_eq!(content["m.relates_to"], json!({ "rel_type": "m.replace", "event_id": "$shown" }));
        assert_eq!((&content["m.mentions"], &content["m.new_content"]["body"]), (&json!({}), &json!("ada")));
        assert_eq!(content["m.new_content"]["m.mentions"], json!({ "user_ids": ["@ada:home"] }));
    }
}
