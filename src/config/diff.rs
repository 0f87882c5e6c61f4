//! What differs between two configurations, and what each difference asks of a house that runs.
//!
//! Each field is classed once, here: what is compared nowhere in this file can't be left out, since every section is taken
//! apart field by field.

use std::collections::BTreeMap;

use crate::model::{EntityKind, EntityName, RoomKey};

use super::{Accounts, Config, Conversations, Entity, Homeserver, Http, Model, Person, Role, Room, State};

/// Everything that differs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// What can't change while the house runs.
    pub refused: Vec<Refusal>,
    /// Who comes, goes or changes: in the order of the new file, then those who go, in the order of the old one.
    pub entities: Vec<(EntityName, EntityChange)>,
    /// The managed rooms that come, go or change.
    pub rooms: Vec<(RoomKey, RoomChange)>,
    /// The models that come, go or change, by name.
    pub models: Vec<(String, Change)>,
    /// What becomes of the person at the keyboard.
    pub person: Option<Change>,
    /// What becomes of the space.
    pub space: Option<Change>,
    /// Whether every sync loop begins anew, since what they go by changed.
    pub loops: bool,
    /// Sections and keys that hold from the next message on.
    pub live: Vec<&'static str>,
}

/// A key that can't change while the house runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Where it stands in the file.
    pub key: &'static str,
    /// What is there to do.
    pub remedy: &'static str,
}

/// What becomes of something that has no parts worth telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is another one under the same name.
    Changed,
}

/// What becomes of an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntityChange {
    /// It comes.
    Added {
        /// What it is.
        kind: EntityKind,
        /// Where it goes.
        rooms: Vec<RoomKey>,
    },
    /// It goes.
    Removed {
        /// What it was.
        kind: EntityKind,
        /// Where it was.
        rooms: Vec<RoomKey>,
        /// Whether its account is deactivated for good.
        retires: bool,
    },
    /// It stays and is not what it was.
    Changed(EntityEdit),
}

/// How an entity that stays changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityEdit {
    /// What it is now.
    pub kind: EntityKind,
    /// What holds from its next answer on.
    pub live: Vec<&'static str>,
    /// Whether people see another name or picture.
    pub profile: bool,
    /// Rooms that it comes into.
    pub joins: Vec<RoomKey>,
    /// Rooms that it leaves.
    pub leaves: Vec<RoomKey>,
    /// Whether it has to sign in anew.
    pub restart: bool,
}

/// What becomes of a managed room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomChange {
    /// It is managed from now on.
    Added,
    /// It is managed no longer.
    Removed,
    /// It stays and is not what it was.
    Changed {
        /// What holds from the next message on.
        live: Vec<&'static str>,
        /// Whether people see another name or topic.
        caption: bool,
        /// What only counts when a room is made, and so for others that are made later.
        too_late: Vec<&'static str>,
    },
}

impl Accounts {
    /// Whether the account of an entity that goes is deactivated for good. One that the operator gave us is theirs.
    #[must_use]
    pub fn retires(&self, gone: &Entity) -> bool {
        self.deactivate_removed && gone.credential.is_none()
    }
}

impl Changes {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// Compares `old` with `new`.
#[must_use]
pub fn diff(old: &Config, new: &Config) -> Changes {
    let Config {
        homeserver,
        accounts,
        state,
        models,
        skill_folders,
        entities: _,
        rooms: _,
        space,
        user,
        authorization,
        bot_accounts,
        admin_room,
        conversation,
        http,
        timezone,
    } = new;
    let mut changes = Changes { entities: entities(old, new), rooms: rooms(old, new), ..Changes::default() };
    changes.homeserver(&old.homeserver, homeserver);
    changes.accounts(&old.accounts, accounts);
    changes.state(&old.state, state);
    changes.models(&old.models, models);
    changes.names(old, new);
    changes.person(old.user.as_ref(), user.as_ref());
    changes.space = between(old.space.as_ref(), space.as_ref());
    changes.conversation(&old.conversation, conversation);
    changes.http(&old.http, http);
    changes.live("skills", old.skill_folders != *skill_folders);
    changes.live("authorization", old.authorization != *authorization);
    changes.live("bot_accounts", old.bot_accounts != *bot_accounts);
    changes.live("admin_room", old.admin_room != *admin_room);
    changes.live("timezone", old.timezone != *timezone);
    changes
}

impl Changes {
    fn live(&mut self, key: &'static str, differs: bool) {
        if differs {
            self.live.push(key);
        }
    }

