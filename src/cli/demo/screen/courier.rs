//! Carries to the homeserver what the person wants, one errand after the other: whatever it takes, the screen goes on.

use tokio::sync::mpsc;

use super::state::{Effect, Event};
use crate::{
    cli::demo::{guest::Guest, harmless::harmless_line},
    matrix::MatrixError,
};

/// How much of a reason is shown, in characters.
const REASON_CHARS_MAX: usize = 200;

/// Runs errands until there are no more, and tells what came of them.
pub(super) async fn carry(mut guest: Guest, mut errands: mpsc::Receiver<Effect>, told: mpsc::Sender<Event>) {
    while let Some(errand) = errands.recv().await {
        let event = match run(&mut guest, errand).await {
            Ok(event) => event,
            Err(error) => Some(Event::Failed(not_done(&error))),
        };
        if let Some(event) = event
            && told.send(event).await.is_err()
        {
            return;
        }
    }
}

async fn run(guest: &mut Guest, errand: Effect) -> Result<Option<Event>, MatrixError> {
    match errand {
        Effect::Say { room, thread, text } => guest.say(&room, thread, &text).await.map(|_event| None),
        Effect::Edit { room, event, text } => guest.edit(&room, &event, &text).await.map(|_event| None),
        Effect::React { room, event, key } => guest.react(&room, &event, &key).await.map(|_event| None),
        Effect::TakeBack { room, event } => guest.take_back(&room, &event).await.map(|_event| None),
        Effect::Typing { room, typing } => {
            // Others learn of it or they don't: it is no news to the person.
            drop(guest.typing(&room, typing).await);
            Ok(None)
        }
        Effect::Look(room) => guest.look(&room).await.map(|room| Some(Event::Looked(room))),
        Effect::Leave => Ok(None),
    }
}

/// Why something was not done.
pub(super) fn not_done(error: &MatrixError) -> String {
    format!("not done: {}", harmless_line(&error.to_string(), REASON_CHARS_MAX))
}
