//! The rooms, the space that holds them, and the person at the keyboard.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{EntityKind, RoomKey, RoomRef};

use super::{
    Entity, Person, Room, Space, ThreadMode,
    compile::Compiler,
    entities::{bad_room_key, is_localpart},
    fault::{Fault, VALUE},
    key_path::KeyPath,
    manners::thread_mode,
    models::Models,
    names::title,
    raw,
};

/// How many managed rooms there may be.
const ROOMS_MAX: usize = 5_000;
/// The room versions that Maitre is made for.
const VERSIONS: &[&str] = &["10", "11", "12"];

/// What rooms have that don't say otherwise.
struct Shared {
    version: Option<String>,
    encrypted: bool,
    models: BTreeMap<RoomKey, String>,
    thread_modes: BTreeMap<RoomKey, ThreadMode>,
}

impl Compiler<'_> {
    /// The rooms of the section `rooms` and those that agents and teams name.
    pub(super) fn rooms(&mut self, entities: &[Entity], models: &Models) -> BTreeMap<RoomKey, Room> {
        let mut keys: BTreeSet<RoomKey> = entities.iter().flat_map(|entity| entity.rooms.iter().cloned()).collect();
        for (name, _) in self.raw.rooms.iter() {
            let path = KeyPath::of(&["rooms", name]);
            let key = RoomKey::parse(name).ok();
            if key.is_none() {
                self.note(bad_room_key(Fault::key(&path, "this is not the key of a room")));
            }
            keys.extend(key);
        }
        keys.extend(self.admin_room());
        self.names.rooms.extend(keys.iter().map(|key| key.as_str().to_owned()));
        if keys.len() > ROOMS_MAX {
            let fault = Fault::key(&KeyPath::of(&["rooms"]), format!("there are {} rooms", keys.len()));
            self.note(fault.hint(format!("there may be {ROOMS_MAX}")));
            return BTreeMap::new();
        }
        let shared = Shared {
            version: self
                .version(self.raw.defaults.room_version.as_deref(), &KeyPath::of(&["defaults", "room_version"])),
            encrypted: self.encrypted_by_default(),
            models: self.room_models(&keys, models),
            thread_modes: self.room_thread_modes(&keys),
        };
        let mut rooms = BTreeMap::new();
        for key in keys {
            let room = self.room(&key, &shared, models);
            rooms.insert(key, room);
        }
        rooms
    }

    /// The room for admins. It is managed, whoever else is in it.
    pub(super) fn admin_room(&mut self) -> Option<RoomKey> {
        let key = RoomKey::parse(self.raw.admin_room.as_deref()?.trim()).ok();
        if key.is_none() {
            self.note(bad_room_key(Fault::value(&KeyPath::of(&["admin_room"]), format!("{VALUE} is not a room"))));
        }
        key
    }

    fn room(&mut self, key: &RoomKey, shared: &Shared, models: &Models) -> Room {
        let path = KeyPath::of(&["rooms", key.as_str()]);
        let nothing = raw::Room::default();
        let raw = self.raw.rooms.get(key.as_str()).unwrap_or(&nothing);
        let name_path = self.typed_as(&path, "name", "display_name");
        let name = self.caption(raw.name.as_deref(), &name_path, || match key.room_ref() {
            RoomRef::Ours(name) => title(&name),
            RoomRef::Alias(_) | RoomRef::Id(_) => key.as_str().to_owned(),
        });
        let version = self.version(raw.version.as_deref(), &path.key("version"));
        let own_model = raw.model.as_deref().and_then(|model| self.known_model(model, &path.key("model"), models));
        let other_model = shared.models.get(key).cloned();
        if own_model.is_some() && other_model.is_some() && own_model != other_model {
            let fault = Fault::value(&path.key("model"), "`room_models` names another model for this room");
            self.note(fault.hint("keep one of the two"));
        }
        let own_mode = raw.thread_mode.map(thread_mode);
        let other_mode = shared.thread_modes.get(key).copied();
        if own_mode.is_some() && other_mode.is_some() && own_mode != other_mode {
            let fault = Fault::value(&path.key("thread_mode"), "`room_thread_modes` says otherwise for this room");
            self.note(fault.hint("keep one of the two"));
        }
        Room {
            name,
            topic: raw.topic.as_deref().map(str::trim).filter(|topic| !topic.is_empty()).map(ToOwned::to_owned),
            encrypted: raw.encrypted.unwrap_or(shared.encrypted),
            version: version.or_else(|| shared.version.clone()),
            model: own_model.or(other_model),
            thread_mode: own_mode.or(other_mode),
        }
    }

    fn encrypted_by_default(&self) -> bool {
        let ours = self.raw.defaults.encrypted;
        ours.or(self.raw.matrix_room_access.encrypt_managed_rooms).unwrap_or(false)
    }

    fn room_models(&mut self, keys: &BTreeSet<RoomKey>, models: &Models) -> BTreeMap<RoomKey, String> {
        let mut found = BTreeMap::new();
        for (name, model) in self.raw.room_models.iter() {
            let path = KeyPath::of(&["room_models", name]);
            let model = self.known_model(model, &path, models);
            let key = self.inhabited_room(name, &path, keys);
            found.extend(key.zip(model));
        }
        found
    }

    fn room_thread_modes(&mut self, keys: &BTreeSet<RoomKey>) -> BTreeMap<RoomKey, ThreadMode> {
        let mut found = BTreeMap::new();
        for (name, mode) in self.raw.room_thread_modes.iter() {
            let path = KeyPath::of(&["room_thread_modes", name]);
            let key = self.inhabited_room(name, &path, keys);
            found.extend(key.map(|key| (key, thread_mode(*mode))));
        }
        found
    }

    /// The key of a room that somebody is configured to be in. One that nobody is in is noted.
    fn inhabited_room(&mut self, name: &str, path: &KeyPath, keys: &BTreeSet<RoomKey>) -> Option<RoomKey> {
        let key = self.known_room(name, path)?;
        if keys.contains(&key) {
            return Some(key);
        }
        if !matches!(key.room_ref(), RoomRef::Ours(_)) {
            let fault = Fault::key(path, "nobody is configured to be in this room, so this has no effect");
            self.note(fault.hint("name the room in the `rooms` of an agent").warning());
        }
        None
    }

    /// The key of a room that is defined, or of one elsewhere (`#…`, `!…`).
    pub(super) fn known_room(&mut self, name: &str, path: &KeyPath) -> Option<RoomKey> {
        let Ok(key) = RoomKey::parse(name) else {
            self.note(bad_room_key(Fault::key(path, "this is not the key of a room")));
            return None;
        };
        if matches!(key.room_ref(), RoomRef::Ours(_)) && !self.names.rooms.contains(name) {
            let near = self.did_you_mean(name, self.names.rooms.iter().map(String::as_str));
            let fault = Fault::key(path, "there is no room of this key");
            self.note(fault.hint("name it in `rooms`, or in the `rooms` of an agent").maybe_hint(near));
        }
        Some(key)
    }

    fn version(&mut self, version: Option<&str>, path: &KeyPath) -> Option<String> {
        let version = version?.trim();
        if VERSIONS.contains(&version) {
            return Some(version.to_owned());
        }
        self.note(Fault::value(path, format!("the room version {VALUE} is not supported")).hint("write 10, 11 or 12"));
        None
    }

    pub(super) fn space(&mut self) -> Option<Space> {
        let (raw, section) = match (&self.raw.space, &self.raw.matrix_space) {
            (None, None) => return None,
            (Some(_), Some(_)) => {
                let fault = Fault::key(&KeyPath::of(&["matrix_space"]), "`space` is given, too, and means the same");
                self.note(fault.hint("keep one of the two"));
                return None;
            }
            (Some(space), None) => (space, "space"),
            (None, Some(space)) => (space, "matrix_space"),
        };
        let path = KeyPath::of(&[section]);
        let name = self.caption(raw.name.as_deref(), &path.key("name"), || "Maitre".to_owned());
        let alias = raw.alias.as_deref().unwrap_or("maitre-space").trim();
        if alias.is_empty() || !is_localpart(alias) {
            let fault = Fault::value(&path.key("alias"), format!("{VALUE} can't be the local part of an alias"));
            self.note(fault.hint("use lower-case letters, digits, `_`, `-` and `.`, without `#` and `:`"));
        } else if self.names.rooms.contains(alias) {
            let fault =
                Fault::missing(&path.key("alias"), format!("the space's alias `{alias}` is the key of a room, too"));
            self.note(fault.hint(format!("choose another alias: `{section}: {{alias: …}}`")));
        }
        raw.enabled.unwrap_or(true).then(|| Space { alias: alias.to_owned(), name })
    }

    pub(super) fn user(&mut self, entities: &[Entity]) -> Option<Person> {
        let (raw, section) = match (&self.raw.user, &self.raw.mindroom_user) {
            (None, None) => return None,
            (Some(_), Some(_)) => {
                let fault = Fault::key(&KeyPath::of(&["mindroom_user"]), "`user` is given, too, and means the same");
                self.note(fault.hint("keep one of the two"));
                return None;
            }
            (Some(user), None) => (user, "user"),
            (None, Some(user)) => (user, "mindroom_user"),
        };
        let path = KeyPath::of(&[section]);
        let localpart = self.user_name(raw, section, entities)?;
        let default = || if section == "user" { title(&localpart) } else { "MindRoomUser".to_owned() };
        let display_name = self.caption(raw.display_name.as_deref(), &path.key("display_name"), default);
        let password = self.secret(raw.password.as_ref(), &path.key("password"));
        Some(Person { localpart, display_name, password })
    }

    fn user_name(&mut self, raw: &raw::User, section: &str, entities: &[Entity]) -> Option<String> {
        let path = KeyPath::of(&[section, "username"]);
        let typed = match (raw.username.as_deref(), section) {
            (Some(name), _) => name.trim(),
            (None, "mindroom_user") => "mindroom_user",
            (None, _) => {
                let fault = Fault::missing(&path, "`username` is missing: the local part of the user id");
                self.note(fault.hint("add `username: you`"));
                return None;
            }
        };
        let localpart = typed.strip_prefix('@').unwrap_or(typed);
        if localpart.is_empty() || !is_localpart(localpart) {
            let fault = Fault::value(&path, format!("{VALUE} can't be the local part of a user id"));
            self.note(
                fault.hint("use lower-case letters, digits and `.`, `_`, `=`, `-`, `/`, without `:` and the server"),
            );
            return None;
        }
        if let Some(entity) = entities.iter().find(|entity| entity.localpart == localpart) {
            let message = format!("this would be the same user id as that of the {} `{}`", kind(entity), entity.name);
            self.note(Fault::missing(&path, message).hint("choose another user name"));
        }
        Some(localpart.to_owned())
    }
}

fn kind(entity: &Entity) -> &'static str {
    match entity.kind() {
        EntityKind::Router => "router",
        EntityKind::Agent => "agent",
        EntityKind::Team => "team",
    }
}
