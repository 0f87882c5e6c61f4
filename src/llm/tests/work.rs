//! What goes beyond words, in each protocol: tools that are wanted and used, answers with a shape, pictures.

use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::{
    stub::{Answer, Asked, Stub, delta, done, event},
    talk::{ask_for, cost, named, text},
};
use crate::{
    config::{Model, Provider},
    llm::{LlmError, Piece},
    model::{Picture, Prompt, Shape, Speaker, ToolCall, ToolSpec, ToolUse, Utterance},
};

const LONG: Duration = Duration::from_secs(20);

fn call(id: &str, name: &str, input: Value) -> ToolCall {
    ToolCall { id: id.to_owned(), name: name.to_owned(), input }
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with what streams give")]
fn wants(id: &str, name: &str, input: Value) -> Result<Piece, LlmError> {
    Ok(Piece::Call(call(id, name, input)))
}

/// A question in whose course two tools were used, with tools and a picture.
fn prompt() -> Prompt {
    let parameters = json!({"type": "object", "properties": {"zone": {"type": "string"}}});
    let used = |id: &str, outcome: &str| ToolUse {
        call: call(id, "time", json!({"zone": outcome})),
        outcome: format!("in {outcome}"),
    };
    let picture = Picture { mime: "image/png".to_owned(), bytes: [1, 2, 3].into() };
    Prompt {
        messages: vec![
            Utterance { pictures: vec![picture], ..Utterance::words(Speaker::Person, "Ada", "When is it?") },
            Utterance {
                uses: vec![used("a", "UTC"), used("b", "CET")],
                ..Utterance::words(Speaker::Agent, "Writer", "Wait.")
            },
        ],
        tools: vec![ToolSpec { name: "time".to_owned(), description: "Tells the time.".to_owned(), parameters }],
        ..Prompt::default()
    }
}

/// Asks with [`prompt`]. Gives what was answered to `frames` and what was sent.
async fn talk(provider: Provider, frames: &[String]) -> (Vec<Result<Piece, LlmError>>, Asked) {
    let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
    let stub = Stub::start([Answer::frames(&frames)]).await;
    let pieces = ask_for(stub.model(provider), prompt(), LONG).collect().await;
    assert_eq!(stub.calls(), 1);
    (pieces, stub.asked().remove(0))
}

#[tokio::test]
async fn tools_and_pictures_as_openai_has_them() {
    let part = |delta: Value| event(&json!({"choices": [{"delta": delta}]}));
    let frames = [
        delta("So"),
        part(json!({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "time", "arguments": ""}}]})),
        part(json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"zone\":"}}]})),
        part(json!({"tool_calls": [{"index": 0, "function": {"arguments": " \"UTC\"}"}}]})),
        part(json!({"tool_calls": [{"index": 1, "id": "d", "function": {"name": "recall", "arguments": ""}}]})),
        event(&json!({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]})),
        event(&json!({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}})),
        done(),
    ];
    let (pieces, asked) = talk(Provider::OpenAi, &frames).await;
    let calls = [wants("c", "time", json!({"zone": "UTC"})), wants("d", "recall", json!({}))];
    assert_eq!(pieces, [vec![text("So")], calls.to_vec(), vec![cost(7, 3)]].concat());
    let function = |id: &str, zone: &str| {
        let arguments = json!({ "zone": zone }).to_string();
        json!({"id": id, "type": "function", "function": {"name": "time", "arguments": arguments}})
    };
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AQID"}});
    let expected = json!([
        {"role": "user", "content": [{"type": "text", "text": "Ada: When is it?"}, image]},
        {"role": "assistant", "content": "Wait.", "tool_calls": [function("a", "UTC"), function("b", "CET")]},
        {"role": "tool", "tool_call_id": "a", "content": "in UTC"},
        {"role": "tool", "tool_call_id": "b", "content": "in CET"},
    ]);
    assert_eq!(asked.body["messages"], expected);
    assert_eq!(asked.body["tools"][0]["function"]["name"], "time");
    assert_eq!(asked.body["tools"][0]["function"]["parameters"], prompt().tools[0].parameters);
}

