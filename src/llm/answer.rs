//! What a provider's stream amounts to: the pieces of an answer, and whether its end is one.

use std::{error::Error, string::FromUtf8Error};

use genai::chat::{ChatStreamEvent, StopReason, StreamEnd};
use serde_json::{Map, Value};

use super::{LlmError, Piece, failure};
use crate::{
    config::Provider,
    model::{ToolCall, Usage},
};

/// The longest answer, in bytes. Models that lose their way, and providers that aren't any, would go on for ever.
const ANSWER_BYTES_MAX: usize = 512 * 1024;

/// What follows from an event.
#[derive(Debug, PartialEq)]
pub(super) enum Effect {
    /// Nothing that anybody should see.
    Nothing,
    /// More of the answer.
    Say(Piece),
    /// The answer is over, with these last pieces, or badly.
    End(Result<Vec<Piece>, LlmError>),
}

/// Reads one stream. Pure: events in, effects out.
#[derive(Debug)]
pub(super) struct Reader {
    /// Whether this provider's streams are given an end where they only broke off.
    ends_are_made_up: bool,
    /// White space that came before the first word.
    blank: String,
    /// Whether a word has come.
    said: bool,
    /// How many bytes have come.
    bytes: usize,
}

impl Reader {
    pub(super) fn new(provider: &Provider) -> Self {
        // Seen in genai 0.7.2: for these two, a closed connection is turned into an end event without a reason.
        let ends_are_made_up = match provider {
            Provider::Gemini | Provider::Ollama => true,
            Provider::OpenAi | Provider::Anthropic | Provider::Scripted(_) => false,
        };
        Self { ends_are_made_up, blank: String::new(), said: false, bytes: 0 }
    }

    /// Takes what the stream gave; `None` stands for its end. `refused` tells whether a frame held a refusal.
    pub(super) fn on(&mut self, event: Option<genai::Result<ChatStreamEvent>>, refused: bool) -> Effect {
        match event {
            Some(Ok(ChatStreamEvent::Chunk(chunk))) => self.words(chunk.content),
            Some(Ok(ChatStreamEvent::End(end))) => Effect::End(self.end(end, refused)),
            // Thoughts aren't for the chat, and calls are taken from the end, where they are whole.
            Some(Ok(
                ChatStreamEvent::Start
                | ChatStreamEvent::ReasoningChunk(_)
                | ChatStreamEvent::ThoughtSignatureChunk(_)
                | ChatStreamEvent::ToolCallChunk(_)
                | ChatStreamEvent::Heartbeat,
            )) => Effect::Nothing,
            Some(Err(error)) => Effect::End(Err(what_failed(&error))),
            None => Effect::End(Err(LlmError::Truncated)),
        }
    }

    fn words(&mut self, text: String) -> Effect {
        if text.is_empty() {
            return Effect::Nothing;
        }
        self.bytes = self.bytes.saturating_add(text.len());
        if self.bytes > ANSWER_BYTES_MAX {
            return Effect::End(Err(LlmError::OutputLimit));
        }
        if self.said {
            return Effect::Say(Piece::Text(text));
        }
        self.blank.push_str(&text);
        if text.trim().is_empty() {
            return Effect::Nothing;
        }
        self.said = true;
        Effect::Say(Piece::Text(std::mem::take(&mut self.blank)))
    }

    fn end(&self, end: StreamEnd, refused: bool) -> Result<Vec<Piece>, LlmError> {
        if refused && !self.said {
            return Err(LlmError::Refused);
        }
        let usage = usage(&end);
        match &end.captured_stop_reason {
            Some(StopReason::ContentFilter(_)) => Err(LlmError::Refused),
            Some(StopReason::MaxTokens(_)) => Err(LlmError::OutputLimit),
            // Old versions of Ollama give no reason, but a real end tells what it cost.
            None if self.ends_are_made_up && usage.output_tokens == 0 => Err(LlmError::Truncated),
            Some(
                StopReason::Completed(_) | StopReason::StopSequence(_) | StopReason::ToolCall(_) | StopReason::Other(_),
            )
            | None => {
                let calls = calls(end);
                if self.said || !calls.is_empty() {
                    Ok(calls.into_iter().map(Piece::Call).chain([Piece::Done(usage)]).collect())
                } else {
                    Err(LlmError::Empty)
                }
            }
        }
    }
}

/// The tools that the answer wants used, in its order.
fn calls(end: StreamEnd) -> Vec<ToolCall> {
    let mut calls: Vec<ToolCall> = Vec::new();
    for call in end.captured_into_tool_calls().unwrap_or_default() {
        let call = ToolCall { id: call.call_id, name: call.fn_name, input: input(call.fn_arguments) };
        // Seen in genai 0.7.2: where a provider counts calls from one, the first is given twice.
        if !call.name.is_empty() && !calls.contains(&call) {
            calls.push(call);
        }
    }
    calls
}

