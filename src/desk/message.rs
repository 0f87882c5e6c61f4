//! What an admitted event says, as far as deciding needs it.

use serde_json::Value;

use crate::{
    model::{EventId, TURN_KEY, TurnId, UserId},
    store::{Mark, Sort},
};

/// What an event is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// Something new.
    Message(Message),
    /// A new wording of an earlier message.
    Edit {
        /// Of this message.
        of: EventId,
        /// What it says now.
        new: Message,
    },
    /// A tap on a message.
    Reaction {
        /// On this message.
        on: EventId,
        /// The emoji, or text.
        key: String,
    },
    /// An earlier event was taken back.
    Redaction {
        /// This one.
        of: EventId,
    },
    /// Nothing that anybody answers.
    Other,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// What sort it is.
    pub(super) sort: Sort,
    /// The visible text.
    pub(super) body: String,
    /// The same as HTML, if the client sent it.
    pub(super) html: Option<String>,
    /// Who the client says is mentioned; `None` if it is a client that doesn't say.
    pub(super) mentions: Option<Vec<UserId>>,
    /// The thread it says it belongs to.
    pub(super) thread: Option<EventId>,
    /// The message it answers.
    pub(super) in_reply_to: Option<EventId>,
    /// What one of our own entities wrote on it.
    pub(super) mark: Option<Mark>,
}

/// Reads an event of type `kind` with `content`, a JSON object. What is malformed is nothing that anybody answers.
pub(super) fn read(kind: &str, content: &Value) -> Said {
    match kind {
        "m.room.message" | "m.sticker" => read_message(kind, content),
        "m.reaction" => {
            let relation = &content["m.relates_to"];
            match (event(&relation["event_id"]), relation["key"].as_str()) {
                (Some(on), Some(key)) => Said::Reaction { on, key: key.to_owned() },
                _ => Said::Other,
            }
        }
        "m.room.redaction" => event(&content["redacts"]).map_or(Said::Other, |of| Said::Redaction { of }),
        _ => Said::Other,
    }
}

fn read_message(kind: &str, content: &Value) -> Said {
    let relation = &content["m.relates_to"];
    if relation["rel_type"] == "m.replace" {
        return match (event(&relation["event_id"]), message(kind, &content["m.new_content"])) {
            (Some(of), Some(new)) => Said::Edit { of, new },
            _ => Said::Other,
        };
    }
    message(kind, content).map_or(Said::Other, Said::Message)
}

fn message(kind: &str, content: &Value) -> Option<Message> {
    let sort = match (kind, content["msgtype"].as_str()) {
        (_, Some("m.text" | "m.emote")) => Sort::Text,
        (_, Some("m.image" | "m.file" | "m.audio" | "m.video")) | ("m.sticker", _) => Sort::Media,
        (_, Some("m.notice")) => Sort::Notice,
        _ => return None,
    };
    let relation = &content["m.relates_to"];
    let reply = &relation["m.in_reply_to"];
    let is_reply = reply["event_id"].is_string();
    let html = content["format"] == "org.matrix.custom.html";
    let body = content["body"].as_str()?;
    Some(Message {
        sort,
        body: if is_reply { unquoted(body) } else { body }.to_owned(),
        html: content["formatted_body"].as_str().filter(|_| html).map(|html| without_quote(html).to_owned()),
        mentions: content.get("m.mentions").filter(|mentions| mentions.is_object()).map(mentioned),
        thread: event(&relation["event_id"]).filter(|_| relation["rel_type"] == "m.thread"),
        in_reply_to: event(&reply["event_id"]).filter(|_| !falls_back(relation)),
        mark: content.get(TURN_KEY).map(mark),
    })
}

/// The text below the lines that older clients quote from what is replied to: nobody said them again. They begin with who
/// said them; what people quote by hand doesn't.
fn unquoted(body: &str) -> &str {
    if !body.starts_with("> <@") && !body.starts_with("> * <@") {
        return body;
    }
    let mut rest = body;
    while let Some(line) = rest.strip_prefix("> ") {
        rest = line.split_once('\n').map_or("", |(_, below)| below);
    }
    rest.strip_prefix('\n').unwrap_or(rest)
}

/// The same as HTML.
fn without_quote(html: &str) -> &str {
    html.strip_prefix("<mx-reply>").and_then(|quoted| quoted.split_once("</mx-reply>")).map_or(html, |(_, below)| below)
}

/// Whether the reply is only there for clients that know no threads.
fn falls_back(relation: &Value) -> bool {
    relation["rel_type"] == "m.thread" && relation["is_falling_back"].as_bool().unwrap_or(false)
}

fn mentioned(mentions: &Value) -> Vec<UserId> {
    let listed = mentions["user_ids"].as_array().into_iter().flatten();
    listed.filter_map(|user| UserId::parse(user.as_str()?).ok()).collect()
}

fn mark(mark: &Value) -> Mark {
    Mark {
        turn: mark["id"].as_str().and_then(|turn| TurnId::parse(turn).ok()),
        last: mark["final"].as_bool().unwrap_or(false),
        hops: mark["hops"].as_u64().and_then(|hops| u32::try_from(hops).ok()).unwrap_or(0),
        root: event(&mark["root"]),
    }
}