#[tokio::test]
async fn tools_and_pictures_as_anthropic_has_them() {
    let start = |block: Value| named("content_block_start", &json!({"index": 0, "content_block": block}));
    let part = |text: &str| {
        let delta = json!({"type": "input_json_delta", "partial_json": text});
        named("content_block_delta", &json!({"index": 0, "delta": delta}))
    };
    let frames = [
        named("message_start", &json!({"message": {"usage": {"input_tokens": 7, "output_tokens": 1}}})),
        start(json!({"type": "tool_use", "id": "c", "name": "time", "input": {}})),
        part("{\"zone\":"),
        part(" \"UTC\"}"),
        named("content_block_stop", &json!({"index": 0})),
        start(json!({"type": "tool_use", "id": "d", "name": "recall", "input": {}})),
        named("content_block_stop", &json!({"index": 1})),
        named("message_delta", &json!({"delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 3}})),
        named("message_stop", &json!({"type": "message_stop"})),
    ];
    let (pieces, asked) = talk(Provider::Anthropic, &frames).await;
    assert_eq!(pieces, [wants("c", "time", json!({"zone": "UTC"})), wants("d", "recall", json!({})), cost(7, 3)]);
    let wanted = |id: &str, zone: &str| json!({"type": "tool_use", "id": id, "name": "time", "input": {"zone": zone}});
    let gave = |id: &str, said: &str| json!({"type": "tool_result", "tool_use_id": id, "content": said});
    let source = json!({"type": "base64", "media_type": "image/png", "data": "AQID"});
    let expected = json!([
        {"role": "user", "content": [{"type": "text", "text": "Ada: When is it?"}, {"type": "image", "source": source}]},
        {"role": "assistant", "content": [{"type": "text", "text": "Wait."}, wanted("a", "UTC"), wanted("b", "CET")]},
        {"role": "user", "content": [gave("a", "in UTC"), gave("b", "in CET")]},
    ]);
    assert_eq!(asked.body["messages"], expected);
    assert_eq!(asked.body["tools"][0]["input_schema"], prompt().tools[0].parameters);
    assert_eq!(asked.body["max_tokens"], 16_384);
}

#[tokio::test]
async fn tools_and_pictures_as_gemini_has_them() {
    let usage = json!({"promptTokenCount": 7, "candidatesTokenCount": 3, "totalTokenCount": 10});
    let called = |name: &str, args: Value| json!({"functionCall": {"name": name, "args": args}});
    let parts = [called("time", json!({"zone": "UTC"})), called("recall", json!({}))];
    let candidate = json!({"content": {"parts": parts, "role": "model"}, "finishReason": "STOP"});
    let frames = [event(&json!({"candidates": [candidate], "usageMetadata": usage}))];
    let (pieces, asked) = talk(Provider::Gemini, &frames).await;
    let calls = [wants("call#time#0", "time", json!({"zone": "UTC"})), wants("call#recall#1", "recall", json!({}))];
    assert_eq!(pieces, [calls.to_vec(), vec![cost(7, 3)]].concat());
    let wanted = |id: &str, zone: &str| json!({"functionCall": {"id": id, "name": "time", "args": {"zone": zone}}});
    let gave = |id: &str, said: &str| {
        let response = json!({"name": "time", "content": said});
        json!({"functionResponse": {"id": id, "name": "time", "response": response}})
    };
    let image = json!({"inline_data": {"mime_type": "image/png", "data": "AQID"}});
    let expected = json!([
        {"role": "user", "parts": [{"text": "Ada: When is it?"}, image]},
        {"role": "model", "parts": [{"text": "Wait."}, wanted("a", "UTC"), wanted("b", "CET")]},
        {"role": "user", "parts": [gave("a", "in UTC"), gave("b", "in CET")]},
    ]);
    assert_eq!(asked.body["contents"], expected);
    assert_eq!(asked.body["tools"][0]["functionDeclarations"][0]["name"], "time");
}

#[tokio::test]
async fn tools_and_pictures_as_ollama_has_them() {
    let calls = json!([{"id": "c", "function": {"name": "time", "arguments": {"zone": "UTC"}}}]);
    let called = json!({"message": {"role": "assistant", "content": "", "tool_calls": calls}, "done": false});
    let cost_of = json!({"done": true, "done_reason": "stop", "prompt_eval_count": 7, "eval_count": 3});
    let frames = [format!("{called}\n"), format!("{cost_of}\n")];
    let (pieces, asked) = talk(Provider::Ollama, &frames).await;
    assert_eq!(pieces, [wants("c", "time", json!({"zone": "UTC"})), cost(7, 3)]);
    let wanted = |zone: &str| json!({"function": {"name": "time", "arguments": {"zone": zone}}});
    let expected = json!([
        {"role": "user", "content": "Ada: When is it?", "images": ["AQID"]},
        {"role": "assistant", "content": "Wait.", "tool_calls": [wanted("UTC"), wanted("CET")]},
        {"role": "tool", "content": "in UTC"},
        {"role": "tool", "content": "in CET"},
    ]);
    assert_eq!(asked.body["messages"], expected);
    assert_eq!(asked.body["tools"][0]["function"]["name"], "time");
}

#[tokio::test]
async fn a_call_that_was_cut_off_is_none() {
    let part = json!({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "time", "arguments": "{\"zone\""}}]});
    let frames = [
        event(&json!({"choices": [{"delta": part}]})),
        event(&json!({"choices": [{"delta": {}, "finish_reason": "length"}]})),
        done(),
    ];
    assert_eq!(talk(Provider::OpenAi, &frames).await.0, [Err(LlmError::OutputLimit)]);
}

