//! E1: watches over messages that nobody of ours can read, and says so when their keys stay away.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, watch},
    time,
};

use crate::{
    config::Config,
    desk::words::{self, NOTICES, PAUSE, Patience, Unread},
    matrix::Lines,
    model::{Millis, Notice, Standing},
    nursery::Stop,
    observe::{self, ErrandFailed},
    store::{Membership, Ordinal, SealedEvent, Store, StoreError},
};

/// Under which name it is kept how far we have looked.
const JUDGED: &str = "sealed.judged";
/// How many messages are looked at in one go.
const PAGE_MAX: usize = 100;
/// When a failed look is repeated.
const FAILED_PAUSE: Duration = Duration::from_secs(10);

/// Watches over messages that nobody of ours can read.
pub(super) struct SealWatch {
    /// The configuration.
    pub(super) config: watch::Receiver<Arc<Config>>,
    /// What is remembered.
    pub(super) store: Store,
    /// The ways to the homeserver.
    pub(super) lines: Lines,
    /// Rung when a message came that can't be read, and when one became readable.
    pub(super) news: Arc<Notify>,
}

impl SealWatch {
    /// Works until told to stop.
    pub(super) async fn run(self, stop: Stop) {
        loop {
            let next = match self.round(observe::now()).await {
                Ok(next) => next.map(|at| at.since(observe::now())),
                Err(StoreError::Closed) => return,
                Err(error) => {
                    ErrandFailed { errand: "saying what can't be read", error: &error }.emit();
                    Some(FAILED_PAUSE)
                }
            };
            tokio::select! {
                biased;
                () = stop.soft() => return,
                () = self.news.notified() => {}
                () = pause(next) => {}
            }
        }
    }

    /// Says what is to be said now. Gives when to look again, if something waits.
    async fn round(&self, now: Millis) -> Result<Option<Millis>, StoreError> {
        self.relieve().await?;
        let began = self.judged().await?;
        let mut judged = began;
        let next = loop {
            let page = self.store.sealed(judged, PAGE_MAX).await?;
            if page.is_empty() {
                break None;
            }
            if let Some(at) = self.judge(page, now, &mut judged).await? {
                break Some(at);
            }
        };
        if let Some(ordinal) = judged.filter(|_| judged != began) {
            self.store.save_fact(JUDGED, &ordinal.0.to_string()).await?;
        }
        Ok(next)
    }

    /// Looks at a page in order of arrival, up to the first message whose key may still come.
    async fn judge(
        &self,
        page: Vec<SealedEvent>,
        now: Millis,
        judged: &mut Option<Ordinal>,
    ) -> Result<Option<Millis>, StoreError> {
        for sealed in page {
            let (ordinal, standing, unread) = (sealed.ordinal, sealed.standing, unread(sealed));
            match (standing, unread.patience(now)) {
                (Standing::Live, Patience::Until(at)) => return Ok(Some(at)),
                (Standing::Live, Patience::Over) => self.complain(&unread, now).await?,
                (Standing::Live, Patience::Stale) | (Standing::History, _) => {}
            }
            *judged = Some(ordinal);
        }
        Ok(None)
    }

    /// A1, W15: says it once for a device and an hour, to those who may use us, through whoever speaks for the house.
    async fn complain(&self, unread: &Unread, now: Millis) -> Result<(), StoreError> {
        let config = Arc::clone(&self.config.borrow());
        let around = self.store.surroundings(&unread.room).await?;
        let ours = around.own.contains_key(&unread.sender);
        if ours || !config.authorization.may_use_known_as(&unread.sender, &around.names()) {
            return Ok(());
        }
        let before = self.store.newest_notice(&unread.device_prefix()).await?;
        if before.is_some_and(|before| now.since(before) < PAUSE) {
            return Ok(());
        }
        let up = self.lines.users().into_keys().collect();
        let here = around.those(Membership::Joined);
        let Some(speaker) = words::speaker(&config, &here, &up) else { return Ok(()) };
        let notice = Notice {
            id: unread.notice_id(),
            speaker,
            conversation: unread.conversation(),
            reply_to: Some(unread.event.clone()),
            text: words::complaint(unread.cause).to_owned(),
            poll: None,
        };
        self.store.save_notice(&notice, now).await?;
        Ok(())
    }

