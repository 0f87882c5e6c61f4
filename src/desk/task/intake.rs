//! Admits batches: many loops wait, one commit serves them all.

use std::{collections::BTreeSet, sync::Arc};

use futures_util::{StreamExt as _, stream};
use tokio::{
    sync::{Notify, mpsc, watch},
    time::Instant,
};

use super::members::Members;
use crate::{
    broker::{Broker, Halted, Scope},
    config::Config,
    desk::admission::{calls_for_action, date, judge, needs_own, rooms_left},
    model::{Admitted, Batch, Content, Handoff, UserId},
    nursery::Stop,
    observe::{AdmissionFailed, BatchAdmitted, fault_around, fault_switch},
    store::{Store, StoreError},
};

/// How many loops may wait at the door. The next one waits with its batch in hand, and does not sync meanwhile.
pub(super) const WAITING_MAX: usize = 64;

/// Where sync loops bring their batches. The answer comes when the batch is durable.
pub type Inbox = mpsc::Sender<Handoff<Batch, ()>>;

/// Takes in what loops bring.
pub(super) struct Intake {
    pub(super) inbox: mpsc::Receiver<Handoff<Batch, ()>>,
    pub(super) store: Store,
    pub(super) config: watch::Receiver<Arc<Config>>,
    /// Rung when something came in that somebody must act on.
    pub(super) action: Arc<Notify>,
    /// Rung when there is something to deal with.
    pub(super) work: Arc<Notify>,
    /// Rung when a message came that can't be read, and when one became readable.
    pub(super) sealed: Arc<Notify>,
    pub(super) members: Arc<Members>,
    pub(super) broker: Broker,
}

/// Whether the store takes anything in any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StoreState {
    Open,
    Closed,
}

impl Intake {
    /// Works until told to stop; what is in hand is finished. Ends by itself when the store is closed for good: nothing
    /// can be taken in then, and only a new start helps.
    pub(super) async fn run(mut self, stop: Stop) {
        let mut waiting = Vec::with_capacity(WAITING_MAX);
        loop {
            tokio::select! {
                biased;
                () = stop.soft() => return,
                count = self.inbox.recv_many(&mut waiting, WAITING_MAX) => if count == 0 { return },
            }
            let admissions = stream::iter(waiting.drain(..)).map(|handoff| self.admit(handoff));
            let closed = admissions.buffer_unordered(WAITING_MAX).any(async |store| store == StoreState::Closed).await;
            if closed {
                return;
            }
        }
    }

    async fn admit(&self, Handoff { value, answer }: Handoff<Batch, ()>) -> StoreState {
        let (entity, began) = (value.entity.clone(), Instant::now());
        let action = calls_for_action(&value);
        let sealed = value.events.iter().any(|event| matches!(event.content, Content::Sealed(_)));
        let left = rooms_left(&value);
        self.members.note(&value.changes);
        if fault_switch("admit.position_first") {
            self.move_position(&value).await;
        }
        match fault_around("admit", self.write(value)).await {
            Ok(admitted) => {
                BatchAdmitted { entity: &entity, admitted, took: began.elapsed() }.emit();
                let bells = [
                    (action, &self.action),
                    (admitted.due > 0, &self.work),
                    (sealed || admitted.healed > 0, &self.sealed),
                ];
                bells.iter().filter(|(rings, _)| *rings).for_each(|(_, bell)| bell.notify_one());
                for room in left {
                    // I11: what it has yet to say there can't be said any more.
                    self.broker.halt(Scope::Member(entity.clone(), room), Halted::Gone).await;
                }
                // A loop that is gone hears nothing; its successor begins after this batch.
                answer.send(()).unwrap_or_default();
                StoreState::Open
            }
            // Unanswered, the loop starts over from its last position, with back-off.
            Err(error) => {
                AdmissionFailed { entity: &entity, error: &error }.emit();
                if matches!(error, StoreError::Closed) { StoreState::Closed } else { StoreState::Open }
            }
        }
    }

    async fn write(&self, batch: Batch) -> Result<Admitted, StoreError> {
        let own = if needs_own(&batch) { self.own_users().await? } else { BTreeSet::new() };
        let retention = self.config.borrow().state.retention;
        self.store.admit(vec![date(judge(batch, &own), retention)]).await
    }

    /// The position before what it stands for: what N1 forbids.
    async fn move_position(&self, batch: &Batch) {
        let position = Batch { events: Vec::new(), changes: Vec::new(), ..batch.clone() };
        // The batch itself is told of what fails.
        drop(self.store.admit(vec![position]).await);
    }

    async fn own_users(&self) -> Result<BTreeSet<UserId>, StoreError> {
        Ok(self.store.accounts().await?.into_iter().filter_map(|account| account.user).collect())
    }
}
