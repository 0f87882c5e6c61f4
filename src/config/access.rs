//! Who may: the decisions about people, made from the configuration alone.

use std::collections::BTreeSet;

use crate::model::{EntityName, IdError, RoomKey, UserId};

use super::{Authorization, Config, Entity, Role, UserPattern};

/// The longest pattern, as long as the longest user id, in bytes.
const PATTERN_BYTES_MAX: usize = 255;

impl UserPattern {
    /// Takes `text` as a user id in which `*` stands for any text: `@ada:home.org`, `@*:home.org`, `*`.
    ///
    /// # Errors
    /// [`IdError`] when the text is neither.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let text = text.trim();
        if text.contains('*') {
            let rest = text.strip_prefix(['@', '*']);
            let fine =
                rest.is_some_and(|rest| !rest.contains(|c: char| c.is_whitespace() || c.is_control() || c == '@'));
            if fine && text.len() <= PATTERN_BYTES_MAX {
                return Ok(Self(text.to_owned()));
            }
        }
        // What isn't a pattern must be a user id; its error is ours.
        UserId::parse(text).map(|user| Self::of(&user))
    }

    /// The pattern that matches this user alone.
    #[must_use]
    pub fn of(user: &UserId) -> Self {
        Self(user.as_str().to_owned())
    }

    /// Whether it stands for `user`.
    #[must_use]
    pub fn matches(&self, user: &UserId) -> bool {
        glob(&self.0, user.as_str())
    }

    /// The one user it stands for, unless there is a `*` in it.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        if self.0.contains('*') { None } else { UserId::parse(self.0.as_str()).ok() }
    }

    /// Whether it stands for every user there is.
    #[must_use]
    pub fn is_everybody(&self) -> bool {
        matches!(self.0.as_str(), "*" | "@*" | "@*:*" | "*:*")
    }

    /// The pattern as typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Matches from the left, going back only to the last `*`: no pattern makes it slow.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(byte) if *byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

impl Authorization {
    /// The account that counts for `user`: itself, or the one that it is an alias of.
    #[must_use]
    pub fn canonical<'a>(&'a self, user: &'a UserId) -> &'a UserId {
        self.aliases.get(user).unwrap_or(user)
    }

    /// Whether somebody who is none of our own entities may use entities in `room`, or outside any room that the
    /// configuration knows.
    #[must_use]
    pub fn may_use(&self, sender: &UserId, room: Option<&RoomKey>) -> bool {
        self.may_use_known_as(sender, room.map_or(&[], std::slice::from_ref))
    }

    /// The same for a room that goes by several names, such as its key, its alias and its id. The first name that has an
    /// entry decides.
    #[must_use]
    pub fn may_use_known_as(&self, sender: &UserId, names: &[RoomKey]) -> bool {
        let person = self.canonical(sender);
        if any_matches(&self.global_users, person) {
            return true;
        }
        match names.iter().find_map(|name| self.room_permissions.get(name)) {
            Some(users) => any_matches(users, person),
            None => self.default_room_access,
        }
    }

    /// Whether somebody may run admin commands.
    #[must_use]
    pub fn is_admin(&self, sender: &UserId) -> bool {
        any_matches(&self.admins, self.canonical(sender))
    }

    /// Whether `entity` exists for `sender`: its own entry decides, else the one for all, else it does.
    #[must_use]
    pub fn exists_for(&self, entity: &EntityName, sender: &UserId) -> bool {
        let permissions = &self.agent_reply_permissions;
        let entry = permissions.get(entity.as_str()).or_else(|| permissions.get("*"));
        entry.is_none_or(|users| any_matches(users, self.canonical(sender)))
    }
}

fn any_matches(patterns: &[UserPattern], user: &UserId) -> bool {
    patterns.iter().any(|pattern| pattern.matches(user))
}

impl Config {
    /// The entity of this name.
    #[must_use]
    pub fn entity(&self, name: &EntityName) -> Option<&Entity> {
        self.entities.iter().find(|entity| entity.name == *name)
    }

    /// The router.
    ///
    /// # Panics
    /// Never, for a configuration that was compiled: it always has a router.
    #[must_use]
    pub fn router(&self) -> &Entity {
        self.entities
            .iter()
            .find(|entity| matches!(entity.role, Role::Router(_)))
            .expect("compiling always adds a router")
    }

    /// The people who are invited to a managed room: everybody who may use it and is named without a `*`; to the room for
    /// admins, those only.
    #[must_use]
    pub fn people_of(&self, room: &RoomKey) -> BTreeSet<UserId> {
        if self.admin_room.as_ref() == Some(room) {
            return self.admins();
        }
        let of_room = self.authorization.room_permissions.get(room);
        let patterns = self.authorization.global_users.iter().chain(of_room.into_iter().flatten());
        patterns.filter_map(UserPattern::user).collect()
    }

    /// The people who administer the rooms we make: every admin who is named without a `*`.
    #[must_use]
    pub fn admins(&self) -> BTreeSet<UserId> {
        self.authorization.admins.iter().filter_map(UserPattern::user).collect()
    }

