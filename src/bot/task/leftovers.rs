//! What answers left unsaid when they ended: it is written down, and whoever comes next says it.

use super::{
    courier::{Courier, outgoing},
    lookup::find_part,
    sign::take_back,
};
use crate::{
    bot::delivery::{Remedy, remedy},
    matrix::MatrixError,
    model::EventId,
    store::{Letter, LetterSort},
};

/// Says one, or takes back what it offered. Nothing, when it was said but that could not be written down.
pub(super) async fn post(courier: &Courier, letter: &Letter) -> Result<Option<()>, MatrixError> {
    let Some(content) = letter.content.clone() else { return Ok(Some(())) };
    if letter.sort == LetterSort::Reaction {
        // What it offers is over.
        return take_back(courier, letter, None).await.map(Some);
    }
    let event = match find(courier, letter, &content).await? {
        Some(event) => event,
        None => courier.send(&letter.speaker, outgoing(letter, content)).await?,
    };
    Ok(courier.note_sent(letter, &event).await)
}

/// C4: says what goes before an answer. Fails where trying again may help; what is refused for good holds nobody up.
pub(super) async fn post_ahead(courier: &Courier, letters: &[Letter]) -> Result<(), MatrixError> {
    for letter in letters {
        if let Err(error) = post(courier, letter).await
            && let Remedy::Again(_) = remedy(&error, 1)
        {
            return Err(error);
        }
    }
    Ok(())
}

/// What may be in the room since long ago is looked for. An edit that is made twice is one to people.
async fn find(courier: &Courier, letter: &Letter, content: &serde_json::Value) -> Result<Option<EventId>, MatrixError> {
    match letter.sort {
        LetterSort::First | LetterSort::Part => find_part(courier, letter, content).await,
        LetterSort::Edit | LetterSort::Reaction => Ok(None),
    }
}
