//! Whoever waits for something to happen in a room hears of it as soon as it is committed, and then looks.

use std::future::pending;

use tokio::sync::broadcast::{self, error::RecvError};

use crate::model::RoomId;

/// How many rooms' news may wait to be heard; whoever is further behind looks once for all of them.
const NEWS_WAITING_MAX: usize = 256;

/// Tells in which rooms something happened. Clones tell the same listeners.
#[derive(Debug, Clone)]
pub(super) struct Crier(broadcast::Sender<RoomId>);

/// Hears of one room, from the moment on in which it was made.
#[derive(Debug)]
pub struct Ear {
    room: RoomId,
    news: broadcast::Receiver<RoomId>,
}

impl Crier {
    /// Nobody listens yet.
    pub(super) fn new() -> Self {
        Self(broadcast::Sender::new(NEWS_WAITING_MAX))
    }

    /// Something happened in `room`, and is committed.
    pub(super) fn tell(&self, room: RoomId) {
        // Mostly nobody listens.
        drop(self.0.send(room));
    }

    /// Listens to `room` from now on.
    pub(super) fn ear(&self, room: RoomId) -> Ear {
        Ear { room, news: self.0.subscribe() }
    }
}

impl Ear {
    /// Resolves when something was said, changed, taken back or tapped in the room since the last time. May also resolve
    /// without that, where very much happens at once.
    pub async fn news(&mut self) {
        loop {
            match self.news.recv().await {
                Ok(room) if room == self.room => return,
                Ok(_other) => {}
                Err(RecvError::Lagged(_)) => return,
                Err(RecvError::Closed) => pending().await,
            }
        }
    }
}
