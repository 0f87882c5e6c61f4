//! Deals with what people change afterwards: edits, deletions and taps.

use super::{
    judge::{Judge, settlement, with},
    missed::Choice,
};
use crate::{
    broker::{Halted, Scope},
    desk::{
        afterthought::{Edited, Tap, Tapped, edited, is_whole, tap},
        message, missed, projection,
    },
    model::{EventId, PollAbout, Standing, TransactionId, TurnId},
    observe::ErrandFailed,
    routing::Routed,
    store::{
        Decision, Message, Pick, Projection, Settlement, StoreError, StoredEvent, StoredNotice, StoredTurn, TurnState,
        Wording,
    },
};

impl Judge {
    /// A new wording. Of an entity's message it is how an answer grows; of a person's, S7 says what it means.
    pub(super) async fn edit(
        &self,
        event: &StoredEvent,
        of: EventId,
        json: &str,
        new: message::Message,
    ) -> Result<(), StoreError> {
        let config = self.config();
        let new = self.view.unforwarded(&event.sender, new).await?;
        let mentions = self.view.mentions(&config, &event.room, &new).await?;
        let wording = projection::wording(json, new, mentions);
        let settlement = settlement(event, projection::edit(event, of.clone(), wording.clone()));
        let known = self.view.store.message(&event.room, &of).await?;
        let matters = |message: &Message| {
            let live = event.standing == Standing::Live && message.standing == Standing::Live;
            live && message.sender == event.sender && !message.deleted
        };
        let Some(message) = known.filter(matters) else { return self.commit(settlement).await };
        let decision = self.view.store.decision(&event.room, &of).await?;
        let by_entity = wording.mark.is_some() || self.view.own().await?.contains_key(&event.sender);
        match (by_entity, decision) {
            // An answer is judged once, when it is whole.
            (true, None) if is_whole(&wording) => {
                self.judge(&config, &projection::reworded(&message, wording), settlement).await
            }
            (true, _) | (false, None) => self.commit(settlement).await,
            (false, Some(decision)) => self.edited(event, settlement, &message, &decision, wording).await,
        }
    }

    async fn edited(
        &self,
        event: &StoredEvent,
        settlement: Settlement,
        message: &Message,
        decision: &Decision,
        wording: Wording,
    ) -> Result<(), StoreError> {
        let config = self.config();
        match edited(&config, message, decision, &wording, event.admitted_at) {
            Edited::Nothing => self.commit(settlement).await,
            Edited::Anew => self.anew(settlement, message).await,
            Edited::Asks => {
                let asking = Message { received_at: event.admitted_at, ..projection::reworded(message, wording) };
                self.judge(&config, &asking, settlement).await
            }
        }
    }

    /// S7: the new words are in the store before anybody begins anew with them.
    async fn anew(&self, mut settlement: Settlement, question: &Message) -> Result<(), StoreError> {
        let turns = self.view.store.turns_of(&question.room, &question.event).await?;
        let (ended, running): (Vec<StoredTurn>, Vec<StoredTurn>) = turns.into_iter().partition(has_ended);
        let mut again: Vec<TurnId> = ended.into_iter().map(|turn| turn.turn.id).collect();
        settlement.again.clone_from(&again);
        self.commit(settlement).await?;
        let scope = Scope::Message(question.room.clone(), question.event.clone());
        if self.broker.halt(scope, Halted::Edited).await < running.len() {
            // Some ended between our look and the halt, with the old words.
            let now = self.view.store.turns_of(&question.room, &question.event).await?;
            let ran = |turn: &StoredTurn| running.iter().any(|before| before.turn.id == turn.turn.id);
            again.extend(now.into_iter().filter(|turn| has_ended(turn) && ran(turn)).map(|turn| turn.turn.id));
        }
        for turn in again {
            self.broker.again(turn).await;
        }
        Ok(())
    }

    /// S8: what was asked by a message that is taken back isn't answered any more.
    pub(super) async fn deletion(&self, event: &StoredEvent, of: EventId) -> Result<(), StoreError> {
        let mut settlement = settlement(event, Projection::Deletion { of: of.clone() });
        if event.standing == Standing::History {
            return self.commit(settlement).await;
        }
        self.stop_deleted(event, &of).await?;
        settlement.withdrawn = Some(of.clone());
        self.commit(settlement).await?;
        self.broker.halt(Scope::Message(event.room.clone(), of.clone()), Halted::Deleted).await;
        if self.config().conversation.redact_answers {
            for stored in self.view.store.turns_of(&event.room, &of).await? {
                self.take_back(&stored).await?;
            }
        }
        Ok(())
    }

    /// S4: whoever takes an answer away while it is given wants no more of it. What we take back ourselves is only too much.
    async fn stop_deleted(&self, event: &StoredEvent, answer: &EventId) -> Result<(), StoreError> {
        let found = self.view.store.turn_at(&event.room, answer).await?;
        let Some(stored) = found.filter(|stored| !has_ended(stored)) else { return Ok(()) };
        let config = self.config();
        let scene = self.view.room(&config, &event.room).await?;
        if scene.entity(&event.sender).is_none() && scene.may_use(&config, &event.room, &event.sender) {
            self.broker.halt(Scope::Turn(stored.turn.id), Halted::Stopped).await;
        }
        Ok(())
    }

