//! What is known when a message is judged, and the facts that follow from it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    command::command,
    gate::{Budget, Facts, Mentioned, Place, Responder, Room, Sender, Usable},
    mentions::Name,
};
use crate::{
    config::{Config, Entity, ThreadMode},
    model::{self, Conversation, EntityKind, EntityName, RoomId, RoomKey, Standing, UserId},
    store::{Message, Sort},
};

/// Everything that is known beside the message itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Scene {
    /// The users of our entities, also of those that were taken out of the configuration.
    pub(super) own: BTreeMap<UserId, EntityName>,
    /// Who is up.
    pub(super) up: BTreeSet<EntityName>,
    /// Which of our entities are in the room.
    pub(super) present: BTreeSet<EntityName>,
    /// How the configuration names the room; nothing if it doesn't.
    pub(super) keys: Vec<RoomKey>,
    /// Who is in the room, where people made it for a direct chat and that could be found out.
    pub(super) members: Arc<BTreeSet<UserId>>,
    /// Where people want answers to go in this room, if they said so by command.
    pub(super) mode: Option<ThreadMode>,
    /// The conversation so far, as much of it as matters.
    pub(super) thread: Vec<Message>,
    /// Who was to answer in this thread.
    pub(super) answering: Vec<model::Responder>,
    /// On whose behalf an entity speaks: the person whose message all goes back to.
    pub(super) asker: Option<UserId>,
}

impl Scene {
    /// The entity that a user is.
    pub(super) fn entity(&self, user: &UserId) -> Option<&EntityName> {
        self.own.get(user)
    }

    /// Whether the room is a direct chat: one person and some of us, in a room that nobody configured.
    pub(super) fn is_direct(&self, config: &Config) -> bool {
        let people = self.members.iter().filter(|user| !self.own.contains_key(*user) && !config.is_bot(user));
        let people: BTreeSet<&UserId> = people.map(|user| config.authorization.canonical(user)).collect();
        self.keys.is_empty() && people.len() == 1
    }

    /// Whether somebody who is none of us may use us here. A room goes by its id, its aliases and its keys.
    pub(super) fn may_use(&self, config: &Config, room: &RoomId, user: &UserId) -> bool {
        config.authorization.may_use_known_as(user, &self.room_names(room))
    }

    fn room_names(&self, room: &RoomId) -> Vec<RoomKey> {
        let server = self.own.keys().next().map(UserId::server);
        let alias = |key: &RoomKey| RoomKey::parse(format!("#{key}:{}", server?)).ok();
        let id = RoomKey::parse(room.as_str()).ok();
        id.into_iter().chain(self.keys.iter().filter_map(alias)).chain(self.keys.iter().cloned()).collect()
    }

    /// Whether `entity` can answer here, and whether it exists for this sender at all.
    pub(super) fn usable(&self, config: &Config, entity: &Entity, sender: &UserId) -> Usable {
        let forbidden = match (self.own.contains_key(sender), &self.asker) {
            (true, None) => false,
            (true, Some(asker)) => !config.authorization.exists_for(&entity.name, asker),
            (false, _) => !config.authorization.exists_for(&entity.name, sender),
        };
        if forbidden {
            Usable::Forbidden
        } else if !self.present.contains(&entity.name) {
            Usable::Elsewhere
        } else if !self.up.contains(&entity.name) {
            Usable::Down
        } else {
            Usable::Yes
        }
    }

    /// The agents and teams of the configuration, as this sender finds them here.
    pub(super) fn responders(&self, config: &Config, sender: &UserId) -> Vec<Responder> {
        let responders = config.entities.iter().filter(|entity| entity.kind() != EntityKind::Router);
        responders.map(|entity| self.responder(config, entity, sender)).collect()
    }

    fn responder(&self, config: &Config, entity: &Entity, sender: &UserId) -> Responder {
        let team = entity.kind() == EntityKind::Team;
        Responder { name: entity.name.clone(), team, usable: self.usable(config, entity, sender) }
    }

    /// C1: where `entity` answers `message`: what people set by command counts, then the configuration.
    pub(super) fn place(&self, config: &Config, entity: &EntityName, message: &Message) -> Conversation {
        let thread = match self.mode.unwrap_or_else(|| self.configured_mode(config, entity)) {
            ThreadMode::Thread => Some(message.thread.clone().unwrap_or_else(|| message.event.clone())),
            ThreadMode::Room => None,
        };
        Conversation { room: message.room.clone(), thread }
    }

    /// C1: where `entity` answers in this room: what is configured for the room counts, then the entity's own manners, which
    /// may differ for direct chats.
    pub(super) fn configured_mode(&self, config: &Config, entity: &EntityName) -> ThreadMode {
        let of_room = self.keys.iter().find_map(|key| config.rooms.get(key)?.thread_mode);
        let manners = config.entity(entity).map(|entity| entity.manners.clone()).unwrap_or_default();
        of_room.unwrap_or(if self.is_direct(config) { manners.chat_mode } else { manners.thread_mode })
    }
}

/// The names by which people may mention our entities, and of other users those whose whole id they write.
pub(super) fn names(config: &Config, own: &BTreeMap<UserId, EntityName>, members: &BTreeSet<UserId>) -> Vec<Name> {
    let ours = own.iter().filter_map(|(user, name)| {
        let entity = config.entity(name)?;
        let names = vec![name.as_str().to_owned(), entity.display_name.clone(), user.localpart().to_owned()];
        Some(Name { user: user.clone(), names })
    });
    let others = members.iter().filter(|user| !own.contains_key(*user));
    let others = others.map(|user| Name { user: user.clone(), names: vec![user.localpart().to_owned()] });
    ours.chain(others).collect()
}

