//! Who of our accounts asks at once what is said in a room, and who may rest before it asks again.
//!
//! Whatever is said wakes every account in the room, and each of them costs the homeserver and us a response, though one would
//! do: the journal keeps an event once. So in each room one account is on watch and never rests. An account that brought only
//! what others had brought before, from rooms that others watch, rests for a moment, and then hears several things in one
//! response. Should the watch fail, the others are late by that moment at most.

use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use super::{Keys, Page, Slip, locked::locked};
use crate::model::{Content, EventId, RoomId};

/// The shortest rest: about the time from a question to the whole of a quick answer.
const REST_MIN: Duration = Duration::from_millis(500);
/// By how much a rest may be longer, so that those who heard the same don't ask again at the same moment.
const REST_SPREAD: Duration = Duration::from_millis(500);
/// The part of the spread by which each account differs from the one before it, which spreads any number of them evenly.
const REST_STEP: f64 = 0.618_034;
/// How many events are remembered. All accounts in a room hear of one within seconds.
const HEARD_EVENTS_MAX: usize = 4096;

/// Shared by all accounts' lines. A lock rather than a task: it is held for a look-up between two responses.
#[derive(Debug, Default)]
pub(super) struct Watch(Mutex<Posts>);

/// One line, in the order in which they were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Post(u32);

#[derive(Debug, Default)]
struct Posts {
    made: u32,
    /// Which lines listen in a room, the first one on watch.
    listeners: HashMap<RoomId, Vec<Post>>,
    /// In which rooms a line listens.
    rooms: HashMap<Post, BTreeSet<RoomId>>,
    heard: Heard,
}

/// The newest events that anybody brought, by the hash of their id.
#[derive(Debug, Default)]
struct Heard {
    known: HashSet<u64>,
    order: VecDeque<u64>,
}

/// A step of a line. A line that fails in the middle of one, or whose loop is dropped there, listens no more.
pub(super) struct Step<'a> {
    watch: &'a Watch,
    post: Post,
    done: bool,
}

impl Watch {
    /// A new line. It listens nowhere yet.
    pub(super) fn post(&self) -> Post {
        let mut posts = self.locked();
        posts.made = posts.made.wrapping_add(1);
        Post(posts.made)
    }

    /// The line begins a step.
    pub(super) fn step(&self, post: Post) -> Step<'_> {
        Step { watch: self, post, done: false }
    }

    /// The line listens in `rooms`, and nowhere else.
    fn listens(&self, post: Post, rooms: BTreeSet<RoomId>) {
        let mut posts = self.locked();
        if posts.rooms.get(&post) == Some(&rooms) {
            return;
        }
        let before = posts.rooms.remove(&post).unwrap_or_default();
        for room in before.difference(&rooms) {
            posts.leaves(post, room);
        }
        for room in rooms.difference(&before) {
            posts.listeners.entry(room.clone()).or_default().push(post);
        }
        posts.rooms.insert(post, rooms);
    }

    /// The line listens no more.
    pub(super) fn leaves(&self, post: Post) {
        let mut posts = self.locked();
        for room in posts.rooms.remove(&post).unwrap_or_default() {
            posts.leaves(post, &room);
        }
    }

    /// How long the line may rest that brought `page`.
    fn rest_after(&self, post: Post, page: &Page) -> Option<Duration> {
        let mut posts = self.locked();
        let is_echo = posts.heard.is_echo(page);
        (is_echo && posts.is_relieved(post)).then(|| rest_of(post))
    }

    fn locked(&self) -> MutexGuard<'_, Posts> {
        locked(&self.0)
    }
}

impl Step<'_> {
    /// It brought `page`, and the line listens in `rooms` now; one that can't tell counts nowhere. Gives how long it may rest
    /// before the next step.
    pub(super) fn brought(mut self, page: &Page, rooms: Option<BTreeSet<RoomId>>) -> Option<Duration> {
        self.done = true;
        match rooms {
            Some(rooms) => self.watch.listens(self.post, rooms),
            None => self.watch.leaves(self.post),
        }
        self.watch.rest_after(self.post, page)
    }
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.watch.leaves(self.post);
        }
    }
}

