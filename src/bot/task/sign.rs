//! S4: the 🛑 that an entity offers on an answer while it works on it, and takes back at the end.

use super::{
    courier::{Courier, outgoing, written},
    lookup::find_tap,
};
use crate::{
    bot::{delivery::never_arrived, notice::tap_event, transactions},
    matrix::MatrixError,
    model::EventId,
    observe::fault_around,
    store::{Letter, LetterSort},
};

/// What people tap to stop an answer.
const STOP: &str = "🛑";

/// What offers it on the message `on`.
pub(super) fn offer(on: &EventId) -> serde_json::Value {
    tap_event(on, STOP)
}

/// An offer in the room, or on its way there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sign {
    /// The letter that offers it.
    pub(super) letter: Letter,
    /// The reaction, once it is known.
    pub(super) event: Option<EventId>,
}

/// Offers it on the message `on`. Best effort: there is `!stop`, too.
pub(super) async fn put_up(courier: Courier, mut letter: Letter, on: EventId) -> Option<Sign> {
    letter.sort = LetterSort::Reaction;
    let content = offer(&on);
    letter.content = Some(content.clone());
    courier.write_down(vec![letter.clone()]).await?;
    match courier.send(&letter.speaker, outgoing(&letter, content)).await {
        Ok(event) => {
            courier.note_sent(&letter, &event).await;
            Some(Sign { letter, event: Some(event) })
        }
        Err(error) if never_arrived(&error) => {
            written(courier.store.outbox_forget(&letter.transaction).await);
            None
        }
        Err(_) => Some(Sign { letter, event: None }),
    }
}

/// Takes it back at the end of its answer. What can't be done now, or is cut off, is left to whoever sends leftovers.
pub(super) async fn take_down(courier: Courier, sign: Sign) {
    if sign.event.is_some() && sign.letter.content.is_some() {
        written(courier.store.outbox_again(&sign.letter).await);
    }
    // It failed for now, and is written down.
    drop(take_back(&courier, &sign.letter, sign.event).await);
}

/// Takes it back. One of which nobody knows whether it is there is sent once more, to learn its event. Fails where the
/// homeserver is away; all else ends it: a sign that stays does no harm, since nothing is left to stop.
pub(super) async fn take_back(courier: &Courier, letter: &Letter, event: Option<EventId>) -> Result<(), MatrixError> {
    match try_to_take_back(courier, letter, event).await {
        Err(error) if is_away(&error) => Err(error),
        Ok(()) | Err(_) => {
            written(courier.store.outbox_forget(&letter.transaction).await);
            Ok(())
        }
    }
}

async fn try_to_take_back(courier: &Courier, letter: &Letter, event: Option<EventId>) -> Result<(), MatrixError> {
    let event = match (event, letter.content.clone()) {
        (Some(event), _) => event,
        (None, Some(content)) => match courier.send(&letter.speaker, outgoing(letter, content.clone())).await {
            // It stands there from long ago, when the transaction was still known.
            Err(error) if error.has_code("M_DUPLICATE_ANNOTATION") => {
                match find_tap(courier, letter, &content).await? {
                    Some(event) => event,
                    None => return Ok(()),
                }
            }
            sent => sent?,
        },
        (None, None) => return Ok(()),
    };
    let line = courier.lines.of(&letter.speaker).ok_or(MatrixError::NotOpen)?;
    let transaction = transactions::retraction(&letter.transaction);
    fault_around("retract", line.redact(letter.room.clone(), event, None, transaction)).await.map(drop)
}

fn is_away(error: &MatrixError) -> bool {
    matches!(
        error,
        MatrixError::Unreachable { .. }
            | MatrixError::TimedOut { .. }
            | MatrixError::ServerTrouble { .. }
            | MatrixError::RateLimited { .. }
            | MatrixError::LoggedOut
            | MatrixError::NotOpen
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S4: while the homeserver can't take it back, the sign is written down for later; what it refuses ends it.
    #[test]
    fn a_sign_is_given_up_only_where_nothing_helps() {
        let check = |error: MatrixError, expected: bool| assert_eq!(is_away(&error), expected, "{error}");
        check(MatrixError::Unreachable { cause: String::new() }, true);
        check(MatrixError::ServerTrouble { status: 502 }, true);
        check(MatrixError::RateLimited { after: None }, true);
        check(MatrixError::NotOpen, true);
        check(MatrixError::Refused { code: "M_FORBIDDEN".to_owned(), message: String::new() }, false);
        check(MatrixError::Broken { message: String::new() }, false);
    }
}
