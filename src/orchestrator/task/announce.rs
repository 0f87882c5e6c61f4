//! Tells the admins' room what became of a changed configuration.

use super::crew::Crew;
use crate::{
    config::Problem,
    model::{Conversation, Notice, Reload},
    observe::ErrandFailed,
    orchestrator::announcement::announcement,
    store::StoreError,
};

impl Crew {
    /// Tells what became of the files, where there is a room for that.
    pub(super) async fn announce(&mut self, reload: &Reload, problems: &[Problem]) {
        let text = announcement(reload, problems, self.was_wrong);
        self.was_wrong = !reload.outcome.is_in_use();
        let Some(text) = text else { return };
        if let Err(error) = self.post(reload, text).await {
            ErrandFailed { errand: "tell the admins what became of the configuration", error: &error }.emit();
        }
    }

    async fn post(&self, reload: &Reload, text: String) -> Result<(), StoreError> {
        let config = self.current.borrow().clone();
        let Some(key) = &config.admin_room else { return Ok(()) };
        // As long as it isn't there, status and log tell.
        let Some(room) = self.means.store.room(key).await? else { return Ok(()) };
        let notice = Notice {
            id: format!("config.{}", reload.at.0),
            speaker: config.router().name.clone(),
            conversation: Conversation { room, thread: None },
            reply_to: None,
            text,
            poll: None,
        };
        self.means.store.save_notice(&notice, reload.at).await.map(drop)
    }
}
