//! Looks up who is where.

use std::collections::BTreeSet;

use crate::{
    model::{Conversation, EntityName, RoomId, UserId},
    store::{Membership, Message, Store, StoreError},
};

/// Those of ours who are members of `room`.
pub(super) async fn present(store: &Store, room: &RoomId) -> Result<BTreeSet<EntityName>, StoreError> {
    let standings = store.standings(room).await?;
    Ok(standings.into_iter().filter(|(_, how)| *how == Membership::Joined).map(|(name, _)| name).collect())
}

/// Our own accounts. The person at the keyboard is none of us.
pub(super) async fn own_users(store: &Store) -> Result<Vec<(EntityName, UserId)>, StoreError> {
    let users = store.users().await?.into_iter().filter(|(_, entity)| !entity.is_person());
    Ok(users.map(|(user, entity)| (entity, user)).collect())
}

/// The conversation that a message stands in.
pub(super) fn standing(message: &Message) -> Conversation {
    Conversation { room: message.room.clone(), thread: message.thread.clone() }
}
