//! A question to people in the middle of a turn: asked once, waited for, also across restarts.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::job::{Job, Means};
use crate::{
    model::{Conversation, Notice, Poll, PollAbout, PollOption, UserId},
    observe,
    store::{Message, Ordinal, Sort, StoreError},
    tools::{Question, Reaction},
};

/// How long an answer is waited for.
const WAIT_MAX: Duration = Duration::from_hours(1);
/// How many of the newest messages are looked through for something that the asker wrote instead.
const NEWEST_MESSAGES: usize = 8;
/// The reactions that stand for the answers.
const KEYS: [&str; 5] = ["1️⃣", "2️⃣", "3️⃣", "4️⃣", "5️⃣"];

/// Asks, unless that was done before, and waits.
pub(super) async fn ask(means: &Means, job: &Job, seq: u32, question: Question) -> Result<Reaction, StoreError> {
    let asker = asker(means, job);
    let notice = notice(job, seq, &question, asker.clone());
    means.store.save_notice(&notice, observe::now()).await?;
    // After a restart it was asked long ago, and they may have written meanwhile.
    let asked_at = means.store.notice(&notice.id).await?.map_or_else(observe::now, |stored| stored.created_at);
    let conversation = &job.turn.conversation;
    let before = newest(means, conversation, asker.as_ref(), |message| message.received_at <= asked_at).await?;
    let (mut ear, until) = (means.store.listen(&conversation.room), Instant::now() + WAIT_MAX);
    loop {
        if let Some(answer) = means.store.answer_of(&notice.id).await? {
            return Ok(Reaction::Chose(answer.value));
        }
        if newest(means, conversation, asker.as_ref(), |_| true).await? > before {
            return Ok(Reaction::WroteInstead);
        }
        if timeout_at(until, ear.news()).await.is_err() {
            return Ok(Reaction::Silence);
        }
    }
}

/// The person who must answer; anybody may where an entity asked.
fn asker(means: &Means, job: &Job) -> Option<UserId> {
    let entities = means.lines.users();
    let asker = &job.turn.asker;
    (!entities.values().any(|user| user == asker)).then(|| asker.clone())
}

fn notice(job: &Job, seq: u32, question: &Question, asker: Option<UserId>) -> Notice {
    let options: Vec<PollOption> = KEYS
        .into_iter()
        .zip(&question.answers)
        .map(|(key, value)| PollOption { key: key.to_owned(), value: value.clone() })
        .collect();
    let lines: Vec<String> = options.iter().map(|option| format!("{} {}", option.key, option.value)).collect();
    Notice {
        id: format!("ask.{}.{seq}", job.turn.id),
        speaker: job.turn.responder.speaker().clone(),
        conversation: job.turn.conversation.clone(),
        reply_to: Some(job.turn.reply_to().clone()),
        text: format!("{}\n\n{}", question.text, lines.join("  \n")),
        poll: Some(Poll { about: PollAbout::Turn(job.turn.id.clone()), options, asker }),
    }
}

/// The newest thing that the asker wrote in the conversation, of what `counts`.
async fn newest(
    means: &Means,
    conversation: &Conversation,
    asker: Option<&UserId>,
    counts: impl Fn(&Message) -> bool,
) -> Result<Option<Ordinal>, StoreError> {
    let Some(asker) = asker else { return Ok(None) };
    let messages = means.store.thread(conversation, NEWEST_MESSAGES).await?;
    let theirs = messages.iter().filter(|message| message.sender == *asker && !message.deleted);
    let words = theirs.filter(|message| match message.wording.sort {
        Sort::Text | Sort::Media => true,
        Sort::Notice => false,
    });
    Ok(words.filter(|message| counts(message)).map(|message| message.ordinal).max())
}
