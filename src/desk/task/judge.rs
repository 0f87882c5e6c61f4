//! Deals with one event: what it shows, what was decided, and what follows, in one step in the store and then in the
//! world.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::sync::{mpsc, watch};

use super::{
    view::View,
    words::{Call, Clerk},
};
use crate::{
    broker::Broker,
    config::Config,
    desk::{
        gate::{Action, Command, Verdict, decide},
        lone_file::{files_before, patience, with_words},
        message::{self, Said},
        missed::{Pace, on_hold},
        projection,
        ruling::{Case, Ruling},
        scene::{self, Scene},
    },
    model::{Content, Conversation, EntityName, EventId, Millis, Notice, RoomId, Standing},
    observe::{self, MessageDecided},
    routing::{RouteRequest, Routed},
    store::{Decision, DecisionAction, Message, Projection, Settlement, StoreError, StoredEvent},
};

/// Judges what people and entities say.
pub(super) struct Judge {
    pub(super) view: View,
    pub(super) clerk: Clerk,
    pub(super) config: watch::Receiver<Arc<Config>>,
    pub(super) broker: Broker,
    /// Takes messages for which the router is to pick somebody. While it is full, their rooms wait.
    pub(super) router: mpsc::Sender<Unrouted>,
}

/// A message for which the router is to pick somebody.
pub(super) struct Unrouted {
    pub(super) request: RouteRequest,
    /// How long it waits before that: words may come that decide about it.
    pub(super) patience: Duration,
}

impl Judge {
    /// Deals with `event`. Doing it again, after a crash in the middle, comes to the same.
    pub(super) async fn settle(&self, event: &StoredEvent, pace: Pace) -> Result<(), StoreError> {
        let Content::Clear { kind, json } = &event.content else { return Ok(()) };
        let content: Value = serde_json::from_str(json).unwrap_or_default();
        match message::read(kind, &content) {
            Said::Message(said) => self.message(event, json, said, pace).await,
            Said::Edit { of, new } => self.edit(event, of, &content["m.new_content"].to_string(), new).await,
            Said::Reaction { on, key } => self.tap(event, &on, &key).await,
            Said::Redaction { of } => self.deletion(event, of).await,
            Said::Other => self.commit(settlement(event, Projection::Nothing)).await,
        }
    }

    /// R1, R2: whom the router, or a tap, picked for a message that waits for it.
    pub(super) async fn routed(&self, request: &RouteRequest, routed: &Routed) -> Result<(), StoreError> {
        let (room, event) = (&request.conversation.room, &request.event);
        let nothing = Settlement::of(room.clone(), event.clone(), Projection::Nothing, observe::now());
        match self.pick(room, event, routed).await? {
            Some(ruling) => self.commit(with(nothing, ruling)).await,
            None => Ok(()),
        }
    }

    /// Judges messages anew for which somebody was yet to be found in an earlier life: who asks and who could answer may
    /// have changed since (N6). Then looks at what was missed.
    pub(super) async fn resume(&self) -> Result<(), StoreError> {
        for decision in self.view.store.unrouted().await? {
            self.anew_about(&decision).await?;
        }
        for room in self.view.store.rooms_with_held().await? {
            // Whoever deals with what is still due there does it afterwards.
            if self.view.store.missed_due(&room).await? == 0 {
                self.catch_up(&room).await?;
            }
        }
        Ok(())
    }

    /// Judges a message anew that was decided about before, unless it is gone.
    pub(super) async fn anew_about(&self, decision: &Decision) -> Result<(), StoreError> {
        let Conversation { room, .. } = &decision.conversation;
        let message = self.view.store.message(room, &decision.event).await?;
        let Some(message) = message.filter(|message| !message.deleted) else { return Ok(()) };
        let nothing = Settlement::of(room.clone(), decision.event.clone(), Projection::Nothing, observe::now());
        self.judge(&self.config(), &message, nothing).await
    }

    async fn message(
        &self,
        event: &StoredEvent,
        json: &str,
        said: message::Message,
        pace: Pace,
    ) -> Result<(), StoreError> {
        let config = self.config();
        let said = self.view.unforwarded(&event.sender, said).await?;
        let thread = self.view.thread_of(event, &said).await?;
        let mentions = self.view.mentions(&config, &event.room, &said).await?;
        let mut message = projection::message(event, json, said, mentions, thread);
        let settlement = settlement(event, Projection::Message(Box::new(message.clone())));
        // What was taken for history before, or could be read only late, may have changed meanwhile, or be gone.
        let known = self.view.store.message(&event.room, &event.event).await?;
        let gone = match &known {
            Some(known) => known.deleted,
            None => event.healed && self.view.store.is_deleted(&event.room, &event.event).await?,
        };
        if let Some(known) = known.filter(|known| known.edited) {
            message = projection::reworded(&message, known.wording);
        }
        if event.standing == Standing::History || gone || grows(&message) {
            return self.commit(settlement).await;
        }
        if let Some(choice) = self.choice_in(&config, &message).await? {
            return self.choose(choice, settlement).await;
        }
        self.judge_at(if event.missed { pace } else { Pace::AsUsual }, &config, &message, settlement).await
    }

