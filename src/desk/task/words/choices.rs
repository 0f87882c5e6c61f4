//! What is chosen by command, and where that is kept.
#![expect(unreachable_pub, reason = "mod.rs hands these up to the desk's task, and there is no visibility in between")]

use super::clerk::{Call, Visit};
use crate::{
    config::ThreadMode,
    desk::words::{self, Change, ModeWish, ModelFacts, ModelWish, Reach},
    model::Conversation,
    store::StoreError,
};

/// Under which key the model of a thread or a room is kept. Agents look it up under the same one.
const MODEL: &str = "model";
/// Under which key it is kept where answers go in a room.
pub const THREAD_MODE: &str = "thread_mode";

impl Visit<'_> {
    pub(super) async fn model(&self, reach: Reach, wish: &ModelWish, call: &Call<'_>) -> Result<String, StoreError> {
        let choice = words::model(reach, wish, &self.models(call).await?);
        let place = match reach {
            Reach::Thread => call.place.clone(),
            Reach::Room => self.whole(),
        };
        self.keep(&place, MODEL, choice.change).await?;
        Ok(choice.text)
    }

    pub(super) async fn models(&self, call: &Call<'_>) -> Result<ModelFacts, StoreError> {
        let store = &self.clerk.store;
        let around = store.surroundings(&self.room).await?;
        let thread = match &call.place.thread {
            Some(_) => store.setting(call.place, MODEL).await?,
            None => None,
        };
        let models = self.config.models.iter().map(|(name, model)| (name.clone(), model.id.clone()));
        Ok(ModelFacts {
            models: models.collect(),
            thread,
            room: around.settings.get(MODEL).cloned(),
            configured: around.names().iter().find_map(|name| self.config.rooms.get(name)?.model.clone()),
        })
    }

    pub(super) async fn thread_mode(&self, wish: ModeWish, call: &Call<'_>) -> Result<String, StoreError> {
        let choice = words::thread_mode(wish, self.mode(call).await?, call.configured_mode);
        let change = match choice.change {
            Change::Keep => Change::Keep,
            Change::Reset => Change::Reset,
            Change::Set(mode) => Change::Set(mode_word(mode).to_owned()),
        };
        self.keep(&self.whole(), THREAD_MODE, change).await?;
        Ok(choice.text)
    }

    pub(super) async fn mode(&self, call: &Call<'_>) -> Result<ThreadMode, StoreError> {
        let chosen = self.clerk.store.setting(&self.whole(), THREAD_MODE).await?;
        Ok(chosen.as_deref().and_then(read_mode).unwrap_or(call.configured_mode))
    }

    async fn keep(&self, place: &Conversation, key: &str, change: Change<String>) -> Result<(), StoreError> {
        match change {
            Change::Keep => Ok(()),
            Change::Set(value) => self.clerk.store.set_setting(place, key, Some(&value)).await,
            Change::Reset => self.clerk.store.set_setting(place, key, None).await,
        }
    }

    /// The room as one conversation: where what holds for all of it is kept.
    fn whole(&self) -> Conversation {
        Conversation { room: self.room.clone(), thread: None }
    }
}

/// Where answers go, as it is kept.
pub fn read_mode(word: &str) -> Option<ThreadMode> {
    [ThreadMode::Thread, ThreadMode::Room].into_iter().find(|mode| mode_word(*mode) == word)
}

fn mode_word(mode: ThreadMode) -> &'static str {
    match mode {
        ThreadMode::Thread => "thread",
        ThreadMode::Room => "room",
    }
}
