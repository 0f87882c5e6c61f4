//! What goes wrong at a provider, and what a caller is told.

use std::time::Duration;

use futures_util::StreamExt as _;
use genai::adapter::AdapterKind;
use serde_json::json;

use super::{
    stub::{Answer, Stub, delta, done, event},
    talk::{ask, cost, prompt, text},
};
use crate::{
    config::{Model, Provider},
    llm::{LlmError, Piece, patience::Source as _, provider::Remote},
};

const LONG: Duration = Duration::from_secs(20);
/// Less than the shortest pause before a second attempt, so there is none.
const SHORT: Duration = Duration::from_millis(300);

/// What becomes of `answer`. The provider is asked once.
async fn check(answer: Answer, expected: &[Result<Piece, LlmError>]) {
    let stub = Stub::start([answer.clone()]).await;
    let pieces: Vec<_> = ask(stub.model(Provider::OpenAi), LONG).collect().await;
    assert_eq!((pieces.as_slice(), stub.calls()), (expected, 1), "{answer:?}");
}

/// The same for a single attempt: what may pass isn't tried again.
async fn tried(answer: Answer, expected: &[Result<Piece, LlmError>]) {
    let stub = Stub::start([answer.clone()]).await;
    let pieces = attempt(&stub.model(Provider::OpenAi)).await;
    assert_eq!((pieces.as_slice(), stub.calls()), (expected, 1), "{answer:?}");
}

async fn attempt(model: &Model) -> Vec<Result<Piece, LlmError>> {
    let client = genai::Client::builder().build().unwrap();
    Remote::new(client, AdapterKind::OpenAI, model).begin(prompt()).collect().await
}

/// S6: what can't pass by itself is told at once.
#[tokio::test]
async fn some_failures_are_not_tried_again() {
    let error = |code: &str| json!({"error": {"code": code, "message": "sk-secret you wrote x"}});
    check(Answer::status(401, &error("invalid_api_key")), &[Err(LlmError::Auth)]).await;
    let too_long = Answer::status(400, &error("context_length_exceeded"));
    check(too_long, &[Err(LlmError::ContextTooLong)]).await;
    check(Answer::status(404, &error("x")), &[Err(LlmError::NoSuchModel)]).await;
    let bad = LlmError::BadRequest { status: 400, code: "odd".to_owned() };
    check(Answer::status(400, &error("odd")), &[Err(bad)]).await;
    check(Answer::status(429, &error("insufficient_quota")), &[Err(LlmError::NoCredit)]).await;
}

#[tokio::test]
async fn a_refusal_is_one_however_it_is_said() {
    let filtered = event(&json!({"choices": [{"delta": {}, "finish_reason": "content_filter"}]}));
    check(Answer::frames(&[&filtered, &done()]), &[Err(LlmError::Refused)]).await;
    let refused = event(&json!({"choices": [{"delta": {"content": null, "refusal": "I can't."}}]}));
    let stop = event(&json!({"choices": [{"delta": {}, "finish_reason": "stop"}]}));
    check(Answer::frames(&[&refused, &stop, &done()]), &[Err(LlmError::Refused)]).await;
    let half = [text("So"), Err(LlmError::Refused)];
    check(Answer::frames(&[&delta("So"), &filtered, &done()]), &half).await;
}

/// What becomes of one attempt, however much patience there is.
#[tokio::test]
async fn failures_that_may_pass_have_a_type_each() {
    let nothing = json!({});
    tried(Answer::status(500, &nothing), &[Err(LlmError::Server { status: 500 })]).await;
    tried(Answer::status(529, &nothing), &[Err(LlmError::Overloaded)]).await;
    let limited = LlmError::RateLimited { retry_after: Some(Duration::from_secs(7)) };
    tried(Answer::status(429, &nothing).header("retry-after", "7"), &[Err(limited)]).await;
    tried(Answer::frames(&["data: {\"choices\": [{\n\n"]), &[Err(LlmError::Malformed)]).await;
    tried(Answer::frames(&["data: \u{0}\n\n"]), &[Err(LlmError::Malformed)]).await;
    tried(Answer::frames(&["<html>"]), &[Err(LlmError::Truncated)]).await;
    tried(Answer::words(&[]), &[Err(LlmError::Empty)]).await;
    tried(Answer::words(&["\n", " "]), &[Err(LlmError::Empty)]).await;
    let overloaded = event(&json!({"error": {"type": "overloaded_error", "message": "busy"}}));
    tried(Answer::frames(&[&overloaded]), &[Err(LlmError::Overloaded)]).await;
}

