//! What an event of a room says to somebody who reads along, whatever its form.

use serde_json::Value;

use super::harmless::{harmless, harmless_line, shortened};
use crate::model::{EventId, TURN_KEY};

/// How much of a message is shown, in characters.
pub(super) const MESSAGE_CHARS_MAX: usize = 8_000;
/// How much of a word for a sort of message, or of a reaction, is shown, in characters.
const WORD_CHARS_MAX: usize = 40;

/// What an event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// Something new.
    Message {
        /// The thread that it says to stand in.
        thread: Option<EventId>,
        /// What it is said to.
        reply_to: Option<EventId>,
        /// What it says.
        words: Words,
    },
    /// What another event says from now on.
    Edit {
        /// That event.
        of: EventId,
        /// What it says now.
        words: Words,
    },
    /// A reaction.
    Reaction {
        /// To what.
        to: EventId,
        /// Which one.
        key: String,
    },
    /// Another event no longer says anything.
    TakenBack(EventId),
}

/// Words, harmless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    /// How they are said.
    pub(super) manner: Manner,
    /// What is said.
    pub(super) text: String,
    /// Whether there is more to come.
    pub(super) growing: bool,
}

/// How something is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Manner {
    /// Plainly.
    Speech,
    /// As the house speaks: a notice.
    Notice,
    /// Not said but done.
    Emote,
    /// Shown: a picture, a file.
    Other(String),
}

/// Reads an event. Nothing, where it is not for people or was deleted.
pub(super) fn read(kind: &str, json: &str) -> Option<Said> {
    let content: Value = serde_json::from_str(json).ok()?;
    let relation = &content["m.relates_to"];
    match kind {
        "m.room.message" if relation["rel_type"] == "m.replace" => {
            Some(Said::Edit { of: id(&relation["event_id"])?, words: words(&content["m.new_content"])? })
        }
        "m.room.message" => {
            let thread = (relation["rel_type"] == "m.thread").then(|| id(&relation["event_id"])).flatten();
            let reply_to = id(&relation["m.in_reply_to"]["event_id"]);
            Some(Said::Message { thread, reply_to, words: words(&content)? })
        }
        "m.reaction" => {
            let key = harmless_line(relation["key"].as_str()?, WORD_CHARS_MAX);
            (!key.is_empty()).then_some(Said::Reaction { to: id(&relation["event_id"])?, key })
        }
        "m.room.redaction" => id(&content["redacts"]).map(Said::TakenBack),
        _ => None,
    }
}

fn words(content: &Value) -> Option<Words> {
    let text = shortened(&harmless(content["body"].as_str()?), MESSAGE_CHARS_MAX);
    let manner = match content["msgtype"].as_str()? {
        "m.text" => Manner::Speech,
        "m.notice" => Manner::Notice,
        "m.emote" => Manner::Emote,
        other => Manner::Other(harmless_line(other.trim_start_matches("m."), WORD_CHARS_MAX)),
    };
    Some(Words { manner, text, growing: content[TURN_KEY]["final"] == false })
}

fn id(value: &Value) -> Option<EventId> {
    EventId::parse(value.as_str()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(id: &str) -> EventId {
        EventId::parse(id).unwrap()
    }

    fn speech(text: &str) -> Words {
        Words { manner: Manner::Speech, text: text.to_owned(), growing: false }
    }

    fn check(kind: &str, content: &Value, expected: Option<&Said>) {
        assert_eq!(read(kind, &content.to_string()).as_ref(), expected, "{kind} {content}");
    }

    #[test]
    fn messages_say_where_they_stand() {
        let said = |thread: Option<&str>, reply_to: Option<&str>| {
            let (thread, reply_to) = (thread.map(event), reply_to.map(event));
            Some(Said::Message { thread, reply_to, words: speech("hi") })
        };
        let mut content = json!({"msgtype": "m.text", "body": "hi\x1b[31m"});
        check("m.room.message", &content, said(None, None).as_ref());
        content["m.relates_to"] = json!({"m.in_reply_to": {"event_id": "$a"}});
        check("m.room.message", &content, said(None, Some("$a")).as_ref());
        content["m.relates_to"]["rel_type"] = json!("m.thread");
        content["m.relates_to"]["event_id"] = json!("$r");
        check("m.room.message", &content, said(Some("$r"), Some("$a")).as_ref());
        check("m.room.message", &json!({}), None);
        check("m.room.topic", &content, None);
    }

    #[test]
    fn messages_say_how() {
        let manner = |msgtype: &str| match read("m.room.message", &json!({"msgtype": msgtype, "body": "x"}).to_string())
        {
            Some(Said::Message { words, .. }) => words.manner,
            other => panic!("{other:?}"),
        };
        assert_eq!(manner("m.text"), Manner::Speech);
        assert_eq!(manner("m.notice"), Manner::Notice);
        assert_eq!(manner("m.emote"), Manner::Emote);
        assert_eq!(manner("m.image\x1b[2J"), Manner::Other("image".to_owned()));
    }

    /// S1: an answer says whether there is more to come.
    #[test]
    fn s1_edits_let_an_answer_grow() {
        for (last, growing) in [(false, true), (true, false)] {
            let content = json!({
                "msgtype": "m.text", "body": "* so",
                "m.new_content": {"msgtype": "m.text", "body": "so", TURN_KEY: {"final": last}},
                "m.relates_to": {"rel_type": "m.replace", "event_id": "$a"},
            });
            let words = Words { growing, ..speech("so") };
            check("m.room.message", &content, Some(&Said::Edit { of: event("$a"), words }));
        }
    }

    #[test]
    fn reactions_and_deletions_name_their_event() {
        let reaction = |key: &str| json!({"m.relates_to": {"rel_type": "m.annotation", "event_id": "$a", "key": key}});
        check("m.reaction", &reaction("🛑"), Some(&Said::Reaction { to: event("$a"), key: "🛑".to_owned() }));
        check("m.reaction", &reaction("\x1b[2J"), None);
        check("m.room.redaction", &json!({"redacts": "$a"}), Some(&Said::TakenBack(event("$a"))));
        check("m.room.redaction", &json!({}), None);
    }

    #[test]
    fn long_messages_are_cut() {
        let content = json!({"msgtype": "m.text", "body": "x".repeat(2 * MESSAGE_CHARS_MAX)});
        let Some(Said::Message { words, .. }) = read("m.room.message", &content.to_string()) else { panic!() };
        assert_eq!(words.text.chars().count(), MESSAGE_CHARS_MAX + 1);
    }
}
