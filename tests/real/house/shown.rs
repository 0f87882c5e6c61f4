//! What a client shows of a room: its messages, each as its last edit left it.

use std::collections::BTreeMap;

use serde_json::Value;

/// One message as people see it now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) event: String,
    pub(crate) sender: String,
    /// `m.text`, `m.notice`, …
    pub(crate) kind: String,
    pub(crate) body: String,
    pub(crate) html: String,
    /// The root of the thread that it stands in.
    pub(crate) root: Option<String>,
    /// The message that it is an answer to.
    pub(crate) answers: Option<String>,
    /// Whether that is only said for clients without threads.
    pub(crate) is_falling_back: bool,
    /// Who is mentioned in it as it stands.
    pub(crate) mentions: Vec<String>,
    /// How often each was called, over the message and all its edits.
    pub(crate) pings: BTreeMap<String, usize>,
    /// How often it was edited.
    pub(crate) edits: usize,
    /// Whether its last word has been said, as far as it tells.
    pub(crate) is_final: bool,
    /// How many entities the question went through, as far as it tells.
    pub(crate) hops: u64,
    /// Who tapped what on it, and hasn't taken it back.
    pub(crate) taps: Vec<(String, String)>,
    /// The wordings that it had, oldest first.
    pub(crate) wordings: Vec<String>,
    /// Whether it was taken back.
    pub(crate) is_deleted: bool,
    newest: (u64, String),
}

/// The messages that `events`, in the order of arrival, amount to.
pub(crate) fn shown(events: &[Value]) -> Vec<Shown> {
    let gone: Vec<&str> = events.iter().filter_map(redacted).collect();
    let mut messages: Vec<Shown> = Vec::new();
    for event in events {
        let content = &event["content"];
        let relation = &content["m.relates_to"];
        let target = word(&relation["event_id"]);
        let is_gone = gone.contains(&event["event_id"].as_str().unwrap_or_default());
        match (event["type"].as_str(), relation["rel_type"].as_str()) {
            (Some("m.room.message"), Some("m.replace")) if !is_gone => {
                if let Some(message) = messages.iter_mut().find(|message| message.event == target) {
                    message.edit(event);
                }
            }
            (Some("m.room.message"), _) => messages.push(Shown::new(event, is_gone)),
            (Some("m.reaction"), Some("m.annotation")) if !is_gone => {
                if let Some(message) = messages.iter_mut().find(|message| message.event == target) {
                    message.taps.push((word(&event["sender"]), word(&relation["key"])));
                }
            }
            _ => {}
        }
    }
    messages
}

impl Shown {
    fn new(event: &Value, is_deleted: bool) -> Self {
        let relation = &event["content"]["m.relates_to"];
        let mut message = Self {
            event: word(&event["event_id"]),
            sender: word(&event["sender"]),
            root: (relation["rel_type"] == "m.thread").then(|| word(&relation["event_id"])),
            answers: relation["m.in_reply_to"]["event_id"].as_str().map(str::to_owned),
            is_falling_back: relation["is_falling_back"] == true,
            is_deleted,
            ..Self::default()
        };
        message.ping(&event["content"]);
        message.take(&event["content"]);
        message
    }

    fn edit(&mut self, event: &Value) {
        if word(&event["sender"]) != self.sender {
            return;
        }
        self.edits += 1;
        self.ping(&event["content"]);
        let age = (event["origin_server_ts"].as_u64().unwrap_or_default(), word(&event["event_id"]));
        if age > self.newest {
            self.newest = age;
            self.take(&event["content"]["m.new_content"]);
        }
    }

    fn ping(&mut self, content: &Value) {
        for user in users(content) {
            *self.pings.entry(user).or_default() += 1;
        }
    }

    fn take(&mut self, content: &Value) {
        self.kind = word(&content["msgtype"]);
        self.body = word(&content["body"]);
        self.html = word(&content["formatted_body"]);
        self.mentions = users(content);
        let mark = &content["org.maitre.turn"];
        self.is_final = mark["final"] == true;
        self.hops = mark["hops"].as_u64().unwrap_or_default();
        self.wordings.push(self.body.clone());
    }
}

/// The users that a content mentions; the whole room counts as `@room`.
fn users(content: &Value) -> Vec<String> {
    let mentions = &content["m.mentions"];
    let users = mentions["user_ids"].as_array().into_iter().flatten().map(word);
    users.chain((mentions["room"] == true).then(|| "@room".to_owned())).collect()
}

fn redacted(event: &Value) -> Option<&str> {
    if event["type"] != "m.room.redaction" {
        // What a client was told late was emptied before it came.
        return event["unsigned"]["redacted_because"].is_object().then(|| event["event_id"].as_str())?;
    }
    event["redacts"].as_str().or_else(|| event["content"]["redacts"].as_str())
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(id: &str, kind: &str, at: u64, content: &Value) -> Value {
        json!({"event_id": id, "type": kind, "sender": "@a:s", "origin_server_ts": at, "content": content})
    }

    fn edit(id: &str, at: u64, body: &str) -> Value {
        let new = json!({"msgtype": "m.text", "body": body, "m.mentions": {"user_ids": ["@b:s"]}});
        let relation = json!({"rel_type": "m.replace", "event_id": "$1"});
        let content = json!({"body": "*", "m.mentions": {}, "m.new_content": new, "m.relates_to": relation});
        event(id, "m.room.message", at, &content)
    }

    /// What tests take for the truth must itself be right: the newest edit counts by its time, a reaction until it goes.
    #[test]
    fn a_room_is_shown_as_clients_show_it() {
        let thread = json!({"rel_type": "m.thread", "event_id": "$0", "m.in_reply_to": {"event_id": "$0"}});
        let tap = json!({"m.relates_to": {"rel_type": "m.annotation", "event_id": "$1", "key": "x"}});
        let mut gone = event("$6", "m.room.redaction", 6, &json!({}));
        gone["redacts"] = json!("$5");
        let events = [
            event("$1", "m.room.message", 1, &json!({"msgtype": "m.text", "body": "one", "m.relates_to": thread})),
            edit("$3", 3, "three"),
            edit("$2", 2, "two"),
            event("$4", "m.reaction", 4, &tap),
            event("$5", "m.reaction", 5, &tap),
            gone,
        ];
        let [message] = shown(&events).try_into().unwrap();
        assert_eq!((message.body.as_str(), message.edits, message.root.as_deref()), ("three", 2, Some("$0")));
        assert_eq!(message.taps, [("@a:s".to_owned(), "x".to_owned())]);
        assert_eq!((message.mentions, message.pings.len(), message.is_deleted), (vec!["@b:s".to_owned()], 0, false));
    }
}