/// A clean end of the stream without the end event is no success; nothing is asked again once words are out.
#[tokio::test]
async fn an_answer_that_breaks_off_is_not_called_complete() {
    check(Answer::truncated(&["So", " it"]), &[text("So"), text(" it"), Err(LlmError::Truncated)]).await;
    let malformed = Answer::frames(&[&delta("So"), "data: {\n\n", &delta("never"), &done()]);
    check(malformed, &[text("So"), Err(LlmError::Malformed)]).await;
    let limit = event(&json!({"choices": [{"delta": {}, "finish_reason": "length"}]}));
    check(Answer::frames(&[&delta("So"), &limit, &done()]), &[text("So"), Err(LlmError::OutputLimit)]).await;
    let stub = Stub::start([Answer::breaking(&["So"])]).await;
    let mut answer = ask(stub.model(Provider::OpenAi), LONG);
    assert_eq!(answer.next().await, Some(text("So")));
    stub.snap();
    let rest: Vec<_> = answer.collect().await;
    assert!(matches!(&rest[..], [Err(LlmError::Network { cause })] if !cause.contains("127.0.0.1")), "{rest:?}");
    assert_eq!(stub.calls(), 1);
}

/// The deadline reaches the provider, before the first word and after it.
#[tokio::test]
async fn a_provider_that_hangs_is_left_at_the_deadline() {
    let stub = Stub::start([Answer::silent(), Answer::hanging(&["So"])]).await;
    let late = || Err(LlmError::TimedOut { after: SHORT });
    let pieces: Vec<_> = ask(stub.model(Provider::OpenAi), SHORT).collect().await;
    assert_eq!(pieces, [late()]);
    stub.sees_gone(1).await;
    let pieces: Vec<_> = ask(stub.model(Provider::OpenAi), SHORT).collect().await;
    assert_eq!(pieces, [text("So"), late()]);
    stub.sees_gone(2).await;
    assert_eq!(stub.calls(), 2);
}

/// S6: a provider that hangs is asked again long before the caller's time is up; in the middle of an answer that is for the
/// caller to do.
#[tokio::test]
async fn a_provider_that_sends_nothing_is_left_and_asked_again() {
    let stub = Stub::start([Answer::silent(), Answer::hanging(&[]), Answer::words(&["So."])]).await;
    let impatient = |stub: &Stub| Model { idle_timeout: SHORT, ..stub.model(Provider::OpenAi) };
    let pieces: Vec<_> = ask(impatient(&stub), LONG).collect().await;
    assert_eq!((pieces, stub.calls()), (vec![text("So."), cost(7, 3)], 3));
    stub.sees_gone(2).await;
    let stub = Stub::start([Answer::hanging(&["So"])]).await;
    let pieces: Vec<_> = ask(impatient(&stub), LONG).collect().await;
    assert_eq!((pieces, stub.calls()), (vec![text("So"), Err(LlmError::Stalled { after: SHORT })], 1));
}

/// S6: what passes by itself is tried again, and the person never hears of it.
#[tokio::test]
async fn a_provider_that_recovers_answers() {
    let troubles = [
        Answer::status(500, &json!({})),
        Answer::status(429, &json!({})).header("retry-after-ms", "1"),
        Answer::frames(&["data: {\n\n"]),
        Answer::words(&["So."]),
    ];
    let stub = Stub::start(troubles).await;
    let pieces: Vec<_> = ask(stub.model(Provider::OpenAi), LONG).collect().await;
    assert_eq!(pieces, [text("So."), cost(7, 3)]);
    assert_eq!(stub.calls(), 4);
}

#[tokio::test]
async fn nobody_at_the_address_is_a_failure_of_the_network() {
    let stub = Stub::start([Answer::silent()]).await;
    let model = Model { base_url: Some("http://127.0.0.1:1".to_owned()), ..stub.model(Provider::OpenAi) };
    let pieces = attempt(&model).await;
    assert!(matches!(&pieces[..], [Err(LlmError::Network { cause })] if !cause.contains("127.0.0.1")), "{pieces:?}");
}

#[tokio::test]
async fn only_a_provider_with_an_address_of_its_own_may_do_without_a_key() {
    let stub = Stub::start([Answer::words(&["So."])]).await;
    let without = |base_url| Model { base_url, api_key: None, ..stub.model(Provider::OpenAi) };
    let pieces: Vec<_> = ask(without(None), LONG).collect().await;
    assert_eq!((pieces, stub.calls()), (vec![Err(LlmError::Auth)], 0));
    let pieces: Vec<_> = ask(without(stub.model(Provider::OpenAi).base_url), LONG).collect().await;
    assert_eq!(pieces, [text("So."), cost(7, 3)]);
}
