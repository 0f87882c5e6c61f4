//! Property: however streams are cut, mixed and repeated, the same events are kept with the same content.

use std::collections::BTreeMap;

use proptest::{collection::vec, option, prelude::*, sample::Index};
use tokio::runtime::{Builder, Runtime};

use super::{
    admission::counted,
    samples::{all_events, batch, clear, entity, event, sealed, token},
};
use crate::{
    model::{Batch, Content, EventId, Incoming, Millis, Standing, UserId},
    store::{Store, StoredEvent},
};

const ROOMS: [&str; 2] = ["lobby", "attic"];
const EVENTS_MAX: usize = 12;
const ENTITIES: [&str; 3] = ["writer", "critic", "judge"];

/// How one entity sees one event, if at all.
#[derive(Debug, Clone, Copy)]
struct Sight {
    live: bool,
    readable: bool,
}

/// What happens: what each entity sees of the world's events, how that is cut into batches, and who is when at turn.
#[derive(Debug, Clone)]
struct Story {
    sights: Vec<Vec<Option<Sight>>>,
    cuts: Vec<usize>,
    turns: Vec<Index>,
    /// How many batches are admitted together, and whether they are then admitted once more.
    groups: Vec<(usize, bool)>,
}

fn stories() -> impl Strategy<Value = Story> {
    let sight = option::of((any::<bool>(), any::<bool>()).prop_map(|(live, readable)| Sight { live, readable }));
    let sights = vec(vec(sight, EVENTS_MAX), ENTITIES.len());
    let turns = vec(any::<Index>(), EVENTS_MAX * ENTITIES.len());
    let groups = vec((1..4_usize, any::<bool>()), EVENTS_MAX * ENTITIES.len());
    (sights, vec(1..5_usize, ENTITIES.len()), turns, groups).prop_map(|(sights, cuts, turns, groups)| Story {
        sights,
        cuts,
        turns,
        groups,
    })
}

fn incoming(at: usize, sight: Sight) -> Incoming {
    let name = format!("e{at}");
    let content = if sight.readable { clear(&name) } else { sealed(&name) };
    let standing = if sight.live { Standing::Live } else { Standing::History };
    Incoming { standing, content, sent_at: Millis(at as u64), ..event(ROOMS[at % ROOMS.len()], &name) }
}

impl Story {
    /// The batches of each entity, in the order of its stream.
    fn streams(&self) -> Vec<Vec<Batch>> {
        let stream = |(who, sights): (usize, &Vec<Option<Sight>>)| {
            let seen = sights.iter().enumerate().filter_map(|(at, sight)| sight.map(|sight| incoming(at, sight)));
            let seen: Vec<Incoming> = seen.collect();
            let batches = seen.chunks(self.cuts[who]).zip(1..);
            batches.map(|(events, number)| batch(ENTITIES[who], number, events.to_vec(), vec![])).collect()
        };
        self.sights.iter().enumerate().map(stream).collect()
    }

    /// The same, mixed: each stream keeps its own order.
    fn mixed(&self) -> Vec<Batch> {
        let mut streams: Vec<_> = self.streams().into_iter().map(Vec::into_iter).collect();
        let mut mixed = Vec::new();
        for turn in &self.turns {
            streams.retain(|stream| stream.len() > 0);
            if streams.is_empty() {
                break;
            }
            mixed.extend(turn.get_mut(&mut streams).next());
        }
        mixed
    }

    /// What must be kept of each event, by its number in the world.
    fn expected(&self) -> BTreeMap<usize, Sight> {
        let mut expected = BTreeMap::new();
        for (at, sight) in self.sights.iter().flat_map(|sights| sights.iter().enumerate()) {
            let Some(sight) = sight else { continue };
            let best = expected.entry(at).or_insert(*sight);
            best.live |= sight.live;
            best.readable |= sight.readable;
        }
        expected
    }
}

/// What an event says, apart from when and through whom it came.
type Kept = BTreeMap<EventId, (UserId, Millis, Standing, Content)>;

async fn kept(store: &Store) -> (Vec<StoredEvent>, Kept) {
    let mut events = Vec::new();
    for name in ROOMS {
        events.extend(all_events(store, name).await);
    }
    let content = |event: &StoredEvent| (event.sender.clone(), event.sent_at, event.standing, event.content.clone());
    let kept = events.iter().map(|event| (event.event.clone(), content(event))).collect();
    (events, kept)
}

async fn check(script: &Story) -> Result<(), TestCaseError> {
    let (store, _memory) = Store::memory();
    let mut rest = script.mixed();
    for (size, repeated) in &script.groups {
        let group: Vec<Batch> = rest.drain(..(*size).min(rest.len())).collect();
        if *repeated {
            store.admit(group.clone()).await.unwrap();
        }
        store.admit(group).await.unwrap();
    }
    prop_assert!(rest.is_empty());
    let (events, mixed) = kept(&store).await;
    let expected: Kept = script
        .expected()
        .into_iter()
        .map(|(at, sight)| incoming(at, sight))
        .map(|event| (event.event, (event.sender, event.sent_at, event.standing, event.content)))
        .collect();
    prop_assert_eq!(events.len(), expected.len(), "each once");
    prop_assert_eq!(&mixed, &expected);
    prop_assert_eq!(store.counts().await.unwrap(), counted(&store).await);
    keeps_the_order_of_each_stream(&events)?;
    for (name, stream) in ENTITIES.iter().zip(script.streams()) {
        let last = stream.last().map(|_| token(&format!("{name}-{}", stream.len())));
        prop_assert_eq!(store.position(&entity(name)).await.unwrap(), last);
    }

    let (store, _memory) = Store::memory();
    for stream in script.streams().into_iter().rev() {
        store.admit(stream).await.unwrap();
    }
    prop_assert_eq!(kept(&store).await.1, mixed, "one stream after the other");
    Ok(())
}

/// In a room, what one entity was the first to bring stands in the order in which it came to that entity.
fn keeps_the_order_of_each_stream(events: &[StoredEvent]) -> Result<(), TestCaseError> {
    for pair in events.windows(2) {
        prop_assert!(pair[0].room != pair[1].room || pair[0].ordinal < pair[1].ordinal);
    }
    for name in ENTITIES {
        let own = events.iter().filter(|event| event.entity == entity(name));
        let mut by_room: BTreeMap<_, Vec<Millis>> = BTreeMap::new();
        for event in own {
            by_room.entry(&event.room).or_default().push(event.sent_at);
        }
        prop_assert!(by_room.values().all(|times| times.is_sorted()), "{by_room:?}");
    }
    Ok(())
}

fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// N1, E2, A3: the union of all streams, each event once, clear if anyone could read it, live if it was to anyone.
    #[test]
    fn streams_merge_into_one_journal(script in stories()) {
        runtime().block_on(check(&script))?;
    }
}
