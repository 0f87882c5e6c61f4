//! The measure that answers are held against: a client that asks the same model, sends once and edits once, and knows
//! nothing else. It may have any number of accounts that only listen.

use anyhow::{Context as _, Result};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use reqwest::Client;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    sync::mpsc,
};

use super::{
    raw_client,
    wire::{Wire, messages},
};

/// How many questions may wait for the one who answers.
const QUESTIONS_WAITING_MAX: usize = 1_000;

/// What the client is for.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// Where the model is.
    pub(crate) model: String,
    /// Whose questions are answered.
    pub(crate) asker: String,
    /// All accounts. The first one answers, the others listen.
    pub(crate) accounts: Vec<Wire>,
}

/// A question and where it was asked.
struct Question {
    room: String,
    event: String,
    text: String,
}

/// The client itself.
pub(crate) async fn run() -> Result<()> {
    let mut input = BufReader::new(tokio::io::stdin()).lines();
    let line = input.next_line().await?.context("no plan")?;
    let plan: Plan = serde_json::from_str(&line)?;
    let http = Client::builder().no_proxy().http1_only().build()?;
    let accounts: Vec<Wire> = plan.accounts.into_iter().map(|account| account.with(http.clone())).collect();
    let speaker = accounts.first().context("no accounts")?.clone();
    let mut since = Vec::new();
    for account in &accounts {
        since.push(account.sync(None).await?.0);
    }
    let (heard, mut questions) = mpsc::channel(QUESTIONS_WAITING_MAX);
    let mut ears: FuturesUnordered<_> = accounts
        .iter()
        .zip(since)
        .enumerate()
        .map(|(number, (account, since))| listen(account, since, &plan.asker, (number == 0).then(|| heard.clone())))
        .collect();
    let mut answers = FuturesUnordered::new();
    raw_client::tell_ready();
    loop {
        tokio::select! {
            Some(outcome) = ears.next() => return outcome,
            Some(question) = questions.recv() => answers.push(answer(&speaker, &http, &plan.model, question)),
            Some(outcome) = answers.next() => outcome?,
            // Whoever writes our input has gone.
            _ = input.next_line() => return Ok(()),
        }
    }
}

/// Long-polls for ever. Only one account tells what it hears.
async fn listen(wire: &Wire, mut since: String, asker: &str, heard: Option<mpsc::Sender<Question>>) -> Result<()> {
    loop {
        let (next, news) = wire.sync(Some(&since)).await?;
        since = next;
        let Some(heard) = &heard else { continue };
        for (room, event) in messages(&news).filter(|(_, event)| event["sender"] == asker) {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let question = Question {
                room: room.to_owned(),
                event: text(&event["event_id"]),
                text: text(&event["content"]["body"]),
            };
            heard.send(question).await.ok().context("nobody answers any more")?;
        }
    }
}

/// One question to the model, one message with its first words, one edit with all of them.
async fn answer(wire: &Wire, http: &Client, model: &str, question: Question) -> Result<()> {
    let request = json!({
        "model": "stub", "stream": true, "stream_options": { "include_usage": true },
        "messages": [{ "role": "user", "content": question.text }],
    });
    let response = http.post(format!("{model}/chat/completions")).json(&request).send().await?.error_for_status()?;
    let (mut stream, mut unread, mut text) = (response.bytes_stream(), String::new(), String::new());
    let mut sent = None;
    while let Some(bytes) = stream.next().await {
        unread.push_str(std::str::from_utf8(&bytes?)?);
        while let Some((frame, rest)) = unread.split_once("\n\n") {
            text.push_str(&words(frame));
            unread = rest.to_owned();
            if sent.is_none() && !text.is_empty() {
                sent = Some(begin(wire, &question, &text).await?);
            }
        }
    }
    let first = sent.context("an answer without words")?;
    let content = json!({
        "msgtype": "m.text", "body": format!("* {text}"), "m.mentions": {},
        "m.new_content": { "msgtype": "m.text", "body": text, "m.mentions": {} },
        "m.relates_to": { "rel_type": "m.replace", "event_id": first },
    });
    wire.send(&question.room, &format!("{}-2", bare(&question.event)), &content).await.map(drop)
}

/// Sends the first words, into a thread that grows from the question.
async fn begin(wire: &Wire, question: &Question, text: &str) -> Result<String> {
    let relation = json!({
        "rel_type": "m.thread", "event_id": question.event, "is_falling_back": true,
        "m.in_reply_to": { "event_id": question.event },
    });
    let content = json!({ "msgtype": "m.text", "body": text, "m.mentions": {}, "m.relates_to": relation });
    wire.send(&question.room, &format!("{}-1", bare(&question.event)), &content).await
}

/// The words in a frame of the model's stream.
fn words(frame: &str) -> String {
    let data = frame.strip_prefix("data: ").unwrap_or_default();
    let frame: Value = serde_json::from_str(data).unwrap_or(Value::Null);
    frame.pointer("/choices/0/delta/content").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// An event's id as part of an address.
fn bare(event: &str) -> String {
    event.chars().filter(char::is_ascii_alphanumeric).collect()
}
