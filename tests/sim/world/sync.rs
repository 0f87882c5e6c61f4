//! One step of an account's stream: what it brings, what it holds back, and what it brings once more.

use std::{collections::BTreeSet, sync::PoisonError, time::Duration};

use maitre::{
    matrix::{Keys, MatrixError, Page, RoomPage},
    model::{Change, SyncToken},
    observe,
};
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    World,
    faults::Fate,
    line::Line,
    server::Server,
    stream::{Position, WRITERS, Wanted},
    wire::gone,
};

/// How long what was held back takes to come, in milliseconds.
const HELD_BACK_MILLIS: std::ops::Range<u64> = 1..300;
/// How long an answer may hang that not even the time-out ends: longer than a loop waits that wants to be sure.
const STALL: Duration = Duration::from_mins(2);

impl Line {
    /// One step of the stream.
    pub(super) async fn step(&self, since: Option<SyncToken>, wait: Duration) -> Result<Page, MatrixError> {
        let _client = self.client().await?;
        self.lose_token();
        let since = since.as_ref().map(Position::of);
        let course = self.world.course(self.life, "sync").await;
        sleep(course.there).await;
        self.world.unless_over(self.life).await;
        let patience = self.world.note(course.fate);
        if matches!(course.fate, Fate::Limited(_) | Fate::Trouble(_) | Fate::Away) {
            return Err(World::refusal(course.fate));
        }
        let page = self.next_page(since, Instant::now() + wait).await?;
        match course.fate {
            Fate::Hangs { .. } => {
                let hangs_for = if self.world.dice.chance(0.3) { STALL } else { patience };
                sleep(hangs_for).await;
                return Err(gone());
            }
            Fate::Lost => return Err(gone()),
            Fate::Fine | Fate::Limited(_) | Fate::Trouble(_) | Fate::Away => sleep(course.back).await,
        }
        self.world.unless_over(self.life).await;
        self.learn(&page);
        *self.before.lock().unwrap_or_else(PoisonError::into_inner) = since;
        Ok(Page { received_at: observe::now(), ..page })
    }

    /// Waits for news until `deadline`.
    async fn next_page(&self, since: Option<Position>, deadline: Instant) -> Result<Page, MatrixError> {
        let mut may_hold_back = since.is_some();
        loop {
            let mut changed = std::pin::pin!(self.world.changed.notified());
            // Registered before the look, so that nothing in between is missed.
            changed.as_mut().enable();
            let (page, next_late) = self.world.with(|server| {
                let page = server.check(self.token.reveal()).map(|()| self.look(server, since, may_hold_back));
                (page, server.next_late())
            });
            let look = page?;
            if look.has_news || Instant::now() >= deadline {
                return Ok(look.page);
            }
            if look.held_back {
                may_hold_back = false;
                sleep(self.world.dice.millis(HELD_BACK_MILLIS)).await;
                continue;
            }
            let until = next_late.map_or(deadline, |late| late.min(deadline));
            tokio::select! {
                biased;
                () = changed => {}
                () = sleep_until(until) => {}
            }
        }
    }

    /// One look at what is new.
    fn look(&self, server: &mut Server, since: Option<Position>, may_hold_back: bool) -> Look {
        let dice = &self.world.dice;
        let now = server.position();
        let mut wanted = Wanted { since, until: now, again_from: None };
        let mut news = server.news(&self.user, &wanted);
        let has_news = |(rooms, changes): &(Vec<RoomPage>, Vec<Change>)| {
            since.is_none() || !rooms.is_empty() || !changes.is_empty()
        };
        if !has_news(&news) {
            return Look { page: page(wanted.until, Vec::new(), Vec::new()), has_news: false, held_back: false };
        }
        let mut held_back = false;
        if let Some(since) = since.filter(|_| may_hold_back && dice.chance(server.faults.apart)) {
            let mut places = [0; WRITERS];
            for (place, (from, to)) in places.iter_mut().zip(since.0.into_iter().zip(now.0)) {
                let width = usize::try_from(to.saturating_sub(from)).unwrap_or(0) + 1;
                *place = from + dice.below(width) as u64;
            }
            wanted.until = Position(places);
            held_back = wanted.until != now;
            if held_back {
                server.count("sync: news held back, by room");
            }
        }
        let before = *self.before.lock().unwrap_or_else(PoisonError::into_inner);
        if before != since && dice.chance(server.faults.repeat) {
            wanted.again_from = before;
        }
        if held_back || wanted.again_from.is_some() {
            news = server.news(&self.user, &wanted);
        }
        let has_news = has_news(&news);
        let (rooms, changes) = news;
        if has_news && wanted.again_from.is_some() {
            server.count("sync: brought something once more");
        }
        server.count_times(
            "sync: a room's timeline was cut (limited)",
            rooms.iter().filter(|room| room.gap.is_some()).count(),
        );
        Look { page: page(wanted.until, rooms, changes), has_news, held_back }
    }

    /// The client keeps in which rooms it is, as the stream tells.
    fn learn(&self, page: &Page) {
        self.world.with(|server| {
            page.rooms.iter().for_each(|page| server.client_learns(&self.user, &page.room, true));
            for change in &page.changes {
                if let Change::Invited { room, .. } | Change::Departed { room, .. } = change {
                    server.client_learns(&self.user, room, false);
                }
            }
        });
    }
}

/// What a look found.
struct Look {
    page: Page,
    has_news: bool,
    /// Whether there was more than it shows.
    held_back: bool,
}

fn page(until: Position, rooms: Vec<RoomPage>, changes: Vec<Change>) -> Page {
    Page { token: until.token(), received_at: observe::now(), rooms, changes, keys: Keys::Of(BTreeSet::new()) }
}
