//! The desk as the house sees it: one task that takes in, deals with, and watches over what can't be read.

use std::sync::Arc;

use futures_util::future::{Either, select};
use tokio::sync::{Notify, mpsc, watch};

use super::{
    flow::{ASKED_WAITING_MAX, Flow},
    intake::{Inbox, Intake, WAITING_MAX},
    judge::Judge,
    members::Members,
    sealed::SealWatch,
    view::View,
    words::Clerk,
};
use crate::{
    broker::Broker,
    config::{Config, Nudge},
    matrix::Lines,
    model::Status,
    nursery::Stop,
    routing::RouteInbox,
    store::Store,
};

/// The desk's own task.
pub struct Desk {
    intake: Intake,
    flow: Flow,
    seals: SealWatch,
}

/// The ways from the desk to everybody else.
pub struct Ways {
    /// Everybody's line to the homeserver.
    pub lines: Lines,
    /// Who gets what, and when.
    pub broker: Broker,
    /// Where messages go for which the router is to pick somebody.
    pub routes: RouteInbox,
    /// The picture of the house.
    pub status: watch::Receiver<Status>,
    /// Rung when something came in that whoever keeps the rooms must act on.
    pub action: Arc<Notify>,
    /// Has the configuration read, where it has a file.
    pub nudge: Option<Nudge>,
}

impl Desk {
    /// A desk over `store`, and the way to it.
    #[must_use]
    pub fn new(store: Store, config: watch::Receiver<Arc<Config>>, ways: Ways) -> (Self, Inbox) {
        let Ways { lines, broker, routes, status, action, nudge } = ways;
        let (sender, inbox) = mpsc::channel(WAITING_MAX);
        let (router, asked) = mpsc::channel(ASKED_WAITING_MAX);
        let members = Arc::new(Members::new(lines.clone()));
        let (work, sealed) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let intake = Intake {
            inbox,
            store: store.clone(),
            config: config.clone(),
            action,
            work: Arc::clone(&work),
            sealed: Arc::clone(&sealed),
            members: Arc::clone(&members),
            broker: broker.clone(),
        };
        let judge = Judge {
            view: View { store: store.clone(), lines: lines.clone(), members, status: status.clone() },
            clerk: Clerk {
                config: config.clone(),
                store: store.clone(),
                lines: lines.clone(),
                broker: broker.clone(),
                status,
                nudge,
            },
            config: config.clone(),
            broker,
            router,
        };
        let flow = Flow { judge, work, asked, routes };
        let seals = SealWatch { config, store, lines, news: sealed };
        (Self { intake, flow, seals }, sender)
    }

    /// Works until told to stop; what is taken in at that moment is finished. Ends by itself when the store is closed
    /// for good.
    pub async fn run(self, stop: Stop) {
        let intake = Box::pin(self.intake.run(stop.clone()));
        let (flow, seals) = (Box::pin(self.flow.run(stop.clone())), Box::pin(self.seals.run(stop.clone())));
        // What is cut off between admission and its settlement is still due at the next start.
        if let Either::Right((_, intake)) = select(intake, select(flow, seals)).await
            && stop.is_soft()
        {
            intake.await;
        }
    }
}
