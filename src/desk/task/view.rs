//! Gathers what is known when a message is judged.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use tokio::sync::watch;

use super::{members::Members, words};
use crate::{
    config::Config,
    desk::{
        afterthought::is_caption,
        mentions, message,
        scene::{Scene, names},
    },
    matrix::Lines,
    model::{Conversation, EntityName, EventId, Phase, RoomId, Status, UserId},
    store::{Decision, DecisionAction, Membership, Message, Sort, Store, StoreError, StoredEvent},
};

/// How much of a conversation is looked at.
const THREAD_MESSAGES_MAX: usize = 200;

/// Where facts come from.
#[derive(Clone)]
pub(super) struct View {
    pub(super) store: Store,
    pub(super) lines: Lines,
    pub(super) members: Arc<Members>,
    pub(super) status: watch::Receiver<Status>,
}

impl View {
    /// The users of our entities.
    pub(super) async fn own(&self) -> Result<BTreeMap<UserId, EntityName>, StoreError> {
        let mut own = self.store.users().await?;
        own.retain(|_, entity| !entity.is_person());
        Ok(self.with_lines(own))
    }

    /// `own`, and whoever is on a line whatever the store knows of them.
    fn with_lines(&self, mut own: BTreeMap<UserId, EntityName>) -> BTreeMap<UserId, EntityName> {
        own.extend(self.lines.users().into_iter().map(|(entity, user)| (user, entity)));
        own
    }

    /// Who of `own` is up, or will be by itself: whoever has yet to log in at a start, or comes back after a failure, answers
    /// late, but answers. Only who needs somebody's help doesn't.
    fn up(&self, own: &BTreeMap<UserId, EntityName>) -> BTreeSet<EntityName> {
        let status = self.status.borrow();
        let down = status.entities.iter().filter(|entity| entity.phase == Phase::Down).map(|entity| &entity.name);
        let down: BTreeSet<&EntityName> = down.filter(|name| self.lines.of(name).is_none()).collect();
        own.values().filter(|name| !down.contains(name)).cloned().collect()
    }

    /// The room as it is now, without any conversation.
    pub(super) async fn room(&self, config: &Config, room: &RoomId) -> Result<Scene, StoreError> {
        let around = self.store.surroundings(room).await?;
        let (present, invited) = (around.those(Membership::Joined), around.those(Membership::Invited));
        let own = self.with_lines(around.own);
        let mode = around.settings.get(words::THREAD_MODE);
        let mut scene = Scene {
            up: self.up(&own),
            own,
            present,
            keys: around.keys,
            mode: mode.and_then(|mode| words::read_mode(mode)),
            ..Scene::default()
        };
        // Whoever has just joined may not have heard of it, or of anything in the room at all, while others see them and talk
        // to them already.
        let belong = config.entities.iter().filter(|entity| entity.rooms.iter().any(|key| scene.keys.contains(key)));
        let unheard = belong.map(|entity| &entity.name).filter(|name| !around.standings.contains_key(*name));
        let on_their_way: BTreeSet<&EntityName> = invited.iter().chain(unheard).collect();
        // Nobody tells from the number of members whether people mean a direct chat.
        if around.direct || !on_their_way.is_empty() {
            let members = self.members.of(room, &scene.present).await;
            let joined = scene.own.iter().filter(|(user, _)| members.contains(*user)).map(|(_, entity)| entity);
            let heard_late: Vec<EntityName> = joined.filter(|entity| on_their_way.contains(*entity)).cloned().collect();
            scene.present.extend(heard_late);
            if around.direct {
                scene.members = members;
            }
        }
        Ok(scene)
    }

    /// The room and the conversation that `message` stands in, as far as judging it needs them.
    pub(super) async fn scene(&self, config: &Config, message: &Message) -> Result<Scene, StoreError> {
        let mut scene = self.room(config, &message.room).await?;
        let mark = message.wording.mark.as_ref();
        let conversation = Conversation { room: message.room.clone(), thread: message.thread.clone() };
        if message.thread.is_some() || mark.is_some() {
            scene.thread = self.store.thread(&conversation, THREAD_MESSAGES_MAX).await?;
            // What came later doesn't count, also when the message itself could be judged only late. An answer has
            // grown since its place was given to it.
            let grew = mark.is_some() && message.edited;
            scene.thread.retain(|said| grew || said.ordinal < message.ordinal);
        }
        if message.thread.is_some() {
            let decisions = self.store.decisions(&conversation, THREAD_MESSAGES_MAX).await?;
            let by_people = |decision: &&Decision| {
                let about = scene.thread.iter().find(|said| said.event == decision.event);
                about.is_some_and(|said| said.event != message.event && said.wording.mark.is_none())
            };
            let answered = decisions.iter().rev().filter(by_people).filter(|decision| is_answered(decision));
            scene.answering = answered.flat_map(|decision| decision.answering.clone()).collect();
        }
        if let Some(root) = mark.and_then(|mark| mark.root.as_ref()) {
            scene.asker = self.store.message(&message.room, root).await?.map(|root| root.sender);
        }
        Ok(scene)
    }

    /// What `sender` says. People forward answers, and their clients forward the mark of an answer of ours along with its words:
    /// that makes nobody an entity.
    pub(super) async fn unforwarded(
        &self,
        sender: &UserId,
        said: message::Message,
    ) -> Result<message::Message, StoreError> {
        let Some(turn) = said.mark.as_ref().and_then(|mark| mark.turn.as_ref()) else { return Ok(said) };
        // Whoever is on a line is one of us; most marks that are seen are on our own answers.
        let is_ours = self.lines.users().values().any(|user| user == sender) || self.own().await?.contains_key(sender);
        let is_copy = !is_ours && self.store.turn(turn).await?.is_some();
        Ok(if is_copy { message::Message { mark: None, ..said } } else { said })
    }

    /// Whom a message mentions. Only a client that doesn't say has its text searched, also for others in the room.
    pub(super) async fn mentions(
        &self,
        config: &Config,
        room: &RoomId,
        said: &message::Message,
    ) -> Result<Vec<UserId>, StoreError> {
        if let Some(said) = said.mentions.as_ref().filter(|said| said.len() < 2) {
            return Ok(said.clone());
        }
        let own = self.own().await?;
        let others = if said.mentions.is_none() && said.body.contains('@') {
            let present: BTreeSet<EntityName> = self.store.standings(room).await?.into_keys().collect();
            self.members.of(room, &present).await
        } else {
            Arc::default()
        };
        Ok(mentions::mentions(said, &names(config, &own, &others)))
    }

    /// C2: the thread that a message says it belongs to, else that of what it replies to. C5: what is said about a file
    /// right after it belongs to the file.
    pub(super) async fn thread_of(
        &self,
        event: &StoredEvent,
        said: &message::Message,
    ) -> Result<Option<EventId>, StoreError> {
        match (&said.thread, &said.in_reply_to) {
            (Some(thread), _) => Ok(Some(thread.clone())),
            (None, Some(replied)) => self.store.thread_through(&event.room, replied).await,
            (None, None) if said.sort == Sort::Text && said.mark.is_none() => {
                let before = self.store.said_before(&event.room, event.ordinal, &event.sender).await?;
                Ok(before.filter(|before| is_caption(before, event)).map(|file| file.event))
            }
            (None, None) => Ok(None),
        }
    }
}

fn is_answered(decision: &Decision) -> bool {
    decision.action == DecisionAction::Answer
}
