//! Who may do what, as typed.

use std::collections::BTreeMap;

use crate::model::UserId;

use super::{
    Authorization, Person, UserPattern,
    compile::Compiler,
    fault::{Fault, VALUE},
    key_path::KeyPath,
    raw::ReplyPermission,
};

impl Compiler<'_> {
    pub(super) fn authorization(&mut self) -> Authorization {
        let raw = &self.raw.authorization;
        let path = KeyPath::of(&["authorization"]);
        let global_users = self.patterns(&raw.global_users, &path.key("global_users"));
        let mut room_permissions = BTreeMap::new();
        for (room, users) in raw.room_permissions.iter() {
            let path = path.key("room_permissions").key(room);
            let users = self.patterns(users, &path);
            room_permissions.extend(self.known_room(room, &path).map(|room| (room, users)));
        }
        let mut agent_reply_permissions = BTreeMap::new();
        for (entity, permission) in raw.agent_reply_permissions.iter() {
            let path = path.key("agent_reply_permissions").key(entity);
            if entity != "*" {
                self.check_entity(entity, &path);
            }
            let users = match permission {
                ReplyPermission::List(users) => self.patterns(users, &path),
                ReplyPermission::Section(section) => self.patterns(&section.users, &path.key("users")),
            };
            agent_reply_permissions.insert(entity.to_owned(), users);
        }
        let admins = match &raw.admins {
            Some(admins) => self.patterns(admins, &path.key("admins")),
            None => self.default_admins(&global_users),
        };
        Authorization {
            room_permissions,
            default_room_access: raw.default_room_access.unwrap_or(false),
            aliases: self.aliases(),
            admins,
            require_verified: raw.require_verified.unwrap_or(false),
            config_in_chat: raw.config_in_chat.unwrap_or(false),
            agent_reply_permissions,
            global_users,
        }
    }

    /// Says so when the person at the keyboard would get no reaction at all.
    pub(super) fn warn_of_a_forbidden_person(&mut self, user: Option<&Person>, authorization: &Authorization) {
        let Some(Person { localpart, .. }) = user.filter(|_| !authorization.default_room_access) else { return };
        let of_rooms = authorization.room_permissions.values().flatten();
        // Nobody knows yet what the homeserver is called.
        let is_named = authorization.global_users.iter().chain(of_rooms).any(|pattern| {
            let server = pattern.as_str().split_once(':').map_or("server", |(_, server)| server).replace('*', "server");
            UserId::parse(format!("@{localpart}:{server}")).is_ok_and(|user| pattern.matches(&user))
        });
        if is_named || authorization.aliases.keys().any(|other| other.localpart() == localpart) {
            return;
        }
        let section = if self.raw.user.is_some() { "user" } else { "mindroom_user" };
        let message = format!("`{localpart}` may not use anybody, and would get no reaction");
        let fault = Fault::missing(&KeyPath::of(&[section]), message).warning();
        self.note(
            fault.hint(format!("add \"@{localpart}:…\", with the homeserver's name, to `authorization.global_users`")),
        );
    }

    /// Whoever may use everything is an admin, unless that is everybody.
    fn default_admins(&mut self, global_users: &[UserPattern]) -> Vec<UserPattern> {
        if let Some(index) = global_users.iter().position(UserPattern::is_everybody) {
            let path = KeyPath::of(&["authorization", "global_users"]).index(index);
            let fault = Fault::value(&path, "this makes everybody an admin").warning();
            self.note(fault.hint("list the admins in `authorization.admins`"));
        }
        global_users.to_vec()
    }

    /// Typed by the account that counts, kept by the other accounts.
    fn aliases(&mut self) -> BTreeMap<UserId, UserId> {
        let path = KeyPath::of(&["authorization", "aliases"]);
        let mut aliases = BTreeMap::new();
        for (canonical, others) in self.raw.authorization.aliases.iter() {
            let path = path.key(canonical);
            let Ok(canonical) = UserId::parse(canonical) else {
                self.note(bad_user(Fault::key(&path, "this is not a user id")));
                continue;
            };
            for (index, other) in others.iter().enumerate() {
                let path = path.index(index);
                let Ok(other) = UserId::parse(other.as_str()) else {
                    self.note(bad_user(Fault::value(&path, format!("{VALUE} is not a user id"))));
                    continue;
                };
                if aliases.insert(other, canonical.clone()).is_some_and(|before| before != canonical) {
                    let fault = Fault::value(&path, format!("{VALUE} belongs to two people"));
                    self.note(fault.hint("list it under one of them"));
                }
            }
        }
        aliases
    }

    /// User ids, in which `*` stands for any text.
    pub(super) fn patterns(&mut self, users: &[String], path: &KeyPath) -> Vec<UserPattern> {
        let mut patterns = Vec::new();
        for (index, user) in users.iter().enumerate() {
            match UserPattern::parse(user) {
                Ok(pattern) => patterns.push(pattern),
                Err(_) => self.note(bad_user(Fault::value(&path.index(index), format!("{VALUE} is not a user id")))),
            }
        }
        patterns
    }
}

fn bad_user(fault: Fault) -> Fault {
    fault.hint("write \"@name:server\", in quotes; `*` stands for any text, as in \"@*:server\"")
}
