//! One entity's sync loop: response, catch-up, admission, and only then the next response.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    sync::Arc,
    time::Duration,
};

use backon::{ExponentialBuilder, Retryable as _};
use tokio::{sync::mpsc, time};

use super::{
    news::{tell_healed, tell_news},
    unseal::Unsealing,
};
use crate::{
    bot::absence::was_away,
    matrix::{Bounds, Catchup, CatchupStep, Gap, HistoryPage, Keys, MatrixError, Page, Session},
    model::{Batch, Change, EntityName, Handoff, Millis, RoomId, SyncToken},
    observe,
    store::{Membership, Store, StoreError},
};

/// How often a piece of one room's gap is asked for again before it is given up.
const PIECE_TRIES_MAX: usize = 5;
/// The pause after the first failed try; it doubles.
const PIECE_PAUSE: Duration = Duration::from_secs(1);

/// Everything a sync loop needs.
pub struct Listener {
    /// Whose loop it is.
    pub entity: EntityName,
    /// Its line to the homeserver.
    pub session: Arc<dyn Session>,
    /// Where batches are admitted.
    pub desk: mpsc::Sender<Handoff<Batch, ()>>,
    /// What is known so far.
    pub store: Store,
    /// Who wants to know of progress.
    pub heard: mpsc::Sender<Heard>,
    /// How long one long-poll may last.
    pub sync_timeout: Duration,
    /// How many pages are fetched for one gap.
    pub gap_pages_max: usize,
}

/// A sign of life: one response was admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Whose loop it is.
    pub entity: EntityName,
    /// When the response came.
    pub at: Millis,
}