    /// Whether a user is another bot or a bridge, which never counts as a person.
    #[must_use]
    pub fn is_bot(&self, user: &UserId) -> bool {
        any_matches(&self.bot_accounts, user)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn user(text: &str) -> UserId {
        UserId::parse(text).unwrap()
    }

    fn patterns(texts: &[&str]) -> Vec<UserPattern> {
        texts.iter().map(|text| UserPattern::parse(text).unwrap()).collect()
    }

    fn room(text: &str) -> RoomKey {
        RoomKey::parse(text).unwrap()
    }

    fn rules() -> Authorization {
        Authorization {
            global_users: patterns(&["@boss:home", "@*:work"]),
            room_permissions: BTreeMap::from([
                (room("lab"), patterns(&["@ada:home"])),
                (room("#door:home"), patterns(&["@*:home"])),
                (room("closed"), Vec::new()),
            ]),
            default_room_access: true,
            aliases: BTreeMap::from([(user("@tg_1:bridge"), user("@ada:home"))]),
            admins: patterns(&["@boss:home"]),
            require_verified: false,
            config_in_chat: false,
            agent_reply_permissions: BTreeMap::from([
                ("*".to_owned(), patterns(&["@boss:home", "@ada:home"])),
                ("writer".to_owned(), patterns(&["@bob:home"])),
            ]),
        }
    }

    #[test]
    fn patterns_match_whole_ids() {
        let check = |pattern: &str, id: &str, expected: bool| {
            assert_eq!(UserPattern::parse(pattern).unwrap().matches(&user(id)), expected, "{pattern} {id}");
        };
        check("@ada:home", "@ada:home", true);
        check("@ada:home", "@ada:home.org", false);
        check("@*:home", "@ada:home", true);
        check("@*:home", "@ada:home.evil", false);
        check("@a*a:*", "@ada:x", true);
        check("@a*a:*", "@adam:x", false);
        check("*", "@ada:x", true);
        check("@*_bot:home", "@x_bot_bot:home", true);
        for bad in ["ada", "@ada", "", "#a:b", "a*:b", "@a *:b", "@ada:home @bob:home"] {
            assert!(UserPattern::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_pattern_full_of_stars_is_not_slow() {
        let pattern = UserPattern::parse(&format!("@{}b:x", "*a".repeat(100))).unwrap();
        assert!(!pattern.matches(&user(&format!("@{}:x", "a".repeat(200)))));
    }

    /// A1: aliases, then `global_users`, then the room's entry, then the default.
    #[test]
    fn a1_who_may_use_what() {
        let rules = rules();
        let check = |who: &str, place: Option<&str>, expected: bool| {
            let place = place.map(room);
            assert_eq!(rules.may_use(&user(who), place.as_ref()), expected, "{who} {place:?}");
        };
        check("@boss:home", Some("lab"), true);
        check("@anybody:work", Some("closed"), true);
        check("@ada:home", Some("lab"), true);
        check("@tg_1:bridge", Some("lab"), true);
        check("@tg_2:bridge", Some("lab"), false);
        check("@bob:home", Some("lab"), false);
        check("@ada:home", Some("closed"), false);
        check("@bob:home", Some("elsewhere"), true);
        check("@bob:home", None, true);
        let closed = Authorization { default_room_access: false, ..rules.clone() };
        assert!(!closed.may_use(&user("@bob:home"), Some(&room("elsewhere"))));
        assert!(!closed.may_use(&user("@bob:home"), None));
    }

    /// A1: an entry under any of a room's names decides.
    #[test]
    fn a1_a_room_goes_by_several_names() {
        let rules = Authorization { default_room_access: false, ..rules() };
        let names = [room("!abc"), room("#door:home"), room("door")];
        assert!(rules.may_use_known_as(&user("@bob:home"), &names));
        assert!(!rules.may_use_known_as(&user("@bob:elsewhere"), &names));
    }

    /// An entity's own entry decides, else that for all.
    #[test]
    fn a2_who_an_entity_exists_for() {
        let rules = rules();
        let exists = |entity: &str, who: &str| rules.exists_for(&EntityName::parse(entity).unwrap(), &user(who));
        assert!(exists("writer", "@bob:home"));
        assert!(!exists("writer", "@boss:home"));
        assert!(exists("coder", "@tg_1:bridge"));
        assert!(!exists("coder", "@bob:home"));
        let open = Authorization { agent_reply_permissions: BTreeMap::new(), ..rules.clone() };
        assert!(open.exists_for(&EntityName::parse("coder").unwrap(), &user("@bob:home")));
    }

    /// Admins, by their account that counts.
    #[test]
    fn a4_who_is_an_admin() {
        let rules = Authorization { admins: patterns(&["@ada:home"]), ..rules() };
        assert!(rules.is_admin(&user("@tg_1:bridge")));
        assert!(!rules.is_admin(&user("@boss:home")));
    }
}
