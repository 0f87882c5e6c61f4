//! The store: one SQLite file that outlives every crash, behind one cloneable handle.
//!
//! Reading order: [`Store`] and how work reaches the database (`handle`, `job`, `group`), the two adapters (`file`,
//! `memory`), then the verbs by topic. Both adapters run the same SQL; they differ in where it lands and who runs it.
//!
//! **Invariant**: a verb that writes answers after its commit, never before. **Invariant**: no time is read here; moments
//! come in as arguments. **Invariant**: nothing of the database's own types leaves this folder.

mod ear;
mod handle;
mod job;

mod file;
mod folder;
mod given;
mod group;
mod lane;
mod lock;
mod memory;
mod schema;

mod accounts;
mod admission;
mod audit;
mod changes;
mod columns;
mod decisions;
mod error;
mod events;
mod facts;
mod held;
mod invites;
mod lookups;
mod memos;
mod messages;
mod notices;
mod outbox;
mod parked;
mod positions;
mod retention;
mod retirements;
mod rooms;
mod settings;
mod silence;
mod surroundings;
mod tools;
mod turns;
mod upgrades;

#[cfg(test)]
mod tests;

use futures_util::future::BoxFuture;

pub use audit::AuditEntry;
pub use decisions::{Decision, DecisionAction, Pick, Settlement};
pub use ear::Ear;
pub use error::{Cause, Retry, StoreError};
pub use events::{Ordinal, SealedEvent, StoredEvent};
pub use handle::Store;
pub use held::{Fate, Release};
pub use invites::{Invite, InviteVerdict};
pub use memory::{Memory, Pull};
pub use memos::{Basis, Memo, MemoSort, Recollection, Summary};
pub use messages::{Mark, Message, Projection, Sort, Wording};
pub use notices::{PollAnswer, StoredNotice};
pub use outbox::{Letter, LetterSort, PostedLetter};
pub use retention::Pruned;
pub use retirements::Retirement;
pub use rooms::{ManagedRoom, Membership};
pub use surroundings::Surroundings;
pub use tools::ToolRecord;
pub use turns::{Begun, StoredTurn, TurnStart, TurnState, Unfinished};
pub use upgrades::Upgrade;

/// The seam: where jobs are run and committed. A job that is dropped tells its caller [`StoreError::Closed`].
trait Engine: Send + Sync {
    /// Puts `job` into a coming commit. Waits while too many are waiting.
    fn write(&self, job: job::Job) -> BoxFuture<'_, ()>;

    /// The same for a caller who can't await; holds up the calling thread.
    fn write_blocking(&self, job: job::Job);

    /// Runs `job` on what is committed. Waits while too many are waiting.
    fn read(&self, job: job::Job) -> BoxFuture<'_, ()>;

    /// Commits what is waiting, refuses everything after it, and returns when the database is closed.
    fn close(&self) -> BoxFuture<'_, ()>;
}
