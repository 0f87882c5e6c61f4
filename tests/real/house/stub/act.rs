//! What the model does with one call, and how that looks on the wire.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

/// What the model does with one call.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Says this in pieces that follow each other at once.
    Say(String),
    /// Says this word by word, with a pause after each.
    Slowly(String, Duration),
    /// Says the beginning, waits for its [`Gate`], says the end.
    Held(String, watch::Receiver<bool>, String),
    /// Wants a tool used, and says this once it was; `{outcome}` in it stands for what the tool said.
    Use { tool: &'static str, input: Value, then: String },
    /// Waits for its [`Gate`], and then does this.
    After(watch::Receiver<bool>, Box<Self>),
    /// Refuses the request with this status.
    Fail { status: u16, retry_after: Option<&'static str> },
    /// Says that the prompt is too long.
    TooLong,
    /// Says this, and then nothing any more. Without a word not even headers come.
    Hang(String),
    /// Says this, and then the connection ends without the end of the answer.
    Break(String),
    /// Sends what is no answer at all.
    Malformed,
    /// Says nothing, and ends well.
    Empty,
    /// Says that it won't.
    Refuse,
}

/// Lets a model that was told to wait go on.
#[derive(Debug, Clone)]
pub(crate) struct Gate(watch::Sender<bool>);

impl Gate {
    /// One at which any number of answers may wait.
    pub(crate) fn closed() -> Self {
        Self(watch::channel(false).0)
    }

    /// Says `before`, waits for this gate, says `after`.
    pub(crate) fn before(&self, before: &str, after: &str) -> Act {
        Act::Held(before.to_owned(), self.0.subscribe(), after.to_owned())
    }

    /// Waits for this gate before it does that.
    pub(crate) fn then(&self, act: Act) -> Act {
        Act::After(self.0.subscribe(), Box::new(act))
    }

    /// Lets it go on, now or whenever it gets there.
    pub(crate) fn open(&self) {
        self.0.send_replace(true);
    }
}

/// A call's answer, as it goes over the wire.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) status: u16,
    pub(super) retry_after: Option<&'static str>,
    pub(super) steps: Vec<Step>,
}

/// A piece of it.
#[derive(Debug)]
pub(super) enum Step {
    /// These bytes.
    Bytes(String),
    /// So long nothing.
    Pause(Duration),
    /// Nothing until this says so.
    Wait(watch::Receiver<bool>),
    /// Nothing ever.
    Hang,
}

impl Act {
    pub(crate) fn say(text: &str) -> Self {
        Self::Say(text.to_owned())
    }

    /// Says `before`, waits for the gate, says `after`.
    pub(crate) fn held(before: &str, after: &str) -> (Self, Gate) {
        let gate = Gate::closed();
        (gate.before(before, after), gate)
    }

    /// How it looks on the wire, to a caller that has used tools with these `outcomes` since the question.
    pub(super) fn wire(&self, outcomes: &[String]) -> Wire {
        match self {
            Self::Say(text) => Wire::ok(said(&[text])),
            Self::Slowly(text, pause) => Wire::ok(slowly(text, *pause)),
            Self::Held(before, gate, after) => {
                let mut steps = words(before);
                steps.push(Step::Wait(gate.clone()));
                steps.extend(said(&[after]));
                Wire::ok(steps)
            }
            Self::Use { tool, input, then } => match outcomes.last() {
                Some(outcome) => Wire::ok(said(&[&then.replace("{outcome}", outcome)])),
                None => Wire::ok(vec![Step::Bytes(call(tool, input)), finish("tool_calls")]),
            },
            Self::After(gate, act) => {
                let mut wire = act.wire(outcomes);
                wire.steps.insert(0, Step::Wait(gate.clone()));
                wire
            }
            Self::Fail { status, retry_after } => Wire::error(*status, *retry_after, "server_error"),
            Self::TooLong => Wire::error(400, None, "context_length_exceeded"),
            Self::Hang(text) if text.is_empty() => Wire::ok(vec![Step::Hang]),
            Self::Hang(text) => Wire::ok(words(text).into_iter().chain([Step::Hang]).collect()),
            Self::Break(text) => Wire::ok(words(text)),
            Self::Malformed => Wire::ok(vec![Step::Bytes("data: {\"choices\": [\n\ndata: oops\n\n".to_owned())]),
            Self::Empty => Wire::ok(vec![finish("stop")]),
            Self::Refuse => Wire::ok(vec![
                event(&json!({"choices": [{"index": 0, "delta": {"refusal": "I won't."}}]})),
                finish("stop"),
            ]),
        }
    }

    /// Whether not even headers come.
    pub(super) fn is_silent(&self) -> bool {
        matches!(self, Self::Hang(text) if text.is_empty())
    }
}

impl Wire {
    fn ok(steps: Vec<Step>) -> Self {
        Self { status: 200, retry_after: None, steps }
    }

    fn error(status: u16, retry_after: Option<&'static str>, code: &str) -> Self {
        let body = json!({"error": {"message": "told so by a test", "type": code, "code": code}});
        Self { status, retry_after, steps: vec![Step::Bytes(body.to_string())] }
    }
}

fn said(texts: &[&str]) -> Vec<Step> {
    texts.iter().flat_map(|text| words(text)).chain([finish("stop")]).collect()
}

/// A text in a few pieces, as models send it.
fn words(text: &str) -> Vec<Step> {
    let middle = text.ceil_char_boundary(text.len() / 2);
    [&text[..middle], &text[middle..]].into_iter().filter(|piece| !piece.is_empty()).map(delta).collect()
}

fn slowly(text: &str, pause: Duration) -> Vec<Step> {
    let steps = text.split_inclusive(' ').flat_map(|word| [delta(word), Step::Pause(pause)]);
    steps.chain([finish("stop")]).collect()
}

fn delta(text: &str) -> Step {
    event(&json!({"choices": [{"index": 0, "delta": {"content": text}}]}))
}

fn call(tool: &str, input: &Value) -> String {
    let function = json!({"name": tool, "arguments": input.to_string()});
    let calls = json!([{"index": 0, "id": "call_1", "type": "function", "function": function}]);
    format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": {"tool_calls": calls}}]}))
}

fn finish(reason: &str) -> Step {
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]});
    let usage = json!({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}});
    Step::Bytes(format!("data: {end}\n\ndata: {usage}\n\ndata: [DONE]\n\n"))
}

fn event(data: &Value) -> Step {
    Step::Bytes(format!("data: {data}\n\n"))
}
