//! A message as a person's client composes it.

use serde_json::{Map, Value, json};

/// A message to be.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    body: String,
    html: Option<String>,
    /// What goes into `m.mentions`; clients of old leave it out.
    mentions: Option<Vec<String>>,
    thread: Option<String>,
    reply_to: Option<String>,
    /// What the message is besides its text: its type, and a file.
    kind: Value,
}

impl Post {
    /// A text that mentions nobody.
    pub(crate) fn text(body: &str) -> Self {
        Self {
            body: body.to_owned(),
            html: None,
            mentions: Some(Vec::new()),
            thread: None,
            reply_to: None,
            kind: json!({ "msgtype": "m.text" }),
        }
    }

    /// A file with this content of a message, such as `{"msgtype": "m.file", "url": …}`.
    pub(crate) fn file(body: &str, kind: Value) -> Self {
        Self { kind, ..Self::text(body) }
    }

    /// A notice, as bots write them.
    pub(crate) fn notice(body: &str) -> Self {
        Self::file(body, json!({ "msgtype": "m.notice" }))
    }

    /// Mentions these, as clients of today do: in `m.mentions`, and with a pill.
    pub(crate) fn to(mut self, users: &[&str]) -> Self {
        let pills: Vec<String> = users.iter().map(|user| pill(user)).collect();
        self.html = Some(format!("{} {}", pills.join(" "), self.body));
        self.mentions = Some(users.iter().map(|&user| user.to_owned()).collect());
        self
    }

    /// Mentions `user` by a pill alone, as clients of old do.
    pub(crate) fn with_pill(mut self, user: &str) -> Self {
        self.html = Some(format!("{} {}", pill(user), self.body));
        self.mentions = None;
        self
    }

    /// What a client of old sends: no `m.mentions`, whatever the text names.
    pub(crate) fn plainly(mut self) -> Self {
        self.mentions = None;
        self
    }

    /// Into the thread that grows from `root`.
    pub(crate) fn within(mut self, root: &str) -> Self {
        self.thread = Some(root.to_owned());
        self
    }

    /// As a reply to `event`, which is all that a client without threads can say.
    pub(crate) fn replying(mut self, event: &str) -> Self {
        self.reply_to = Some(event.to_owned());
        self
    }

    /// The content of the event.
    pub(crate) fn content(&self) -> Value {
        let mut content = self.bare();
        let relation = self.relation();
        if !relation.is_empty() {
            content["m.relates_to"] = Value::Object(relation);
        }
        content
    }

    /// The content of the event that makes this of an earlier one.
    pub(crate) fn as_edit_of(&self, event: &str) -> Value {
        let mut content = self.bare();
        content["m.new_content"] = content.clone();
        content["body"] = json!(format!("* {}", self.body));
        content["m.relates_to"] = json!({ "rel_type": "m.replace", "event_id": event });
        content
    }

    fn bare(&self) -> Value {
        let mut content = self.kind.clone();
        content["body"] = json!(self.body);
        if let Some(html) = &self.html {
            content["format"] = json!("org.matrix.custom.html");
            content["formatted_body"] = json!(html);
        }
        match &self.mentions {
            Some(users) if users.is_empty() => content["m.mentions"] = json!({}),
            Some(users) => content["m.mentions"] = json!({ "user_ids": users }),
            None => {}
        }
        content
    }

    fn relation(&self) -> Map<String, Value> {
        let mut relation = Map::new();
        if let Some(root) = &self.thread {
            relation.insert("rel_type".to_owned(), json!("m.thread"));
            relation.insert("event_id".to_owned(), json!(root));
            relation.insert("is_falling_back".to_owned(), json!(self.reply_to.is_none()));
        }
        if let Some(event) = self.reply_to.as_ref().or(self.thread.as_ref()) {
            relation.insert("m.in_reply_to".to_owned(), json!({ "event_id": event }));
        }
        relation
    }
}

fn pill(user: &str) -> String {
    format!("<a href=\"https://matrix.to/#/{user}\">{user}</a>")
}
