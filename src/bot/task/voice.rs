//! Gives answers their voice: what a mind says becomes one message that grows, and ends once.

use std::{
    panic::AssertUnwindSafe,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use futures_util::{FutureExt as _, future::FusedFuture};
use tokio::sync::{mpsc, watch};

use super::{
    closing::{Farewell, TIDY_TIME_MAX},
    courier::{Courier, written},
    ground::Ground,
    speech::{Close, Speech},
    typists::Typists,
};
use crate::{
    broker::{Halt, Halted},
    config::Config,
    matrix::{Lines, MatrixError},
    model::{Reply, Turn, TurnEnd},
    nursery::panic_message,
    observe::{self, TaskDied},
    store::Store,
};

/// How long an answer that is put aside waits for what is beside it.
const SUSPENSION_TIDY_MAX: Duration = Duration::from_millis(300);

/// Says answers. Clones say them as one.
#[derive(Clone)]
pub struct Voice {
    config: watch::Receiver<Arc<Config>>,
    courier: Courier,
    typists: Typists,
}

impl Voice {
    /// A voice for everybody on `lines`.
    #[must_use]
    pub fn new(config: watch::Receiver<Arc<Config>>, store: Store, lines: Lines) -> Self {
        Self { config, courier: Courier { lines, store }, typists: Typists::default() }
    }

    /// Says what comes over `replies` as the answer of `turn`, in one message that grows and ends once. Answers how the
    /// turn ended, and what it said.
    ///
    /// `suspended` resolves when the program must stop: what was said stays, and the next start goes on with it. While
    /// the homeserver is away the last words wait; everything before may get lost. When a bug ends it in between, the
    /// message ends with a plain sentence.
    pub async fn speak(
        &self,
        turn: &Turn,
        replies: mpsc::Receiver<Reply>,
        halt: Halt,
        suspended: impl Future<Output = ()> + Send,
    ) -> (TurnEnd, String) {
        let mut suspended = pin!(suspended.fuse());
        let panic = match AssertUnwindSafe(self.say(turn, replies, &halt, suspended.as_mut())).catch_unwind().await {
            Ok(spoken) => return spoken,
            Err(panic) => panic_message(panic.as_ref()),
        };
        TaskDied { name: &format!("turn:{}:voice", turn.id), panic: Some(&panic) }.emit();
        let newest = written(self.courier.store.turn(&turn.id).await).flatten().map(|stored| stored.turn);
        // From here on a mind has nothing to say, and an answer without an end is told so.
        let (_, silence) = mpsc::channel(1);
        self.say(newest.as_ref().unwrap_or(turn), silence, &halt, suspended).await
    }

    async fn say(
        &self,
        turn: &Turn,
        mut replies: mpsc::Receiver<Reply>,
        halt: &Halt,
        mut suspended: Pin<&mut (impl FusedFuture<Output = ()> + Send)>,
    ) -> (TurnEnd, String) {
        let config = Arc::clone(&self.config.borrow());
        let Some(ground) = Ground::survey(&self.courier.store, turn).await else {
            return (TurnEnd::Suspended, String::new());
        };
        let mut speech = Speech::new(self.courier.clone(), config, &self.typists, turn, ground);
        let close = speech.grow(&mut replies, halt, suspended.as_mut()).await;
        // Nobody listens any more: a mind that still talks hears it.
        drop(replies);
        let end = match close {
            Close::Quiet(end) => end,
            Close::Impossible(error) => self.give_up(turn, &error).await,
            Close::Words(text, end) => {
                let interrupted = pin!(async {
                    tokio::select! {
                        biased;
                        () = suspended.as_mut() => {}
                        () = gone(halt) => {}
                    }
                });
                match speech.close(&text, end, interrupted).await {
                    Farewell::Said | Farewell::WrittenDown => end,
                    Farewell::Unsaid if halt.now() == Some(Halted::Gone) => TurnEnd::Stopped,
                    Farewell::Unsaid => TurnEnd::Suspended,
                    Farewell::Impossible(error) => self.give_up(turn, &error).await,
                }
            }
        };
        let time_max = if suspended.is_terminated() { SUSPENSION_TIDY_MAX } else { TIDY_TIME_MAX };
        tokio::select! {
            biased;
            () = speech.tidy_up(end, time_max) => {}
            // What is beside an answer doesn't hold up the program's end.
            () = suspended => {}
        }
        (end, speech.into_said(end))
    }

    async fn give_up(&self, turn: &Turn, error: &MatrixError) -> TurnEnd {
        let place = (turn.responder.speaker(), &turn.conversation.room);
        self.courier.give_up(place, &format!("turn {}", turn.id), error, observe::now()).await;
        TurnEnd::Failed
    }
}

/// Resolves when the room is closed to us.
async fn gone(halt: &Halt) {
    match halt.halted().await {
        Halted::Gone => {}
        Halted::Stopped | Halted::Deleted | Halted::Edited | Halted::Broken => std::future::pending().await,
    }
}
