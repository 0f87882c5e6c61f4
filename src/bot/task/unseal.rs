//! Tries again to read what could not be read.

use crate::{
    matrix::{MatrixError, Session},
    model::{Batch, Content, EntityName, Incoming},
    observe,
    store::{SealedEvent, Store},
};

use super::Silence;

/// How many sealed events are looked at in one piece.
const SEALED_PAGE_EVENTS: usize = 200;
/// How many are tried at one time; what lies beyond waits for the next keys.
const SEALED_TRIED_MAX: usize = 5_000;

/// What `entity` can read by now of what nobody could, ready for admission; nothing if it is nothing.
pub(super) async fn unseal(
    entity: &EntityName,
    session: &dyn Session,
    store: &Store,
) -> Result<Option<Batch>, Silence> {
    let (mut events, mut after) = (Vec::new(), None);
    for _ in 0..SEALED_TRIED_MAX / SEALED_PAGE_EVENTS {
        let page = store.sealed_for(entity, after, SEALED_PAGE_EVENTS).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.ordinal);
        for sealed in page {
            match session.unseal(sealed.room.clone(), sealed.raw.clone()).await {
                Ok(content @ Content::Clear { .. }) => events.push(opened(sealed, content)),
                // It stays sealed; somebody else may have the key, or it comes later.
                Ok(Content::Sealed(_)) | Err(MatrixError::NotJoined { .. } | MatrixError::Nonsense { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    let batch = Batch { entity: entity.clone(), token: None, received_at: observe::now(), events, changes: Vec::new() };
    Ok(if batch.events.is_empty() { None } else { Some(batch) })
}

fn opened(sealed: SealedEvent, content: Content) -> Incoming {
    let SealedEvent { room, event, sender, sent_at, standing, .. } = sealed;
    Incoming { room, event, sender, sent_at, standing, content }
}