    fn refuse(&mut self, key: &'static str, differs: bool) {
        self.refuse_with(key, differs, "it counts from the next start on: put it back, or restart Maitre");
    }

    fn refuse_with(&mut self, key: &'static str, differs: bool, remedy: &'static str) {
        if differs && !self.refused.iter().any(|refusal| refusal.key == key) {
            self.refused.push(Refusal { key, remedy });
        }
    }

    fn homeserver(&mut self, old: &Homeserver, new: &Homeserver) {
        let Homeserver { url, sync_timeout, request_timeout, logins_max, gap_pages_max } = new;
        let elsewhere =
            "every account is at home on one homeserver: put it back, or begin anew with another state.folder";
        self.refuse_with("homeserver.url", old.url != *url, elsewhere);
        self.refuse("homeserver.request_timeout", old.request_timeout != *request_timeout);
        self.refuse("homeserver.logins_max", old.logins_max != *logins_max);
        self.loops = old.sync_timeout != *sync_timeout || old.gap_pages_max != *gap_pages_max;
    }

    fn accounts(&mut self, old: &Accounts, new: &Accounts) {
        let Accounts { device_name, registration, deactivate_removed } = new;
        self.live("accounts.deactivate_removed", old.deactivate_removed != *deactivate_removed);
        self.refuse("accounts.device_name", old.device_name != *device_name);
        self.refuse("accounts (the means of registration)", old.registration != *registration);
    }

    fn state(&mut self, old: &State, new: &State) {
        let State { folder, retention } = new;
        self.refuse("state.folder", old.folder != *folder);
        self.live("state.retention", old.retention != *retention);
    }

    fn models(&mut self, old: &BTreeMap<String, Model>, new: &BTreeMap<String, Model>) {
        let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
        names.sort_unstable();
        names.dedup();
        let changed = names.into_iter().filter_map(|name| Some((name.clone(), between(old.get(name), new.get(name))?)));
        self.models = changed.collect();
    }

    /// I1: who was here before stays the same user.
    fn names(&mut self, old: &Config, new: &Config) {
        let renamed = new
            .entities
            .iter()
            .any(|entity| old.entity(&entity.name).is_some_and(|before| before.localpart != entity.localpart));
        let remedy = "the user ids of accounts that were made can't change: put it back";
        self.refuse_with("accounts.localpart", renamed, remedy);
    }

    fn person(&mut self, old: Option<&Person>, new: Option<&Person>) {
        if let (Some(old), Some(Person { localpart, display_name: _, password: _ })) = (old, new) {
            let remedy = "the account was made under the old one: put it back (the display name can change)";
            self.refuse_with("user.username", old.localpart != *localpart, remedy);
        }
        self.person = between(old, new);
    }

    fn conversation(&mut self, old: &Conversations, new: &Conversations) {
        let Conversations {
            context: _,
            agents_mention_agents: _,
            hops_max: _,
            agent_messages_max: _,
            edit_window: _,
            redact_answers: _,
            late_after: _,
            catch_up_max: _,
            attempts_max: _,
            turns_max,
            turns_reserved,
            turn_timeout: _,
            steps_max: _,
            tool_calls_max: _,
            same_call_max: _,
            tokens_max: _,
            lanes_active_max,
            lane_idle,
            lane_waiting_max,
        } = new;
        self.refuse("conversation.turns_max", old.turns_max != *turns_max);
        self.refuse("conversation.turns_reserved", old.turns_reserved != *turns_reserved);
        self.refuse("conversation.lanes_active_max", old.lanes_active_max != *lanes_active_max);
        self.refuse("conversation.lane_idle", old.lane_idle != *lane_idle);
        self.refuse("conversation.lane_waiting_max", old.lane_waiting_max != *lane_waiting_max);
        // The rest is looked up when it is needed.
        let fixed = Conversations {
            turns_max: *turns_max,
            turns_reserved: *turns_reserved,
            lanes_active_max: *lanes_active_max,
            lane_idle: *lane_idle,
            lane_waiting_max: *lane_waiting_max,
            ..old.clone()
        };
        self.live("conversation", fixed != *new);
    }

