//! The flow of events: rooms side by side, one event after the other in each.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::AssertUnwindSafe,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    sync::{Notify, mpsc},
    time::{self, Instant},
};

use super::judge::{Judge, Unrouted};
use crate::{
    desk::missed::Pace,
    model::{Handoff, RoomId},
    nursery::{Stop, panic_message},
    observe::{EventBroken, SettlementFailed},
    routing::{RouteInbox, RouteRequest, Routed},
    store::{Projection, Settlement, StoreError, StoredEvent},
};

/// How many events are looked up at a time.
const DUE_EVENTS_MAX: usize = 1_000;
/// How many rooms are dealt with side by side; the others wait.
const ROOMS_MAX: usize = 32;
/// How many messages may wait to be taken to the router; the rooms of more wait with them.
pub(super) const ASKED_WAITING_MAX: usize = 64;
/// How many messages may be with the router.
const ROUTES_MAX: usize = 256;
/// How long we wait after the store failed, or the router.
const FAILED_PAUSE: Duration = Duration::from_secs(1);
/// How long a pick waits while its room is busy.
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// Deals with what was admitted.
pub(super) struct Flow {
    pub(super) judge: Judge,
    /// Rung when there is something to deal with.
    pub(super) work: Arc<Notify>,
    /// Messages for which the router is to pick somebody.
    pub(super) asked: mpsc::Receiver<Unrouted>,
    /// The way to it.
    pub(super) routes: RouteInbox,
}

/// Whom the router picked for what.
type Picked = (RouteRequest, Routed);

/// The rooms in which something is being done.
#[derive(Default)]
struct Busy {
    rooms: BTreeSet<RoomId>,
    /// Whether the last look left something that was due for later.
    leaves_some: bool,
}

type Worker<'a> = BoxFuture<'a, (RoomId, Result<(), StoreError>)>;

impl Flow {
    /// Works until told to stop, or until the store is closed for good.
    pub(super) async fn run(self, stop: Stop) {
        let Self { judge, work, mut asked, routes } = self;
        let mut busy = Busy::default();
        let mut picks: FuturesUnordered<BoxFuture<'_, Option<Picked>>> = FuturesUnordered::new();
        let mut workers: FuturesUnordered<Worker<'_>> = FuturesUnordered::new();
        // At the start, what an earlier life left.
        let mut resume = pin!(resume(&judge).fuse());
        let mut next_look = Some(Instant::now());
        loop {
            let outcome = tokio::select! {
                biased;
                () = stop.soft() => return,
                outcome = &mut resume => outcome,
                Some(unrouted) = asked.recv(), if picks.len() < ROUTES_MAX => {
                    picks.push(pick(&judge, routes.clone(), unrouted).boxed());
                    Ok(())
                }
                Some(picked) = picks.next() => {
                    let Some(picked) = picked else { continue };
                    // What people do about the message meanwhile comes before or after the pick, never in between.
                    if busy.rooms.insert(picked.0.conversation.room.clone()) {
                        workers.push(settle_pick(&judge, picked).boxed());
                    } else {
                        picks.push(time::sleep(BUSY_PAUSE).map(|()| Some(picked)).boxed());
                    }
                    Ok(())
                }
                Some((room, outcome)) = workers.next() => {
                    busy.rooms.remove(&room);
                    let left = if busy.leaves_some { look(&judge, &mut busy, &mut workers).await } else { Ok(()) };
                    outcome.and(left)
                }
                () = work.notified() => look(&judge, &mut busy, &mut workers).await,
                () = time::sleep_until(next_look.unwrap_or_else(Instant::now)), if next_look.is_some() => {
                    next_look = None;
                    look(&judge, &mut busy, &mut workers).await
                }
            };
            match outcome {
                Ok(()) => {}
                Err(StoreError::Closed) => return,
                Err(error) => {
                    SettlementFailed { error: &error }.emit();
                    next_look = Some(Instant::now() + FAILED_PAUSE);
                }
            }
        }
    }
}

