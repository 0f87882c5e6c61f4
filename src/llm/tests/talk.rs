//! What goes right: each protocol's stream, the request that is sent, the cancellation that arrives.

use std::{collections::BTreeMap, time::Duration};

use futures_util::{StreamExt as _, stream::BoxStream};
use serde_json::{Value, json};

use super::stub::{Answer, Stub, event};
use crate::{
    config::{Model, Provider},
    llm::{LlmError, Piece, open},
    model::{Prompt, Speaker, Usage, Utterance},
};

const LONG: Duration = Duration::from_secs(20);

pub(super) fn prompt() -> Prompt {
    Prompt {
        system: "You are kind.".to_owned(),
        messages: vec![
            Utterance::words(Speaker::Person, "Ada", "Hello?"),
            Utterance::words(Speaker::Agent, "Writer", "Yes?"),
            Utterance::words(Speaker::Person, "Bob", "How are you?"),
        ],
        ..Prompt::default()
    }
}

pub(super) fn ask(model: Model, deadline: Duration) -> BoxStream<'static, Result<Piece, LlmError>> {
    ask_for(model, prompt(), deadline)
}

pub(super) fn ask_for(model: Model, prompt: Prompt, deadline: Duration) -> BoxStream<'static, Result<Piece, LlmError>> {
    let models = open(&BTreeMap::from([("clever".to_owned(), model)])).unwrap();
    models.driver("clever").unwrap().ask(prompt, deadline)
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with what streams give")]
pub(super) fn text(text: &str) -> Result<Piece, LlmError> {
    Ok(Piece::Text(text.to_owned()))
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with what streams give")]
pub(super) fn cost(input_tokens: u64, output_tokens: u64) -> Result<Piece, LlmError> {
    Ok(Piece::Done(Usage { input_tokens, output_tokens }))
}

#[tokio::test]
async fn an_answer_comes_piece_by_piece_and_ends_with_its_cost() {
    let stub = Stub::start([Answer::words(&["Very", " well", ", Bob."])]).await;
    // A name whose end some take for a wish of how hard to think.
    let model = Model { id: "qwen-max".to_owned(), ..stub.model(Provider::OpenAi) };
    let pieces: Vec<_> = ask(model, LONG).collect().await;
    assert_eq!(pieces, [text("Very"), text(" well"), text(", Bob."), cost(7, 3)]);
    let asked = stub.asked();
    assert_eq!((asked.len(), stub.gone()), (1, 0));
    assert_eq!(asked[0].path, "/v1/chat/completions");
    assert_eq!(asked[0].headers["authorization"], "Bearer key-of-the-house");
    assert_eq!(asked[0].body["model"], "qwen-max", "no part of the name is taken for something else");
    assert_eq!(asked[0].body.get("reasoning_effort"), None);
    let expected = json!([
        {"role": "system", "content": "You are kind."},
        {"role": "user", "content": "Ada: Hello?"},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": "Bob: How are you?"},
    ]);
    assert_eq!(asked[0].body["messages"], expected);
}

async fn check(provider: Provider, frames: &[&str], path: &str, key_header: Option<(&str, &str)>) {
    let stub = Stub::start([Answer::frames(frames)]).await;
    let pieces: Vec<_> = ask(stub.model(provider), LONG).collect().await;
    assert_eq!(pieces, [text("Well"), text("."), cost(7, 3)]);
    let asked = stub.asked().remove(0);
    assert_eq!(asked.path, path);
    if let Some((name, value)) = key_header {
        assert_eq!(asked.headers[name], value);
    }
}

pub(super) fn named(name: &str, data: &Value) -> String {
    format!("event: {name}\n{}", event(data))
}

#[tokio::test]
async fn anthropic_is_spoken() {
    let frames = [
        named("message_start", &json!({"message": {"usage": {"input_tokens": 7, "output_tokens": 1}}})),
        named("content_block_start", &json!({"index": 0, "content_block": {"type": "text", "text": ""}})),
        named("content_block_delta", &json!({"index": 0, "delta": {"type": "text_delta", "text": "Well"}})),
        named("ping", &json!({"type": "ping"})),
        named("content_block_delta", &json!({"index": 0, "delta": {"type": "text_delta", "text": "."}})),
        named("content_block_stop", &json!({"index": 0})),
        named("message_delta", &json!({"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}})),
        named("message_stop", &json!({"type": "message_stop"})),
    ];
    let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
    check(Provider::Anthropic, &frames, "/v1/messages", Some(("x-api-key", "key-of-the-house"))).await;
}

#[tokio::test]
async fn gemini_is_spoken() {
    let part = |text: &str, reason: Option<&str>| {
        let usage = json!({"promptTokenCount": 7, "candidatesTokenCount": 3, "totalTokenCount": 10});
        let content = json!({"parts": [{"text": text}], "role": "model"});
        event(&json!({"candidates": [{"content": content, "finishReason": reason}], "usageMetadata": usage}))
    };
    let frames = [part("Well", None), part(".", Some("STOP"))];
    let path = "/v1beta/models/some-model:streamGenerateContent?alt=sse";
    let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
    check(Provider::Gemini, &frames, path, Some(("x-goog-api-key", "key-of-the-house"))).await;
}

#[tokio::test]
async fn ollama_is_spoken() {
    let frames = [
        format!("{}\n", json!({"message": {"role": "assistant", "content": "Well"}, "done": false})),
        format!("{}\n", json!({"message": {"role": "assistant", "content": "."}, "done": false})),
        format!(
            "{}\n",
            json!({"message": {"content": ""}, "done": true, "done_reason": "stop", "prompt_eval_count": 7, "eval_count": 3})
        ),
    ];
    let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
    check(Provider::Ollama, &frames, "/api/chat", None).await;
}

/// S4: what stops listening in the middle of an answer stops the model, too.
#[tokio::test]
async fn a_dropped_stream_reaches_the_provider() {
    let stub = Stub::start([Answer::hanging(&["Once"])]).await;
    let mut answer = ask(stub.model(Provider::OpenAi), LONG);
    assert_eq!((answer.next().await, stub.gone()), (Some(text("Once")), 0));
    drop(answer);
    stub.sees_gone(1).await;
    assert_eq!(stub.calls(), 1, "and it isn't asked again");
}

/// S4: the same before the first word.
#[tokio::test]
async fn a_stream_dropped_before_it_begins_reaches_the_provider() {
    let stub = Stub::start([Answer::silent()]).await;
    let mut answer = ask(stub.model(Provider::OpenAi), LONG);
    let asked = async {
        while stub.calls() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        piece = answer.next() => panic!("{piece:?}"),
        () = asked => {}
    }
    drop(answer);
    stub.sees_gone(1).await;
}

#[tokio::test]
async fn nobody_is_asked_before_somebody_listens() {
    let stub = Stub::start([Answer::words(&["a"])]).await;
    drop(ask(stub.model(Provider::OpenAi), LONG));
    let pieces: Vec<_> = ask(stub.model(Provider::OpenAi), LONG).collect().await;
    assert_eq!((pieces.len(), stub.calls()), (2, 1));
}

#[tokio::test]
async fn an_unknown_name_has_no_model() {
    let models = open(&BTreeMap::new()).unwrap();
    assert!(models.driver("clever").is_none());
    assert_eq!(format!("{models:?}"), "{}");
    assert_eq!((models.context_tokens("clever"), models.sees("clever"), models.names().len()), (None, false, 0));
}

#[tokio::test]
async fn what_is_configured_of_a_model_goes_before_what_is_usual() {
    let stub = Stub::start([Answer::silent()]).await;
    let usual = stub.model(Provider::OpenAi);
    let told = Model { context_tokens: Some(9_000), sees: false, ..stub.model(Provider::OpenAi) };
    let models = open(&BTreeMap::from([("told".to_owned(), told), ("clever".to_owned(), usual)])).unwrap();
    assert_eq!((models.context_tokens("told"), models.context_tokens("clever")), (Some(9_000), Some(32_768)));
    assert_eq!((models.sees("told"), models.sees("clever")), (false, true));
    assert_eq!(models.names(), ["clever", "told"]);
}
