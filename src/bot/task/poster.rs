//! Posts what is said outside answers, and what answers left in the outbox: for each speaker in order in each room.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    sync::watch,
    time::{self, Instant},
};

use super::{
    courier::{Courier, unbroken, written},
    leftovers,
    rosters::{may_mention, roster},
};
use crate::{
    bot::{
        Roster,
        delivery::{Remedy, remedy},
        notice::{NOTICE_KEY, notice_events, tap_event},
        transactions,
    },
    config::Config,
    matrix::{Lines, MatrixError, Outgoing, Session},
    model::{Content, EntityName, EventId, Millis, RoomId, TransactionId},
    nursery::Stop,
    observe::{self, DeliveryRetried},
    store::{Letter, Store, StoredNotice},
};

/// How much is looked at in one go. What lies beyond comes when something of it is done.
const WAITING_MAX: usize = 1_000;
/// How many lanes are posted in at the same time.
const LANES_MAX: usize = 64;
/// How long a lane rests when what was posted could not be written down. It is posted again under the same name.
const UNWRITTEN_REST: Duration = Duration::from_secs(5);
/// How often is looked for what an answer left over: nobody tells of that.
const LOOK_PAUSE: Duration = Duration::from_mins(1);
/// How long the outbox remembers what was sent.
const MEMORY: Duration = Duration::from_hours(7 * 24);
/// How often it forgets.
const FORGETTING_PAUSE: Duration = Duration::from_hours(24);
/// After this time a homeserver may have forgotten a transaction.
const TRANSACTION_MEMORY: Duration = Duration::from_mins(20);

/// Posts for everybody.
pub struct Poster {
    config: watch::Receiver<Arc<Config>>,
    courier: Courier,
}

/// Something to post.
#[derive(Debug, Clone)]
enum Item {
    Letter(Letter),
    Notice(StoredNotice),
}

/// Where one speaker posts in order. A room that is closed and a speaker who is away hold nobody else up.
type Lane = (RoomId, EntityName);

/// How a round in a lane ended.
#[derive(Debug, Clone, Copy)]
enum Round {
    /// Everything is there, or given up.
    Done,
    /// The lane is left alone for a while.
    Paused(Duration),
}

/// A lane whose round failed.
#[derive(Debug, Clone, Copy)]
struct Rest {
    until: Instant,
    tries: u32,
}

impl Poster {
    /// Posts through `lines` what stands in `store`, whenever there is something new.
    #[must_use]
    pub fn new(config: watch::Receiver<Arc<Config>>, store: Store, lines: Lines) -> Self {
        Self { config, courier: Courier { lines, store } }
    }

    /// Posts until told to stop. What isn't there by then is posted after the next start.
    pub async fn run(self, stop: Stop) {
        let mut rounds: FuturesUnordered<BoxFuture<'_, (Lane, u32, Round)>> = FuturesUnordered::new();
        let mut busy: BTreeSet<Lane> = BTreeSet::new();
        let mut resting: BTreeMap<Lane, Rest> = BTreeMap::new();
        let (mut lines, mut forget_at) = (self.courier.lines.clone(), Instant::now());
        loop {
            for (lane, items) in self.waiting().await {
                let now = Instant::now();
                let rest = resting.get(&lane).copied();
                if busy.len() >= LANES_MAX || busy.contains(&lane) || rest.is_some_and(|rest| rest.until > now) {
                    continue;
                }
                let tries = rest.map_or(0, |rest| rest.tries);
                busy.insert(lane.clone());
                rounds.push(self.round(lane, items, tries).boxed());
            }
            let wake_at = resting.values().map(|rest| rest.until).filter(|until| *until > Instant::now()).min();
            tokio::select! {
                biased;
                () = stop.soft() => return,
                Some((lane, tries, round)) = rounds.next() => {
                    busy.remove(&lane);
                    note(&mut resting, lane, tries, round);
                }
                () = self.courier.store.notices_news() => {}
                () = time::sleep(LOOK_PAUSE) => {}
                // Somebody who was away may be back.
                () = lines.changed() => resting.values_mut().for_each(|rest| rest.until = Instant::now()),
                () = time::sleep_until(wake_at.unwrap_or(forget_at)), if wake_at.is_some() => {}
                () = time::sleep_until(forget_at) => {
                    forget_at = Instant::now() + FORGETTING_PAUSE;
                    let before = Millis(observe::now().0.saturating_sub(u64::try_from(MEMORY.as_millis()).unwrap_or(u64::MAX)));
                    written(self.courier.store.outbox_prune(before).await);
                }
            }
        }
    }

