//! N7: counts what was missed, asks about it, and takes up what people want answered.

use super::{judge::Judge, lookup};
use crate::{
    config::Config,
    desk::{
        missed::{self, Missed, Next, Pace},
        ruling::Case,
        words,
    },
    model::{Conversation, Notice, PollAbout, RoomId, UserId},
    observe,
    store::{DecisionAction, Fate, Message, Pick, Release, Settlement, StoreError},
};

/// What somebody chose to have done about missed messages.
pub(super) struct Choice {
    /// Which are answered.
    pub(super) fate: Fate,
    /// Who chose it, answering which question.
    pub(super) pick: Pick,
    /// What is kept of the message that says so, if words did.
    pub(super) decision: Option<crate::store::Decision>,
}

impl Judge {
    /// How the missed messages of `room` that are due are taken up.
    pub(super) async fn pace(&self, room: &RoomId) -> Result<Pace, StoreError> {
        let due = self.view.store.missed_due(room).await?;
        self.look(room, |missed| missed.pace(due)).await
    }

    /// Does what is next about messages of `room` that are held back.
    pub(super) async fn catch_up(&self, room: &RoomId) -> Result<(), StoreError> {
        let store = &self.view.store;
        #[expect(
            clippy::redundant_closure_for_method_calls,
            reason = "the method alone is not general enough for the borrow"
        )]
        let next = self.look(room, |missed| missed.next()).await?;
        match next {
            Next::Nothing => Ok(()),
            Next::Answer => {
                store.release(room, Fate::All).await?;
                self.released(room).await
            }
            Next::Ask => self.ask_about(room).await,
            Next::Count(question) => {
                let (text, _) = words::missed(store.held(room).await?.len(), missed::value);
                store.reword_notice(&question, &text).await.map(drop)
            }
        }
    }

    /// What `message` chooses, if it answers the question in words.
    pub(super) async fn choice_in(&self, config: &Config, message: &Message) -> Result<Option<Choice>, StoreError> {
        let Some(fate) = missed::in_words(&message.wording.body) else { return Ok(None) };
        let Some(on) = message.in_reply_to.as_ref().or(message.thread.as_ref()) else { return Ok(None) };
        let Some(asked) = self.view.store.notice_at(&message.room, on).await? else { return Ok(None) };
        let is_open = asked.answer.is_none() && asked.notice.poll.is_some_and(|poll| poll.about == PollAbout::Missed);
        let (room, by) = (&message.room, &message.sender);
        let scene = self.view.room(config, room).await?;
        if !is_open || scene.entity(by).is_some() || !scene.may_use(config, room, by) {
            return Ok(None);
        }
        let case = Case { config, scene: &scene, message, now: observe::now() };
        let reason = "it says which of the messages that were missed are answered";
        let decision = case.decision("N7", DecisionAction::Run, Vec::new(), reason);
        Ok(Some(Choice { fate, pick: picked(asked.notice.id, fate, by), decision: Some(decision) }))
    }

    /// Keeps a choice, together with `settlement`, and takes up what it lets go.
    pub(super) async fn choose(&self, choice: Choice, settlement: Settlement) -> Result<(), StoreError> {
        let Choice { fate, pick, decision } = choice;
        let room = settlement.room.clone();
        let said = words::chosen(self.view.store.held(&room).await?.len(), fate);
        let release = Some(Release { fate, said });
        self.commit(Settlement { pick: Some(pick), release, decision, ..settlement }).await?;
        self.released(&room).await
    }

    /// Judges what was let go, in order of arrival.
    async fn released(&self, room: &RoomId) -> Result<(), StoreError> {
        for decision in self.view.store.unrouted().await? {
            if decision.rule == "N7" && decision.conversation.room == *room {
                self.anew_about(&decision).await?;
            }
        }
        Ok(())
    }

    /// Asks in the room, once.
    async fn ask_about(&self, room: &RoomId) -> Result<(), StoreError> {
        let store = &self.view.store;
        let held = store.held(room).await?;
        let present = lookup::present(store, room).await?;
        let up = self.view.lines.users().into_keys().collect();
        let speaker = words::speaker(&self.config(), &present, &up);
        let Some((speaker, first)) = speaker.zip(held.first()) else { return Ok(()) };
        let (text, poll) = words::missed(held.len(), missed::value);
        let notice = Notice {
            id: format!("{}{}", about(room), first.event),
            speaker,
            conversation: Conversation { room: room.clone(), thread: None },
            reply_to: None,
            text,
            poll: Some(poll),
        };
        store.save_notice(&notice, observe::now()).await.map(drop)
    }

    async fn look<T>(&self, room: &RoomId, see: impl FnOnce(&Missed<'_>) -> T) -> Result<T, StoreError> {
        let store = &self.view.store;
        let held = store.held(room).await?.len();
        let question = if held == 0 { None } else { store.newest_notice_of(&about(room)).await? };
        let unasked_max = self.config().conversation.catch_up_max.get();
        Ok(see(&Missed { held, question: question.as_ref(), unasked_max }))
    }
}

/// The choice that a tap stands for.
pub(super) fn picked(notice: String, fate: Fate, by: &UserId) -> Pick {
    Pick { notice, value: missed::value(fate).to_owned(), by: by.clone() }
}

/// How the keys of all questions about missed messages of `room` begin.
fn about(room: &RoomId) -> String {
    format!("missed {room} ")
}