    fn http(&mut self, old: &Http, new: &Http) {
        let Http { bind, token } = new;
        self.refuse("http.bind", old.bind != *bind);
        self.refuse("http.token", old.token != *token);
    }
}

/// What became of one thing.
fn between<T: PartialEq>(old: Option<&T>, new: Option<&T>) -> Option<Change> {
    match (old, new) {
        (None, Some(_)) => Some(Change::Added),
        (Some(_), None) => Some(Change::Removed),
        (Some(old), Some(new)) if old != new => Some(Change::Changed),
        (Some(_), Some(_)) | (None, None) => None,
    }
}

fn entities(old: &Config, new: &Config) -> Vec<(EntityName, EntityChange)> {
    let staying = new.entities.iter().filter_map(|entity| {
        let change = match old.entity(&entity.name) {
            None => EntityChange::Added { kind: entity.kind(), rooms: entity.rooms.clone() },
            Some(before) => EntityChange::Changed(edit(before, entity)?),
        };
        Some((entity.name.clone(), change))
    });
    let gone = old.entities.iter().filter(|entity| new.entity(&entity.name).is_none());
    let gone = gone.map(|entity| {
        let (rooms, retires) = (entity.rooms.clone(), new.accounts.retires(entity));
        (entity.name.clone(), EntityChange::Removed { kind: entity.kind(), rooms, retires })
    });
    staying.chain(gone).collect()
}

/// What differs between one entity and itself, if anything does.
fn edit(old: &Entity, new: &Entity) -> Option<EntityEdit> {
    let Entity {
        name: _,
        role,
        // Refused as a whole.
        localpart: _,
        display_name,
        avatar,
        purpose,
        rooms,
        accept_invites,
        credential,
        manners,
    } = new;
    let mut live = role_parts(&old.role, role);
    live.extend((old.purpose != *purpose).then_some("role"));
    live.extend((old.accept_invites != *accept_invites).then_some("accept_invites"));
    live.extend((old.manners != *manners).then_some("the way it talks"));
    // The router belongs to every room: that is told with the rooms.
    let moves = new.kind() != EntityKind::Router;
    let beyond = |some: &[RoomKey], others: &[RoomKey]| -> Vec<RoomKey> {
        some.iter().filter(|key| moves && !others.contains(key)).cloned().collect()
    };
    let edit = EntityEdit {
        kind: new.kind(),
        live,
        profile: old.display_name != *display_name || old.avatar != *avatar,
        joins: beyond(rooms, &old.rooms),
        leaves: beyond(&old.rooms, rooms),
        restart: old.credential != *credential,
    };
    let EntityEdit { kind: _, live, profile, joins, leaves, restart } = &edit;
    let nothing = live.is_empty() && !profile && joins.is_empty() && leaves.is_empty() && !restart;
    (!nothing).then_some(edit)
}

fn role_parts(old: &Role, new: &Role) -> Vec<&'static str> {
    let parts = match (old, new) {
        (Role::Agent(old), Role::Agent(new)) => vec![
            ("model", old.model != new.model),
            ("instructions", old.instructions != new.instructions),
            ("tools", old.tools != new.tools),
            ("skills", old.skills != new.skills),
        ],
        (Role::Team(old), Role::Team(new)) => vec![
            ("model", old.model != new.model),
            ("members", old.members != new.members),
            ("mode", old.mode != new.mode),
        ],
        (Role::Router(old), Role::Router(new)) => vec![
            ("model", old.model != new.model),
            ("timeout", old.timeout != new.timeout),
            ("handoff", old.handoff != new.handoff),
        ],
        (Role::Agent(_) | Role::Team(_) | Role::Router(_), _) => vec![("what it is", true)],
    };
    let mut differing: Vec<&'static str> =
        parts.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect();
    if differing.is_empty() && old != new {
        differing.push("settings");
    }
    differing
}

fn rooms(old: &Config, new: &Config) -> Vec<(RoomKey, RoomChange)> {
    let staying = new.rooms.iter().filter_map(|(key, room)| {
        let change = match old.rooms.get(key) {
            None => RoomChange::Added,
            Some(before) => room_edit(before, room)?,
        };
        Some((key.clone(), change))
    });
    let gone = old.rooms.keys().filter(|key| !new.rooms.contains_key(key));
    staying.chain(gone.map(|key| (key.clone(), RoomChange::Removed))).collect()
}

fn room_edit(old: &Room, new: &Room) -> Option<RoomChange> {
    let Room { name, topic, encrypted, version, model, thread_mode } = new;
    let those = |parts: &[(&'static str, bool)]| -> Vec<&'static str> {
        parts.iter().filter(|(_, differs)| *differs).map(|(key, _)| *key).collect()
    };
    let live = those(&[("model", old.model != *model), ("thread_mode", old.thread_mode != *thread_mode)]);
    let too_late = those(&[("encrypted", old.encrypted != *encrypted), ("version", old.version != *version)]);
    let caption = old.name != *name || old.topic != *topic;
    (caption || !live.is_empty() || !too_late.is_empty()).then_some(RoomChange::Changed { live, caption, too_late })
}
