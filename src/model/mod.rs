//! The nouns: plain data that every floor may hold.
//!
//! Nothing here waits, logs or knows a foreign protocol. An invariant, where there is one, is kept by the constructor.

mod account;
mod handoff;
mod ids;
mod incoming;
mod prompt;
mod secret;
mod status;
mod time;
mod turn;

pub use account::{Account, Password, Tokens};
pub use handoff::Handoff;
pub use ids::{
    AliasId, DeviceId, EntityKind, EntityName, EventId, IdError, RoomId, RoomKey, RoomRef, SyncToken, TransactionId,
    TurnId, UserId,
};
pub use incoming::{Admitted, Batch, Change, Content, Departure, Incoming, Sealed, SealedCause, Standing};
pub use prompt::{Picture, Prompt, Shape, Speaker, ToolCall, ToolSpec, ToolUse, Usage, Utterance};
pub use secret::Secret;
pub use status::{Counts, EntityStatus, Parked, Phase, Reload, ReloadOutcome, RoomStatus, Status};
pub use time::Millis;
pub use turn::{
    Conversation, Envelope, Missing, Notice, Poll, PollAbout, PollOption, Priority, Reply, Responder, Setting, Subtask,
    SubtaskEnd, TURN_KEY, Turn, TurnEnd,
};