    /// Takes back what was said about messages that can be read by now.
    async fn relieve(&self) -> Result<(), StoreError> {
        let healed = self.store.notices_on_healed(NOTICES, words::relief(), PAGE_MAX).await?;
        for id in &healed {
            self.store.reword_notice(id, words::relief()).await?;
        }
        Ok(())
    }

    async fn judged(&self) -> Result<Option<Ordinal>, StoreError> {
        Ok(self.store.fact(JUDGED).await?.and_then(|text| text.parse().ok()).map(Ordinal))
    }
}

fn unread(sealed: SealedEvent) -> Unread {
    let SealedEvent { room, event, sender, raw, cause, admitted_at, .. } = sealed;
    Unread { room, event, sender, raw, cause, admitted_at }
}

async fn pause(next: Option<Duration>) {
    match next {
        Some(next) => time::sleep(next).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, path::Path};

    use super::*;
    use crate::{
        config::compile_text,
        matrix::Switchboard,
        model::{
            Account, Batch, Change, Content, DeviceId, EntityName, EventId, Incoming, RoomId, Sealed, SealedCause,
            Secret, UserId,
        },
        store::StoredNotice,
    };

    const MINUTE: u64 = 60_000;

    fn room() -> RoomId {
        RoomId::parse("!r").unwrap()
    }

    fn router() -> EntityName {
        EntityName::parse("router").unwrap()
    }

    async fn admit(store: &Store, at: u64, events: Vec<Incoming>, changes: Vec<Change>) {
        let batch =
            Batch { entity: router(), token: None, received_at: Millis(at), after_absence: false, events, changes };
        store.admit(vec![batch]).await.unwrap();
    }

    fn message(id: &str, sender: &str, device: &str) -> Incoming {
        let raw = format!("{{\"content\":{{\"device_id\":\"{device}\"}}}}");
        Incoming {
            room: room(),
            event: EventId::parse(id).unwrap(),
            sender: UserId::parse(sender).unwrap(),
            sent_at: Millis(0),
            standing: Standing::Live,
            content: Content::Sealed(Sealed { raw, session: None, cause: SealedCause::KeyWithheld }),
        }
    }

    async fn watch_over() -> (SealWatch, Store) {
        let text = "
homeserver: {url: \"http://localhost:1\"}
authorization: {global_users: [\"@al:s\", \"@bo:s\"]}
";
        let config = compile_text(text, Path::new("/"), &BTreeMap::new()).unwrap().config;
        let (store, _memory) = Store::memory();
        admit(&store, 1, Vec::new(), vec![Change::Joined { room: room() }]).await;
        let account = Account {
            entity: router(),
            localpart: "router".to_owned(),
            user: Some(UserId::parse("@router:s").unwrap()),
            device: DeviceId::parse("D").unwrap(),
            password: None,
            tokens: None,
            recovery_key: None,
            store_key: Secret::new("key".to_owned()),
        };
        store.save_account(account).await.unwrap();
        let (_, config) = watch::channel(Arc::new(config));
        let (_, lines) = Switchboard::new();
        (SealWatch { config, store: store.clone(), lines, news: Arc::default() }, store)
    }

    async fn notices(store: &Store) -> Vec<StoredNotice> {
        store.pending_notices(100).await.unwrap()
    }

    /// E1: after about 25 seconds one notice replies to the message, says the cause and what helps, through the router.
    #[tokio::test]
    async fn a_missing_key_is_told_after_a_while() {
        let (watch, store) = watch_over().await;
        admit(&store, MINUTE, vec![message("$1", "@al:s", "X")], Vec::new()).await;
        assert_eq!(watch.round(Millis(MINUTE + 1)).await.unwrap(), Some(Millis(MINUTE + 25_000)));
        assert!(notices(&store).await.is_empty());
        assert_eq!(watch.round(Millis(MINUTE + 25_000)).await.unwrap(), None);
        let told = notices(&store).await.remove(0).notice;
        assert_eq!((told.speaker, told.reply_to), (router(), Some(EventId::parse("$1").unwrap())));
        assert!(told.text.contains("Verify us"), "{}", told.text);
        watch.round(Millis(2 * MINUTE)).await.unwrap();
        assert_eq!(notices(&store).await.len(), 1, "and once only");
    }

    /// E1: at most one notice per device and hour; what was kept silent stays so.
    #[tokio::test]
    async fn a_device_is_told_once_an_hour() {
        let (watch, store) = watch_over().await;
        let of = async |at: u64, messages: Vec<Incoming>| {
            admit(&store, at, messages, Vec::new()).await;
            watch.round(Millis(at + MINUTE)).await.unwrap();
            notices(&store).await.len()
        };
        let first = vec![message("$1", "@al:s", "X"), message("$2", "@al:s", "X")];
        assert_eq!(of(MINUTE, first).await, 1);
        assert_eq!(of(2 * MINUTE, vec![message("$3", "@al:s", "Y"), message("$4", "@bo:s", "X")]).await, 3);
        assert_eq!(of(30 * MINUTE, vec![message("$5", "@al:s", "X")]).await, 3);
        assert_eq!(of(90 * MINUTE, Vec::new()).await, 3);
        assert_eq!(of(100 * MINUTE, vec![message("$6", "@al:s", "X")]).await, 4);
    }

    /// E1: the notice turns into ✓ when the message can be read.
    #[tokio::test]
    async fn a_notice_is_taken_back_when_the_key_comes() {
        let (watch, store) = watch_over().await;
        admit(&store, MINUTE, vec![message("$1", "@al:s", "X")], Vec::new()).await;
        watch.round(Millis(2 * MINUTE)).await.unwrap();
        let clear = Content::Clear { kind: "m.room.message".to_owned(), json: "{}".to_owned() };
        let healed = Incoming { content: clear, ..message("$1", "@al:s", "X") };
        admit(&store, 3 * MINUTE, vec![healed], Vec::new()).await;
        watch.round(Millis(3 * MINUTE)).await.unwrap();
        let told = notices(&store).await.remove(0);
        assert_eq!((told.notice.text.as_str(), told.wording), (words::relief(), 2));
        watch.round(Millis(4 * MINUTE)).await.unwrap();
        assert_eq!(notices(&store).await[0].wording, 2, "once only");
    }

    /// A1, A3: strangers, our own, history and what is long past are not spoken to.
    #[tokio::test]
    async fn some_hear_nothing() {
        let (watch, store) = watch_over().await;
        let old = Incoming { standing: Standing::History, ..message("$3", "@al:s", "X") };
        let silent = vec![message("$1", "@eve:s", "X"), message("$2", "@router:s", "X"), old];
        admit(&store, MINUTE, silent, Vec::new()).await;
        assert_eq!(watch.round(Millis(2 * MINUTE)).await.unwrap(), None);
        admit(&store, 3 * MINUTE, vec![message("$4", "@al:s", "X")], Vec::new()).await;
        assert_eq!(watch.round(Millis(70 * MINUTE)).await.unwrap(), None);
        assert!(notices(&store).await.is_empty());
    }

    /// E1: the watch wakes up by itself when a key's time is over, and rings for the notice.
    #[tokio::test(start_paused = true)]
    async fn it_wakes_when_patience_is_over() {
        let (watch, store) = watch_over().await;
        let news = Arc::clone(&watch.news);
        let at = observe::now();
        admit(&store, at.0.saturating_sub(25_000), vec![message("$1", "@al:s", "X")], Vec::new()).await;
        news.notify_one();
        tokio::select! {
            biased;
            () = store.notices_news() => {}
            () = watch.run(Stop::default()) => panic!("it ended"),
        }
        assert_eq!(notices(&store).await.len(), 1);
    }
}
