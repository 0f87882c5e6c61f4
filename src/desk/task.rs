//! Admits batches: many loops wait, one commit serves them all.

use std::{collections::BTreeSet, sync::Arc};

use futures_util::{StreamExt as _, stream};
use tokio::{
    sync::{Notify, mpsc},
    time::Instant,
};

use super::admission::{calls_for_action, judge, needs_own};
use crate::{
    model::{Admitted, Batch, Handoff, UserId},
    nursery::Stop,
    observe::{self, AdmissionFailed, BatchAdmitted},
    store::{Store, StoreError},
};

/// How many loops may wait at the door. The next one waits with its batch in hand, and does not sync meanwhile.
const WAITING_MAX: usize = 64;

/// Where sync loops bring their batches. The answer comes when the batch is durable.
pub type Inbox = mpsc::Sender<Handoff<Batch, ()>>;

/// The desk's own task.
pub struct Desk {
    inbox: mpsc::Receiver<Handoff<Batch, ()>>,
    store: Store,
    action: Arc<Notify>,
}

/// Whether the store takes anything in any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StoreState {
    Open,
    Closed,
}

impl Desk {
    /// A desk over `store`, and the way to it. `action` is rung when something came in that somebody must act on.
    #[must_use]
    pub fn new(store: Store, action: Arc<Notify>) -> (Self, Inbox) {
        let (sender, inbox) = mpsc::channel(WAITING_MAX);
        (Self { inbox, store, action }, sender)
    }

    /// Works until told to stop; what is in hand is finished. Ends by itself when the store is closed for good: nothing
    /// can be taken in then, and only a new start helps.
    pub async fn run(mut self, stop: Stop) {
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
        observe::fault_point("admit.before");
        match self.write(value).await {
            Ok(admitted) => {
                observe::fault_point("admit.after");
                BatchAdmitted { entity: &entity, admitted, took: began.elapsed() }.emit();
                if action {
                    self.action.notify_one();
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
        self.store.admit(vec![judge(batch, &own)]).await
    }

    async fn own_users(&self) -> Result<BTreeSet<UserId>, StoreError> {
        Ok(self.store.accounts().await?.into_iter().filter_map(|account| account.user).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Content, EntityName, EventId, Incoming, Millis, RoomId, Standing, SyncToken};

    fn batch(entity: &str, event: &str, token: &str) -> Batch {
        Batch {
            entity: EntityName::parse(entity).unwrap(),
            token: Some(SyncToken::parse(token).unwrap()),
            received_at: Millis(1),
            events: vec![Incoming {
                room: RoomId::parse("!r").unwrap(),
                event: EventId::parse(event).unwrap(),
                sender: UserId::parse("@a:b").unwrap(),
                sent_at: Millis(0),
                standing: Standing::Live,
                content: Content::Clear { kind: "m.room.message".to_owned(), json: "{}".to_owned() },
            }],
            changes: vec![],
        }
    }

    async fn bring(inbox: &Inbox, batch: Batch) -> bool {
        let (handoff, answer) = Handoff::new(batch);
        inbox.send(handoff).await.is_ok() && answer.await.is_ok()
    }

    /// N1: when a loop hears back, its events and its position are in the store.
    #[tokio::test]
    async fn an_answer_means_durable() {
        let (store, _memory) = Store::memory();
        let (desk, inbox) = Desk::new(store.clone(), Arc::new(Notify::new()));
        let work = async {
            assert!(bring(&inbox, batch("ada", "$1", "s1")).await);
            assert!(bring(&inbox, batch("bob", "$1", "s7")).await);
            assert_eq!(store.counts().await.unwrap().live, 1);
            let bob = EntityName::parse("bob").unwrap();
            assert_eq!(store.position(&bob).await.unwrap(), Some(SyncToken::parse("s7").unwrap()));
        };
        tokio::select! {
            () = work => {}
            () = desk.run(Stop::default()) => panic!("the desk stopped"),
        }
    }

    /// N1: a loop whose batch was not written never hears that it was.
    #[tokio::test]
    async fn no_commit_no_answer() {
        let (store, memory) = Store::memory();
        let (desk, inbox) = Desk::new(store, Arc::new(Notify::new()));
        memory.crash();
        let (heard, ()) = tokio::join!(bring(&inbox, batch("ada", "$1", "s1")), desk.run(Stop::default()));
        assert!(!heard, "and the desk ended, since its store is closed");
    }
}
