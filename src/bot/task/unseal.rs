//! Tries again to read what could not be read: what new keys may open, and once after each start everything.

use std::collections::BTreeSet;

use super::Silence;
use crate::{
    matrix::{Keys, MatrixError, Session},
    model::{Batch, Content, EntityName, Incoming, RoomId},
    observe,
    store::{Ordinal, SealedEvent, Store},
};

/// How many sealed events are tried between two looks at the stream. What lies beyond comes in the next round.
const SEALED_TRIED_MAX: usize = 200;

/// What is still to be tried.
#[derive(Debug)]
pub(super) struct Unsealing {
    /// The sessions whose keys came.
    sessions: BTreeSet<(RoomId, String)>,
    sweep: Sweep,
}

/// How far the sweep over everything has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sweep {
    /// It begins with the next round.
    Begins,
    /// It goes on after this event.
    After(Ordinal),
    /// There is none.
    Done,
}

impl Unsealing {
    /// E3: begins with everything, since keys may have come just before a crash.
    pub(super) fn of_everything() -> Self {
        Self { sessions: BTreeSet::new(), sweep: Sweep::Begins }
    }

    /// Takes note of keys that came.
    pub(super) fn note(&mut self, keys: Keys) {
        match keys {
            Keys::Of(sessions) => self.sessions.extend(sessions),
            Keys::Many => self.sweep = Sweep::Begins,
        }
    }

    /// Whether nothing is left to be tried.
    pub(super) fn is_done(&self) -> bool {
        self.sessions.is_empty() && self.sweep == Sweep::Done
    }

    /// Tries the next piece. Gives what became readable, ready for admission.
    pub(super) async fn round(
        &mut self,
        entity: &EntityName,
        session: &dyn Session,
        store: &Store,
    ) -> Result<Option<Batch>, Silence> {
        let mut events = Vec::new();
        for sealed in self.next_piece(entity, store).await? {
            match session.unseal(sealed.room.clone(), sealed.raw.clone()).await {
                Ok(content @ Content::Clear { .. }) => events.push(opened(sealed, content)),
                // It stays sealed; somebody else may have the key, or it comes later.
                Ok(Content::Sealed(_)) | Err(MatrixError::NotJoined { .. } | MatrixError::Nonsense { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let (entity, received_at) = (entity.clone(), observe::now());
        let batch = Batch { entity, token: None, received_at, after_absence: false, events, changes: Vec::new() };
        Ok(if batch.events.is_empty() { None } else { Some(batch) })
    }

    async fn next_piece(&mut self, entity: &EntityName, store: &Store) -> Result<Vec<SealedEvent>, Silence> {
        if let Some((room, session)) = self.sessions.pop_first() {
            return Ok(store.sealed_under(&room, &session, SEALED_TRIED_MAX).await?);
        }
        let after = match self.sweep {
            Sweep::Begins => None,
            Sweep::After(ordinal) => Some(ordinal),
            Sweep::Done => return Ok(Vec::new()),
        };
        let piece = store.sealed_for(entity, after, SEALED_TRIED_MAX).await?;
        self.sweep = piece.last().map_or(Sweep::Done, |last| Sweep::After(last.ordinal));
        Ok(piece)
    }
}

fn opened(sealed: SealedEvent, content: Content) -> Incoming {
    let SealedEvent { room, event, sender, sent_at, standing, .. } = sealed;
    Incoming { room, event, sender, sent_at, standing, content }
}
