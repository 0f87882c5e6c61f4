//! The router, the agents and the teams.

use std::{collections::BTreeSet, path::PathBuf};

use crate::model::{EntityName, RoomKey};

use super::{
    Agent, Credential, Entity, Manners, Role, Router, Team, TeamMode,
    compile::Compiler,
    fault::{Fault, VALUE},
    key_path::KeyPath,
    manners::{TypedManners, handoff},
    models::Models,
    names::title,
    raw,
};

/// How many agents and teams there may be.
const ENTITIES_MAX: usize = 2_000;
/// The longest local part of a user id, in bytes, leaving room for the server's name.
const LOCALPART_BYTES_MAX: usize = 128;
/// Names that stand for something else.
const RESERVED: &[&str] = &["router", EntityName::PERSON];

/// What every kind of entity has, as typed.
struct Common<'a> {
    display_name: Option<&'a str>,
    purpose: Option<&'a str>,
    avatar: Option<&'a str>,
    rooms: &'a [String],
    accept_invites: Option<bool>,
    manners: TypedManners<'a>,
}

/// What entities have that don't say otherwise, and what they may name.
struct Shared<'a> {
    template: String,
    manners: Manners,
    tools: Option<Vec<String>>,
    skills: Vec<String>,
    skill_folders: &'a [PathBuf],
    models: &'a Models,
}