    /// Everything that waits, by lane: first what answers left over, then notices, in their order.
    async fn waiting(&self) -> BTreeMap<Lane, Vec<Item>> {
        let store = &self.courier.store;
        let letters = written(store.outbox_pending(WAITING_MAX).await).unwrap_or_default();
        let notices = written(store.pending_notices(WAITING_MAX).await).unwrap_or_default();
        let mut lanes: BTreeMap<Lane, Vec<Item>> = BTreeMap::new();
        for item in letters.into_iter().map(Item::Letter).chain(notices.into_iter().map(Item::Notice)) {
            lanes.entry(item.lane()).or_default().push(item);
        }
        lanes
    }

    async fn round(&self, lane: Lane, items: Vec<Item>, mut tries: u32) -> (Lane, u32, Round) {
        for item in items {
            let posted = match &item {
                Item::Letter(letter) => unbroken(leftovers::post(&self.courier, letter)).await,
                Item::Notice(notice) => unbroken(self.post_notice(notice)).await,
            };
            let error = match posted {
                Ok(Some(())) => {
                    tries = 0;
                    continue;
                }
                Ok(None) => return (lane, tries, Round::Paused(UNWRITTEN_REST)),
                Err(error) => error,
            };
            tries += 1;
            match remedy(&error, tries) {
                Remedy::Again(pause) => {
                    let (room, entity) = &lane;
                    DeliveryRetried { entity, room, tries, pause, error: &error }.emit();
                    return (lane, tries, Round::Paused(pause));
                }
                Remedy::GiveUp => {
                    if self.give_up(&item, &error).await.is_none() {
                        return (lane, tries, Round::Paused(UNWRITTEN_REST));
                    }
                    tries = 0;
                }
            }
        }
        (lane, tries, Round::Done)
    }

    /// Says a notice, or says it anew; then lets people tap. Nothing, when that could not be written down.
    async fn post_notice(&self, stored: &StoredNotice) -> Result<Option<()>, MatrixError> {
        let (notice, store) = (&stored.notice, &self.courier.store);
        let line = self.courier.lines.of(&notice.speaker).ok_or(MatrixError::NotOpen)?;
        let parts = self.parts(stored, line.as_ref()).await?;
        let roster = self.roster(stored, line.as_ref()).await;
        let contents = notice_events(notice, &parts, &roster);
        let (mut first, needed) = (parts.first().cloned(), contents.len());
        for (part, content) in contents.into_iter().enumerate() {
            let transaction = transactions::notice(&notice.id, stored.wording, part);
            let event = self.send(stored, "m.room.message", content, transaction).await?;
            if part >= parts.len() {
                written(store.notice_sent(&notice.id, u32::try_from(part).unwrap_or(u32::MAX), &event).await);
                first.get_or_insert(event);
            }
        }
        for (part, event) in parts.into_iter().enumerate().skip(needed) {
            let transaction = transactions::retraction(&transactions::notice(&notice.id, stored.wording, part));
            line.redact(notice.conversation.room.clone(), event, None, transaction).await?;
        }
        if let (0, Some(on)) = (stored.shown, first) {
            self.offer_taps(stored, &on).await?;
        }
        Ok(written(store.notice_shown(&notice.id, stored.wording).await))
    }