impl Posts {
    fn leaves(&mut self, post: Post, room: &RoomId) {
        if let Some(listeners) = self.listeners.get_mut(room) {
            listeners.retain(|listener| *listener != post);
            if listeners.is_empty() {
                self.listeners.remove(room);
            }
        }
    }

    /// Whether others are on watch in all of the line's rooms.
    fn is_relieved(&self, post: Post) -> bool {
        let is_watched =
            |room| self.listeners.get(room).and_then(|post| post.first()).is_some_and(|first| *first != post);
        self.rooms.get(&post).is_some_and(|rooms| rooms.iter().all(is_watched))
    }
}

impl Heard {
    /// Whether `page` brings what others brought before, and nothing besides. What it brings is known from now on.
    fn is_echo(&mut self, page: &Page) -> bool {
        let no_keys = matches!(&page.keys, Keys::Of(keys) if keys.is_empty());
        let mut is_echo = no_keys && page.changes.is_empty();
        let mut brings_something = false;
        for room in &page.rooms {
            is_echo &= room.state.is_empty() && room.gap.is_none();
            for slip in &room.timeline {
                brings_something = true;
                is_echo &= self.repeats(slip);
            }
        }
        is_echo && brings_something
    }

    /// Whether this is something that can be read and was brought before. Who needs a key must not rest.
    fn repeats(&mut self, slip: &Slip) -> bool {
        match slip {
            Slip::Event(event) => match event.content {
                Content::Clear { .. } => self.knows(&event.event),
                Content::Sealed(_) => false,
            },
            Slip::OwnJoin | Slip::OwnLeave | Slip::Change(_) => false,
        }
    }

    /// Whether an event was known before. From now on it is.
    fn knows(&mut self, event: &EventId) -> bool {
        let hash = BuildHasherDefault::<DefaultHasher>::new().hash_one(event);
        if !self.known.insert(hash) {
            return true;
        }
        self.order.push_back(hash);
        if self.order.len() > HEARD_EVENTS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        false
    }
}

/// Each line rests for its own time.
fn rest_of(post: Post) -> Duration {
    REST_MIN + REST_SPREAD.mul_f64((f64::from(post.0) * REST_STEP).fract())
}

#[cfg(test)]
mod tests {
    use crate::{
        matrix::{RoomPage, Unplaced},
        model::{Change, Millis, Sealed, SealedCause, SyncToken, UserId},
    };

    use super::*;

    fn room(name: &str) -> RoomId {
        RoomId::parse(name).unwrap()
    }

    fn rooms(names: &[&str]) -> BTreeSet<RoomId> {
        names.iter().map(|name| room(name)).collect()
    }

    fn said(event: &str) -> Slip {
        slip(event, Content::Clear { kind: "m.room.message".to_owned(), json: "{}".to_owned() })
    }

    fn sealed(event: &str) -> Slip {
        slip(event, Content::Sealed(Sealed { raw: String::new(), session: None, cause: SealedCause::KeyMissing }))
    }

    fn slip(event: &str, content: Content) -> Slip {
        let (event, sender) = (EventId::parse(event).unwrap(), UserId::parse("@a:s").unwrap());
        Slip::Event(Unplaced { event, sender, sent_at: Millis(1), content })
    }

    fn page(timeline: Vec<Slip>) -> Page {
        let part = RoomPage { room: room("!a"), timeline, state: Vec::new(), gap: None, typing: None };
        Page {
            token: SyncToken::parse("s").unwrap(),
            received_at: Millis(1),
            rooms: vec![part],
            changes: Vec::new(),
            keys: Keys::Of(BTreeSet::new()),
        }
    }