impl Compiler<'_> {
    /// The router first, then agents, then teams.
    pub(super) fn entities(&mut self, models: &Models, skill_folders: &[PathBuf]) -> Vec<Entity> {
        let count = self.raw.agents.0.len() + self.raw.teams.0.len();
        if count > ENTITIES_MAX {
            let fault = Fault::key(&KeyPath::of(&["agents"]), format!("there are {count} agents and teams"));
            self.note(fault.hint(format!("there may be {ENTITIES_MAX}; start a second Maitre for the rest")));
            return Vec::new();
        }
        let shared = Shared {
            template: self.localpart_template(),
            manners: self.default_manners(),
            tools: self.default_tools(),
            skills: self.default_skills(skill_folders),
            skill_folders,
            models,
        };
        self.check_credential_names();
        let mut entities = vec![self.router(&shared)];
        for (name, raw) in self.raw.agents.iter() {
            entities.extend(self.agent(name, raw, &shared));
        }
        for (name, raw) in self.raw.teams.iter() {
            entities.extend(self.team(name, raw, &shared));
        }
        entities
    }

    fn router(&mut self, shared: &Shared<'_>) -> Entity {
        let raw = &self.raw.router;
        let path = KeyPath::of(&["router"]);
        let model = self.model_name(raw.model.as_deref(), &path.key("model"), shared.models);
        let name = EntityName::parse("router").expect("a word of lower-case letters");
        let common = Common {
            display_name: raw.display_name.as_deref(),
            purpose: Some(raw.role.as_deref().unwrap_or("Greets people and decides who answers.")),
            avatar: raw.avatar.as_deref(),
            rooms: &[],
            accept_invites: raw.accept_invites,
            manners: raw.manners(),
        };
        let role = Role::Router(Router { model, timeout: self.router_timeout(), handoff: handoff(raw.handoff) });
        self.entity(name, &path, &common, role, shared)
    }

    fn agent(&mut self, name: &str, raw: &raw::Agent, shared: &Shared<'_>) -> Option<Entity> {
        let path = KeyPath::of(&["agents", name]);
        let name = self.entity_name(name, &path);
        let model = self.model_name(raw.model.as_deref(), &path.key("model"), shared.models);
        let common = Common {
            display_name: raw.display_name.as_deref(),
            purpose: raw.role.as_deref(),
            avatar: raw.avatar.as_deref(),
            rooms: &raw.rooms,
            accept_invites: raw.accept_invites,
            manners: raw.manners(),
        };
        let tools = self.tools(raw, &path, shared.tools.as_deref());
        let skills = self.skills(raw, &path, shared.skill_folders).unwrap_or_else(|| shared.skills.clone());
        let role = Role::Agent(Agent { model, instructions: raw.instructions.clone(), tools, skills });
        Some(self.entity(name?, &path, &common, role, shared))
    }

    fn team(&mut self, name: &str, raw: &raw::Team, shared: &Shared<'_>) -> Option<Entity> {
        let path = KeyPath::of(&["teams", name]);
        if self.names.agents.iter().any(|agent| agent == name) {
            let fault = Fault::key(&path, "an agent has the same name");
            self.note(fault.hint("rename the team: each is a Matrix user of its own"));
        }
        let name = self.entity_name(name, &path);
        let model = self.model_name(raw.model.as_deref(), &path.key("model"), shared.models);
        let members = self.members(&raw.agents, &path.key("agents"));
        let mode = match raw.mode {
            None | Some(raw::TeamMode::Coordinate) => TeamMode::Coordinate,
            Some(raw::TeamMode::Collaborate) => TeamMode::Collaborate,
        };
        let common = Common {
            display_name: raw.display_name.as_deref(),
            purpose: raw.role.as_deref(),
            avatar: raw.avatar.as_deref(),
            rooms: &raw.rooms,
            accept_invites: raw.accept_invites,
            manners: raw.manners(),
        };
        Some(self.entity(name?, &path, &common, Role::Team(Team { model, members, mode }), shared))
    }

    fn members(&mut self, names: &[String], path: &KeyPath) -> Vec<EntityName> {
        // Members that aren't text were noted already.
        let typed = self.given.tree.at(path).is_some_and(|(node, _)| node.len() > 0);
        if names.is_empty() && !typed {
            let fault = Fault::missing(path, "a team needs members");
            self.note(fault.hint("add `agents: [one, another]` with names from the section `agents`"));
        }
        let mut members = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let path = path.index(index);
            if !self.names.agents.iter().any(|agent| agent == name) {
                let near = self.did_you_mean(name, self.names.agents.iter().map(String::as_str));
                let fault = Fault::value(&path, format!("there is no agent {VALUE}"));
                self.note(fault.hint("members are names from the section `agents`").maybe_hint(near));
            } else if let Ok(name) = EntityName::parse(name) {
                if members.contains(&name) {
                    self.note(Fault::value(&path, format!("{VALUE} is a member twice")).hint("remove one of the two"));
                } else {
                    members.push(name);
                }
            }
        }
        members
    }

    fn entity(
        &mut self,
        name: EntityName,
        path: &KeyPath,
        common: &Common<'_>,
        role: Role,
        shared: &Shared<'_>,
    ) -> Entity {
        let display_name = self.caption(common.display_name, &path.key("display_name"), || title(name.as_str()));
        Entity {
            localpart: shared.template.replace("{name}", name.as_str()),
            display_name,
            avatar: self.picture(common.avatar, &path.key("avatar")),
            purpose: common.purpose.unwrap_or_default().trim().to_owned(),
            rooms: self.room_keys(common.rooms, &path.key("rooms")),
            accept_invites: common.accept_invites.or(self.raw.defaults.accept_invites).unwrap_or(true),
            credential: self.credential(name.as_str()),
            name,
            role,
            manners: self.manners(&common.manners, path, &shared.manners),
        }
    }

    fn entity_name(&mut self, name: &str, path: &KeyPath) -> Option<EntityName> {
        if RESERVED.contains(&name) {
            let fault = Fault::key(path, format!("the name `{name}` is taken by Maitre itself"));
            self.note(fault.hint("choose another name; what people see is `display_name`"));
            return None;
        }
        let parsed = EntityName::parse(name);
        if parsed.is_err() {
            let fault = Fault::key(path, "a name is made of at most 64 lower-case letters, digits, `_` and `-`");
            let better: String = name.to_lowercase().replace([' ', '.'], "_");
            let better = EntityName::parse(better)
                .ok()
                .map(|better| format!("write `{better}`; what people see is `display_name`"));
            self.note(fault.hint("rename it; what people see is `display_name`").maybe_hint(better));
        }
        parsed.ok()
    }

    fn room_keys(&mut self, rooms: &[String], path: &KeyPath) -> Vec<RoomKey> {
        let mut seen = BTreeSet::new();
        let mut keys = Vec::new();
        for (index, room) in rooms.iter().enumerate() {
            match RoomKey::parse(room.as_str()) {
                Ok(key) => {
                    if seen.insert(key.clone()) {
                        keys.push(key);
                    }
                }
                Err(_) => self.note(bad_room_key(Fault::value(&path.index(index), format!("{VALUE} is not a room")))),
            }
        }
        keys
    }

    fn credential(&mut self, name: &str) -> Option<Credential> {
        let path = KeyPath::of(&["accounts"]);
        let token_path = path.key("access_tokens").key(name);
        let password = self.secret(self.raw.accounts.passwords.get(name), &path.key("passwords").key(name));
        let token = self.secret(self.raw.accounts.access_tokens.get(name), &token_path);
        match (password, token) {
            (Some(_), Some(_)) => {
                let fault = Fault::key(&token_path, "there is a password for this account, too");
                self.note(fault.hint("keep the password, or the token, not both"));
                None
            }
            (Some(password), None) => Some(Credential::Password(password)),
            (None, token) => token.map(Credential::AccessToken),
        }
    }

    fn check_credential_names(&mut self) {
        for section in ["passwords", "access_tokens"] {
            let raw =
                if section == "passwords" { &self.raw.accounts.passwords } else { &self.raw.accounts.access_tokens };
            for (name, _) in raw.iter() {
                let path = KeyPath::of(&["accounts", section, name]);
                self.check_entity(name, &path);
            }
        }
    }

    /// Notes a key that should be the name of an entity and is none.
    pub(super) fn check_entity(&mut self, name: &str, path: &KeyPath) {
        if self.names.entities().any(|entity| entity == name) {
            return;
        }
        let near = self.did_you_mean(name, self.names.entities());
        let fault = Fault::key(path, "there is no agent or team of this name");
        self.note(fault.hint("write the name of an agent or a team, or `router`").maybe_hint(near));
    }

    /// How local parts are made, with `{name}` in it.
    fn localpart_template(&mut self) -> String {
        let path = KeyPath::of(&["accounts", "localpart"]);
        let template = self.raw.accounts.localpart.as_deref().unwrap_or("{name}").trim();
        if !template.contains("{name}") {
            let fault = Fault::value(&path, format!("{VALUE} would give every entity the same user id"));
            self.note(fault.hint("put `{name}` in it, such as \"bot_{name}\""));
        } else if !is_localpart(&template.replace("{name}", "")) {
            let fault = Fault::value(&path, format!("{VALUE} can't be part of a user id"));
            self.note(fault.hint("use lower-case letters, digits and `.`, `_`, `=`, `-`, `/`, `+` beside `{name}`"));
        } else {
            return template.to_owned();
        }
        "{name}".to_owned()
    }
}

/// Whether a text can be (part of) the local part of a new user id.
pub(super) fn is_localpart(text: &str) -> bool {
    text.len() <= LOCALPART_BYTES_MAX
        && text.bytes().all(|b| {
            b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'=' | b'-' | b'/' | b'+')
        })
}

/// What a room's key looks like.
pub(super) fn bad_room_key(fault: Fault) -> Fault {
    fault.hint("write a key of letters, digits, `_`, `-` and `.`, an alias \"#name:server\" or an id \"!room:server\", in quotes")
}
