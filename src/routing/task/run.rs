//! Asks the model that picks, within its time, and falls back on the words.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, timeout},
};

use super::Hearing;
use crate::{
    config::{Config, Handoff as Wish, Role, Router},
    llm::{Driver, LlmError, Models, Places, object_in, whole},
    matrix::Lines,
    model::{EntityName, Handoff, Priority, Prompt},
    nursery::Stop,
    observe::{MessageRouted, RoutingFailed},
    routing::{
        RouteRequest, Routed,
        candidates::{Candidate, candidates},
        choice::{Choice, choice},
        fallback::{Weighed, weigh},
        question::{EARLIER_MAX, question},
    },
    store::{Store, StoreError},
};

/// How many messages may wait to be routed; whoever brings the next one waits with it.
const REQUESTS_WAITING_MAX: usize = 64;
/// How many messages are routed at once.
const REQUESTS_AT_ONCE_MAX: usize = 16;
/// Where messages to be routed are brought.
pub type RouteInbox = mpsc::Sender<Handoff<RouteRequest, Routed>>;

/// Routing's own task.
pub struct Routing {
    requests: mpsc::Receiver<Handoff<RouteRequest, Routed>>,
    means: Means,
}

/// What a choice is made from.
#[derive(Clone)]
struct Means {
    config: watch::Receiver<Arc<Config>>,
    models: Models,
    places: Places,
    hearing: Hearing,
}

/// Why the model gave no choice.
#[derive(Debug, thiserror::Error)]
enum NoChoice {
    #[error(transparent)]
    Llm(#[from] LlmError),
    #[error("the answer names nobody who could answer")]
    Nobody,
    #[error("the time for it is up")]
    TimeUp,
}

impl Routing {
    /// Routing by these means, that shares `places` with everybody else who asks models, and the way to it.
    #[must_use]
    pub fn new(
        config: watch::Receiver<Arc<Config>>,
        models: Models,
        places: Places,
        store: Store,
        lines: Lines,
    ) -> (Self, RouteInbox) {
        let (inbox, requests) = mpsc::channel(REQUESTS_WAITING_MAX);
        (Self { requests, means: Means { config, models, places, hearing: Hearing::new(store, lines) } }, inbox)
    }

    /// Works until told to stop. What is in hand then is dropped unanswered, and the next start routes it.
    pub async fn run(mut self, stop: Stop) {
        let mut at_work = FuturesUnordered::new();
        loop {
            tokio::select! {
                biased;
                () = stop.soft() => return,
                Some(()) = at_work.next() => {}
                Some(handoff) = self.requests.recv(), if at_work.len() < REQUESTS_AT_ONCE_MAX => {
                    at_work.push(answer(self.means.clone(), handoff));
                }
                else => return,
            }
        }
    }
}

async fn answer(means: Means, Handoff { value, answer }: Handoff<RouteRequest, Routed>) {
    // Without the message there is nothing to go by. Unanswered, the desk brings it again.
    let Ok(routed) = means.route(&value).await else { return };
    let by = match &routed {
        Routed::Chosen { rule: "R1", .. } => "model",
        Routed::Chosen { .. } => "words",
        Routed::Unclear { .. } => "person",
    };
    MessageRouted { room: &value.conversation.room, event: &value.event, by }.emit();
    // The desk may have gone; the next start asks again.
    drop(answer.send(routed));
}

impl Means {
    async fn route(&self, request: &RouteRequest) -> Result<Routed, StoreError> {
        let config = Arc::clone(&self.config.borrow());
        let Role::Router(router) = &config.router().role else { return Ok(unclear(request.candidates.clone())) };
        let candidates = candidates(&config, &request.candidates);
        if let [only] = candidates.as_slice() {
            return Ok(chosen(router, only.name.clone(), "it is the only one left".to_owned(), "R2"));
        }
        let there: Vec<EntityName> = [&config.router().name].into_iter().chain(&request.candidates).cloned().collect();
        let asked = (&request.conversation, &request.event);
        let mut said = self.hearing.said(&config, asked, &there, &[], EARLIER_MAX + 1).await?;
        let message = said.pop().unwrap_or_default();
        if let Some((model, driver)) = router.model.as_ref().and_then(|name| Some((name, self.models.driver(name)?))) {
            let prompt = question(&candidates, &said, &message);
            // A person waits for whoever is picked. While every place is taken, that one couldn't begin either.
            let _place = self.places.place(Priority::Person).await;
            match pick(driver.as_ref(), &prompt, &candidates, router.timeout).await {
                Ok(Choice { name, reason }) => return Ok(chosen(router, name, reason, "R1")),
                Err(error) => RoutingFailed { model, error: &error }.emit(),
            }
        }
        Ok(match weigh(&message.text, &candidates) {
            Weighed::Clear(name) => chosen(router, name, "what it is for fits the message best".to_owned(), "R2"),
            Weighed::Unclear(names) => unclear(names),
        })
    }
}

/// R2: asks within `time`, and once more where the answer broke off. What fails before the first word is tried again behind
/// the model's door.
async fn pick(
    driver: &dyn Driver,
    prompt: &Prompt,
    candidates: &[Candidate],
    time: Duration,
) -> Result<Choice, NoChoice> {
    let until = Instant::now() + time;
    let ask = || async {
        let left = until.saturating_duration_since(Instant::now());
        timeout(left, whole(driver.ask(prompt.clone(), left))).map(|answer| answer.map_err(|_| NoChoice::TimeUp)).await
    };
    let answer = match ask().await? {
        Err(LlmError::Truncated | LlmError::Malformed) => ask().await??,
        answer => answer?,
    };
    object_in(&answer.text).and_then(|object| choice(&object, candidates)).ok_or(NoChoice::Nobody)
}

fn chosen(router: &Router, name: EntityName, reason: String, rule: &'static str) -> Routed {
    let announcement = match router.handoff {
        Wish::Silent => None,
        Wish::Message => Some(format!("@{name} answers this: {reason}")),
    };
    Routed::Chosen { name, reason, rule, announcement }
}

fn unclear(candidates: Vec<EntityName>) -> Routed {
    Routed::Unclear {
        candidates,
        reason: "neither the model nor the words of the message tell who should answer".to_owned(),
    }
}
