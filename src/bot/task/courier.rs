//! Carries what is to be sent to the homeserver: through whatever line is open now, again and again until it is there.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt as _;
use tokio::time;

use crate::{
    bot::delivery::{Remedy, remedy},
    matrix::{Lines, MatrixError, Outgoing},
    model::{EntityName, EventId, Millis, RoomId, TransactionId},
    nursery::panic_message,
    observe::{self, DeliveryFailed, DeliveryRetried, OutboxFailed, fault_around},
    store::{AuditEntry, Letter, LetterSort, Store, StoreError},
};

/// Carries for everybody. Clones carry the same.
#[derive(Clone)]
pub(super) struct Courier {
    pub(super) lines: Lines,
    pub(super) store: Store,
}

impl Courier {
    /// Sends `outgoing` once.
    pub(super) async fn send(&self, speaker: &EntityName, outgoing: Outgoing) -> Result<EventId, MatrixError> {
        let outgoing = if observe::fault_switch("send.renamed") { renamed(outgoing) } else { outgoing };
        match self.lines.of(speaker) {
            Some(line) => fault_around("send", unbroken(line.send(outgoing))).await,
            None => Err(MatrixError::NotOpen),
        }
    }

    /// Sends a letter until it is there or can't get there. May be dropped at any moment: the letter is written down.
    pub(super) async fn deliver(&self, letter: &Letter, content: &serde_json::Value) -> Result<EventId, MatrixError> {
        let mut tries = 0;
        loop {
            let error = match self.send(&letter.speaker, outgoing(letter, content.clone())).await {
                Ok(event) => return Ok(event),
                Err(error) => error,
            };
            tries += 1;
            match remedy(&error, tries) {
                Remedy::GiveUp => return Err(error),
                Remedy::Again(pause) => {
                    let (entity, room) = (&letter.speaker, &letter.room);
                    DeliveryRetried { entity, room, tries, pause, error: &error }.emit();
                    self.wait(&letter.speaker, pause).await;
                }
            }
        }
    }

    /// Writes down letters that are about to be sent. Nothing, when that failed: then none of them may be sent.
    pub(super) async fn write_down(&self, letters: Vec<Letter>) -> Option<()> {
        written(fault_around("outbox", self.store.outbox_put(letters)).await)
    }

    /// Remembers that a letter is in the room. Nothing, when that could not be written down.
    pub(super) async fn note_sent(&self, letter: &Letter, event: &EventId) -> Option<()> {
        written(fault_around("sent", self.store.outbox_sent(letter, event)).await)
    }

    /// Waits for `pause`, or until the line that was missing is there.
    pub(super) async fn wait(&self, speaker: &EntityName, pause: Duration) {
        let mut lines = self.lines.clone();
        let connected = async {
            if lines.of(speaker).is_some() {
                std::future::pending::<()>().await;
            }
            while lines.of(speaker).is_none() {
                lines.changed().await;
            }
        };
        tokio::select! {
            biased;
            () = connected => {}
            () = time::sleep(pause) => {}
        }
    }

    /// S10: records that something can't be said, for the admins to see.
    pub(super) async fn give_up(
        &self,
        (entity, room): (&EntityName, &RoomId),
        what: &str,
        error: &MatrixError,
        at: Millis,
    ) {
        DeliveryFailed { entity, room, what, error }.emit();
        let entry = AuditEntry {
            at,
            kind: "undeliverable".to_owned(),
            entity: Some(entity.clone()),
            room: Some(room.clone()),
            who: None,
            text: format!("{what}: {error}"),
        };
        written(self.store.audit(entry).await);
    }
}

/// A bug in the middle of a request is that request's failure, and not the end of whoever asked.
pub(super) async fn unbroken<T>(request: impl Future<Output = Result<T, MatrixError>>) -> Result<T, MatrixError> {
    let broken = |panic: Box<dyn std::any::Any + Send>| MatrixError::Broken { message: panic_message(panic.as_ref()) };
    AssertUnwindSafe(request).catch_unwind().await.unwrap_or_else(|panic| Err(broken(panic)))
}

/// A letter as the door takes it.
pub(super) fn outgoing(letter: &Letter, content: serde_json::Value) -> Outgoing {
    let kind = match letter.sort {
        LetterSort::First | LetterSort::Part | LetterSort::Edit => "m.room.message",
        LetterSort::Reaction => "m.reaction",
    };
    Outgoing { room: letter.room.clone(), kind, content, transaction: letter.transaction.clone() }
}

/// Under a name that no repetition has: what N3 forbids.
fn renamed(mut outgoing: Outgoing) -> Outgoing {
    let name = format!("{}.{}", outgoing.transaction, observe::now().0);
    outgoing.transaction = TransactionId::parse(name).unwrap_or(outgoing.transaction);
    outgoing
}

/// What could not be written down is told; what was said stays said.
pub(super) fn written<T>(outcome: Result<T, StoreError>) -> Option<T> {
    outcome.inspect_err(|error| OutboxFailed { error }.emit()).ok()
}
