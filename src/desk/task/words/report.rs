//! Tells who is here, why a message was answered as it was, and what is going on.

use std::collections::BTreeSet;

use super::{
    clerk::{Call, Visit},
    story::{answering, is_seen, open_in, shown, story},
};
use crate::{
    desk::{
        task::lookup::standing,
        words::{self, Host, ThreadFacts, Work},
    },
    model::{EntityKind, EntityName, Status, UserId},
    observe,
    store::{StoreError, StoredTurn},
};

/// How many failed answers are looked through.
const FAILED_MAX: usize = 200;

impl Visit<'_> {
    /// I6: the responders in the room that exist for `asker`.
    pub(super) async fn hosts(&self, asker: &UserId) -> Result<Vec<Host>, StoreError> {
        let accounts = self.clerk.store.accounts().await?;
        let user_of = |name: &EntityName| accounts.iter().find(|account| account.entity == *name)?.user.clone();
        let here = self.config.entities.iter().filter(|entity| {
            entity.kind() != EntityKind::Router
                && self.present.contains(&entity.name)
                && self.config.authorization.exists_for(&entity.name, asker)
        });
        let hosts = here.filter_map(|entity| {
            let (name, purpose) = (entity.display_name.clone(), entity.purpose.clone());
            Some(Host { user: user_of(&entity.name)?, name, purpose })
        });
        Ok(hosts.collect())
    }

    pub(super) async fn why(&self, call: &Call<'_>) -> Result<String, StoreError> {
        let story = story(&self.clerk.store, &self.config, call.message).await?;
        Ok(words::why(story.as_ref()))
    }

    pub(super) async fn status(&self, call: &Call<'_>) -> Result<String, StoreError> {
        let store = &self.clerk.store;
        let failed = store.failed_turns(FAILED_MAX).await?;
        let here = words::of_thread(&self.thread(call, &failed).await?);
        if !self.config.authorization.is_admin(&call.message.sender) {
            return Ok(here);
        }
        let unfinished = store.unfinished().await?;
        let lanes: BTreeSet<_> = unfinished
            .turns
            .iter()
            .map(|turn| (&turn.responder, &turn.conversation))
            .chain(unfinished.queued.iter().map(|envelope| (&envelope.responder, &envelope.conversation)))
            .collect();
        let parked = failed
            .iter()
            .map(|stored| (stored.turn.id.to_string(), shown(&self.config, stored.turn.responder.names()).join(", ")));
        let work = Work {
            running: unfinished.turns.len() as u64,
            waiting: unfinished.queued.len() as u64,
            lanes: lanes.len() as u64,
            parked: parked.collect(),
        };
        // The picture that everybody shares leaves counting to whoever wants to know.
        let counts = store.counts().await?;
        let status = Status { counts, ..self.clerk.status.borrow().clone() };
        Ok(format!("{}\n\n**Here:**\n\n{here}", words::of_house(&status, &work)))
    }

    async fn thread(&self, call: &Call<'_>, failed: &[StoredTurn]) -> Result<ThreadFacts, StoreError> {
        let here = standing(call.message);
        let mut answers = open_in(&self.clerk.store, &self.config, &here).await?;
        let failed = failed.iter().filter(|stored| is_seen(&stored.turn.conversation, &here));
        answers.extend(failed.map(|stored| answering(&self.config, stored, None)));
        let models = self.models(call).await?;
        Ok(ThreadFacts {
            answers,
            model: models.thread.or(models.room).or(models.configured),
            mode: self.mode(call).await?,
            encrypted: self.is_encrypted().await?,
            now: observe::now(),
        })
    }
}
