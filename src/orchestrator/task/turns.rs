//! Carries out what the broker orders: for each turn a mind that thinks and a voice that says it, side by side.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use tokio::{
    sync::{mpsc, watch},
    time,
};

use crate::{
    agent::Minds,
    bot::Voice,
    broker::{Broker, Halt, Order},
    config::{Config, Role},
    model::{Handoff, Reply, Responder, Subtask, SubtaskEnd, Turn, TurnEnd},
    nursery::{Nursery, Stop, panic_message},
    observe::{self, ErrandFailed, TaskDied, TurnEnded},
    store::Store,
    team::Panel,
};

/// How many pieces of an answer may wait to be shown; a mind that is further ahead waits.
const REPLIES_WAITING_MAX: usize = 64;
/// How long a running turn may go on once the program is told to stop. The rest of the grace is for what is in the air.
const SUSPEND_AFTER: Duration = Duration::from_secs(4);

/// Everybody whom a turn needs. Cloning gives the same ones.
#[derive(Clone)]
pub(super) struct Turns {
    pub(super) config: watch::Receiver<Arc<Config>>,
    pub(super) broker: Broker,
    pub(super) minds: Minds,
    pub(super) panel: Panel,
    pub(super) voice: Voice,
    pub(super) store: Store,
}

impl Turns {
    /// Carries out orders until told to stop.
    pub(super) async fn run(self, nursery: Nursery, mut orders: mpsc::Receiver<Order>) {
        let stop = nursery.stop().clone();
        loop {
            let order = tokio::select! {
                biased;
                () = stop.soft() => return,
                Some(order) = orders.recv() => order,
            };
            let (turns, stop) = (self.clone(), stop.clone());
            nursery.once(format!("turn:{}", order.turn.id), async move { turns.carry_out(order, &stop).await });
        }
    }

    async fn carry_out(&self, Order { turn, halt }: Order, stop: &Stop) {
        let began = time::Instant::now();
        let (replies, heard) = mpsc::channel(REPLIES_WAITING_MAX);
        let mind = self.think_again(&turn, halt.clone(), replies);
        let voice = AssertUnwindSafe(self.voice.speak(&turn, heard, halt, suspension(stop))).catch_unwind();
        // A mind that breaks leaves its answer unfinished, and the voice says so. Once the voice is done nobody listens.
        let thinking = async {
            mind.await;
            std::future::pending::<()>().await;
        };
        let spoken = tokio::select! {
            biased;
            spoken = voice => spoken,
            () = thinking => return,
        };
        let (end, text) = spoken.unwrap_or_else(|panic| {
            died(&turn, "voice", panic.as_ref());
            (TurnEnd::Failed, String::new())
        });
        TurnEnded { turn: &turn, end, took: began.elapsed() }.emit();
        self.broker.ended(turn.id, end, text).await;
    }

    /// N9: has a mind that breaks down think again, so often.
    async fn think_again(&self, turn: &Turn, halt: Halt, replies: mpsc::Sender<Reply>) {
        if halt.now().is_some() {
            // It is only to be closed, and thinking about it may be what breaks.
            return;
        }
        loop {
            let mind = AssertUnwindSafe(self.think(turn, halt.clone(), replies.clone())).catch_unwind();
            let Err(panic) = mind.await else { return };
            died(turn, "mind", panic.as_ref());
            let tries_max = self.config.borrow().conversation.attempts_max;
            match self.store.count_try(&turn.id).await {
                Ok(tries) if tries <= tries_max && halt.now().is_none() => {}
                Ok(_) => return,
                Err(error) => {
                    ErrandFailed { errand: "counting how often an answer broke down", error: &error }.emit();
                    return;
                }
            }
        }
    }

    async fn think(&self, turn: &Turn, halt: Halt, replies: mpsc::Sender<Reply>) {
        let speaker = turn.responder.speaker();
        observe::fault_point(&format!("turn.begun.{speaker}"));
        assert!(!observe::fault_switch(&format!("turn.panic.{speaker}")), "a fault that a test put in");
        if self.speaks_alone(turn) {
            self.minds.answer(turn, halt, replies).await;
        } else {
            self.panel.answer(turn, halt, replies).await;
        }
    }

    /// Whether one agent answers, not a team.
    fn speaks_alone(&self, turn: &Turn) -> bool {
        let Responder::One(name) = &turn.responder else { return false };
        self.config.borrow().entity(name).is_none_or(|entity| match entity.role {
            Role::Agent(_) | Role::Router(_) => true,
            Role::Team(_) => false,
        })
    }
}

fn died(turn: &Turn, part: &str, panic: &(dyn std::any::Any + Send)) {
    let message = panic_message(panic);
    TaskDied { name: &format!("turn:{}:{part}", turn.id), panic: Some(&message) }.emit();
}

/// Resolves when a running turn must be put aside, some time after the program was told to stop.
async fn suspension(stop: &Stop) {
    stop.soft().await;
    time::sleep(SUSPEND_AFTER).await;
}

/// Gives teams' subtasks to the agents.
pub(super) async fn hand_out(
    minds: Minds,
    nursery: Nursery,
    mut subtasks: mpsc::Receiver<Handoff<Subtask, SubtaskEnd>>,
) {
    let stop = nursery.stop().clone();
    loop {
        let Handoff { value, mut answer } = tokio::select! {
            biased;
            () = stop.soft() => return,
            Some(handoff) = subtasks.recv() => handoff,
        };
        let minds = minds.clone();
        nursery.once(format!("subtask:{}:{}", value.turn.id, value.agent), async move {
            let end = tokio::select! {
                biased;
                end = AssertUnwindSafe(minds.subtask(value)).catch_unwind() => end,
                // The team no longer waits: it was stopped, or is out of time.
                () = answer.closed() => return,
            };
            let end = end.unwrap_or_else(|_| SubtaskEnd::Failed("it broke down".to_owned()));
            // Nobody waits any more.
            drop(answer.send(end));
        });
    }
}
