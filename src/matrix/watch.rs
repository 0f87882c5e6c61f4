//! Who of our accounts asks next what is said in a room, and how long each may rest before it asks again.
//!
//! Whatever is said wakes every account in the room, and each of them costs the homeserver and us a response, though one would
//! do: the journal keeps an event once. So in each room one account is on watch and hardly rests. An account that brought only
//! what others had brought before, from rooms that others watch, rests for a moment, and then hears several things in one
//! response. Should the watch fail, the others are late by that moment at most.
//!
//! Whoever hears what others said draws a breath at least. To be asked costs a homeserver about as much as to take a message, and
//! it does one thing at a time: a question that follows at once stands in the way of the answer to what was just heard.

use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use super::{Keys, Page, RoomPage, Slip, locked::locked};
use crate::model::{Change, Content, EventId, RoomId};

/// The rest of those on watch: about the time from a question to the first word of a quick answer, and shorter than anybody
/// notices.
const BREATH: Duration = Duration::from_millis(60);
/// The shortest rest of all others: about the time from a question to the whole of a quick answer.
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

/// What a response brings at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Brought {
    /// Nothing.
    Nothing,
    /// What others brought before, and nothing besides.
    Echo,
    /// What others say and do.
    News,
    /// Something that the account itself has to do with.
    Own,
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
        match posts.heard.take_in(page) {
            Brought::Nothing | Brought::Own => None,
            Brought::Echo if posts.is_relieved(post) => Some(rest_of(post)),
            Brought::Echo | Brought::News => Some(BREATH),
        }
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
    /// What `page` brings. It is known from now on.
    fn take_in(&mut self, page: &Page) -> Brought {
        let no_keys = matches!(&page.keys, Keys::Of(keys) if keys.is_empty());
        let of_rooms = page.rooms.iter().map(|room| self.take_in_room(room)).max().unwrap_or(Brought::Nothing);
        if no_keys && page.changes.is_empty() { of_rooms } else { Brought::Own }
    }

    fn take_in_room(&mut self, room: &RoomPage) -> Brought {
        let of_timeline = room.timeline.iter().map(|slip| self.take_in_slip(slip)).max();
        let of_state = room.state.iter().map(brought_by).max();
        let of_gap = room.gap.as_ref().map(|_| Brought::Own);
        of_timeline.max(of_state).max(of_gap).unwrap_or(Brought::Nothing)
    }

    fn take_in_slip(&mut self, slip: &Slip) -> Brought {
        match slip {
            Slip::Event(event) => match event.content {
                Content::Clear { .. } if self.knows(&event.event) => Brought::Echo,
                Content::Clear { .. } => Brought::News,
                // Who needs a key must not rest.
                Content::Sealed(_) => Brought::Own,
            },
            Slip::Change(change) => brought_by(change),
            Slip::OwnJoin | Slip::OwnLeave => Brought::Own,
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

fn brought_by(change: &Change) -> Brought {
    match change {
        // People come and go in swarms.
        Change::MembersChanged { .. } => Brought::News,
        Change::Invited { .. }
        | Change::Joined { .. }
        | Change::Departed { .. }
        | Change::Encrypted { .. }
        | Change::Missed { .. }
        | Change::Upgraded { .. } => Brought::Own,
    }
}

/// Each line rests for its own time.
fn rest_of(post: Post) -> Duration {
    REST_MIN + REST_SPREAD.mul_f64((f64::from(post.0) * REST_STEP).fract())
}

#[cfg(test)]
mod tests {
    use crate::{
        matrix::Unplaced,
        model::{Millis, Sealed, SealedCause, SyncToken, UserId},
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

    /// Who brings something new draws a breath, and who brings more than what others say and do asks again at once.
    #[test]
    fn only_an_echo_is_followed_by_a_long_rest() {
        let check = |page: Page, expected: Option<Duration>| {
            let (watch, first, second) = two();
            watch.rest_after(first, &self::page(vec![said("$1"), said("$2"), sealed("$s")]));
            assert_eq!(watch.rest_after(second, &page), expected, "{page:?}");
        };
        let (breath, long) = (Some(BREATH), Some(rest_of(Post(2))));
        check(page(vec![said("$1")]), long);
        check(page(vec![said("$2"), said("$1")]), long);
        check(page(vec![said("$1"), said("$new")]), breath);
        check(page(vec![said("$1"), sealed("$s")]), None);
        check(page(vec![]), None);
        let change = Change::MembersChanged { room: room("!a") };
        check(page(vec![said("$1"), Slip::Change(change.clone())]), breath);
        for change in [Slip::OwnJoin, Slip::OwnLeave, Slip::Change(Change::Encrypted { room: room("!a") })] {
            check(page(vec![said("$1"), said("$new"), change]), None);
        }
        let with = |more: fn(&mut Page, Change)| {
            let mut page = page(vec![said("$1")]);
            more(&mut page, change.clone());
            page
        };
        check(with(|page, change| page.rooms[0].state.push(change)), breath);
        check(with(|page, change| page.changes.push(change)), None);
        check(with(|page, _| page.keys = Keys::Many), None);
        check(with(|page, _| page.rooms[0].gap = Some("p".to_owned())), None);
    }

    /// Somebody is on watch in every room, whoever comes and goes.
    #[test]
    fn who_is_on_watch_does_not_rest() {
        let (watch, first, second) = two();
        let rests = |post: Post| watch.rest_after(post, &page(vec![said("$1")])) > Some(BREATH);
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
        assert!(step(second) > Some(BREATH));
        drop(watch.step(first));
        assert_eq!(step(second), Some(BREATH), "it is on watch now");
        assert!(step(first) > Some(BREATH));
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
