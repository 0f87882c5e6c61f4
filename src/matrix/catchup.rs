//! Turns one sync response into one batch for admission: fetches what the homeserver left out, and tells news from history.

use std::{
    collections::{BTreeSet, VecDeque},
    num::NonZeroUsize,
};

use super::{HistoryPage, Page, RoomPage, Slip};
use crate::model::{Batch, Change, EntityName, Incoming, RoomId, Standing, SyncToken};

/// How much may be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Pages for one gap in one room. What lies beyond is recorded as missed.
    pub gap_pages_max: NonZeroUsize,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CatchupStep {
    /// Fetch this piece of history and give it to [`Catchup::fetched`].
    Fetch(Gap),
    /// Everything is there: admit this.
    Admit(Batch),
}

/// A piece of a room's timeline that the homeserver left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The room.
    pub room: RoomId,
    /// It ends here; fetch backwards.
    pub from: String,
    /// It begins here: what is older was delivered before.
    pub until: Option<SyncToken>,
}

/// The machine for one sync response.
#[derive(Debug)]
pub struct Catchup {
    since: Option<SyncToken>,
    bounds: Bounds,
    waiting: VecDeque<Placing>,
    batch: Batch,
}

/// One room on its way into the batch.
#[derive(Debug)]
struct Placing {
    page: RoomPage,
    origin: Origin,
    /// What was fetched for the gap, newest first.
    fetched: Vec<Slip>,
    pages: usize,
}

/// How the account came to see this room's timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// It was a member before this response: everything is news.
    Member,
    /// It became a member within this response: what is older than its own joining is history.
    Newcomer,
    /// The account's very first response: everything is history.
    FirstStart,
}

impl Catchup {
    /// Begins with `page`, which came for `since`. `joined` are the rooms that the account was known to be in.
    #[must_use]
    pub fn new(
        entity: EntityName,
        since: Option<SyncToken>,
        joined: &BTreeSet<RoomId>,
        bounds: Bounds,
        page: Page,
    ) -> Self {
        let mut batch = Batch {
            entity,
            token: Some(page.token),
            received_at: page.received_at,
            after_absence: false,
            events: Vec::new(),
            changes: Vec::new(),
        };
        let mut waiting = VecDeque::new();
        for page in page.rooms {
            let origin = match (&since, joined.contains(&page.room)) {
                (None, _) => Origin::FirstStart,
                (Some(_), true) => Origin::Member,
                (Some(_), false) => Origin::Newcomer,
            };
            if !joined.contains(&page.room) {
                batch.changes.push(Change::Joined { room: page.room.clone() });
            }
            waiting.push_back(Placing { page, origin, fetched: Vec::new(), pages: 0 });
        }
        // Departures come last: a room may have been joined and left within one response.
        batch.changes.extend(page.changes);
        Self { since, bounds, waiting, batch }
    }

    /// What to do next. Asked again without [`Catchup::fetched`], it answers the same.
    pub fn step(&mut self) -> CatchupStep {
        while let Some(placing) = self.waiting.front() {
            if let Some(from) = placing.wants() {
                let gap = Gap { room: placing.page.room.clone(), from: from.to_owned(), until: self.since.clone() };
                return CatchupStep::Fetch(gap);
            }
            if let Some(placing) = self.waiting.pop_front() {
                placing.put_into(&mut self.batch);
            }
        }
        CatchupStep::Admit(self.batch.clone())
    }

    /// Takes the answer to the last [`CatchupStep::Fetch`].
    pub fn fetched(&mut self, history: HistoryPage) {
        let Some(placing) = self.waiting.front_mut() else { return };
        placing.pages += 1;
        placing.fetched.extend(history.slips);
        placing.page.gap = history.older;
        if placing.pages >= self.bounds.gap_pages_max.get() && placing.wants().is_some() {
            self.gave_up();
        }
    }

    /// Goes on without what the last [`CatchupStep::Fetch`] asked for, and records that it is missing.
    pub fn gave_up(&mut self) {
        let Some(placing) = self.waiting.front_mut() else { return };
        placing.page.gap = None;
        let missed = Change::Missed { room: placing.page.room.clone(), pages: placing.pages };
        self.batch.changes.push(missed);
    }
}

