//! Lays the channels between those who decide, those who think and those who speak, and starts them.

use std::sync::Arc;

use tokio::sync::{Notify, mpsc, watch};

use super::sweep::sweep;
use super::turns::{Turns, hand_out};
use crate::{
    agent::Minds,
    bot::{Poster, Voice},
    broker::Dispatch,
    config::{Config, Nudge},
    desk::{Desk, Inbox, Ways},
    llm::{Models, Places},
    matrix::Lines,
    model::Status,
    nursery::Nursery,
    routing::Routing,
    store::Store,
    team::Panel,
};

/// How many turns may wait to be begun; the broker keeps the others.
const ORDERS_WAITING_MAX: usize = 64;
/// How many subtasks may wait to be given out; a team that has more waits with them.
const SUBTASKS_WAITING_MAX: usize = 64;

/// What a conversation needs from outside.
pub(super) struct Talk {
    pub(super) config: watch::Receiver<Arc<Config>>,
    pub(super) models: Models,
    pub(super) store: Store,
    pub(super) lines: Lines,
    pub(super) status: watch::Receiver<Status>,
    /// Rung when something came in that whoever keeps the rooms must act on.
    pub(super) action: Arc<Notify>,
    /// Has the configuration read, where it has a file.
    pub(super) nudge: Option<Nudge>,
}

impl Talk {
    /// Starts everybody who takes part, and answers where sync loops bring what came in.
    pub(super) fn start(self, nursery: &Nursery) -> Inbox {
        let Self { config, models, store, lines, status, action, nudge } = self;
        let stop = || nursery.stop().clone();
        let places = {
            let conversation = &config.borrow().conversation;
            Places::new(conversation.turns_max.get(), conversation.turns_reserved)
        };
        let (orders, ordered) = mpsc::channel(ORDERS_WAITING_MAX);
        let (subtasks, given) = mpsc::channel(SUBTASKS_WAITING_MAX);

        let (broker, dispatch) = Dispatch::new(store.clone(), config.clone(), orders);
        let (routing, routes) =
            Routing::new(config.clone(), models.clone(), places.clone(), store.clone(), lines.clone());
        let ways = Ways { lines: lines.clone(), broker: broker.clone(), routes, status, action, nudge };
        let (desk, inbox) = Desk::new(store.clone(), config.clone(), ways);
        let (swept, kept) = (store.clone(), config.clone());
        let poster = Poster::new(config.clone(), store.clone(), lines.clone());
        let minds = Minds::new(config.clone(), models.clone(), places.clone(), store.clone(), lines.clone());
        let turns = Turns {
            config: config.clone(),
            broker,
            minds: minds.clone(),
            panel: Panel::new(config.clone(), models, places, store.clone(), lines.clone(), subtasks),
            voice: Voice::new(config, store.clone(), lines),
            store,
        };

        if minds.have_skills() {
            let minds = minds.clone();
            nursery.once("skills", async move { minds.read_skills().await });
        }
        nursery.forever("broker", dispatch.run(stop()));
        nursery.forever("routing", routing.run(stop()));
        nursery.forever("desk", desk.run(stop()));
        nursery.forever("poster", poster.run(stop()));
        nursery.forever("turns", turns.run(nursery.clone(), ordered));
        nursery.forever("sweep", sweep(swept, kept, stop()));
        nursery.forever("subtasks", hand_out(minds, nursery.clone(), given));
        inbox
    }
}
