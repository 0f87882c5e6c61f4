//! One turn's place and its time: given back while it waits for people, and taken again.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

use crate::{
    llm::{Place, Places},
    model::Priority,
};

/// The place and the time of one turn.
pub(super) struct Seat {
    places: Places,
    priority: Priority,
    /// A lock and no task: a turn's own parts take turns here, for a few instructions each.
    state: Mutex<State>,
    back: Notify,
}

struct State {
    place: Option<Place>,
    /// When the time is up.
    until: Instant,
    /// Since when it waits for people; its clock stands still then.
    away_since: Option<Instant>,
}

impl Seat {
    /// No place yet, and `time` from now on.
    pub(super) fn new(places: Places, priority: Priority, time: Duration) -> Self {
        let state = State { place: None, until: Instant::now() + time, away_since: None };
        Self { places, priority, state: Mutex::new(state), back: Notify::new() }
    }

    /// Waits for a place, unless it has one. Waiting for it costs no time.
    pub(super) async fn sit(&self) {
        if self.state().place.is_some() {
            return;
        }
        self.stop_clock();
        let place = self.places.place(self.priority).await;
        let mut state = self.state();
        state.place = Some(place);
        if let Some(since) = state.away_since.take() {
            state.until += since.elapsed();
        }
        drop(state);
        self.back.notify_waiters();
    }

    /// Gives the place back, and stops the clock.
    pub(super) fn leave(&self) {
        self.stop_clock();
        self.state().place = None;
    }

    /// How much time is left.
    pub(super) fn left(&self) -> Duration {
        let state = self.state();
        state.until.saturating_duration_since(state.away_since.unwrap_or_else(Instant::now))
    }

    /// Resolves when the time is up.
    pub(super) async fn time_up(&self) {
        loop {
            let back = self.back.notified();
            let away = self.state().away_since.is_some();
            let left = self.left();
            if away {
                back.await;
            } else if left.is_zero() {
                return;
            } else {
                sleep(left).await;
            }
        }
    }

    fn stop_clock(&self) {
        let mut state = self.state();
        if state.away_since.is_none() {
            state.away_since = Some(Instant::now());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waiting_costs_no_time_and_no_place() {
        let places = Places::new(1, 0);
        let seat = Seat::new(places.clone(), Priority::Person, Duration::from_secs(10));
        seat.sit().await;
        advance(Duration::from_secs(4)).await;
        assert!(places.place(Priority::Person).now_or_never().is_none());
        seat.leave();
        assert!(places.place(Priority::Person).now_or_never().is_some(), "others may sit there meanwhile");
        advance(Duration::from_hours(1)).await;
        assert!(seat.time_up().now_or_never().is_none());
        seat.sit().await;
        assert_eq!(seat.left(), Duration::from_secs(6));
        let began = Instant::now();
        seat.time_up().await;
        assert_eq!(began.elapsed().as_secs(), 6);
    }
}
