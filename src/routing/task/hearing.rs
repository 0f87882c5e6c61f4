//! What was said in a conversation, as far as a model may be shown it, with the names that people go by.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::time::timeout;

use crate::{
    config::{Audience, Config},
    matrix::Lines,
    model::{Conversation, EntityName, EventId, RoomId, UserId},
    routing::Said,
    store::{Message, Sort, Store, StoreError},
};

/// How long the homeserver may take to say what people are called. Their user ids do, too.
const NAMES_WAIT: Duration = Duration::from_secs(1);

/// Hears what was said. Cloning gives the same ears.
#[derive(Debug, Clone)]
pub struct Hearing {
    store: Store,
    lines: Lines,
}

impl Hearing {
    /// Hears by the store and, for names, by the lines of those who are in the room.
    #[must_use]
    pub fn new(store: Store, lines: Lines) -> Self {
        Self { store, lines }
    }

    /// The newest `limit` messages of a conversation up to and with `asked`, oldest first. `there` are entities that are in
    /// the room and may know what people are called. Notices, what was deleted and what is in `but` are left out. A5: strangers
    /// are marked, or left out where the configuration says so.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn said(
        &self,
        config: &Config,
        (conversation, asked): (&Conversation, &EventId),
        there: &[EntityName],
        but: &[EventId],
        limit: usize,
    ) -> Result<Vec<Said>, StoreError> {
        let mut messages = self.store.conversation(conversation, limit).await?;
        if !messages.iter().any(|message| message.event == *asked) {
            messages.extend(self.store.message(&conversation.room, asked).await?);
        }
        let until = messages.iter().find(|message| message.event == *asked).map(|message| message.ordinal);
        let around = self.store.surroundings(&conversation.room).await?;
        let names = self.names(config, &conversation.room, there).await;
        let own: BTreeSet<UserId> = around.own.keys().cloned().chain(self.lines.users().into_values()).collect();
        let keys = around.names();
        let is_stranger = |user: &UserId| !own.contains(user) && !config.authorization.may_use_known_as(user, &keys);
        let may_be_shown = |message: &Message| match config.conversation.context {
            Audience::All => true,
            Audience::Authorized => !is_stranger(&message.sender),
        };
        let mut heard: Vec<&Message> = messages
            .iter()
            .filter(|message| until.is_none_or(|until| message.ordinal <= until))
            .filter(|message| !message.deleted && message.wording.sort != Sort::Notice)
            .filter(|message| !but.contains(&message.event) && may_be_shown(message))
            .collect();
        heard.sort_by_key(|message| message.ordinal);
        let called = |user: &UserId| {
            let name = names.get(user).cloned().unwrap_or_else(|| user.to_string());
            if is_stranger(user) { format!("{name} [not authorized]") } else { name }
        };
        Ok(heard.iter().map(|said| Said { name: called(&said.sender), text: said.wording.body.clone() }).collect())
    }

    /// What people are called in the room, and our own entities as the configuration calls them.
    async fn names(&self, config: &Config, room: &RoomId, there: &[EntityName]) -> BTreeMap<UserId, String> {
        let session = there.iter().find_map(|entity| self.lines.of(entity));
        let mut names = match session {
            Some(session) => match timeout(NAMES_WAIT, session.names(room.clone())).await {
                Ok(Ok(names)) => names,
                // Without names there are still user ids.
                Ok(Err(_)) | Err(_) => BTreeMap::new(),
            },
            None => BTreeMap::new(),
        };
        let called = |entity: &EntityName| config.entity(entity).map(|entity| entity.display_name.clone());
        names.extend(self.lines.users().into_iter().filter_map(|(entity, user)| Some((user, called(&entity)?))));
        names
    }
}
