//! Who is writing where: an account shows it once for a room, however many of its answers grow there at the same time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Semaphore;

use crate::model::{EntityName, RoomId};

type Desk = (EntityName, RoomId);

/// Everybody who writes. A lock rather than a task: it is held for a look at a number.
#[derive(Debug, Clone, Default)]
pub(super) struct Typists(Arc<Mutex<HashMap<Desk, Lamp>>>);

/// What others see of one account in one room.
#[derive(Debug)]
struct Lamp {
    writers: usize,
    is_lit: bool,
    requests: Arc<Semaphore>,
}

/// One answer that grows. Dropped, it grows no more; what others see then, the next one's end clears.
#[derive(Debug)]
pub(super) struct Writing {
    typists: Typists,
    desk: Desk,
    /// One request at a time: of two under way at once, the homeserver may take the later one first.
    pub(super) requests: Arc<Semaphore>,
}

impl Typists {
    /// `speaker` begins to write in `room`.
    pub(super) fn begin(&self, speaker: &EntityName, room: &RoomId) -> Writing {
        let desk = (speaker.clone(), room.clone());
        let mut lamps = self.locked();
        let lamp = lamps.entry(desk.clone()).or_insert_with(Lamp::new);
        lamp.writers += 1;
        Writing { typists: self.clone(), desk, requests: Arc::clone(&lamp.requests) }
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<Desk, Lamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lamp {
    fn new() -> Self {
        Self { writers: 0, is_lit: false, requests: Arc::new(Semaphore::new(1)) }
    }
}

impl Writing {
    /// From now on others see it.
    pub(super) fn light(&self) {
        if let Some(lamp) = self.typists.locked().get_mut(&self.desk) {
            lamp.is_lit = true;
        }
    }

    /// It grows no more. Answers whether others still see somebody write though nobody does.
    pub(super) fn end(self) -> bool {
        let (typists, desk) = (self.typists.clone(), self.desk.clone());
        drop(self);
        let mut lamps = typists.locked();
        let left_on = lamps.get(&desk).is_some_and(|lamp| lamp.writers == 0);
        if left_on {
            lamps.remove(&desk);
        }
        left_on
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let mut lamps = self.typists.locked();
        if let Some(lamp) = lamps.get_mut(&self.desk) {
            lamp.writers -= 1;
            if lamp.writers == 0 && !lamp.is_lit {
                lamps.remove(&self.desk);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C7: one answer's end doesn't clear the typing of another that still grows; the last one's does, whoever lit it.
    #[test]
    fn the_last_one_turns_off_the_light() {
        let (typists, ada) = (Typists::default(), EntityName::parse("ada").unwrap());
        let room = |name: &str| RoomId::parse(name).unwrap();
        let (first, second) = (typists.begin(&ada, &room("!a")), typists.begin(&ada, &room("!a")));
        let elsewhere = typists.begin(&ada, &room("!b"));
        first.light();
        assert!(!first.end() && !elsewhere.end());
        assert!(second.end());
        let lost = typists.begin(&ada, &room("!a"));
        lost.light();
        drop(lost);
        assert!(typists.begin(&ada, &room("!a")).end(), "nobody turned it off");
        assert!(typists.locked().is_empty());
    }
}
