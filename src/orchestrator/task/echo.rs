//! Waits until what was answered in a conversation a moment ago has come back through the homeserver.
//!
//! What an answer builds on is read from the journal, and our own answers come in there as everybody's messages do. The next
//! answer of a busy conversation begins before that, and would not know what was just said.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::{
    model::{EventId, Turn},
    observe,
    store::{Message, Store, StoreError, TurnState},
};

/// How long an answer waits at most; a homeserver that is slower than that must not hold it up.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// How long after an answer it may still be on its way back.
const RECENT: Duration = Duration::from_secs(30);
/// How many messages are looked back, and how many questions among them.
const MESSAGES_MAX: usize = 32;
const QUESTIONS_MAX: usize = 4;

/// Waits until the answers that were given lately in the conversation of `turn` are in the journal, whole.
///
/// # Errors
/// [`StoreError`] when the database can't be read.
pub(super) async fn heard(store: &Store, turn: &Turn) -> Result<(), StoreError> {
    let (mut ear, until) = (store.listen(&turn.conversation.room), Instant::now() + WAIT_MAX);
    while let Some(left) = behind(store, turn).await? {
        let now = Instant::now();
        if now >= until {
            break;
        }
        // Either way it is looked again.
        drop(timeout_at(until.min(now + left), ear.news()).await);
    }
    Ok(())
}

/// How long an answer that was given lately may still be on its way back; none when all are there.
async fn behind(store: &Store, turn: &Turn) -> Result<Option<Duration>, StoreError> {
    let said = store.thread(&turn.conversation, MESSAGES_MAX).await?;
    let is_question = |message: &&Message| message.wording.mark.is_none() && !turn.messages.contains(&message.event);
    for question in said.iter().rev().filter(is_question).take(QUESTIONS_MAX) {
        for earlier in store.turns_of(&question.room, &question.event).await? {
            let has_ended = match earlier.state {
                TurnState::Done | TurnState::Stopped | TurnState::Failed => true,
                TurnState::Running | TurnState::Suspended => false,
            };
            let left = earlier.ended_at.and_then(|ended| RECENT.checked_sub(observe::now().since(ended)));
            let is_whole = earlier.turn.parts.iter().all(|part| is_whole(&said, part));
            if has_ended && !is_whole && left.is_some_and(|left| !left.is_zero()) {
                return Ok(left);
            }
        }
    }
    Ok(None)
}

/// Whether the last words of a message of ours are known.
fn is_whole(said: &[Message], part: &EventId) -> bool {
    let message = said.iter().find(|message| message.event == *part);
    message.is_some_and(|message| message.deleted || message.wording.mark.as_ref().is_some_and(|mark| mark.last))
}
