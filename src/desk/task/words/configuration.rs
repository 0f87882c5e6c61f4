//! X10: shows the configuration's files, and changes a value in them once the admin who wanted that says yes.
#![expect(unreachable_pub, reason = "mod.rs hands these up to the desk's task, and there is no visibility in between")]

use std::{io, path::Path, sync::Arc, time::Duration};

use tokio::{sync::Semaphore, time::timeout};

use super::clerk::{Call, Clerk, Said, Visit};
use crate::{
    config::{Nudge, excerpt, load, propose},
    desk::words::{self, ConfigWish},
    model::{Millis, Notice, Setting},
    nursery, observe,
    store::{Pick, StoreError, StoredNotice},
};

/// How long a change waits for a yes.
const YES_WITHIN: Duration = Duration::from_mins(10);
/// How long the disk may take.
const DISK_TIME_MAX: Duration = Duration::from_secs(5);

/// Who looks at the files does so one after the other: where the disk hangs, no more threads than one hang with it.
static DISK: Semaphore = Semaphore::const_new(1);

/// Why nobody knows what the files say.
#[derive(Debug, thiserror::Error)]
enum Unread {
    #[error("the disk with the configuration doesn't answer")]
    TooLong,
    #[error("there is no thread to look at the configuration")]
    NoThread(#[source] io::Error),
}

impl Visit<'_> {
    /// Does what an admin wants to do about the configuration, and gives what is said to it.
    pub(super) async fn configure(&self, wish: ConfigWish, call: &Call<'_>) -> Said {
        if !self.config.authorization.config_in_chat {
            return words::config_off().into();
        }
        let Some(nudge) = &self.clerk.nudge else { return words::config_without_file().into() };
        let said = self.consult(nudge.file(), wish, call).await;
        let Said { text, poll } = said.unwrap_or_else(|error| words::config_unread(&error.to_string()).into());
        // What is hidden by its key may stand elsewhere, too.
        Said { text: observe::without_secrets(&text), poll }
    }

    async fn consult(&self, file: &Path, wish: ConfigWish, call: &Call<'_>) -> Result<Said, Unread> {
        let (file, running) = (file.to_owned(), Arc::clone(&self.config));
        match wish {
            ConfigWish::Plan => {
                let found = on_disk(move || load(&file)).await?;
                Ok(words::config_planned(&running, &found).into())
            }
            ConfigWish::Show(path) => {
                let wanted = path.clone();
                let found = on_disk(move || excerpt(&file, wanted.as_deref())).await?;
                Ok(words::config_shown(path.as_deref(), &found).into())
            }
            ConfigWish::Get(path) => {
                let wanted = path.clone();
                let found = on_disk(move || excerpt(&file, Some(&wanted))).await?;
                Ok(words::config_shown(Some(&path), &found).into())
            }
            ConfigWish::Set { path, value } => {
                let found = on_disk(move || propose(&file, &path, &value)).await?;
                let (text, poll) = words::config_proposed(&running, &found, &call.message.sender);
                Ok(Said { text, poll })
            }
        }
    }
}

impl Clerk {
    /// Makes a change, or leaves it, because of a tap at `at` on what was `asked`. Gives what is said then. Doing it again, after
    /// a crash, does no more than before.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be asked; the tap may be repeated.
    pub async fn settle_by_tap(
        &self,
        asked: &StoredNotice,
        setting: &Setting,
        pick: &Pick,
        at: Millis,
    ) -> Result<Option<Notice>, StoreError> {
        let conversation = asked.notice.conversation.clone();
        let visit = Visit::begin(self, &conversation.room).await?;
        let Some(speaker) = visit.speaker.clone() else { return Ok(None) };
        let rules = &visit.config.authorization;
        let text = match &self.nudge {
            _ if !words::is_yes(&pick.value) => words::config_left(),
            _ if !rules.is_admin(&pick.by) => words::refused(words::Word::Config),
            _ if !rules.config_in_chat => words::config_off(),
            _ if at.since(asked.created_at) > YES_WITHIN => words::config_too_late(),
            None => words::config_without_file(),
            Some(nudge) => written(nudge, setting, &asked.notice.id).await,
        };
        let (id, reply_to) = (format!("{}.done", asked.notice.id), asked.parts.first().cloned());
        Ok(Some(Notice { id, speaker, conversation, reply_to, text, poll: None }))
    }
}

async fn written(nudge: &Nudge, setting: &Setting, asker: &str) -> String {
    let (nudge, change, asker) = (nudge.clone(), setting.clone(), asker.to_owned());
    match on_disk(move || nudge.settle(&change, &asker)).await {
        Ok(outcome) => words::config_written(setting, &outcome),
        Err(error) => words::config_unsure(&setting.path, &error.to_string()),
    }
}

/// Does `work` on a thread that may block.
async fn on_disk<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Unread> {
    let look = async {
        let place = DISK.acquire().await;
        let work = move || {
            let done = work();
            drop(place);
            done
        };
        let done = nursery::answered_by_thread("look-at-configuration", work).map_err(Unread::NoThread)?;
        done.await.map_err(|_broken| Unread::TooLong)
    };
    timeout(DISK_TIME_MAX, look).await.unwrap_or(Err(Unread::TooLong))
}
