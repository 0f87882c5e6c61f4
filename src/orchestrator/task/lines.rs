//! Everybody who can act around rooms, and what can go wrong there.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    matrix::{MatrixError, Retry, Session},
    model::{EntityName, UserId},
    store::StoreError,
};

/// Everybody who can act, by name.
pub(super) type Lines = BTreeMap<EntityName, Arc<dyn Session>>;

/// What goes wrong around rooms.
#[derive(Debug, thiserror::Error)]
pub(super) enum RoomError {
    /// The homeserver said no, or nothing.
    #[error(transparent)]
    Homeserver(#[from] MatrixError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// One of ours isn't in the room and can't get in.
    #[error("{user} can't get into {room}: invite it there ({cause})")]
    Outside {
        /// Its user id.
        user: UserId,
        /// The room as configured.
        room: String,
        /// What the homeserver said.
        cause: String,
    },
}

impl RoomError {
    /// Whether trying again can help.
    pub(super) fn retry(&self) -> Retry {
        match self {
            Self::Homeserver(error) => error.retry(),
            Self::Store(_) => Retry::Soon,
            Self::Outside { .. } => Retry::Never,
        }
    }
}
