//! The way to the broker: envelopes wait their turn at its door, people's control does not.

use std::time::Duration;

use tokio::{
    sync::{mpsc, oneshot},
    time::sleep,
};

use super::{Halt, Halted};
use crate::{
    broker::Scope,
    model::{Envelope, Turn, TurnEnd, TurnId},
    observe::{self, TurnUnsaved},
    store::{Retry, Store},
};

/// How many envelopes may wait at the door; whoever brings the next one waits with it.
const ENVELOPES_WAITING_MAX: usize = 256;
/// How many wishes of people and endings of turns may wait; whoever brings the next one waits with it.
const CONTROLS_WAITING_MAX: usize = 256;

/// How long the store is left alone after it could not write that a turn ended.
const END_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// A turn to be carried out. It is over when [`Broker::ended`] is told so.
#[derive(Debug)]
pub struct Order {
    /// What is to be answered.
    pub turn: Turn,
    /// How it hears that nobody wants it any more. It may have been pulled already.
    pub halt: Halt,
}

/// The broker. Clones are handles to the same one.
///
/// Once the program stops nobody takes anything in here any more: what was handed over is in the store, and the next start
/// goes on with it.
#[derive(Debug, Clone)]
pub struct Broker {
    store: Store,
    envelopes: mpsc::Sender<Envelope>,
    controls: mpsc::Sender<Control>,
}

/// What goes before every envelope.
#[derive(Debug)]
pub(super) enum Control {
    Halt(Scope, Halted, oneshot::Sender<usize>),
    Again(TurnId, oneshot::Sender<bool>),
    Ended(TurnId, TurnEnd),
}

/// The task's end of both ways.
pub(super) struct Inlets {
    pub(super) envelopes: mpsc::Receiver<Envelope>,
    pub(super) controls: mpsc::Receiver<Control>,
}

impl Broker {
    pub(super) fn new(store: Store) -> (Self, Inlets) {
        let (envelopes, envelopes_in) = mpsc::channel(ENVELOPES_WAITING_MAX);
        let (controls, controls_in) = mpsc::channel(CONTROLS_WAITING_MAX);
        (Self { store, envelopes, controls }, Inlets { envelopes: envelopes_in, controls: controls_in })
    }

    /// Takes an envelope that is in the store already. A second delivery of the same one changes nothing.
    pub async fn deliver(&self, envelope: Envelope) {
        // Without a broker the program is about to end, and the envelope is in the store.
        drop(self.envelopes.send(envelope).await);
    }

    /// Ends what `scope` covers: turns that run hear `why`, messages that wait are cancelled, unless they were merely edited:
    /// then the new wording counts. Answers how many turns and messages that concerned.
    ///
    /// A deleted message among others that are answered together is left out, and the rest is answered anew.
    pub async fn halt(&self, scope: Scope, why: Halted) -> usize {
        let (answer, heard) = oneshot::channel();
        drop(self.controls.send(Control::Halt(scope, why, answer)).await);
        heard.await.unwrap_or_default()
    }

    /// Has a turn given again, in the same messages; one that runs begins anew. Answers whether it will be: not when there
    /// is no such turn, or too much waits in its conversation already.
    pub async fn again(&self, turn: TurnId) -> bool {
        let (answer, heard) = oneshot::channel();
        drop(self.controls.send(Control::Again(turn, answer)).await);
        heard.await.unwrap_or_default()
    }

    /// Keeps how a turn ended and what it said, and lets its conversation go on. While that can't be written its conversation
    /// waits: what isn't known to have ended, the next start would give again.
    pub async fn ended(&self, turn: TurnId, end: TurnEnd, text: String) {
        loop {
            let written = self.store.end_turn(&turn, end, &text, observe::now());
            let Err(error) = observe::fault_around("end", written).await else { break };
            TurnUnsaved { what: turn.as_str(), step: "end", error: &error }.emit();
            match error.retry() {
                Retry::Later => sleep(END_AGAIN_AFTER).await,
                Retry::Never => break,
            }
        }
        drop(self.controls.send(Control::Ended(turn, end)).await);
    }
}