/// The facts about `message`.
pub(super) fn facts(config: &Config, scene: &Scene, message: &Message) -> Facts {
    let sender = sender(config, scene, message);
    // Commands are given, not edited into being.
    let is_text = message.wording.sort == Sort::Text;
    Facts {
        triggers: triggers(message, &sender),
        command: if is_text && !message.edited { command(&message.wording.body) } else { None },
        mentioned: mentioned(config, scene, message),
        place: place(config, scene, message),
        room: Room {
            direct: scene.is_direct(config),
            usable: scene
                .responders(config, &message.sender)
                .into_iter()
                .filter(|responder| responder.usable == Usable::Yes)
                .collect(),
        },
        budget: budget(config, scene, message),
        sender,
    }
}

/// A1: our own come first, then whom the configuration lets in.
fn sender(config: &Config, scene: &Scene, message: &Message) -> Sender {
    if let Some(entity) = scene.entity(&message.sender) {
        Sender::Entity(entity.clone())
    } else if !scene.may_use(config, &message.room, &message.sender) {
        Sender::Stranger
    } else if message.wording.mark.is_some() {
        Sender::Guest
    } else {
        Sender::Authorized
    }
}

/// A3: text and media, live; what entities say only once it is whole, and only as part of an answer. Blanks ask nothing.
fn triggers(message: &Message, sender: &Sender) -> bool {
    let of_a_kind = match message.wording.sort {
        Sort::Text => !message.wording.body.trim().is_empty(),
        Sort::Media => true,
        Sort::Notice => false,
    };
    let whole = match sender {
        Sender::Entity(_) | Sender::Guest => message.wording.mark.as_ref().is_some_and(|mark| mark.last),
        Sender::Authorized | Sender::Stranger => true,
    };
    message.standing == Standing::Live && !message.deleted && of_a_kind && whole
}

fn mentioned(config: &Config, scene: &Scene, message: &Message) -> Mentioned {
    let mut mentioned = Mentioned::default();
    for user in message.wording.mentions.iter().filter(|user| **user != message.sender) {
        match scene.entity(user).map(|name| config.entity(name)) {
            Some(Some(entity)) if entity.kind() == EntityKind::Router => mentioned.router = true,
            Some(Some(entity)) => mentioned.responders.push(scene.responder(config, entity, &message.sender)),
            // It was taken out of the configuration: nobody is meant any more.
            Some(None) => {}
            None => mentioned.people |= !config.is_bot(user),
        }
    }
    mentioned
}

/// W6, W7, W8: who has a part in the thread. W13: bots and bridges are no people, and neither are entities of another
/// house.
fn place(config: &Config, scene: &Scene, message: &Message) -> Place {
    if message.thread.is_none() {
        return Place::Main;
    }
    let earlier = scene.thread.iter().filter(|earlier| earlier.event != message.event && !earlier.deleted);
    let all = earlier.chain([message]);
    let people: BTreeSet<&UserId> = all
        .filter(|said| is_person(config, scene, said))
        .map(|said| config.authorization.canonical(&said.sender))
        .collect();
    Place::Thread { people: people.len(), involved: involved(config, scene, message) }
}

/// W13: whether a person said it.
pub(super) fn is_person(config: &Config, scene: &Scene, message: &Message) -> bool {
    scene.entity(&message.sender).is_none() && !config.is_bot(&message.sender) && message.wording.mark.is_none()
}

/// Those who exist for the sender and answered in the thread, were to answer, or were addressed by somebody else than
/// an entity.
fn involved(config: &Config, scene: &Scene, message: &Message) -> Vec<Responder> {
    let spoke = scene.thread.iter().filter(|said| said.event != message.event).flat_map(|said| {
        let answered = scene.entity(&said.sender).filter(|_| said.wording.mark.is_some());
        let asks = scene.entity(&said.sender).is_none() && said.wording.mark.is_none();
        let addressed = said.wording.mentions.iter().filter(move |_| asks).filter_map(|user| scene.entity(user));
        answered.into_iter().chain(addressed)
    });
    let were_to = scene.answering.iter().flat_map(model::Responder::names);
    let mut seen = BTreeSet::new();
    spoke
        .chain(were_to)
        .filter(|name| seen.insert(*name))
        .filter_map(|name| config.entity(name))
        .filter(|entity| entity.kind() != EntityKind::Router)
        .map(|entity| scene.responder(config, entity, &message.sender))
        .filter(|responder| responder.usable != Usable::Forbidden)
        .collect()
}

/// W12: what entities may still say to each other. The hops travel with the messages; the number of messages since a
/// person spoke is counted in the conversation.
fn budget(config: &Config, scene: &Scene, message: &Message) -> Budget {
    let bounds = &config.conversation;
    let hops = message.wording.mark.as_ref().map_or(0, |mark| mark.hops);
    let earlier = scene.thread.iter().rev().filter(|said| said.event != message.event);
    let own = [message].into_iter().chain(earlier).take_while(|said| !is_person(config, scene, said));
    let spoken = own.filter(|said| said.wording.mark.is_some()).count();
    Budget {
        allowed: bounds.agents_mention_agents,
        hops_left: bounds.hops_max.saturating_sub(hops),
        messages_left: bounds.agent_messages_max.saturating_sub(u32::try_from(spoken).unwrap_or(u32::MAX)),
    }
}