    /// Decides about `message` and does what follows, together with `settlement`.
    pub(super) async fn judge(
        &self,
        config: &Config,
        message: &Message,
        settlement: Settlement,
    ) -> Result<(), StoreError> {
        self.judge_at(Pace::AsUsual, config, message, settlement).await
    }

    async fn judge_at(
        &self,
        pace: Pace,
        config: &Config,
        message: &Message,
        mut settlement: Settlement,
    ) -> Result<(), StoreError> {
        let scene = self.view.scene(config, message).await?;
        let facts = scene::facts(config, &scene, message);
        if !facts.triggers && scene.entity(&message.sender).is_some() {
            // What we say outside answers is nothing to decide about.
            return self.commit(settlement).await;
        }
        let verdict = match pace {
            Pace::AsUsual => decide(&facts),
            Pace::OnHold => on_hold(decide(&facts)),
        };
        let case = Case { config, scene: &scene, message, now: settlement.at };
        settlement = with(settlement, case.rule(&facts, &verdict));
        settlement.also_decided = self.files_of(&scene, message, &verdict, settlement.at).await?;
        if let Action::Run(command) = &verdict.action {
            settlement.notices.extend(self.run(&case, command).await?);
        }
        MessageDecided { room: &message.room, event: &message.event, rule: verdict.rule }.emit();
        let patience = patience(&facts.room, message, settlement.at);
        self.commit(settlement).await?;
        if let Action::Route(candidates) = verdict.action {
            self.route(message, candidates, patience).await;
        }
        Ok(())
    }

    /// C5: what the verdict about `words` decides about files that wait for them.
    async fn files_of(
        &self,
        scene: &Scene,
        words: &Message,
        verdict: &Verdict,
        now: Millis,
    ) -> Result<Vec<Decision>, StoreError> {
        let mut decided = Vec::new();
        for file in files_before(&scene.thread, words) {
            let known = self.view.store.decision(&file.room, &file.event).await?;
            decided.extend(known.and_then(|known| with_words(known, verdict, now)));
        }
        Ok(decided)
    }

    /// W1: what the house says to a command, which is carried out.
    async fn run(&self, case: &Case<'_>, command: &Command) -> Result<Option<Notice>, StoreError> {
        let Some((place, configured_mode)) = case.house_place() else { return Ok(None) };
        self.clerk.run(&Call { message: case.message, command, place: &place, configured_mode }).await
    }

    /// What follows from a pick, if the message still waits for one.
    pub(super) async fn pick(
        &self,
        room: &RoomId,
        event: &EventId,
        routed: &Routed,
    ) -> Result<Option<Ruling>, StoreError> {
        let Some((message, decision)) = self.waits_for_pick(room, event).await? else { return Ok(None) };
        let config = self.config();
        let scene = self.view.scene(&config, &message).await?;
        let case = Case { config: &config, scene: &scene, message: &message, now: observe::now() };
        Ok(Some(case.routed(decision.candidates, routed)))
    }

    /// A message that is still there and waits for somebody to be picked, with what was decided about it.
    pub(super) async fn waits_for_pick(
        &self,
        room: &RoomId,
        event: &EventId,
    ) -> Result<Option<(Message, Decision)>, StoreError> {
        let message = self.view.store.message(room, event).await?.filter(|message| !message.deleted);
        let decision = self.view.store.decision(room, event).await?.filter(|decision| match decision.action {
            DecisionAction::Route | DecisionAction::Ask => true,
            DecisionAction::Ignore | DecisionAction::Run | DecisionAction::Say | DecisionAction::Answer => false,
        });
        Ok(message.zip(decision))
    }

    /// Writes everything down, and tells those whom it concerns. A crash in between is made up for at the next start.
    pub(super) async fn commit(&self, settlement: Settlement) -> Result<(), StoreError> {
        let envelopes = observe::fault_around("settle", self.view.store.settle(settlement)).await?;
        for envelope in envelopes {
            self.broker.deliver(envelope).await;
        }
        Ok(())
    }

    pub(super) fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.borrow())
    }

    async fn route(&self, message: &Message, candidates: Vec<EntityName>, patience: Duration) {
        let Message { room, event, thread, .. } = message.clone();
        let request = RouteRequest { conversation: Conversation { room, thread }, event, candidates };
        // Whoever takes them ends with this task, and the next start asks again.
        drop(self.router.send(Unrouted { request, patience }).await);
    }
}

/// What comes of `event` at least.
pub(super) fn settlement(event: &StoredEvent, projection: Projection) -> Settlement {
    let live = Settlement::of(event.room.clone(), event.event.clone(), projection, observe::now());
    Settlement { standing: event.standing, ..live }
}

/// What comes of an event beside what it shows.
pub(super) fn with(settlement: Settlement, ruling: Ruling) -> Settlement {
    let Ruling { decision, envelopes, notices, audit } = ruling;
    Settlement { decision: Some(decision), envelopes, notices, audit, ..settlement }
}

/// Whether an entity is not done saying it.
fn grows(message: &Message) -> bool {
    message.wording.mark.as_ref().is_some_and(|mark| !mark.last)
}
