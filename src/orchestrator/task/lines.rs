//! Everybody who can act around rooms, and what can go wrong there.

use std::{collections::BTreeMap, fmt::Display, sync::Arc};

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
    /// The homeserver knows no such room.
    #[error("there is no room {room}, or the homeserver can't find it: check how it is written ({cause})")]
    NoSuchRoom {
        /// The room as configured.
        room: String,
        /// What the homeserver said.
        cause: String,
    },
}

impl RoomError {
    /// What it means that `user` wasn't let into `room`.
    pub(super) fn at_the_door(user: &UserId, room: impl Display, cause: MatrixError) -> Self {
        if cause.retry() != Retry::Never {
            return cause.into();
        }
        let (room, said) = (room.to_string(), cause.to_string());
        // Homeservers say the second of a room id that none of the servers they know has heard of.
        if cause.has_code("M_NOT_FOUND") || cause.has_code("M_UNKNOWN") {
            return Self::NoSuchRoom { room, cause: said };
        }
        Self::Outside { user: user.clone(), room, cause: said }
    }

    /// Whether trying again can help.
    pub(super) fn retry(&self) -> Retry {
        match self {
            Self::Homeserver(error) => error.retry(),
            Self::Store(_) => Retry::Soon,
            Self::Outside { .. } | Self::NoSuchRoom { .. } => Retry::Never,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// I4: whoever isn't let in is told what helps: an invitation to a room, another name for one that isn't there.
    #[test]
    fn who_is_not_let_in_learns_what_helps() {
        let check = |room: &str, cause: MatrixError, expected: &str, retry: Retry| {
            let router = UserId::parse("@router:home").unwrap();
            let error = RoomError::at_the_door(&router, room, cause);
            assert!(error.to_string().starts_with(expected), "{error}");
            assert_eq!(error.retry(), retry, "{error}");
        };
        let refused = |code: &str| MatrixError::Refused { code: code.to_owned(), message: "no".to_owned() };
        let closed = "@router:home can't get into #a:home: invite it there (";
        let nowhere = "there is no room #a:home, or the homeserver can't find it: check how it is written (";
        check("#a:home", refused("M_FORBIDDEN"), closed, Retry::Never);
        check("#a:home", refused("M_NOT_FOUND"), nowhere, Retry::Never);
        check("!a:home", refused("M_UNKNOWN"), "there is no room !a:home", Retry::Never);
        check("#a:home", MatrixError::ServerTrouble { status: 502 }, "the homeserver answered", Retry::Soon);
    }
}
