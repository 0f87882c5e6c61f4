//! What can go wrong on the way to a homeserver, with which requests, and how often.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::{Method, request};
use serde_json::Value;

/// A sort of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    /// A new message.
    Send,
    /// An edit of a message.
    Edit,
    /// A step of the stream.
    Sync,
    /// Going into a room.
    Join,
    /// A picture, or the keys of a device.
    Upload,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The homeserver has acted, and its answer is lost.
    Lost,
    /// The answer takes its time.
    Late,
    /// The answer ends in the middle.
    Torn,
    /// The homeserver gets the request twice, and the second answer counts.
    Twice,
    /// Too many requests; a second later will do.
    Limited,
    /// A gateway in front of the homeserver has nobody behind it.
    Gateway,
    /// The connection ends before the homeserver has acted, or in the middle of a long-poll.
    Cut,
}

impl Operation {
    pub(crate) const ALL: [Self; 5] = [Self::Send, Self::Edit, Self::Sync, Self::Join, Self::Upload];

    /// What a request is, if it is one of these.
    pub(super) fn of(head: &request::Parts, body: &[u8]) -> Option<Self> {
        let path = head.uri.path();
        let parts: Vec<&str> = path.split('/').collect();
        if head.method == Method::PUT && path.contains("/send/m.room.message/") {
            let content: Value = serde_json::from_slice(body).unwrap_or_default();
            let is_edit = content["m.relates_to"]["rel_type"] == "m.replace";
            Some(if is_edit { Self::Edit } else { Self::Send })
        } else if path.ends_with("/sync") {
            Some(Self::Sync)
        } else if head.method == Method::POST && parts.contains(&"join") {
            Some(Self::Join)
        } else if head.method == Method::POST && path.ends_with("/upload") {
            Some(Self::Upload)
        } else {
            None
        }
    }
}

impl Fault {
    pub(crate) const ALL: [Self; 7] =
        [Self::Lost, Self::Late, Self::Torn, Self::Twice, Self::Limited, Self::Gateway, Self::Cut];

    /// What it is, in words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Lost => "answer lost after the homeserver acted",
            Self::Late => "answer late",
            Self::Torn => "answer cut short",
            Self::Twice => "request repeated",
            Self::Limited => "429 with Retry-After",
            Self::Gateway => "502",
            Self::Cut => "connection cut before the homeserver acted, or in the long-poll",
        }
    }
}

/// Which requests are to suffer what, and which have.
#[derive(Debug, Default)]
pub(super) struct Spells {
    cast: BTreeMap<Operation, Spell>,
    hits: BTreeMap<(Operation, Fault), usize>,
}

/// How many sorts of uploads an account with a picture makes: its device's keys, its own, a signature, the picture.
const UPLOADS: usize = 4;

#[derive(Debug)]
struct Spell {
    fault: Fault,
    /// What came by. A request that is made again is spared.
    seen: BTreeSet<String>,
    /// Each account in the order of coming, with how many sorts of requests it has made.
    accounts: BTreeMap<String, (usize, usize)>,
}

impl Spell {
    /// Whether a request for `path` suffers. Of an account's uploads only one does, or it would rest longer after each; it is
    /// another one from account to account.
    fn hits(&mut self, operation: Operation, path: &str, account: &str) -> bool {
        let is_new = self.seen.insert(format!("{path} {account}"));
        let count = self.accounts.len();
        let (number, sorts) = self.accounts.entry(account.to_owned()).or_insert((count, 0));
        *sorts += usize::from(is_new);
        is_new && (operation != Operation::Upload || *sorts == *number % UPLOADS + 1)
    }
}

impl Spells {
    /// From now on every request of this sort suffers `fault`, once each; of uploads one of each account.
    pub(super) fn cast(&mut self, operation: Operation, fault: Fault) {
        self.cast.insert(operation, Spell { fault, seen: BTreeSet::new(), accounts: BTreeMap::new() });
    }

    /// All requests are spared.
    pub(super) fn lift(&mut self) {
        self.cast.clear();
    }

    pub(super) fn hits(&self, operation: Operation, fault: Fault) -> usize {
        self.hits.get(&(operation, fault)).copied().unwrap_or_default()
    }

    /// What this request suffers.
    pub(super) fn fault_of(&mut self, head: &request::Parts, body: &[u8]) -> Option<(Operation, Fault)> {
        let operation = Operation::of(head, body)?;
        let spell = self.cast.get_mut(&operation)?;
        // A transaction is in the path; other requests are told apart by who makes them.
        let account = head.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !spell.hits(operation, head.uri.path(), account) {
            return None;
        }
        *self.hits.entry((operation, spell.fault)).or_default() += 1;
        Some((operation, spell.fault))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn head(method: &str, path: &str) -> request::Parts {
        Request::builder().method(method).uri(path).body(()).unwrap().into_parts().0
    }

    #[test]
    fn requests_are_told_apart() {
        let check = |method: &str, path: &str, body: &str, expected: Option<Operation>| {
            assert_eq!(Operation::of(&head(method, path), body.as_bytes()), expected, "{method} {path}");
        };
        let send = "/_matrix/client/v3/rooms/!r/send/m.room.message/t1";
        check("PUT", send, "{}", Some(Operation::Send));
        check("PUT", send, r#"{"m.relates_to": {"rel_type": "m.replace"}}"#, Some(Operation::Edit));
        check("PUT", "/_matrix/client/v3/rooms/!r/send/m.reaction/t1", "{}", None);
        check("GET", "/_matrix/client/v3/sync?since=1", "", Some(Operation::Sync));
        check("POST", "/_matrix/client/v3/join/!r", "", Some(Operation::Join));
        check("POST", "/_matrix/client/v3/rooms/!r/join", "", Some(Operation::Join));
        check("GET", "/_matrix/client/v3/rooms/!r/joined_members", "", None);
        check("POST", "/_matrix/media/v3/upload?filename=a", "", Some(Operation::Upload));
        check("POST", "/_matrix/client/v3/keys/upload", "", Some(Operation::Upload));
    }

    #[test]
    fn each_request_suffers_once() {
        let mut spells = Spells::default();
        spells.cast(Operation::Join, Fault::Lost);
        let mut suffer = |path: &str| spells.fault_of(&head("POST", path), b"").is_some();
        assert_eq!([suffer("/join/!a"), suffer("/join/!a"), suffer("/join/!b")], [true, false, true]);
        assert_eq!(spells.hits(Operation::Join, Fault::Lost), 2);
        spells.cast(Operation::Upload, Fault::Lost);
        let mut upload = |account: &str, path: &str| {
            let mut head = head("POST", path);
            head.headers.insert("authorization", account.parse().unwrap());
            spells.fault_of(&head, b"").is_some()
        };
        assert_eq!([upload("a", "/keys/upload"), upload("a", "/signatures/upload")], [true, false]);
        assert_eq!([upload("b", "/keys/upload"), upload("b", "/signatures/upload")], [false, true]);
        spells.lift();
        assert!(spells.fault_of(&head("POST", "/join/!c"), b"").is_none());
    }
}