/// What a tool is given. A tool without parameters is given nothing at all by some.
fn input(arguments: Value) -> Value {
    match arguments {
        Value::Null => Value::Object(Map::new()),
        Value::String(text) if text.trim().is_empty() => Value::Object(Map::new()),
        other => other,
    }
}

/// Whether a frame holds a refusal that the protocol library would drop.
pub(super) fn holds_refusal(frame: &str) -> bool {
    if !frame.contains("\"refusal\"") && !frame.contains("\"blockReason\"") {
        return false;
    }
    let frame: Value = serde_json::from_str(frame).unwrap_or(Value::Null);
    let has = |pointer: &str| frame.pointer(pointer).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    has("/choices/0/delta/refusal") || has("/promptFeedback/blockReason")
}

fn usage(end: &StreamEnd) -> Usage {
    let count = |tokens: Option<i32>| tokens.and_then(|tokens| u64::try_from(tokens).ok()).unwrap_or(0);
    end.captured_usage.as_ref().map_or_else(Usage::default, |usage| Usage {
        input_tokens: count(usage.prompt_tokens),
        output_tokens: count(usage.completion_tokens),
    })
}

/// Translates the protocol library's error. Its own text is never kept: it may hold the whole request, or an address.
pub(super) fn what_failed(error: &genai::Error) -> LlmError {
    use genai::Error as Failure;
    if let (Some(status), Some(headers)) = (error.status(), error.headers()) {
        let body = match error {
            Failure::HttpError { body, .. }
            | Failure::WebModelCall { webc_error: genai::webc::Error::ResponseFailedStatus { body, .. }, .. } => body,
            _ => "",
        };
        let wait = failure::retry_after(|name| headers.get(name)?.to_str().ok());
        return failure::of_answer(status.as_u16(), body, wait);
    }
    match error {
        Failure::WebStream { error, .. } => what_broke(error.as_ref()),
        Failure::WebModelCall { webc_error, .. } | Failure::WebAdapterCall { webc_error, .. } => what_broke(webc_error),
        Failure::ChatResponse { body, .. } => failure::of_event(body),
        Failure::StreamParse { .. }
        | Failure::SerdeJson(_)
        | Failure::JsonValueExt(_)
        | Failure::InvalidJsonResponseElement { .. }
        | Failure::NoChatResponse { .. } => LlmError::Malformed,
        Failure::RequiresApiKey { .. }
        | Failure::NoAuthData { .. }
        | Failure::NoAuthResolver { .. }
        | Failure::Resolver { .. } => LlmError::Auth,
        // What is left concerns requests that couldn't be made.
        _ => LlmError::BadRequest { status: 400, code: String::new() },
    }
}