#[tokio::test]
async fn a_model_without_eyes_is_sent_no_pictures() {
    let stub = Stub::start([Answer::words(&["So."])]).await;
    let model = Model { sees: false, ..stub.model(Provider::OpenAi) };
    let pieces: Vec<_> = ask_for(model, prompt(), LONG).collect().await;
    assert_eq!(pieces, [text("So."), cost(7, 3)]);
    let expected = "Ada: When is it?\n\n(A picture that you can't look at.)";
    assert_eq!(stub.asked()[0].body["messages"][0]["content"], expected);
}

fn shaped() -> Prompt {
    let schema = json!({"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]});
    Prompt {
        messages: vec![Utterance::words(Speaker::Person, "Ada", "Who?")],
        shape: Some(Shape { name: "choice", schema }),
        ..Prompt::default()
    }
}

/// How each provider is held to a shape: what stands at `place` of the request, and what else it is told.
#[tokio::test]
async fn a_shape_is_asked_for_as_each_provider_wants_it() {
    let check = async |provider: Provider, place: &str, expected: Value| {
        let stub = Stub::start([Answer::status(401, &json!({}))]).await;
        let pieces: Vec<_> = ask_for(stub.model(provider), shaped(), LONG).collect().await;
        assert_eq!((pieces, stub.calls()), (vec![Err(LlmError::Auth)], 1));
        let body = stub.asked().remove(0).body;
        assert_eq!(body.pointer(place), Some(&expected), "{body}");
        assert!(body.to_string().contains("It must fit this JSON Schema"), "{body}");
    };
    let schema = json!({"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]});
    let mut strict = schema.clone();
    strict["additionalProperties"] = json!(false);
    let format = json!({"name": "choice", "strict": true, "schema": strict});
    check(Provider::OpenAi, "/response_format", json!({"type": "json_schema", "json_schema": format})).await;
    check(Provider::Anthropic, "/output_config/format", json!({"type": "json_schema", "schema": strict})).await;
    check(Provider::Gemini, "/generationConfig/responseJsonSchema", schema).await;
    check(Provider::Ollama, "/format", json!("json")).await;
}

/// Many servers speak a protocol without all of its newer parts.
#[tokio::test]
async fn who_cannot_be_held_to_a_shape_is_told_in_words_from_then_on() {
    let refusal = Answer::status(400, &json!({"error": {"code": "invalid_request_error"}}));
    let stub = Stub::start([refusal, Answer::words(&["{\"name\": ", "\"bob\"}"])]).await;
    let models = crate::llm::open(&[("clever".to_owned(), stub.model(Provider::OpenAi))].into()).unwrap();
    for _ in 0..2 {
        let pieces: Vec<_> = models.driver("clever").unwrap().ask(shaped(), LONG).collect().await;
        assert_eq!(pieces, [text("{\"name\": "), text("\"bob\"}"), cost(7, 3)]);
    }
    let formats: Vec<bool> = stub.asked().iter().map(|asked| asked.body.get("response_format").is_some()).collect();
    assert_eq!(formats, [true, false, false]);
}
