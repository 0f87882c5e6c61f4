//! Operational facts as types: each logs and counts itself, so that wording and metric stay together.
//!
//! INFO: somebody's action took effect. WARN: recovered, look some day. ERROR: something is lost, look now. DEBUG: the
//! ordinary steps in between. Ids are fields, the message is constant, and what people wrote is never in a fact.

mod cause;
mod delivery;
mod desk;
mod entity;
mod house;
mod intake;
mod lane;
mod mind;
mod model;
mod room;
mod skill;
mod sweep;
#[cfg(test)]
mod tests;
mod turn;

pub use cause::Causes;
pub use delivery::{DeliveryFailed, DeliveryRetried, OutboxFailed};
pub use desk::{EventBroken, MessageDecided, SettlementFailed};
pub use entity::{
    AccountDeactivated, AccountRegistered, EntityBackingOff, EntityDown, EntityReady, EntityStarting, EntityStopped,
    IdentityForeign, KeysSetAside, SyncFailed, SyncStalled, TokensRefreshed,
};
pub use house::{
    ConfigLoaded, ConfigReloaded, ConfigWarned, HomeserverBack, HomeserverWaiting, HttpListening, LimitKept,
    ShutdownBegan, ShutdownDone, ShutdownForced, SignalReceived, StatusIncomplete, TaskDied,
};
pub use intake::{AdmissionFailed, BatchAdmitted, EventHealed, EventSealed, GapBeyondBounds, GapClosed};
pub use lane::{LanesKept, MessageRefused, MessageRouted, RoutingFailed, TeamTroubled, TurnUnsaved};
pub use mind::{AnswerFailed, AnswerLessened, ConversationSummarised, ToolUsed};
pub use model::{ModelFellBack, ModelPaused, ModelRetried};
pub use room::{
    EntityDeparted, ErrandFailed, InviteAccepted, InviteDeclined, InviteRetried, MemberInvited, PlaintextRefused,
    RoomCreated, RoomJoined, RoomLeft, RoomTroubled, RoomUpgraded, RoomWelcomed,
};
pub use skill::{SkillBroken, SkillGone, SkillRead, SkillsUnseen};
pub use sweep::{StoreSwept, SweepFailed};
pub use turn::{AnswerParked, TurnEnded};
