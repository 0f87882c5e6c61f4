//! How a turn hears that people no longer want it as it is.

use tokio::sync::watch;

/// Why a turn is to end before it is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halted {
    /// A person stopped it. What was said stays and is marked so.
    Stopped,
    /// The question was deleted. What was said stays, too.
    Deleted,
    /// The question was edited: the turn begins anew, in the same message.
    Edited,
    /// The room is closed to us: nothing more can be said there.
    Gone,
    /// Giving it broke down too often. What was said stays, and is marked so.
    Broken,
}

/// The end that pulls.
#[derive(Debug)]
pub struct Halter(watch::Sender<Option<Halted>>);

/// The end that hears. Clones hear the same.
#[derive(Debug, Clone)]
pub struct Halt(watch::Receiver<Option<Halted>>);

impl Halter {
    /// A pair of both ends.
    #[must_use]
    pub fn new() -> (Self, Halt) {
        let (sender, receiver) = watch::channel(None);
        (Self(sender), Halt(receiver))
    }

    /// Ends the turn; the first reason counts.
    pub fn pull(&self, why: Halted) {
        self.0.send_if_modified(|halted| halted.is_none() && halted.replace(why).is_none());
    }
}

impl Halt {
    /// Resolves when the turn is to end, with the reason. Never, if nobody can end it any more.
    pub async fn halted(&self) -> Halted {
        let mut receiver = self.0.clone();
        match receiver.wait_for(Option::is_some).await.map(|halted| *halted) {
            Ok(Some(why)) => why,
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    /// Why the turn is to end, if it is.
    #[must_use]
    pub fn now(&self) -> Option<Halted> {
        *self.0.borrow()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_reason_counts_and_everybody_hears_it() {
        let (halter, halt) = Halter::new();
        assert_eq!(halt.now(), None);
        halter.pull(Halted::Stopped);
        halter.pull(Halted::Deleted);
        drop(halter);
        assert_eq!((halt.now(), halt.clone().halted().await), (Some(Halted::Stopped), Halted::Stopped));
    }
}
