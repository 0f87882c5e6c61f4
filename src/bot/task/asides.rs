//! What is done beside an answer: it never holds up the answer, and what breaks in it doesn't break the answer.

use std::{collections::BTreeMap, panic::AssertUnwindSafe};

use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};

use super::sign::Sign;
use crate::{
    model::{TurnId, UserId},
    nursery::panic_message,
    observe::TaskDied,
};

/// What came of something beside an answer.
#[derive(Debug)]
pub(super) enum Aside {
    /// This is what the room's members are called.
    Named(BTreeMap<UserId, String>),
    /// It was offered to stop the answer, or could not be.
    Offered(Option<Sign>),
    /// Nothing that the answer needs.
    Done,
}

/// Everything that is done beside one answer.
pub(super) struct Asides {
    turn: TurnId,
    under_way: FuturesUnordered<BoxFuture<'static, Aside>>,
}

impl Asides {
    /// Nothing yet, beside the answer of `turn`.
    pub(super) fn of(turn: TurnId) -> Self {
        Self { turn, under_way: FuturesUnordered::new() }
    }

    /// Begins one more. It goes on while somebody waits for [`Self::next`].
    pub(super) fn begin(&mut self, aside: impl Future<Output = Aside> + Send + 'static) {
        let name = format!("turn:{}:beside", self.turn);
        let unbroken = AssertUnwindSafe(aside).catch_unwind().map(move |outcome| {
            outcome.unwrap_or_else(|panic| {
                TaskDied { name: &name, panic: Some(&panic_message(panic.as_ref())) }.emit();
                Aside::Done
            })
        });
        self.under_way.push(unbroken.boxed());
    }

    /// The next one that is done; none when nothing is under way. Whoever stops waiting loses nothing.
    pub(super) async fn next(&mut self) -> Option<Aside> {
        self.under_way.next().await
    }
}
