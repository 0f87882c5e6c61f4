//! Finds in the room what was sent before, when the homeserver may have forgotten the transaction.

use serde_json::Value;

use super::courier::Courier;
use crate::{
    matrix::MatrixError,
    model::{Content, EventId, TURN_KEY},
    store::Letter,
};

/// The message that is the part of an answer that `letter` is. It may have other words than `content`, but stands in its place.
pub(super) async fn find_part(
    courier: &Courier,
    letter: &Letter,
    content: &Value,
) -> Result<Option<EventId>, MatrixError> {
    let relation = &content["m.relates_to"];
    let thread = (relation["rel_type"] == "m.thread").then(|| relation["event_id"].as_str()).flatten();
    let thread = thread.and_then(|root| EventId::parse(root).ok());
    find(courier, letter, thread, |_, content| {
        let mark = &content[TURN_KEY];
        mark["id"] == letter.turn.as_str()
            && mark["part"] == letter.part
            && content["m.relates_to"]["rel_type"] != "m.replace"
    })
    .await
}

/// The reaction that says `tap`.
pub(super) async fn find_tap(courier: &Courier, letter: &Letter, tap: &Value) -> Result<Option<EventId>, MatrixError> {
    find(courier, letter, None, |kind, content| kind == "m.reaction" && content["m.relates_to"] == tap["m.relates_to"])
        .await
}

async fn find(
    courier: &Courier,
    letter: &Letter,
    thread: Option<EventId>,
    is_it: impl Fn(&str, &Value) -> bool,
) -> Result<Option<EventId>, MatrixError> {
    let line = courier.lines.of(&letter.speaker).ok_or(MatrixError::NotOpen)?;
    let events = line.find_own(letter.room.clone(), thread).await?;
    let is_it = |content: &Content| match content {
        Content::Clear { kind, json } => serde_json::from_str::<Value>(json).is_ok_and(|content| is_it(kind, &content)),
        Content::Sealed(_) => false,
    };
    Ok(events.into_iter().find(|event| is_it(&event.content)).map(|event| event.event))
}
