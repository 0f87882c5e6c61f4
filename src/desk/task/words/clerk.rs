//! The clerk: knows who may ask for what, and in whose name it is answered.
#![expect(unreachable_pub, reason = "mod.rs hands these up to the desk's task, and there is no visibility in between")]

use std::{collections::BTreeSet, sync::Arc};

use tokio::sync::watch;

use super::permission::Permission;
use crate::{
    broker::Broker,
    config::{Config, Nudge, ThreadMode},
    desk::{
        gate::Command,
        task::lookup,
        words::{self, Reach, Request, Word},
    },
    matrix::Lines,
    model::{Conversation, EntityName, Notice, Poll, RoomId, Status, UserId},
    store::{Message, Store, StoreError, StoredNotice},
};

/// Carries out commands.
#[derive(Clone)]
pub struct Clerk {
    /// The configuration.
    pub config: watch::Receiver<Arc<Config>>,
    /// What is remembered.
    pub store: Store,
    /// The ways to the homeserver.
    pub lines: Lines,
    /// Who gets what, and when.
    pub broker: Broker,
    /// The picture of the house.
    pub status: watch::Receiver<Status>,
    /// Has the configuration read, where it has a file.
    pub nudge: Option<Nudge>,
}

/// A command that was given.
#[derive(Debug)]
pub struct Call<'a> {
    /// The message that gives it.
    pub message: &'a Message,
    /// Which one it is.
    pub command: &'a Command,
    /// Where it is answered.
    pub place: &'a Conversation,
    /// Where answers in the room go by the configuration alone.
    pub configured_mode: ThreadMode,
}

/// What is said to a command.
pub(super) struct Said {
    pub(super) text: String,
    pub(super) poll: Option<Poll>,
}

impl From<String> for Said {
    fn from(text: String) -> Self {
        Self { text, poll: None }
    }
}

impl Clerk {
    /// Does what `call` asks for and gives what is said to it. Doing it again, after a crash, does no more than before.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be asked; the command may be given again.
    pub async fn run(&self, call: &Call<'_>) -> Result<Option<Notice>, StoreError> {
        let visit = Visit::begin(self, &call.message.room).await?;
        let Some(speaker) = visit.speaker.clone() else { return Ok(None) };
        let said = match call.command {
            Command::Typo(name) => words::typo(name).into(),
            Command::Known(name) => match Word::named(name) {
                Some(word) => visit.answer(word, call).await?,
                None => return Ok(None),
            },
        };
        Ok(Some(Notice {
            id: format!("cmd.{}", call.message.event),
            speaker,
            conversation: call.place.clone(),
            reply_to: Some(call.message.event.clone()),
            text: said.text,
            poll: said.poll,
        }))
    }

    /// Switches encryption on because `by` tapped yes on `asked`. Gives what is said then.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be asked; the tap may be repeated.
    pub async fn encrypt_by_tap(&self, asked: &StoredNotice, by: &UserId) -> Result<Option<Notice>, StoreError> {
        let conversation = asked.notice.conversation.clone();
        let visit = Visit::begin(self, &conversation.room).await?;
        let Some(speaker) = visit.speaker.clone() else { return Ok(None) };
        let text = match visit.is_room_admin(by).await {
            Ok(true) => words::switched(&visit.encrypt().await?),
            Ok(false) => words::refused(Word::Encrypt),
            Err(error) => words::unanswered(Word::Encrypt, &error.to_string()),
        };
        let (id, reply_to) = (format!("{}.done", asked.notice.id), asked.parts.first().cloned());
        Ok(Some(Notice { id, speaker, conversation, reply_to, text, poll: None }))
    }
}

/// One look at a room, with everything that answering in it needs.
pub(super) struct Visit<'a> {
    pub(super) clerk: &'a Clerk,
    pub(super) config: Arc<Config>,
    pub(super) room: RoomId,
    pub(super) present: BTreeSet<EntityName>,
    pub(super) speaker: Option<EntityName>,
}

impl<'a> Visit<'a> {
    pub(super) async fn begin(clerk: &'a Clerk, room: &RoomId) -> Result<Self, StoreError> {
        let config = Arc::clone(&clerk.config.borrow());
        let present = lookup::present(&clerk.store, room).await?;
        let up = clerk.lines.users().into_keys().collect();
        let speaker = words::speaker(&config, &present, &up);
        Ok(Self { clerk, config, room: room.clone(), present, speaker })
    }

    async fn answer(&self, word: Word, call: &Call<'_>) -> Result<Said, StoreError> {
        let body = &call.message.wording.body;
        let Some(request) = Request::read(word, body) else { return Ok(words::misused(word).into()) };
        let request = reaching(request, call);
        match self.permission(&request, call).await? {
            Permission::Given => {}
            Permission::Refused => return Ok(words::refused(word).into()),
            Permission::Unverified => return Ok(words::unverified(word).into()),
            Permission::Unknown(error) => return Ok(words::unanswered(word, &error.to_string()).into()),
        }
        Ok(self.carry_out(request, call).await?.unwrap_or_else(|| words::misused(word).into()))
    }

    /// `None` when the request makes no sense where it was made.
    async fn carry_out(&self, request: Request, call: &Call<'_>) -> Result<Option<Said>, StoreError> {
        let sender = &call.message.sender;
        let text = match request {
            Request::Help(topic) => words::help(topic.as_deref()),
            Request::Hi => words::hi(&self.hosts(sender).await?),
            Request::Why => self.why(call).await?,
            Request::Status => self.status(call).await?,
            Request::Stop(reach) => self.stop(reach, call).await?,
            Request::Retry(id) => return Ok(self.retry(id, call).await?.map(Said::from)),
            Request::Model(reach, wish) => self.model(reach, &wish, call).await?,
            Request::ThreadMode(wish) => self.thread_mode(wish, call).await?,
            Request::ExplainEncryption => {
                let (text, poll) = words::explain(self.is_encrypted().await?, sender);
                return Ok(Some(Said { text, poll }));
            }
            Request::Config(wish) => return Ok(Some(self.configure(wish, call).await)),
            Request::Reload => {
                self.clerk.nudge.iter().for_each(Nudge::look);
                words::reloading(self.clerk.nudge.is_some())
            }
            Request::Encrypt => words::switched(&self.encrypt().await?),
            Request::E2ee => words::e2ee(&self.seals().await?),
        };
        Ok(Some(text.into()))
    }
}

/// Where the room is one conversation, what is chosen for the conversation is chosen for the room.
fn reaching(request: Request, call: &Call<'_>) -> Request {
    match request {
        Request::Model(_, wish) if call.place.thread.is_none() => Request::Model(Reach::Room, wish),
        other => other,
    }
}
