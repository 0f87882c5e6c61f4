//! The nouns: plain data that every floor may hold.
//!
//! Nothing here waits, logs or knows a foreign protocol. An invariant, where there is one, is kept by the constructor.

mod account;
mod handoff;
mod ids;
mod incoming;
mod secret;
mod status;
mod time;

pub use account::{Account, Password, Tokens};
pub use handoff::Handoff;
pub use ids::{
    AliasId, DeviceId, EntityKind, EntityName, EventId, IdError, RoomId, RoomKey, RoomRef, SyncToken, TransactionId,
    UserId,
};
pub use incoming::{Admitted, Batch, Change, Content, Departure, Incoming, Sealed, SealedCause, Standing};
pub use secret::Secret;
pub use status::{Counts, EntityStatus, Phase, RoomStatus, Status};
pub use time::Millis;
