//! Rooms and events for tests.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{hall::Hall, room::Room};
use crate::{
    matrix::{Keys, Page, RoomPage, Slip, Unplaced},
    model::{Content, EventId, Millis, RoomId, SyncToken, TURN_KEY, UserId},
};

pub(super) fn user(name: &str) -> UserId {
    UserId::parse(format!("@{name}:s")).unwrap()
}

pub(super) fn id(text: &str) -> EventId {
    EventId::parse(text).unwrap()
}

pub(super) fn room(id: &str, name: &str) -> Room {
    let members = [("ada", Some("Ada")), ("bob", Some("Bo\x1b[1mb")), ("eve", Some("Ada")), ("x", None)];
    let members = members.map(|(id, name)| (user(id), name.map(str::to_owned)));
    Room::new(RoomId::parse(id).unwrap(), Some(name), BTreeMap::from(members))
}

pub(super) fn event(id: &str, sender: &str, kind: &str, content: &Value) -> Unplaced {
    Unplaced {
        event: EventId::parse(id).unwrap(),
        sender: user(sender),
        sent_at: Millis(7),
        content: Content::Clear { kind: kind.to_owned(), json: content.to_string() },
    }
}

pub(super) fn said(id: &str, sender: &str, text: &str) -> Unplaced {
    event(id, sender, "m.room.message", &json!({"msgtype": "m.text", "body": text}))
}

pub(super) fn in_thread(id: &str, sender: &str, text: &str, root: &str) -> Unplaced {
    let relation = json!({"rel_type": "m.thread", "event_id": root});
    event(id, sender, "m.room.message", &json!({"msgtype": "m.text", "body": text, "m.relates_to": relation}))
}

pub(super) fn growing(id: &str, sender: &str, text: &str, root: &str) -> Unplaced {
    let relation = json!({"rel_type": "m.thread", "event_id": root});
    let turn = json!({"final": false});
    let content = json!({"msgtype": "m.text", "body": text, "m.relates_to": relation, TURN_KEY: turn});
    event(id, sender, "m.room.message", &content)
}

pub(super) fn edit(id: &str, sender: &str, text: &str, of: &str, whole: bool) -> Unplaced {
    let new = json!({"msgtype": "m.text", "body": text, TURN_KEY: {"final": whole}});
    let relation = json!({"rel_type": "m.replace", "event_id": of});
    let content = json!({"msgtype": "m.text", "body": "* …", "m.new_content": new, "m.relates_to": relation});
    event(id, sender, "m.room.message", &content)
}

pub(super) fn reaction(id: &str, sender: &str, key: &str, to: &str) -> Unplaced {
    let relation = json!({"rel_type": "m.annotation", "event_id": to, "key": key});
    event(id, sender, "m.reaction", &json!({"m.relates_to": relation}))
}

pub(super) fn redaction(id: &str, sender: &str, of: &str) -> Unplaced {
    event(id, sender, "m.room.redaction", &json!({"redacts": of}))
}

pub(super) fn room_id(text: &str) -> RoomId {
    RoomId::parse(text).unwrap()
}

/// A hall with a lobby, `!a`, and a workshop, `!b`, through which Ada walks.
pub(super) fn hall() -> Hall {
    let mut hall = Hall::new(user("ada"));
    hall.see(room("!a", "Lobby"));
    hall.see(room("!b", "Workshop"));
    hall
}

pub(super) fn part(room: &str, events: Vec<Unplaced>) -> RoomPage {
    let timeline = events.into_iter().map(Slip::Event).collect();
    RoomPage { room: room_id(room), timeline, state: vec![], gap: None, typing: None }
}

pub(super) fn page(rooms: Vec<RoomPage>) -> Page {
    let token = SyncToken::parse("t").unwrap();
    Page { token, received_at: Millis(0), rooms, changes: vec![], keys: Keys::Of(BTreeSet::new()) }
}
