//! Stops answers and has them tried again.

use super::{
    clerk::{Call, Visit},
    story::begun_by,
};
use crate::{
    broker::{Halted, Scope},
    desk::{
        task::lookup::standing,
        words::{self, Again, Reach},
    },
    model::{EventId, UserId},
    store::{StoreError, StoredTurn, TurnState},
};

impl Visit<'_> {
    /// S4: stops what is meant. On a main timeline that is also what its asker began there, each in a thread of its own.
    pub(super) async fn stop(&self, reach: Reach, call: &Call<'_>) -> Result<String, StoreError> {
        let mut scopes = match reach {
            Reach::Room => vec![Scope::Room(self.room.clone())],
            Reach::Thread => vec![Scope::Conversation(standing(call.message))],
        };
        if reach == Reach::Thread && call.message.thread.is_none() {
            let begun = begun_by(&self.clerk.store, &self.room, &call.message.sender).await?;
            scopes.extend(begun.into_iter().map(Scope::Conversation));
        }
        let mut stopped = 0;
        for scope in scopes {
            stopped += self.clerk.broker.halt(scope, Halted::Stopped).await;
        }
        Ok(words::stopped(reach, stopped))
    }

    /// Tries an answer again. `None` when it isn't said which.
    pub(super) async fn retry(&self, id: Option<String>, call: &Call<'_>) -> Result<Option<String>, StoreError> {
        let found = match (&id, &call.message.in_reply_to) {
            (Some(id), _) => self.turn_named(id, &call.message.sender).await?,
            (None, Some(event)) => self.turn_about(event).await?,
            (None, None) => return Ok(None),
        };
        let Some(stored) = found else {
            let id = id.unwrap_or_else(|| "that".to_owned());
            return Ok(Some(words::retried(&id, Again::Unknown)));
        };
        let again = match stored.state {
            TurnState::Running | TurnState::Suspended => Again::UnderWay,
            TurnState::Done => Again::Answered,
            TurnState::Failed | TurnState::Stopped => {
                if self.clerk.broker.again(stored.turn.id.clone()).await {
                    Again::Begins
                } else {
                    Again::Crowded
                }
            }
        };
        Ok(Some(words::retried(stored.turn.id.as_str(), again)))
    }

    /// The one answer in this room, for admins in any, whose id begins so.
    async fn turn_named(&self, id: &str, asker: &UserId) -> Result<Option<StoredTurn>, StoreError> {
        let everywhere = self.config.authorization.is_admin(asker);
        let mut found = self.clerk.store.turns_beginning(id, 2).await?;
        found.retain(|stored| everywhere || stored.turn.conversation.room == self.room);
        Ok(if found.len() == 1 { found.pop() } else { None })
    }

    /// The answer that `event` is part of, or the last one to it, or to what the house says something about by it.
    async fn turn_about(&self, event: &EventId) -> Result<Option<StoredTurn>, StoreError> {
        let store = &self.clerk.store;
        if let Some(stored) = store.turn_at(&self.room, event).await? {
            return Ok(Some(stored));
        }
        let said_about = store.notice_at(&self.room, event).await?.and_then(|stored| stored.notice.reply_to);
        Ok(store.turns_of(&self.room, said_about.as_ref().unwrap_or(event)).await?.pop())
    }
}
