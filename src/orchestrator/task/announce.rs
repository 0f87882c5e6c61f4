//! Tells what became of a changed configuration: in the admins' room, and where it was changed from a chat.

use super::crew::Crew;
use crate::{
    config::Problem,
    model::{Conversation, Notice, Reload},
    observe::ErrandFailed,
    orchestrator::announcement::{announcement, answer},
    store::{StoreError, StoredNotice},
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

    /// X10: tells those who changed something from a chat what came of it, where they were asked about it.
    pub(super) async fn answer(&self, askers: &[String], reload: &Reload, problems: &[Problem]) {
        for asker in askers {
            if let Err(error) = self.answer_one(asker, reload, answer(reload, problems)).await {
                ErrandFailed { errand: "tell an admin what became of a change", error: &error }.emit();
            }
        }
    }

    async fn answer_one(&self, asker: &str, reload: &Reload, text: String) -> Result<(), StoreError> {
        let Some(StoredNotice { notice, parts, .. }) = self.means.store.notice(asker).await? else { return Ok(()) };
        let (id, reply_to) = (format!("{asker}.outcome"), parts.first().cloned());
        let answer = Notice { id, reply_to, text, poll: None, ..notice };
        self.means.store.save_notice(&answer, reload.at).await.map(drop)
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
