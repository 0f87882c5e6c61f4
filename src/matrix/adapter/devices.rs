//! Keeps encrypted messages out of the library's way while it has to ask about our own devices.
//!
//! Before an encrypted message the library claims keys under a lock, and where a question about our own devices is due it
//! waits there for the answer, up to five seconds. Only the sync loop asks that question, and it needs the same lock. So a
//! message waits here, before it takes the lock; and one that is caught with the lock in its hand lets go of it and begins
//! again. Nothing is sent twice by that: the repetition has the same transaction id.

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::BoxFuture;
use matrix_sdk::{Client, SqliteCryptoStore, ruma::OwnedUserId};
use matrix_sdk_base::crypto::store::CryptoStore as _;
use tokio::time::{self, Instant};

/// How long a message waits for the question at most. The library waits as long.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// How often a waiting message looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long a message may be under way before somebody looks whether it is caught. Most are out by then.
const CAUGHT_AFTER: Duration = Duration::from_millis(150);
/// How often a message begins again at most.
const RESTARTS_MAX: usize = 3;

/// What the account's key store knows about a question that is due.
#[derive(Clone)]
pub(super) struct Devices {
    store: SqliteCryptoStore,
    own: OwnedUserId,
}

impl Devices {
    /// Those of the account that `client` is logged in as, from the store that it works on.
    pub(super) fn of(client: &Client, store: SqliteCryptoStore) -> Option<Self> {
        Some(Self { store, own: client.user_id()?.to_owned() })
    }

    /// Runs `send` when no question about our own devices is due, and again when one falls due meanwhile.
    pub(super) async fn unhindered<'a, T>(&self, send: impl Fn() -> BoxFuture<'a, T>) -> T {
        for _ in 0..RESTARTS_MAX {
            self.answered().await;
            tokio::select! {
                biased;
                outcome = send() => return outcome,
                () = self.caught() => {}
            }
        }
        send().await
    }

    /// Whether anybody of `users` is among those whose devices are kept up to date. When nobody can tell, all are.
    pub(super) async fn follows_any(&self, users: &[OwnedUserId]) -> bool {
        let followed = self.followed().await;
        followed.is_none_or(|followed| users.iter().any(|user| followed.contains(user)))
    }

    /// Those whose devices are kept up to date, where that can be told.
    pub(super) async fn followed(&self) -> Option<BTreeSet<OwnedUserId>> {
        let followed = self.store.load_tracked_users().await.ok()?;
        Some(followed.into_iter().map(|followed| followed.user_id).collect())
    }

    /// Resolves when no question is due, or has been for too long.
    async fn answered(&self) {
        let end = Instant::now() + WAIT_MAX;
        while self.question_is_due().await && Instant::now() < end {
            time::sleep(LOOK_EVERY).await;
        }
    }

    /// Resolves when a message that is still under way stands before a question.
    async fn caught(&self) {
        loop {
            time::sleep(CAUGHT_AFTER).await;
            if self.question_is_due().await {
                return;
            }
        }
    }

    async fn question_is_due(&self) -> bool {
        // A store that can't be read fails the message itself.
        let tracked = self.store.load_tracked_users().await.unwrap_or_default();
        tracked.iter().any(|user| user.dirty && user.user_id == self.own)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        slice,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use futures_util::{FutureExt as _, future};
    use matrix_sdk::ruma::{UserId, user_id};

    use super::*;

    fn own() -> &'static UserId {
        user_id!("@alpha:home")
    }

    async fn devices() -> (Devices, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteCryptoStore::open(folder.path(), None).await.unwrap();
        (Devices { store, own: own().to_owned() }, folder)
    }

    async fn due(devices: &Devices, user: &UserId, due: bool) {
        devices.store.save_tracked_users(&[(user, due)]).await.unwrap();
    }

    /// Like the library: a question falls due, and it gets no further.
    async fn get_stuck(devices: &Devices) -> &'static str {
        due(devices, own(), true).await;
        future::pending().await
    }

    /// E4: a message waits while a question about our own devices is due; one about others holds up nothing.
    #[tokio::test]
    async fn a_message_waits_for_the_question() {
        let (devices, _folder) = devices().await;
        due(&devices, user_id!("@friend:home"), true).await;
        assert_eq!(devices.unhindered(|| async { "sent" }.boxed()).await, "sent");
        due(&devices, own(), true).await;
        let sends = AtomicUsize::new(0);
        let sending = devices.unhindered(|| async { sends.fetch_add(1, Ordering::Relaxed) }.boxed());
        let asking = async {
            time::sleep(2 * LOOK_EVERY).await;
            assert_eq!(sends.load(Ordering::Relaxed), 0, "it waits");
            due(&devices, own(), false).await;
        };
        future::join(sending, asking).await;
        assert_eq!(sends.load(Ordering::Relaxed), 1);
    }

    /// E1: only who shares an encrypted room with us, or did, is followed.
    #[tokio::test]
    async fn new_devices_matter_of_those_who_are_followed() {
        let (devices, _folder) = devices().await;
        let (friend, stranger) = (user_id!("@friend:home").to_owned(), user_id!("@stranger:home").to_owned());
        due(&devices, &friend, false).await;
        assert!(!devices.follows_any(slice::from_ref(&stranger)).await);
        assert!(devices.follows_any(&[stranger, friend]).await);
    }

    /// E4: a message that is caught by a question lets go and begins again, once the question was answered.
    #[tokio::test]
    async fn a_message_that_is_caught_begins_again() {
        let (devices, _folder) = devices().await;
        let sends = AtomicUsize::new(0);
        let send = || {
            let is_first = sends.fetch_add(1, Ordering::Relaxed) == 0;
            if is_first { get_stuck(&devices).boxed() } else { future::ready("sent").boxed() }
        };
        let answering = async {
            while sends.load(Ordering::Relaxed) == 0 || !devices.question_is_due().await {
                time::sleep(LOOK_EVERY).await;
            }
            time::sleep(2 * CAUGHT_AFTER).await;
            due(&devices, own(), false).await;
            future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            outcome = devices.unhindered(send) => assert_eq!(outcome, "sent"),
            () = answering => {}
        }
        assert_eq!(sends.load(Ordering::Relaxed), 2);
    }
}
