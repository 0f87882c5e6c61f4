//! Names for people, rooms, events and our own entities: parsed once, then no longer doubted.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest Matrix identifier the specification allows, in bytes.
const ID_BYTES_MAX: usize = 255;
/// The longest name an entity may have in the configuration, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// Why a text is not the identifier it was taken for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {expected}")]
pub struct IdError {
    /// What was given.
    pub text: String,
    /// What it should have looked like, with an article.
    pub expected: &'static str,
}

impl IdError {
    fn new(text: &str, expected: &'static str) -> Self {
        Self { text: text.chars().take(ID_BYTES_MAX).collect(), expected }
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $expected:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Takes `text` as this identifier, or says what it should have looked like.
            ///
            /// # Errors
            /// [`IdError`] when the text does not have the identifier's form.
            pub fn parse(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                let valid: fn(&str) -> bool = $valid;
                if valid(&text) { Ok(Self(text)) } else { Err(IdError::new(&text, $expected)) }
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// A Matrix user, `@name:server`.
    UserId, "a user id such as \"@name:server\"",
    |text| text.len() <= ID_BYTES_MAX && sigil_and_server(text, '@')
);
text_id!(
    /// A Matrix room, `!opaque` or `!opaque:server`. Since room version 12 there is no server part: never look for one.
    RoomId, "a room id such as \"!room:server\"",
    |text| text.len() > 1 && text.len() <= ID_BYTES_MAX && text.starts_with('!') && printable(text)
);
text_id!(
    /// A room alias, `#name:server`.
    AliasId, "a room alias such as \"#name:server\"",
    |text| text.len() <= ID_BYTES_MAX && sigil_and_server(text, '#')
);
text_id!(
    /// A Matrix event, `$opaque`.
    EventId, "an event id such as \"$event\"",
    |text| text.len() > 1 && text.len() <= ID_BYTES_MAX && text.starts_with('$') && printable(text)
);
text_id!(
    /// A device of an account.
    DeviceId, "a device id",
    |text| !text.is_empty() && text.len() <= ID_BYTES_MAX && printable(text)
);
text_id!(
    /// A position in one account's sync stream. Opaque: only the homeserver that gave it understands it.
    SyncToken, "a sync token",
    |text| !text.is_empty()
);
text_id!(
    /// The key under which a homeserver recognises a repeated request.
    TransactionId, "a transaction id",
    |text| !text.is_empty() && text.len() <= ID_BYTES_MAX && printable(text)
);
text_id!(
    /// One answer to one message by one responder, from its start to its end, across restarts.
    TurnId, "a turn id",
    |text| !text.is_empty() && text.len() <= ID_BYTES_MAX && printable(text)
);
text_id!(
    /// The name of an agent, a team or the router in the configuration: `a-z`, `0-9`, `_` and `-`.
    EntityName, "a name of lower-case letters, digits, \"_\" and \"-\"",
    |text| !text.is_empty()
        && text.len() <= NAME_BYTES_MAX
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
);
text_id!(
    /// How the configuration names a room: a plain key, an alias (`#…`) or an id (`!…`).
    RoomKey, "a room key such as \"lobby\", \"#lobby:server\" or \"!room:server\"",
    room_key_is_valid
);

/// What a [`RoomKey`] points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomRef {
    /// A room we make when it does not exist; the text is its alias' local part.
    Ours(String),
    /// A room that exists already, by alias. Never created by us.
    Alias(AliasId),
    /// A room that exists already, by id. Never created by us.
    Id(RoomId),
}

impl RoomKey {
    /// What this key points at.
    #[must_use]
    pub fn room_ref(&self) -> RoomRef {
        if let Ok(id) = RoomId::parse(self.as_str()) {
            return RoomRef::Id(id);
        }
        match AliasId::parse(self.as_str()) {
            Ok(alias) => RoomRef::Alias(alias),
            Err(_) => RoomRef::Ours(self.as_str().to_owned()),
        }
    }
}

impl EntityName {
    /// Under this name the account of the person at the keyboard is kept. No entity may have it.
    pub const PERSON: &str = "user";

    /// Whether this stands for the person at the keyboard, who is no entity.
    #[must_use]
    pub fn is_person(&self) -> bool {
        self.0 == Self::PERSON
    }
}

impl UserId {
    /// The part between `@` and the first `:`.
    #[must_use]
    pub fn localpart(&self) -> &str {
        self.0[1..].split_once(':').map_or("", |(local, _)| local)
    }

    /// The part after the first `:`.
    #[must_use]
    pub fn server(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, server)| server)
    }
}

/// What sort of entity a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntityKind {
    /// The one that greets and decides who answers; it starts first.
    Router,
    /// One mind.
    Agent,
    /// Several agents answering as one.
    Team,
}

fn sigil_and_server(text: &str, sigil: char) -> bool {
    text.strip_prefix(sigil)
        .and_then(|rest| rest.split_once(':'))
        .is_some_and(|(local, server)| !local.is_empty() && !server.is_empty() && printable(text))
}

fn printable(text: &str) -> bool {
    !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

fn room_key_is_valid(text: &str) -> bool {
    match text.chars().next() {
        None => false,
        Some('!') => RoomId::parse(text).is_ok(),
        Some('#') => AliasId::parse(text).is_ok(),
        Some(_) => {
            text.len() <= NAME_BYTES_MAX
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_told_from_other_text() {
        let check = |valid: bool, what: &str| assert!(valid, "{what}");
        check(UserId::parse("@a:b").is_ok(), "the shortest user id");
        check(UserId::parse("@a:b:8448").is_ok(), "a server with a port");
        check(UserId::parse("a:b").is_err(), "no sigil");
        check(UserId::parse("@a").is_err(), "no server");
        check(UserId::parse("@a b:c").is_err(), "white space");
        check(RoomId::parse("!abc").is_ok(), "version 12 ids have no server");
        check(RoomId::parse("!").is_err(), "nothing but a sigil");
        check(EventId::parse("$x").is_ok(), "an event id");
        check(EntityName::parse("deep-research_2").is_ok(), "a name");
        check(EntityName::parse("Deep").is_err(), "upper case");
        check(EntityName::parse("").is_err(), "empty");
        check(RoomKey::parse("#x").is_err(), "an alias without a server");
    }

    #[test]
    fn a_room_key_points_at_our_room_an_alias_or_an_id() {
        let of = |text: &str| RoomKey::parse(text).unwrap().room_ref();
        assert_eq!(of("lobby"), RoomRef::Ours("lobby".to_owned()));
        assert_eq!(of("#x:s"), RoomRef::Alias(AliasId::parse("#x:s").unwrap()));
        assert_eq!(of("!x"), RoomRef::Id(RoomId::parse("!x").unwrap()));
    }

    #[test]
    fn a_user_id_has_two_parts() {
        let user = UserId::parse("@ada:home.org:8448").unwrap();
        assert_eq!((user.localpart(), user.server()), ("ada", "home.org:8448"));
    }
}
