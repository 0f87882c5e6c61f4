//! Conversations with the answers in them that were given a moment ago and have not come back through the homeserver yet.
//!
//! What was said is read from the journal, and our own answers come in there as everybody's messages do. Whoever answers
//! next begins before that, and must know what was just said all the same.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    Mark, Message, Sort, Store, StoreError, StoredTurn, TurnState, Wording,
    columns::{all, id},
    messages::{DELETED, thread},
    turns::{TURNS_OF, stored},
};
use crate::model::{Conversation, EventId, Standing, TurnId, UserId};

/// Answers to how many of the newest questions are looked at.
const QUESTIONS_MAX: usize = 8;

impl Store {
    /// The newest `limit` messages of a conversation, as [`Store::thread`] has them, and with them the answers that were given
    /// and that the journal doesn't know yet, or not to their end; each behind what it answers.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn conversation(&self, conversation: &Conversation, limit: usize) -> Result<Vec<Message>, StoreError> {
        let conversation = conversation.clone();
        self.read(move |db| {
            let mut messages = thread(db, &conversation, limit)?;
            for given in given(db, &messages)? {
                let answered = given.turn.reply_to();
                let taken_back: bool = match given.turn.parts.first() {
                    Some(part) => {
                        db.prepare_cached(DELETED)?.exists(params![conversation.room.as_str(), part.as_str()])?
                    }
                    None => true,
                };
                let place = messages.iter().position(|message| message.event == *answered);
                if let (false, Some(place), Some(sender)) = (taken_back, place, speaker(db, &given)?) {
                    let said = said(given, sender, &messages[place]);
                    messages.retain(|message| !is_part_of(message, &said));
                    let place = messages.partition_point(|message| message.ordinal <= said.ordinal);
                    messages.insert(place, said);
                }
            }
            Ok(messages)
        })
        .await
    }
}

/// The answers to the newest questions among `messages` that have ended and don't stand there to their end.
fn given(db: &Connection, messages: &[Message]) -> rusqlite::Result<Vec<StoredTurn>> {
    let (mut seen, mut given): (Vec<TurnId>, Vec<StoredTurn>) = (Vec::new(), Vec::new());
    let questions = messages.iter().rev().filter(|message| message.wording.mark.is_none()).take(QUESTIONS_MAX);
    for question in questions {
        let ids: Vec<TurnId> =
            all(db, TURNS_OF, [question.room.as_str(), question.event.as_str()], |row| id(row, "turn"))?;
        let new: Vec<TurnId> = ids.into_iter().filter(|id| !seen.contains(id)).collect();
        given.extend(stored(db, &new)?.into_iter().filter(|turn| is_given(turn, messages)));
        seen.extend(new);
    }
    given.reverse();
    Ok(given)
}

fn is_given(StoredTurn { turn, state, text, .. }: &StoredTurn, messages: &[Message]) -> bool {
    let has_ended = match state {
        TurnState::Done | TurnState::Stopped | TurnState::Failed => true,
        TurnState::Running | TurnState::Suspended => false,
    };
    let is_whole = |part: &EventId| {
        let message = messages.iter().find(|message| message.event == *part);
        message.is_some_and(|message| message.deleted || message.wording.mark.as_ref().is_some_and(|mark| mark.last))
    };
    has_ended && !text.trim().is_empty() && !turn.parts.iter().all(is_whole)
}

fn speaker(db: &Connection, given: &StoredTurn) -> rusqlite::Result<Option<UserId>> {
    let sql = "SELECT user FROM accounts WHERE entity = ?1 AND user IS NOT NULL";
    db.prepare_cached(sql)?.query_row([given.turn.responder.speaker().as_str()], |row| id(row, "user")).optional()
}

/// The answer as one message, as if it stood right behind what it answers.
fn said(
    StoredTurn { turn, text, ended_at, started_at, .. }: StoredTurn,
    sender: UserId,
    answered: &Message,
) -> Message {
    let at = ended_at.unwrap_or(started_at);
    let mark = Mark { turn: Some(turn.id.clone()), last: true, hops: turn.hops, root: Some(turn.root.clone()) };
    Message {
        ordinal: answered.ordinal,
        room: answered.room.clone(),
        event: turn.parts.first().unwrap_or(&answered.event).clone(),
        sender,
        sent_at: at,
        received_at: at,
        standing: Standing::Live,
        thread: turn.conversation.thread,
        in_reply_to: Some(answered.event.clone()),
        wording: Wording {
            sort: Sort::Text,
            body: text,
            content: "{}".to_owned(),
            mentions: Vec::new(),
            mark: Some(mark),
        },
        edited: false,
        deleted: false,
    }
}

fn is_part_of(message: &Message, said: &Message) -> bool {
    let turn = |message: &Message| message.wording.mark.as_ref().and_then(|mark| mark.turn.clone());
    message.sender == said.sender && turn(message).is_some() && turn(message) == turn(said)
}