    /// Takes an answer back, unless it answers something that still stands.
    async fn take_back(&self, stored: &StoredTurn) -> Result<(), StoreError> {
        let turn = &stored.turn;
        let room = &turn.conversation.room;
        for question in &turn.messages {
            if !self.view.store.is_deleted(room, question).await? {
                return Ok(());
            }
        }
        let Some(line) = self.view.lines.of(turn.responder.speaker()) else { return Ok(()) };
        for (index, part) in turn.parts.iter().enumerate() {
            let Some(transaction) = redaction(&turn.id, index) else { continue };
            let reason = Some("the question was deleted".to_owned());
            if let Err(error) = line.redact(room.clone(), part.clone(), reason, transaction).await {
                ErrandFailed { errand: "taking an answer back", error: &error }.emit();
            }
        }
        Ok(())
    }

    /// A tap on a message: 🛑, 🔁, or an answer to a question.
    pub(super) async fn tap(&self, event: &StoredEvent, on: &EventId, key: &str) -> Result<(), StoreError> {
        let nothing = settlement(event, Projection::Nothing);
        if event.standing == Standing::History {
            return self.commit(nothing).await;
        }
        let config = self.config();
        let scene = self.view.room(&config, &event.room).await?;
        let (room, by) = (&event.room, &event.sender);
        if scene.entity(by).is_some() || !scene.may_use(&config, room, by) {
            return self.commit(nothing).await;
        }
        let store = &self.view.store;
        let tapped = Tapped { turn: store.turn_at(room, on).await?, notice: store.notice_at(room, on).await? };
        match tap(&config, by, key, &tapped) {
            Tap::Nothing => self.commit(nothing).await,
            Tap::Stop(turn) => self.stop(nothing, Scope::Turn(turn)).await,
            Tap::StopAnswers => self.stop(nothing, Scope::Message(room.clone(), on.clone())).await,
            Tap::Again(turn) => {
                self.commit(Settlement { again: vec![turn.clone()], ..nothing }).await?;
                self.broker.again(turn).await;
                Ok(())
            }
            Tap::Route { notice, event: asked, responder } => {
                let value = responder.to_string();
                let reason = "the person picked it".to_owned();
                let routed = Routed::Chosen { name: responder, reason, rule: "R2", announcement: None };
                let pick = Some(Pick { notice, value, by: by.clone() });
                let settlement = Settlement { pick, ..nothing };
                match self.pick(room, &asked, &routed).await? {
                    Some(ruling) => self.commit(with(settlement, ruling)).await,
                    None => self.commit(settlement).await,
                }
            }
            Tap::Answer { notice, about, value } => {
                let pick = Some(Pick { notice, value, by: by.clone() });
                self.answered(event, Settlement { pick, ..nothing }, &about, tapped.notice.as_ref()).await
            }
        }
    }

    /// S4: first the stop, then the note that it was dealt with: stopping twice does no harm.
    async fn stop(&self, nothing: Settlement, scope: Scope) -> Result<(), StoreError> {
        self.broker.halt(scope, Halted::Stopped).await;
        self.commit(nothing).await
    }

    /// Whoever asked finds the answer in the store.
    async fn answered(
        &self,
        event: &StoredEvent,
        mut settlement: Settlement,
        about: &PollAbout,
        asked: Option<&StoredNotice>,
    ) -> Result<(), StoreError> {
        match (about, asked, &settlement.pick) {
            (PollAbout::Encrypt, Some(asked), Some(pick)) => {
                settlement.notices.extend(self.clerk.encrypt_by_tap(asked, &pick.by).await?);
            }
            (PollAbout::Missed, _, Some(pick)) => {
                if let Some(fate) = missed::fate(&pick.value) {
                    let choice = Choice { fate, pick: pick.clone(), decision: None };
                    return self.choose(choice, settlement).await;
                }
            }
            (PollAbout::Setting(setting), Some(asked), Some(pick)) => {
                let said = self.clerk.settle_by_tap(asked, setting, pick, event.admitted_at).await?;
                settlement.notices.extend(said);
            }
            (
                PollAbout::Encrypt
                | PollAbout::Turn(_)
                | PollAbout::Route(_)
                | PollAbout::Missed
                | PollAbout::Setting(_),
                _,
                _,
            ) => {}
        }
        self.commit(settlement).await
    }
}

fn has_ended(stored: &StoredTurn) -> bool {
    match stored.state {
        TurnState::Done | TurnState::Stopped | TurnState::Failed => true,
        TurnState::Running | TurnState::Suspended => false,
    }
}

/// The same for every try.
fn redaction(turn: &TurnId, index: usize) -> Option<TransactionId> {
    TransactionId::parse(format!("redact.{turn}.{index}")).ok()
}