impl Placing {
    /// Where to fetch from, if something that matters is still missing.
    fn wants(&self) -> Option<&str> {
        let enough = match self.origin {
            Origin::FirstStart => true,
            Origin::Member => false,
            Origin::Newcomer => self.page.timeline.iter().chain(&self.fetched).any(|slip| *slip == Slip::OwnJoin),
        };
        if enough { None } else { self.page.gap.as_deref() }
    }

    fn put_into(self, batch: &mut Batch) {
        batch.changes.extend(self.page.state);
        let room = self.page.room;
        let slips: Vec<Slip> = self.fetched.into_iter().rev().chain(self.page.timeline).collect();
        let joins_here = slips.contains(&Slip::OwnJoin);
        let mut standing = match self.origin {
            Origin::FirstStart => Standing::History,
            Origin::Newcomer if joins_here => Standing::History,
            Origin::Newcomer | Origin::Member => Standing::Live,
        };
        for slip in slips {
            match slip {
                Slip::Event(event) => batch.events.push(event.place(room.clone(), standing)),
                Slip::Change(change) => batch.changes.push(change),
                Slip::OwnJoin if self.origin != Origin::FirstStart => standing = Standing::Live,
                // What is said while the account is out is none of its business, even if it sees it later.
                Slip::OwnLeave => standing = Standing::History,
                Slip::OwnJoin => {}
            }
        }
        debug_assert!(batch.events.iter().all(|event: &Incoming| !event.event.as_str().is_empty()));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        matrix::{Keys, Unplaced},
        model::{Content, EventId, Millis, UserId},
    };

    fn room() -> RoomId {
        RoomId::parse("!room").unwrap()
    }

    fn token(n: usize) -> SyncToken {
        SyncToken::parse(format!("s{n}")).unwrap()
    }

    fn said(n: usize) -> Slip {
        Slip::Event(Unplaced {
            event: EventId::parse(format!("${n}")).unwrap(),
            sender: UserId::parse("@a:b").unwrap(),
            sent_at: Millis(0),
            content: Content::Clear { kind: "m.room.message".to_owned(), json: "{}".to_owned() },
        })
    }

    fn page(timeline: Vec<Slip>, gap: Option<&str>) -> Page {
        let rooms = vec![RoomPage { room: room(), timeline, state: vec![], gap: gap.map(str::to_owned), typing: None }];
        Page { token: token(9), received_at: Millis(1), rooms, changes: vec![], keys: Keys::Of(BTreeSet::new()) }
    }

    fn catchup(since: Option<SyncToken>, joined: bool, page: Page) -> Catchup {
        let joined = if joined { BTreeSet::from([room()]) } else { BTreeSet::new() };
        let bounds = Bounds { gap_pages_max: NonZeroUsize::new(3).unwrap() };
        Catchup::new(EntityName::parse("ada").unwrap(), since, &joined, bounds, page)
    }

    fn summary(step: CatchupStep) -> Vec<(String, Standing)> {
        match step {
            CatchupStep::Admit(batch) => {
                batch.events.into_iter().map(|event| (event.event.to_string(), event.standing)).collect()
            }
            CatchupStep::Fetch(gap) => panic!("not ready: {gap:?}"),
        }
    }

    fn live(n: usize) -> (String, Standing) {
        (format!("${n}"), Standing::Live)
    }

    fn history(n: usize) -> (String, Standing) {
        (format!("${n}"), Standing::History)
    }

    #[test]
    fn a_member_gets_news() {
        let mut machine = catchup(Some(token(1)), true, page(vec![said(1), said(2)], None));
        assert_eq!(summary(machine.step()), vec![live(1), live(2)]);
    }

    /// N8: on an account's first start everything is context, and no gap is fetched.
    #[test]
    fn the_first_response_is_history() {
        let mut machine = catchup(None, false, page(vec![Slip::OwnJoin, said(1)], Some("p")));
        assert_eq!(summary(machine.step()), vec![history(1)]);
    }

    /// A3: what was said before the account joined is never answered.
    #[test]
    fn a_newcomer_sees_what_came_before_as_history() {
        let mut machine = catchup(Some(token(1)), false, page(vec![said(1), Slip::OwnJoin, said(2)], Some("p")));
        assert_eq!(summary(machine.step()), vec![history(1), live(2)]);
    }

    /// A3: what was said between being put out and being asked back is history.
    #[test]
    fn what_was_said_while_out_is_history() {
        let timeline = vec![said(1), Slip::OwnLeave, said(2), Slip::OwnJoin, said(3)];
        let mut machine = catchup(Some(token(1)), true, page(timeline, None));
        assert_eq!(summary(machine.step()), vec![live(1), history(2), live(3)]);
    }

