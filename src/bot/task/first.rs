//! Finds the messages of an answer that an earlier attempt may have sent.

use serde_json::Value;

use super::courier::Courier;
use crate::{
    bot::Answer,
    matrix::MatrixError,
    model::{Content, EventId, TURN_KEY},
    store::Letter,
};

/// The first message of an earlier attempt, when the homeserver may have forgotten the transaction.
pub(super) async fn find_first(
    courier: &Courier,
    letter: &Letter,
    answer: &Answer,
) -> Result<Option<EventId>, MatrixError> {
    find_part(courier, letter, answer).await
}

/// The message of an earlier attempt that `letter` would have become.
pub(super) async fn find_part(
    courier: &Courier,
    letter: &Letter,
    answer: &Answer,
) -> Result<Option<EventId>, MatrixError> {
    let line = courier.lines.of(&letter.speaker).ok_or(MatrixError::NotOpen)?;
    let thread = answer.place.thread.as_ref().map(|thread| thread.root.clone());
    let events = line.find_own(letter.room.clone(), thread).await?;
    let is_it = |content: &Content| match content {
        Content::Clear { json, .. } => serde_json::from_str::<Value>(json).is_ok_and(|content| {
            let mark = &content[TURN_KEY];
            mark["id"] == letter.turn.as_str()
                && mark["part"] == letter.part
                && content["m.relates_to"]["rel_type"] != "m.replace"
        }),
        Content::Sealed(_) => false,
    };
    Ok(events.into_iter().find(|event| is_it(&event.content)).map(|event| event.event))
}