    /// A watch, a line that is on watch in `!a`, and another one there.
    fn two() -> (Watch, Post, Post) {
        let watch = Watch::default();
        let (first, second) = (watch.post(), watch.post());
        watch.listens(first, rooms(&["!a"]));
        watch.listens(second, rooms(&["!a"]));
        (watch, first, second)
    }

    /// Who brings something new asks again at once, and so does who brings more than words that can be read.
    #[test]
    fn only_an_echo_is_followed_by_a_rest() {
        let check = |page: Page, expected: bool| {
            let (watch, first, second) = two();
            watch.rest_after(first, &self::page(vec![said("$1"), said("$2"), sealed("$s")]));
            assert_eq!(watch.rest_after(second, &page).is_some(), expected, "{page:?}");
        };
        check(page(vec![said("$1")]), true);
        check(page(vec![said("$2"), said("$1")]), true);
        check(page(vec![said("$1"), said("$new")]), false);
        check(page(vec![said("$1"), sealed("$s")]), false);
        check(page(vec![]), false);
        for change in [Slip::OwnJoin, Slip::OwnLeave, Slip::Change(Change::Encrypted { room: room("!a") })] {
            check(page(vec![said("$1"), change]), false);
        }
        let mut invited = page(vec![said("$1")]);
        invited.changes.push(Change::MembersChanged { room: room("!b") });
        check(invited, false);
        let mut keys = page(vec![said("$1")]);
        keys.keys = Keys::Many;
        check(keys, false);
        let mut gap = page(vec![said("$1")]);
        gap.rooms[0].gap = Some("p".to_owned());
        check(gap, false);
    }

    /// Somebody is on watch in every room, whoever comes and goes.
    #[test]
    fn who_is_on_watch_does_not_rest() {
        let (watch, first, second) = two();
        let rests = |post: Post| watch.rest_after(post, &page(vec![said("$1")])).is_some();
        assert!(!rests(first) && !rests(first) && rests(second), "the first one is on watch");
        watch.listens(second, rooms(&["!a", "!direct"]));
        assert!(!rests(second), "nobody else is in the direct chat");
        watch.listens(second, rooms(&["!a"]));
        assert!(rests(second));
        watch.leaves(first);
        assert!(!rests(second), "it is alone");
        assert!(!rests(first), "it listens nowhere");
        watch.listens(first, rooms(&["!a"]));
        assert!(!rests(second) && rests(first), "who came back comes last");
    }

    /// Somebody who fails, or whose loop is gone, is not on watch.
    #[test]
    fn whoever_gives_up_is_not_on_watch() {
        let (watch, first, second) = two();
        let echo = || page(vec![said("$1")]);
        let step = |post: Post| watch.step(post).brought(&echo(), Some(rooms(&["!a"])));
        step(first);
        assert!(step(second).is_some());
        drop(watch.step(first));
        assert_eq!(step(second), None, "it is on watch now");
        assert!(step(first).is_some());
    }

    #[test]
    fn rests_are_spread_and_bounded() {
        let mut lengths: Vec<Duration> = (1..=100).map(|number| rest_of(Post(number))).collect();
        lengths.sort();
        assert!(lengths[0] >= REST_MIN && lengths[99] < REST_MIN + REST_SPREAD);
        let gaps = lengths.windows(2).map(|pair| pair[1].abs_diff(pair[0]));
        assert!(gaps.max() < Some(REST_SPREAD / 40), "{lengths:?}");
    }

    #[test]
    fn only_the_newest_events_are_remembered() {
        let mut heard = Heard::default();
        let event = |number: usize| EventId::parse(format!("${number}")).unwrap();
        for number in 0..=HEARD_EVENTS_MAX {
            assert!(!heard.knows(&event(number)));
        }
        assert!(heard.knows(&event(HEARD_EVENTS_MAX)) && heard.knows(&event(1)) && !heard.knows(&event(0)));
        assert_eq!(heard.known.len(), HEARD_EVENTS_MAX);
    }
}