fn what_broke(error: &(dyn Error + 'static)) -> LlmError {
    if let Some(error) = error.downcast_ref::<genai::Error>() {
        return what_failed(error);
    }
    if error.is::<FromUtf8Error>() {
        return LlmError::Malformed;
    }
    LlmError::Network { cause: root_cause(error) }
}

/// The innermost cause: what the network said. The outer ones name addresses.
fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let text = cause.to_string();
    if text.contains("://") { "the connection failed".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use genai::chat::StreamChunk;
    use serde_json::json;

    use super::*;

    /// What the stream gives, or `None` at its end.
    type Given = Option<genai::Result<ChatStreamEvent>>;

    #[expect(clippy::unnecessary_wraps, reason = "it stands for what a stream gives")]
    fn chunk(text: &str) -> Given {
        Some(Ok(ChatStreamEvent::Chunk(StreamChunk { content: text.to_owned() })))
    }

    #[expect(clippy::unnecessary_wraps, reason = "it stands for what a stream gives")]
    fn end(reason: Option<&str>, tokens: Option<i32>) -> Given {
        let usage = tokens.map(|tokens| genai::chat::Usage {
            prompt_tokens: Some(tokens),
            completion_tokens: Some(tokens),
            ..Default::default()
        });
        Some(Ok(ChatStreamEvent::End(StreamEnd {
            captured_usage: usage,
            captured_stop_reason: reason.map(|reason| StopReason::from(reason.to_owned())),
            ..Default::default()
        })))
    }

    fn read(provider: &Provider, events: Vec<Given>) -> Vec<Effect> {
        let mut reader = Reader::new(provider);
        events.into_iter().map(|event| reader.on(event, false)).collect()
    }

    fn says(text: &str) -> Effect {
        Effect::Say(Piece::Text(text.to_owned()))
    }

    #[test]
    fn the_first_piece_is_more_than_white_space_and_nothing_is_lost() {
        let effects = read(&Provider::OpenAi, vec![chunk(""), chunk("\n"), chunk("  a"), chunk(" "), chunk("b")]);
        assert_eq!(effects, [Effect::Nothing, Effect::Nothing, says("\n  a"), says(" "), says("b")]);
    }

    #[test]
    fn an_answer_without_end_is_ended() {
        let mut reader = Reader::new(&Provider::OpenAi);
        let effects = (0..2 * ANSWER_BYTES_MAX / 1024).map(|_| reader.on(chunk(&"x".repeat(1024)), false));
        let ended = effects.take_while(|effect| *effect != Effect::End(Err(LlmError::OutputLimit))).count();
        assert_eq!(ended, ANSWER_BYTES_MAX / 1024);
    }

    #[test]
    fn only_an_end_that_the_provider_means_is_one() {
        let check = |provider: &Provider, said: &str, ending: Given, expected: Result<u64, LlmError>| {
            let effects = read(provider, vec![chunk(said), ending]);
            let expected =
                expected.map(|tokens| vec![Piece::Done(Usage { input_tokens: tokens, output_tokens: tokens })]);
            assert_eq!(effects.last(), Some(&Effect::End(expected)), "{provider:?} {said:?}");
        };
        for provider in [Provider::OpenAi, Provider::Anthropic, Provider::Gemini, Provider::Ollama] {
            check(&provider, "a", None, Err(LlmError::Truncated));
            check(&provider, "a", end(Some("stop"), Some(3)), Ok(3));
            check(&provider, "a", end(Some("length"), Some(3)), Err(LlmError::OutputLimit));
            check(&provider, "a", end(Some("refusal"), Some(3)), Err(LlmError::Refused));
            check(&provider, " ", end(Some("stop"), Some(3)), Err(LlmError::Empty));
        }
        check(&Provider::OpenAi, "a", end(None, None), Ok(0));
        check(&Provider::Gemini, "a", end(None, None), Err(LlmError::Truncated));
        check(&Provider::Ollama, "a", end(None, None), Err(LlmError::Truncated));
        check(&Provider::Ollama, "a", end(None, Some(3)), Ok(3));
    }

    #[test]
    fn a_refusal_counts_where_nothing_else_was_said() {
        let mut silent = Reader::new(&Provider::OpenAi);
        assert_eq!(silent.on(end(Some("stop"), None), true), Effect::End(Err(LlmError::Refused)));
        let mut talking = Reader::new(&Provider::OpenAi);
        talking.on(chunk("a"), true);
        assert_eq!(talking.on(end(Some("stop"), None), true), Effect::End(Ok(vec![Piece::Done(Usage::default())])));
    }

    fn called(id: &str, arguments: Value) -> genai::chat::ToolCall {
        let (call_id, fn_name) = (id.to_owned(), "time".to_owned());
        genai::chat::ToolCall { call_id, fn_name, fn_arguments: arguments, thought_signatures: None }
    }

    #[test]
    fn an_answer_may_be_nothing_but_calls() {
        let check = |given: Vec<genai::chat::ToolCall>, expected: &[(&str, Value)]| {
            let captured_content = Some(genai::chat::MessageContent::from_tool_calls(given));
            let end = StreamEnd { captured_content, ..Default::default() };
            let effect = Reader::new(&Provider::OpenAi).on(Some(Ok(ChatStreamEvent::End(end))), false);
            let call = |(id, input): &(&str, Value)| ToolCall {
                id: (*id).to_owned(),
                name: "time".to_owned(),
                input: input.clone(),
            };
            let pieces = expected.iter().map(|expected| Piece::Call(call(expected)));
            assert_eq!(effect, Effect::End(Ok(pieces.chain([Piece::Done(Usage::default())]).collect())));
        };
        check(vec![called("1", json!({"zone": "UTC"}))], &[("1", json!({"zone": "UTC"}))]);
        check(vec![called("1", json!("")), called("2", Value::Null)], &[("1", json!({})), ("2", json!({}))]);
        check(vec![called("1", json!({})), called("1", json!({}))], &[("1", json!({}))]);
        check(vec![called("1", json!("{\"zone\": "))], &[("1", json!("{\"zone\": "))]);
    }

    #[test]
    fn refusals_are_found_in_frames() {
        let check = |frame: &str, expected: bool| assert_eq!(holds_refusal(frame), expected, "{frame}");
        check(r#"{"choices":[{"delta":{"refusal":"I can't"}}]}"#, true);
        check(r#"{"choices":[{"delta":{"content":"a","refusal":null}}]}"#, false);
        check(r#"{"choices":[{"delta":{"content":"\"refusal\""}}]}"#, false);
        check(r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#, true);
        check("[DONE]", false);
        check("\"refusal\"", false);
    }

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Link {
        text: &'static str,
        source: Option<Box<Link>>,
    }

    #[test]
    fn a_cause_holds_no_address() {
        let inner = Link { text: "connection refused", source: None };
        let outer = Link { text: "error for http://a/?key=b", source: Some(Box::new(inner)) };
        assert_eq!(what_broke(&outer), LlmError::Network { cause: "connection refused".to_owned() });
        let alone = Link { text: "error for http://a/?key=b", source: None };
        assert_eq!(what_broke(&alone), LlmError::Network { cause: "the connection failed".to_owned() });
    }

    #[test]
    fn broken_text_is_malformed() {
        let broken = String::from_utf8(vec![0xff]).unwrap_err();
        assert_eq!(what_broke(&broken), LlmError::Malformed);
    }
}