    /// The messages that show the notice. A homeserver that may have forgotten what it was sent is asked.
    async fn parts(&self, stored: &StoredNotice, line: &dyn Session) -> Result<Vec<EventId>, MatrixError> {
        let is_old = observe::now().since(stored.created_at) > TRANSACTION_MEMORY;
        if !stored.parts.is_empty() || !is_old {
            return Ok(stored.parts.clone());
        }
        let conversation = &stored.notice.conversation;
        let events = line.find_own(conversation.room.clone(), conversation.thread.clone()).await?;
        let mut found: BTreeMap<u64, EventId> = BTreeMap::new();
        for event in events {
            if let Some(part) = part_of(&stored.notice.id, &event.content) {
                found.insert(part, event.event);
            }
        }
        Ok(found.into_values().collect())
    }

    async fn roster(&self, stored: &StoredNotice, line: &dyn Session) -> Roster {
        let notice = &stored.notice;
        if !may_mention(&notice.text) {
            return Roster::of_nobody();
        }
        // Without the names of members, entities can be mentioned all the same.
        let names = line.names(notice.conversation.room.clone()).await.unwrap_or_default();
        let config = Arc::clone(&self.config.borrow());
        roster(&config, &self.courier.lines, (&notice.speaker, line.user()), &names)
    }

    async fn offer_taps(&self, stored: &StoredNotice, on: &EventId) -> Result<(), MatrixError> {
        let options = stored.notice.poll.iter().flat_map(|poll| &poll.options);
        for (index, option) in options.enumerate() {
            let transaction = transactions::tap(&stored.notice.id, index);
            match self.send(stored, "m.reaction", tap_event(on, &option.key), transaction).await {
                Ok(_) => {}
                // It stands there from before a crash.
                Err(error) if error.has_code("M_DUPLICATE_ANNOTATION") => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn send(
        &self,
        stored: &StoredNotice,
        kind: &'static str,
        content: serde_json::Value,
        transaction: TransactionId,
    ) -> Result<EventId, MatrixError> {
        let room = stored.notice.conversation.room.clone();
        self.courier.send(&stored.notice.speaker, Outgoing { room, kind, content, transaction }).await
    }

    async fn give_up(&self, item: &Item, error: &MatrixError) -> Option<()> {
        let (room, speaker) = item.lane();
        let (noted, what) = match item {
            Item::Letter(letter) => {
                (self.courier.store.outbox_failed(&letter.transaction).await, format!("turn {}", letter.turn))
            }
            Item::Notice(StoredNotice { notice, .. }) => {
                (self.courier.store.notice_failed(&notice.id).await, format!("notice {}", notice.id))
            }
        };
        self.courier.give_up((&speaker, &room), &what, error, observe::now()).await;
        written(noted)
    }
}

impl Item {
    fn lane(&self) -> Lane {
        match self {
            Self::Letter(letter) => (letter.room.clone(), letter.speaker.clone()),
            Self::Notice(StoredNotice { notice, .. }) => (notice.conversation.room.clone(), notice.speaker.clone()),
        }
    }
}

fn note(resting: &mut BTreeMap<Lane, Rest>, lane: Lane, tries: u32, round: Round) {
    match round {
        Round::Done => drop(resting.remove(&lane)),
        Round::Paused(pause) => drop(resting.insert(lane, Rest { until: Instant::now() + pause, tries })),
    }
}

/// Which part of the notice an event of ours is, unless it is an edit or something else.
fn part_of(id: &str, content: &Content) -> Option<u64> {
    let Content::Clear { json, .. } = content else { return None };
    let content: serde_json::Value = serde_json::from_str(json).ok()?;
    let mark = &content[NOTICE_KEY];
    (mark["id"] == id && content["m.relates_to"]["rel_type"] != "m.replace").then(|| mark["part"].as_u64()).flatten()
}
