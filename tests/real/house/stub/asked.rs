//! What the model was asked, by whom, and who went away too early.

use std::sync::{Arc, Mutex};

use serde_json::Value;

/// One call.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// The model that was meant: in tests each entity has one of its own.
    pub(crate) who: String,
    /// What it was told about itself.
    pub(crate) system: String,
    /// Everything that was said, oldest first, each with whose side it is on: `user`, `assistant`, `tool`.
    pub(crate) messages: Vec<(String, String)>,
    /// The last thing that was said on the other side.
    pub(crate) last: String,
    /// What tools have answered since then.
    pub(crate) outcomes: Vec<String>,
    /// The tools it was offered.
    pub(crate) tools: Vec<String>,
    /// The form that its answer was to have, as a JSON Schema.
    pub(crate) form: Option<Value>,
    /// How many pictures it was shown.
    pub(crate) pictures: usize,
    /// Whether the caller went away before the answer was over.
    pub(crate) gone: bool,
    /// Whether the caller has had all of the answer.
    pub(crate) over: bool,
}

impl Asked {
    /// Reads a request.
    pub(super) fn read(body: &Value) -> Self {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let messages: Vec<(String, String)> = list(&body["messages"])
            .iter()
            .map(|message| (word(&message["role"]), text_of(&message["content"])))
            .collect();
        let (system, messages): (Vec<_>, Vec<_>) = messages.into_iter().partition(|(role, _)| role == "system");
        let asked = messages.iter().rposition(|(role, _)| role == "user");
        let since = asked.map_or(&messages[..], |asked| &messages[asked..]);
        let outcomes = since.iter().filter(|(role, _)| role == "tool").map(|(_, text)| text.clone()).collect();
        let schema = &body["response_format"]["json_schema"]["schema"];
        let pictures = list(&body["messages"]).iter().flat_map(|message| list(&message["content"]));
        Self {
            who: word(&body["model"]),
            system: system.into_iter().map(|(_, text)| text).collect(),
            last: asked.map(|asked| messages[asked].1.clone()).unwrap_or_default(),
            outcomes,
            tools: list(&body["tools"]).iter().map(|tool| word(&tool["function"]["name"])).collect(),
            form: (!schema.is_null()).then(|| schema.clone()),
            pictures: pictures.filter(|part| part["type"] == "image_url").count(),
            messages,
            gone: false,
            over: false,
        }
    }

    /// Whether `needle` stands anywhere in the prompt.
    pub(crate) fn holds(&self, needle: &str) -> bool {
        self.system.contains(needle) || self.messages.iter().any(|(_, text)| text.contains(needle))
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text_of(content: &Value) -> String {
    match content.as_str() {
        Some(text) => text.to_owned(),
        None => list(content).iter().filter_map(|part| part["text"].as_str()).collect(),
    }
}

/// All calls so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Record(Arc<Mutex<Calls>>);

#[derive(Debug, Default)]
struct Calls {
    all: Vec<Asked>,
    in_flight: usize,
    in_flight_max: usize,
}

/// A call that isn't over. Dropped before [`Call::over`], the caller has gone away.
#[derive(Debug)]
pub(super) struct Call {
    record: Record,
    number: usize,
    over: bool,
}

impl Record {
    pub(super) fn all(&self) -> Vec<Asked> {
        self.0.lock().unwrap().all.clone()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.0.lock().unwrap().in_flight
    }

    pub(super) fn in_flight_max(&self) -> usize {
        self.0.lock().unwrap().in_flight_max
    }

    /// The newest call that was to answer something that holds `needle`, as far as `look` is interested in it.
    pub(super) fn newest<T>(&self, needle: &str, look: impl Fn(&Asked) -> T) -> Option<T> {
        let calls = self.0.lock().unwrap();
        let is_it = |asked: &&Asked| asked.form.is_none() && asked.last.contains(needle);
        calls.all.iter().rev().find(is_it).map(look)
    }

    pub(super) fn begin(&self, asked: Asked) -> Call {
        let mut calls = self.0.lock().unwrap();
        calls.all.push(asked);
        calls.in_flight += 1;
        calls.in_flight_max = calls.in_flight_max.max(calls.in_flight);
        Call { record: self.clone(), number: calls.all.len() - 1, over: false }
    }
}

impl Call {
    pub(super) fn over(mut self) {
        self.over = true;
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let mut calls = self.record.0.lock().unwrap();
        calls.in_flight -= 1;
        calls.all[self.number].gone = !self.over;
        calls.all[self.number].over = self.over;
    }
}