fn event(id: &Value) -> Option<EventId> {
    EventId::parse(id.as_str()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn id(text: &str) -> EventId {
        EventId::parse(text).unwrap()
    }

    fn message_of(content: &Value) -> Message {
        match read("m.room.message", content) {
            Said::Message(message) => message,
            other => panic!("{content} is {other:?}"),
        }
    }

    #[test]
    fn a_message_tells_its_place_and_whom_it_mentions() {
        let message = message_of(&json!({
            "msgtype": "m.text", "body": "hi", "m.mentions": {"user_ids": ["@ada:s", "nonsense"]},
            "m.relates_to": {"rel_type": "m.thread", "event_id": "$root", "is_falling_back": true,
                             "m.in_reply_to": {"event_id": "$last"}},
        }));
        assert_eq!((message.thread, message.in_reply_to), (Some(id("$root")), None));
        assert_eq!(message.mentions, Some(vec![UserId::parse("@ada:s").unwrap()]));
        let says = |mentions: Value| message_of(&json!({"msgtype": "m.text", "body": "hi", "m.mentions": mentions}));
        assert_eq!(says(json!({})).mentions, Some(Vec::new()));
        for nothing in [json!(null), json!([]), json!("@ada:s"), json!(7)] {
            assert_eq!(says(nothing.clone()).mentions, None, "{nothing}");
        }
    }

    /// C2: a real reply inside a thread, and a plain one, name what they answer.
    #[test]
    fn a_reply_names_what_it_answers() {
        let plain = json!({"msgtype": "m.text", "body": "x", "m.relates_to": {"m.in_reply_to": {"event_id": "$a"}}});
        assert_eq!(message_of(&plain).in_reply_to, Some(id("$a")));
        let inside = json!({"msgtype": "m.text", "body": "x", "m.relates_to": {
            "rel_type": "m.thread", "event_id": "$root", "m.in_reply_to": {"event_id": "$a"}}});
        assert_eq!(message_of(&inside).in_reply_to, Some(id("$a")));
    }

    /// C2: what an older client quotes above a reply was not said again; what somebody quotes by hand was.
    #[test]
    fn a_quote_above_a_reply_is_no_part_of_it() {
        let reply = |body: &str, html: &str| {
            message_of(&json!({"msgtype": "m.text", "body": body, "format": "org.matrix.custom.html",
                              "formatted_body": html, "m.relates_to": {"m.in_reply_to": {"event_id": "$a"}}}))
        };
        let quoted = reply("> <@ada:s> @bob hi\n> there\n\n!help", "<mx-reply>@bob</mx-reply>!help");
        assert_eq!((quoted.body.as_str(), quoted.html.as_deref()), ("!help", Some("!help")));
        assert_eq!(reply("hi", "hi").body, "hi");
        assert_eq!(reply("> <@ada:s> only a quote", "").body, "");
        assert_eq!(reply("> * <@ada:s> waves\n\nhi", "").body, "hi");
        assert_eq!(reply("> your words\n\nwhy?", "").body, "> your words\n\nwhy?");
        assert_eq!(message_of(&json!({"msgtype": "m.text", "body": "> mine\n\nx"})).body, "> mine\n\nx");
    }

    #[test]
    fn events_are_told_apart() {
        let check = |kind: &str, content: Value, expected: Said| assert_eq!(read(kind, &content), expected);
        let tap = json!({"m.relates_to": {"rel_type": "m.annotation", "event_id": "$a", "key": "🛑"}});
        check("m.reaction", tap, Said::Reaction { on: id("$a"), key: "🛑".to_owned() });
        check("m.room.redaction", json!({"redacts": "$a"}), Said::Redaction { of: id("$a") });
        check("m.room.message", json!({}), Said::Other);
        check("m.room.message", json!({"msgtype": "m.text", "body": 7}), Said::Other);
        check("org.example", json!({"msgtype": "m.text", "body": "x"}), Said::Other);
        let edit = json!({"msgtype": "m.text", "body": "* y", "m.new_content": {"msgtype": "m.text", "body": "y"},
                          "m.relates_to": {"rel_type": "m.replace", "event_id": "$a"}});
        let Said::Edit { of, new } = read("m.room.message", &edit) else { panic!("no edit") };
        assert_eq!((of, new.body.as_str()), (id("$a"), "y"));
    }

    #[test]
    fn our_own_mark_is_read_with_care() {
        let marked = |mark: Value| message_of(&json!({"msgtype": "m.text", "body": "x", "org.maitre.turn": mark})).mark;
        let turn = TurnId::parse("t").ok();
        let mark = json!({"id": "t", "final": true, "hops": 2, "root": "$r"});
        assert_eq!(marked(mark), Some(Mark { turn, last: true, hops: 2, root: Some(id("$r")) }));
        assert_eq!(marked(json!("x")), Some(Mark { turn: None, last: false, hops: 0, root: None }));
    }
}
