//! What a tool may do in the world, for one call in one turn.

use std::sync::Arc;

use futures_util::FutureExt as _;
use serde_json::json;

use super::{
    job::{Job, Means},
    question, scene,
    seat::Seat,
};
use crate::{
    agent::{memory, session::Line},
    matrix::Outgoing,
    model::{Speaker, TransactionId, UserId},
    observe,
    store::{Memo, MemoSort, Recollection, StoreError},
    tools::{About, Deed, Excerpt, Hands, Question, Reaction, ToolError},
};

/// How many memos a model is given when it asks.
const RECALLED_MAX: usize = 12;
/// How much of each message a model is given when it reads back, in characters.
const LINE_CHARS_MAX: usize = 1_500;

/// The hands of one call.
pub(super) struct TurnHands {
    pub(super) means: Arc<Means>,
    pub(super) job: Arc<Job>,
    pub(super) seat: Arc<Seat>,
    /// The call's number within the turn: what is done twice for the same call has the same name.
    pub(super) seq: u32,
}

/// What a model is told where the house itself fails.
const OUR_FAULT: ToolError = ToolError::Unable { why: "the house's memory does not answer" };

impl Hands for TurnHands {
    fn now(&self) -> String {
        self.job.config.moment(observe::now())
    }

    fn read_thread(&self, before: Option<usize>, limit: usize) -> Deed<'_, Excerpt> {
        async move {
            let lines = scene::whole_conversation(&self.means, &self.job).await.map_err(|_failure| OUR_FAULT)?;
            let total = lines.len();
            let end = before.map_or(total, |before| before.saturating_sub(1)).min(total);
            let write = |(number, line): (usize, &Line)| {
                let said = &line.utterance;
                let text: String = said.text.chars().take(LINE_CHARS_MAX).collect();
                match said.speaker {
                    Speaker::Person => format!("#{number} {} ({}): {text}", said.name, said.at),
                    Speaker::Agent => format!("#{number} You: {text}"),
                }
            };
            let start = end.saturating_sub(limit);
            let lines = (start + 1..).zip(&lines[start..end]).map(write).collect();
            Ok(Excerpt { total, lines })
        }
        .boxed()
    }

    fn react(&self, key: String) -> Deed<'_, ()> {
        async move {
            let turn = &self.job.turn;
            let session = self.means.lines.of(turn.responder.speaker());
            let session = session.ok_or(ToolError::Unable { why: "you are not online" })?;
            let relation = json!({ "rel_type": "m.annotation", "event_id": turn.reply_to().as_str(), "key": key });
            let transaction = TransactionId::parse(format!("{}.react.{}", turn.id, self.seq));
            let transaction = transaction.map_err(|_too_long| OUR_FAULT)?;
            let reaction = Outgoing {
                room: turn.conversation.room.clone(),
                kind: "m.reaction",
                content: json!({ "m.relates_to": relation }),
                transaction,
            };
            session
                .send(reaction)
                .await
                .map_err(|_error| ToolError::Unable { why: "the homeserver did not take it" })?;
            Ok(())
        }
        .boxed()
    }

    fn ask(&self, question: Question) -> Deed<'_, Reaction> {
        async move {
            self.seat.leave();
            let reaction = question::ask(&self.means, &self.job, self.seq, question).await;
            self.seat.sit().await;
            reaction.map_err(|_error| OUR_FAULT)
        }
        .boxed()
    }

    fn remember(&self, fact: String, about: About) -> Deed<'_, ()> {
        async move {
            let turn = &self.job.turn;
            let person = match about {
                About::Room => None,
                About::Person => self.only_asker().await.map_err(|_error| OUR_FAULT)?,
            };
            let memo = Memo {
                agent: self.job.agent.clone(),
                sort: MemoSort::Fact,
                conversation: turn.conversation.clone(),
                person,
                turn: turn.id.clone(),
                text: fact,
                sources: turn.messages.clone(),
                kept_at: observe::now(),
            };
            self.means.store.remember(memo).await.map_err(|_error| OUR_FAULT)
        }
        .boxed()
    }

    fn recall(&self, words: String) -> Deed<'_, Vec<String>> {
        async move {
            let about = recollection(&self.means, &self.job, memory::words(&words)).await;
            let found = self.means.store.recall(about, RECALLED_MAX).await.map_err(|_error| OUR_FAULT)?;
            let write = |memo: Memo| format!("[{}] {}", self.job.config.minute(memo.kept_at), memo.text);
            Ok(found.into_iter().map(write).collect())
        }
        .boxed()
    }
}

impl TurnHands {
    /// The person who asks; none where several are answered at once, since nobody can tell which of them is meant.
    async fn only_asker(&self) -> Result<Option<UserId>, StoreError> {
        let turn = &self.job.turn;
        let authorization = &self.job.config.authorization;
        let asker = authorization.canonical(&turn.asker);
        for event in &turn.messages {
            let message = self.means.store.message(&turn.conversation.room, event).await?;
            if message.is_some_and(|message| authorization.canonical(&message.sender) != asker) {
                return Ok(None);
            }
        }
        Ok(Some(asker.clone()))
    }
}

/// Where this job's agent looks for `words`.
pub(super) async fn recollection(means: &Means, job: &Job, words: Vec<String>) -> Recollection {
    let room = &job.turn.conversation.room;
    // Without its predecessors the room itself must do.
    let rooms = means.store.lineage(room).await.unwrap_or_else(|_error| vec![room.clone()]);
    let person = job.config.authorization.canonical(&job.turn.asker).clone();
    Recollection { agent: job.agent.clone(), rooms, person, words }
}
