//! The last words of an answer: written down, sent until they are there, in as many parts as they need.

use std::{mem, pin::Pin};

use serde_json::Value;
use tokio::time::Duration;

use super::{
    courier::{Courier, written},
    ground::first_letter,
    leftovers::post_ahead,
    lookup::find_part,
    speech::Speech,
};
use crate::{
    bot::{
        compose::with_missing,
        delivery::{Remedy, remedy},
        transactions,
    },
    matrix::MatrixError,
    model::{EntityName, EventId, TurnEnd},
    observe,
    store::{Letter, LetterSort, Store},
};

/// How long an ended answer waits for what is beside it.
pub(super) const TIDY_TIME_MAX: Duration = Duration::from_secs(10);

/// How the last words fared.
#[derive(Debug)]
pub(super) enum Farewell {
    /// They are in the room.
    Said,
    /// They are written down; whoever sends what was left over sends them.
    WrittenDown,
    /// Nobody was left to say them, and they aren't written down.
    Unsaid,
    /// They can't be said.
    Impossible(MatrixError),
}

impl Speech<'_> {
    /// Says the last words. `interrupted` ends it: what is written down by then may be there or not, and is sent
    /// again under the same name.
    pub(super) async fn close(
        &mut self,
        text: &str,
        end: TurnEnd,
        mut interrupted: Pin<&mut impl Future<Output = ()>>,
    ) -> Farewell {
        let text = match end {
            TurnEnd::Done | TurnEnd::Failed => with_missing(text, &self.turn.missing),
            TurnEnd::Stopped | TurnEnd::Suspended => text.to_owned(),
        };
        self.know_names_for(&text).await;
        let courier = self.courier.clone();
        if self.lost && self.parts.is_empty() {
            // A message that may be there already can't be sent with other words: it is found first, then edited.
            let (first, content) =
                (first_letter(self.turn, observe::now()), self.answer.first(&text, self.audience.roster()));
            let found = tokio::select! {
                biased;
                found = self.meanwhile(find_or_send(courier.clone(), first, content)) => found,
                () = interrupted.as_mut() => return Farewell::Unsaid,
            };
            match found {
                Ok(event) => self.found_first(event),
                Err(error) => return Farewell::Impossible(error),
            }
        }
        if let Some(farewell) = self.find_lost_parts(interrupted.as_mut()).await {
            return farewell;
        }
        let letters = self.letters(&text);
        if courier.write_down(letters.iter().map(|(letter, _)| letter.clone()).collect()).await.is_none() {
            return Farewell::Unsaid;
        }
        if self.parts.is_empty() {
            let ahead = mem::take(&mut self.ground.ahead);
            tokio::select! {
                biased;
                () = self.meanwhile(posted_ahead(&courier, self.turn.responder.speaker(), &ahead)) => {}
                () = interrupted.as_mut() => return Farewell::WrittenDown,
            }
        }
        for (letter, content) in &letters {
            let sent = tokio::select! {
                biased;
                sent = self.meanwhile(courier.deliver(letter, content)) => sent,
                () = interrupted.as_mut() => return Farewell::WrittenDown,
            };
            match sent {
                Ok(event) => self.note_sent(letter, event),
                Err(error) => {
                    forget(self.courier.store.clone(), &letters).await;
                    return Farewell::Impossible(error);
                }
            }
        }
        self.remove_surplus(letters.len());
        Farewell::Said
    }

    /// Further messages that may be there already can't be sent with other words either: found or sent, they are written over
    /// or taken back like any other. Where that isn't possible, it is how the last words fared.
    async fn find_lost_parts(&mut self, mut interrupted: Pin<&mut impl Future<Output = ()>>) -> Option<Farewell> {
        for letter in mem::take(&mut self.ground.lost_parts) {
            let (courier, content) = (self.courier.clone(), letter.content.clone().unwrap_or_default());
            let found = tokio::select! {
                biased;
                found = self.meanwhile(find_or_send(courier, letter.clone(), content)) => found,
                () = interrupted.as_mut() => return Some(Farewell::Unsaid),
            };
            match found {
                Ok(event) => self.note_sent(&letter, event),
                Err(error) => return Some(Farewell::Impossible(error)),
            }
        }
        None
    }

    /// The last words as letters, with their contents.
    fn letters(&self, text: &str) -> Vec<(Letter, Value)> {
        let contents = self.answer.finals(&self.parts, &self.ground.pinged, text, self.audience.roster());
        let now = observe::now();
        let letter = |(part, content): (u32, Value)| {
            let sort = match usize::try_from(part).unwrap_or(usize::MAX) {
                index if index < self.parts.len() => LetterSort::Edit,
                0 => LetterSort::First,
                _ => LetterSort::Part,
            };
            let transaction = match sort {
                LetterSort::First => transactions::first(&self.turn.id, self.turn.withdrawals),
                LetterSort::Part | LetterSort::Edit | LetterSort::Reaction => {
                    transactions::closing(&self.turn.id, self.turn.attempt, part)
                }
            };
            let letter = first_letter(self.turn, now);
            (Letter { transaction, part, sort, content: Some(content.clone()), ..letter }, content)
        };
        (0_u32..).zip(contents).map(letter).collect()
    }

    fn note_sent(&mut self, letter: &Letter, event: EventId) {
        match letter.sort {
            LetterSort::First | LetterSort::Part => self.parts.push(event.clone()),
            LetterSort::Edit | LetterSort::Reaction => {}
        }
        let (courier, letter) = (self.courier.clone(), letter.clone());
        self.also(async move {
            courier.note_sent(&letter, &event).await;
        });
    }

    /// An answer that became shorter takes back what it no longer needs.
    fn remove_surplus(&mut self, needed: usize) {
        let surplus = self.parts.split_off(needed.min(self.parts.len()));
        if surplus.is_empty() {
            return;
        }
        let (courier, turn) = (self.courier.clone(), self.turn.clone());
        let needed = u32::try_from(needed).unwrap_or(u32::MAX);
        self.also(async move {
            let Some(line) = courier.lines.of(turn.responder.speaker()) else { return };
            for (part, event) in (needed..).zip(surplus) {
                let transaction = transactions::removal(&turn.id, turn.attempt, part);
                let room = turn.conversation.room.clone();
                if line.redact(room, event, Some("the answer became shorter".to_owned()), transaction).await.is_err() {
                    return;
                }
            }
            written(courier.store.keep_parts(&turn.id, needed).await);
        });
    }
}

/// A message of the answer, sent if it isn't there.
async fn find_or_send(courier: Courier, letter: Letter, content: Value) -> Result<EventId, MatrixError> {
    let mut tries = 0;
    loop {
        let error = match find_part(&courier, &letter, &content).await {
            Ok(Some(event)) => return Ok(event),
            Ok(None) => break,
            Err(error) => error,
        };
        tries += 1;
        match remedy(&error, tries) {
            Remedy::GiveUp => break,
            Remedy::Again(pause) => courier.wait(&letter.speaker, pause).await,
        }
    }
    courier.deliver(&letter, &content).await
}

/// C4: what goes before the last words is said, or can't be.
async fn posted_ahead(courier: &Courier, speaker: &EntityName, letters: &[Letter]) {
    let mut tries = 0;
    while let Err(error) = post_ahead(courier, letters).await {
        tries += 1;
        match remedy(&error, tries) {
            Remedy::GiveUp => return,
            Remedy::Again(pause) => courier.wait(speaker, pause).await,
        }
    }
}

async fn forget(store: Store, letters: &[(Letter, Value)]) {
    for (letter, _) in letters {
        written(store.outbox_failed(&letter.transaction).await);
    }
}
