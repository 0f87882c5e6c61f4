//! The person's eyes: when the first event of each answer came, and when its last word.

use std::{collections::HashMap, time::Duration};

use anyhow::{Context as _, Result, bail};
use maitre::nursery::Nursery;
use serde_json::Value;
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

use super::{
    pace::END,
    wire::{Wire, messages},
};

/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_mins(2);

/// What was seen of an answer.
#[derive(Debug, Clone)]
struct Seen {
    first: Instant,
    last: Option<Instant>,
    /// What it said last.
    said: String,
}

/// Answers, by the question that they answer.
type Answers = HashMap<String, Seen>;

/// Watches the rooms of one account.
#[derive(Debug)]
pub(crate) struct Watcher(watch::Receiver<Answers>);

/// How long an answer took, from the moment its question was sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Latency {
    /// Until its first event.
    pub(crate) first: Duration,
    /// Until its last word.
    pub(crate) last: Duration,
}

impl Watcher {
    /// Begins to watch, from now on.
    pub(crate) async fn start(nursery: &Nursery, eyes: Wire) -> Result<Self> {
        let (mut since, _) = eyes.sync(None).await?;
        let (answers, seen) = watch::channel(Answers::new());
        nursery.forever("watcher", async move {
            // Of each event, the question that it belongs to.
            let mut questions = HashMap::new();
            while let Ok((next, news)) = eyes.sync(Some(&since)).await {
                note(&eyes, &news, &mut questions, &answers);
                since = next;
            }
        });
        Ok(Self(seen))
    }

    /// Waits for the last word of the answer to `question`, which was sent at `began`.
    pub(crate) async fn answer_to(&self, question: &str, began: Instant) -> Result<Latency> {
        let mut seen = self.0.clone();
        let is_over = |answers: &Answers| answers.get(question).is_some_and(|seen| seen.last.is_some());
        let waited = timeout(ANSWER_WITHIN, seen.wait_for(is_over)).await;
        let Ok(answers) = waited else {
            let said = self.0.borrow().get(question).map(|seen| seen.said.clone());
            bail!("{question} was not answered in time; what came is {said:?}");
        };
        let answers = answers.context("nobody watches any more")?;
        let seen = answers.get(question).context("an answer that was there is gone")?;
        let last = seen.last.context("an end that was there is gone")?;
        Ok(Latency { first: seen.first - began, last: last - began })
    }
}

fn note(eyes: &Wire, news: &Value, questions: &mut HashMap<String, String>, answers: &watch::Sender<Answers>) {
    let now = Instant::now();
    answers.send_modify(|answers| {
        for (_, event) in messages(news).filter(|(_, event)| event["sender"] != eyes.user.as_str()) {
            let content = &event["content"];
            let relation = &content["m.relates_to"];
            let is_edit = relation["rel_type"] == "m.replace";
            let related =
                relation["event_id"].as_str().or_else(|| relation.pointer("/m.in_reply_to/event_id")?.as_str());
            let Some(related) = related else { continue };
            let question = if is_edit { questions.get(related).cloned() } else { Some(related.to_owned()) };
            let Some(question) = question else { continue };
            let text = if is_edit { &content["m.new_content"]["body"] } else { &content["body"] };
            let said = text.as_str().unwrap_or_default().to_owned();
            if let Some(event) = event["event_id"].as_str().filter(|_| !is_edit) {
                questions.insert(event.to_owned(), question.clone());
            }
            let seen = answers.entry(question).or_insert_with(|| Seen { first: now, last: None, said: String::new() });
            if said.contains(END) && seen.last.is_none() {
                seen.last = Some(now);
            }
            seen.said = said;
        }
    });
}
