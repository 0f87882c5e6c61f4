//! What operators see: the clock, facts, metrics, logs, and the faults that tests put in.

mod clock;
mod event;
mod fault;
mod metric;
mod people;
mod process;
mod recorder;
mod redact;
mod secrets;
mod setup;

pub use clock::{now, simulate_clock, time_of_day};
pub use event::{
    AccountDeactivated, AccountRegistered, AdmissionFailed, AnswerFailed, AnswerLessened, AnswerParked, BatchAdmitted,
    Causes, ConfigLoaded, ConfigReloaded, ConfigWarned, ConversationSummarised, DeliveryFailed, DeliveryRetried,
    EntityBackingOff, EntityDeparted, EntityDown, EntityReady, EntityStarting, EntityStopped, ErrandFailed,
    EventBroken, EventHealed, EventSealed, GapBeyondBounds, GapClosed, HomeserverBack, HomeserverWaiting,
    HttpListening, IdentityForeign, InviteAccepted, InviteDeclined, InviteRetried, KeysSetAside, LanesKept, LimitKept,
    MemberInvited, MessageDecided, MessageRefused, MessageRouted, ModelFellBack, ModelPaused, ModelRetried,
    OutboxFailed, PlaintextRefused, RoomCreated, RoomJoined, RoomLeft, RoomTroubled, RoomUpgraded, RoomWelcomed,
    RoutingFailed, SettlementFailed, ShutdownBegan, ShutdownDone, ShutdownForced, SignalReceived, SkillBroken,
    SkillGone, SkillRead, SkillsUnseen, StatusIncomplete, StoreSwept, SweepFailed, SyncFailed, SyncStalled, TaskDied,
    TeamTroubled, TokensRefreshed, ToolUsed, TurnEnded, TurnUnsaved,
};
pub use fault::{arm_faults_here, fault_around, fault_point, fault_switch};
pub use recorder::{Metrics, MetricsTaken, start_metrics};
pub use redact::without_secrets;
pub use secrets::{register_secret, register_token};
pub use setup::{LogForm, Logs, LogsError, start_logs, start_logs_in};