/// Goes on with messages for which somebody was yet to be found in an earlier life, as soon as the store tells which.
async fn resume(judge: &Judge) -> Result<(), StoreError> {
    loop {
        match judge.resume().await {
            Ok(()) => return Ok(()),
            Err(StoreError::Closed) => return Err(StoreError::Closed),
            Err(error) => SettlementFailed { error: &error }.emit(),
        }
        time::sleep(FAILED_PAUSE).await;
    }
}

/// R4: asks the router once, unless it gives no answer at all. Nothing where it was decided otherwise before it was asked.
async fn pick(judge: &Judge, routes: RouteInbox, Unrouted { request, patience }: Unrouted) -> Option<Picked> {
    if !patience.is_zero() {
        time::sleep(patience).await;
        // A store that doesn't answer is no reason not to ask: what comes of it is looked at again.
        if let Ok(None) = judge.waits_for_pick(&request.conversation.room, &request.event).await {
            return None;
        }
    }
    loop {
        let (handoff, answer) = Handoff::new(request.clone());
        let sent = routes.send(handoff).await;
        match answer.await {
            Ok(picked) => return Some((request, picked)),
            // A router that is gone is asked at the next start.
            Err(_) if sent.is_err() => std::future::pending().await,
            Err(_) => time::sleep(FAILED_PAUSE).await,
        }
    }
}

async fn settle_pick(judge: &Judge, (request, routed): Picked) -> (RoomId, Result<(), StoreError>) {
    let outcome = loop {
        match judge.routed(&request, &routed).await {
            Ok(()) => break Ok(()),
            Err(StoreError::Closed) => break Err(StoreError::Closed),
            Err(error) => SettlementFailed { error: &error }.emit(),
        }
        time::sleep(FAILED_PAUSE).await;
    };
    (request.conversation.room, outcome)
}

/// Takes up what is due in rooms where nothing is being done.
async fn look<'a>(
    judge: &'a Judge,
    busy: &mut Busy,
    workers: &mut FuturesUnordered<Worker<'a>>,
) -> Result<(), StoreError> {
    // Until the store has answered, nobody knows.
    busy.leaves_some = true;
    let due = judge.view.store.due(DUE_EVENTS_MAX).await?;
    let cut_off = due.len() == DUE_EVENTS_MAX;
    let mut rooms: BTreeMap<RoomId, Vec<StoredEvent>> = BTreeMap::new();
    let (idle, waits): (Vec<StoredEvent>, Vec<StoredEvent>) =
        due.into_iter().partition(|event| !busy.rooms.contains(&event.room));
    for event in idle {
        rooms.entry(event.room.clone()).or_default().push(event);
    }
    let free = ROOMS_MAX.saturating_sub(busy.rooms.len());
    busy.leaves_some = cut_off || !waits.is_empty() || rooms.len() > free;
    for (room, events) in rooms.into_iter().take(free) {
        busy.rooms.insert(room.clone());
        workers.push(
            async move {
                let outcome = settle_all(judge, &room, events).boxed().await;
                (room, outcome)
            }
            .boxed(),
        );
    }
    Ok(())
}

async fn settle_all(judge: &Judge, room: &RoomId, events: Vec<StoredEvent>) -> Result<(), StoreError> {
    let missed = events.iter().any(|event| event.missed);
    let pace = if missed { judge.pace(room).await? } else { Pace::AsUsual };
    for event in events {
        match AssertUnwindSafe(judge.settle(&event, pace)).catch_unwind().await {
            Ok(settled) => settled?,
            // It would break the next start as well, and whatever comes after it in the room.
            Err(panic) => {
                EventBroken { room: &event.room, event: &event.event, panic: &panic_message(panic.as_ref()) }.emit();
                let left = Settlement::of(event.room, event.event, Projection::Nothing, event.admitted_at);
                judge.view.store.settle(left).await?;
            }
        }
    }
    if missed { judge.catch_up(room).await } else { Ok(()) }
}