/// Why a loop fell silent.
#[derive(Debug, thiserror::Error)]
pub enum Silence {
    /// The homeserver failed us.
    #[error(transparent)]
    Homeserver(#[from] MatrixError),
    /// Nothing came for twice the time a long-poll may last.
    #[error("no answer to a sync for {} s", .after.as_secs())]
    Stalled {
        /// How long was waited.
        after: Duration,
    },
    /// The batch could not be admitted. It will be fetched and brought again.
    #[error("what came in could not be written down")]
    NotAdmitted,
    /// The store could not be read.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl Listener {
    /// Listens on the open line until something fails. Dropping it at any moment loses nothing: whatever was not admitted is fetched again.
    pub async fn run(&self) -> Silence {
        match self.listen().await {
            Ok(never) => match never {},
            Err(silence) => silence,
        }
    }

    async fn listen(&self) -> Result<std::convert::Infallible, Silence> {
        let mut since = self.store.position(&self.entity).await?;
        let mut joined = self.joined().await?;
        let mut unsealing = Unsealing::of_everything();
        // The first response comes at once, news or not: it proves that the line works.
        let mut wait = Duration::ZERO;
        let mut heard_at = None;
        loop {
            if observe::fault_switch(&format!("sync.fail.{}", self.entity)) {
                return Err(MatrixError::ServerTrouble { status: 599 }.into());
            }
            let mut page = self.response(since.clone(), wait).await?;
            unsealing.note(std::mem::replace(&mut page.keys, Keys::Of(BTreeSet::new())));
            let mut fetched = BTreeMap::new();
            let mut batch = self.complete(since, &joined, page, &mut fetched).await?;
            batch.after_absence = was_away(heard_at, batch.received_at, self.sync_timeout);
            heard_at = Some(batch.received_at);
            let (token, at) = (batch.token.clone(), batch.received_at);
            self.admit(batch.clone()).await?;
            remember(&mut joined, &batch);
            tell_news(&batch, &fetched);
            since = token;
            // Nobody who has gone needs to know.
            drop(self.heard.send(Heard { entity: self.entity.clone(), at }).await);
            if let Some(healed) = unsealing.round(&self.entity, self.session.as_ref(), &self.store).await? {
                self.admit(healed.clone()).await?;
                tell_healed(&healed);
            }
            wait = if unsealing.is_done() { self.sync_timeout } else { Duration::ZERO };
        }
    }

    async fn joined(&self) -> Result<BTreeSet<RoomId>, StoreError> {
        let memberships = self.store.memberships(&self.entity).await?;
        Ok(memberships.into_iter().filter(|(_, state)| *state == Membership::Joined).map(|(room, _)| room).collect())
    }

    /// One response. Only the homeserver's silence counts as a stall: waiting for admission happens elsewhere.
    async fn response(&self, since: Option<SyncToken>, wait: Duration) -> Result<Page, Silence> {
        let patience = 2 * self.sync_timeout;
        match time::timeout(patience, self.session.sync(since, wait)).await {
            Ok(page) => Ok(page?),
            Err(_) => Err(Silence::Stalled { after: patience }),
        }
    }

    /// Fetches what the response left out, and counts in `fetched` how many pages that took.
    async fn complete(
        &self,
        since: Option<SyncToken>,
        joined: &BTreeSet<RoomId>,
        page: Page,
        fetched: &mut BTreeMap<RoomId, usize>,
    ) -> Result<Batch, Silence> {
        let bounds = Bounds { gap_pages_max: NonZeroUsize::new(self.gap_pages_max).unwrap_or(NonZeroUsize::MIN) };
        let mut catchup = Catchup::new(self.entity.clone(), since, joined, bounds, page);
        loop {
            match catchup.step() {
                CatchupStep::Admit(batch) => return Ok(batch),
                CatchupStep::Fetch(gap) => {
                    *fetched.entry(gap.room.clone()).or_default() += 1;
                    match self.piece_of(gap).await? {
                        Some(piece) => catchup.fetched(piece),
                        None => catchup.gave_up(),
                    }
                }
            }
        }
    }

    /// A piece of a gap, or nothing if this room can't be read: one broken room must not make the entity deaf in all.
    /// When it is the homeserver as a whole that fails, the loop starts over and nothing is given up.
    async fn piece_of(&self, gap: Gap) -> Result<Option<HistoryPage>, Silence> {
        let pauses = ExponentialBuilder::default().with_min_delay(PIECE_PAUSE).with_max_times(PIECE_TRIES_MAX);
        let fetch = || self.session.history(gap.room.clone(), gap.from.clone(), gap.until.clone());
        match fetch.retry(pauses).when(concerns_the_room_alone).await {
            Ok(piece) => Ok(Some(piece)),
            Err(error) if concerns_the_room_alone(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn admit(&self, batch: Batch) -> Result<(), Silence> {
        let (handoff, answer) = Handoff::new(batch);
        self.desk.send(handoff).await.map_err(|_| Silence::NotAdmitted)?;
        answer.await.map_err(|_| Silence::NotAdmitted)
    }
}

/// Whether a failure to read one room's past says nothing about the homeserver as a whole.
fn concerns_the_room_alone(error: &MatrixError) -> bool {
    match error {
        MatrixError::TimedOut { .. }
        | MatrixError::ServerTrouble { .. }
        | MatrixError::Refused { .. }
        | MatrixError::NotJoined { .. }
        | MatrixError::Nonsense { .. } => true,
        MatrixError::Unreachable { .. }
        | MatrixError::RateLimited { .. }
        | MatrixError::LoggedOut
        | MatrixError::WrongPassword { .. }
        | MatrixError::NameTaken { .. }
        | MatrixError::Deactivated { .. }
        | MatrixError::NoAccount { .. }
        | MatrixError::MeansRefused { .. }
        | MatrixError::ForeignDevice { .. }
        | MatrixError::PlaintextRefused { .. }
        | MatrixError::TooLarge { .. }
        | MatrixError::NotOpen
        | MatrixError::KeyStore { .. }
        | MatrixError::AccountBook(_)
        | MatrixError::Broken { .. } => false,
    }
}

/// Keeps the list of own rooms as `batch` says.
fn remember(joined: &mut BTreeSet<RoomId>, batch: &Batch) {
    for change in &batch.changes {
        match change {
            Change::Joined { room } => drop(joined.insert(room.clone())),
            // Who is asked in was out before.
            Change::Departed { room, .. } | Change::Invited { room, .. } => drop(joined.remove(room)),
            Change::Encrypted { .. }
            | Change::MembersChanged { .. }
            | Change::Missed { .. }
            | Change::Upgraded { .. } => {}
        }
    }
}