    /// A gap that can't be filled is recorded, and what is known is admitted.
    #[test]
    fn a_gap_can_be_given_up() {
        let mut machine = catchup(Some(token(1)), true, page(vec![said(9)], Some("p")));
        assert!(matches!(machine.step(), CatchupStep::Fetch(_)));
        machine.gave_up();
        let CatchupStep::Admit(batch) = machine.step() else { panic!("still fetching") };
        assert_eq!((batch.events.len(), batch.changes), (1, vec![Change::Missed { room: room(), pages: 0 }]));
    }

    #[test]
    fn a_newcomer_whose_joining_was_left_out_fetches_back_to_it() {
        let mut machine = catchup(Some(token(1)), false, page(vec![said(4)], Some("p")));
        assert!(matches!(machine.step(), CatchupStep::Fetch(_)));
        machine.fetched(HistoryPage { slips: vec![said(3), Slip::OwnJoin, said(1)], older: Some("q".to_owned()) });
        assert_eq!(summary(machine.step()), vec![history(1), live(3), live(4)]);
    }

    #[test]
    fn a_gap_is_fetched_back_to_our_own_token_and_put_in_order() {
        let mut machine = catchup(Some(token(1)), true, page(vec![said(5)], Some("p5")));
        let expected = Gap { room: room(), from: "p5".to_owned(), until: Some(token(1)) };
        assert_eq!(machine.step(), CatchupStep::Fetch(expected));
        machine.fetched(HistoryPage { slips: vec![said(4), said(3)], older: Some("p3".to_owned()) });
        assert!(matches!(machine.step(), CatchupStep::Fetch(gap) if gap.from == "p3"));
        machine.fetched(HistoryPage { slips: vec![said(2)], older: None });
        assert_eq!(summary(machine.step()), (2..=5).map(live).collect::<Vec<_>>());
    }

    #[test]
    fn a_gap_beyond_the_bounds_is_recorded() {
        let mut machine = catchup(Some(token(1)), true, page(vec![said(9)], Some("p")));
        for n in [8, 7, 6] {
            assert!(matches!(machine.step(), CatchupStep::Fetch(_)));
            machine.fetched(HistoryPage { slips: vec![said(n)], older: Some("more".to_owned()) });
        }
        let CatchupStep::Admit(batch) = machine.step() else { panic!("still fetching") };
        assert_eq!(batch.changes, vec![Change::Missed { room: room(), pages: 3 }]);
        assert_eq!(batch.events.len(), 4);
    }

    #[test]
    fn a_room_that_was_joined_and_left_at_once_ends_as_left() {
        let mut news = page(vec![Slip::OwnJoin], None);
        let left = Change::Departed { room: room(), by: None, how: crate::model::Departure::Kicked };
        news.changes.push(left.clone());
        let CatchupStep::Admit(batch) = catchup(Some(token(1)), false, news).step() else { panic!("fetching") };
        assert_eq!(batch.changes, vec![Change::Joined { room: room() }, left]);
    }

    proptest! {
        /// However the homeserver cuts a timeline into response and pages, a member gets all of it once, in order.
        #[test]
        fn nothing_is_lost_or_reordered(total in 1usize..200, shown in 1usize..60, piece in 1usize..90) {
            let shown = shown.min(total);
            let bounds = Bounds { gap_pages_max: NonZeroUsize::new(500).unwrap() };
            let gap = (shown < total).then(|| (total - shown).to_string());
            let news = page((total - shown..total).map(said).collect(), gap.as_deref());
            let joined = BTreeSet::from([room()]);
            let mut machine = Catchup::new(EntityName::parse("ada").unwrap(), Some(token(0)), &joined, bounds, news);
            let batch = loop {
                match machine.step() {
                    CatchupStep::Admit(batch) => break batch,
                    CatchupStep::Fetch(gap) => {
                        let end: usize = gap.from.parse().unwrap();
                        let start = end.saturating_sub(piece);
                        let slips = (start..end).rev().map(said).collect();
                        machine.fetched(HistoryPage { slips, older: (start > 0).then(|| start.to_string()) });
                    }
                }
            };
            let got: Vec<String> = batch.events.iter().map(|event| event.event.to_string()).collect();
            let wanted: Vec<String> = (0..total).map(|n| format!("${n}")).collect();
            prop_assert_eq!(got, wanted);
        }
    }
}
