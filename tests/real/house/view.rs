//! What a client has seen of the world through its syncs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Rooms and invites, as far as syncs have told.
#[derive(Debug, Default)]
pub(crate) struct View {
    rooms: BTreeMap<String, Room>,
    invites: BTreeMap<String, Vec<Value>>,
}

#[derive(Debug, Default)]
struct Room {
    timeline: Vec<Value>,
    state: BTreeMap<(String, String), Value>,
    /// When each piece of the state was sent. What a response brings as state may be older than what a timeline told.
    stamps: BTreeMap<(String, String), u64>,
    typing: BTreeSet<String>,
    /// Each event that somebody has read up to, with whom.
    reads: BTreeSet<(String, String)>,
}

impl View {
    /// Takes in one sync response.
    pub(super) fn take(&mut self, response: &Value) {
        for (id, room) in objects(&response["rooms"]["join"]) {
            self.invites.remove(id);
            self.rooms.entry(id.clone()).or_default().take(room);
        }
        for (id, room) in objects(&response["rooms"]["invite"]) {
            self.invites.insert(id.clone(), list(&room["invite_state"]["events"]).to_vec());
        }
        for (id, room) in objects(&response["rooms"]["leave"]) {
            self.invites.remove(id);
            self.rooms.entry(id.clone()).or_default().take(room);
        }
    }

    /// The events of a room's timeline, in the order of arrival.
    pub(crate) fn timeline(&self, room: &str) -> &[Value] {
        self.rooms.get(room).map_or(&[], |room| &room.timeline)
    }

    /// The texts of a room's messages with their senders, in the order of arrival.
    pub(crate) fn texts(&self, room: &str) -> Vec<(&str, &str)> {
        let messages = self.timeline(room).iter().filter(|event| event["type"] == "m.room.message");
        messages.filter_map(|event| Some((event["sender"].as_str()?, event["content"]["body"].as_str()?))).collect()
    }

    /// The content of a piece of a room's state.
    pub(crate) fn state(&self, room: &str, kind: &str, key: &str) -> Option<&Value> {
        self.rooms.get(room)?.state.get(&(kind.to_owned(), key.to_owned()))
    }

    /// Who is in a room.
    pub(crate) fn joined(&self, room: &str) -> BTreeSet<String> {
        let state = self.rooms.get(room).into_iter().flat_map(|room| &room.state);
        let members = state.filter(|((kind, _), content)| kind == "m.room.member" && content["membership"] == "join");
        members.map(|((_, user), _)| user.clone()).collect()
    }

    /// Who is typing in a room.
    pub(crate) fn typing(&self, room: &str) -> BTreeSet<String> {
        self.rooms.get(room).map(|room| room.typing.clone()).unwrap_or_default()
    }

    /// Whether somebody was seen to have read up to this event of a room.
    pub(crate) fn has_read(&self, room: &str, user: &str, event: &str) -> bool {
        self.rooms.get(room).is_some_and(|room| room.reads.contains(&(event.to_owned(), user.to_owned())))
    }

    /// Whether there is an invite to a room.
    pub(crate) fn is_invited(&self, room: &str) -> bool {
        self.invites.contains_key(room)
    }
}

impl Room {
    fn take(&mut self, room: &Value) {
        let timeline = list(&room["timeline"]["events"]);
        for event in list(&room["state"]["events"]).iter().chain(timeline) {
            if let (Some(kind), Some(key)) = (event["type"].as_str(), event["state_key"].as_str()) {
                let (piece, stamp) = ((kind.to_owned(), key.to_owned()), event["origin_server_ts"].as_u64());
                let newest = self.stamps.entry(piece.clone()).or_default();
                if stamp.unwrap_or(*newest) >= *newest {
                    *newest = stamp.unwrap_or(*newest);
                    self.state.insert(piece, event["content"].clone());
                }
            }
        }
        self.timeline.extend_from_slice(timeline);
        for event in list(&room["ephemeral"]["events"]).iter().filter(|event| event["type"] == "m.typing") {
            let users = list(&event["content"]["user_ids"]).iter();
            self.typing = users.filter_map(|user| user.as_str().map(str::to_owned)).collect();
        }
        for receipts in list(&room["ephemeral"]["events"]).iter().filter(|event| event["type"] == "m.receipt") {
            let read = objects(&receipts["content"])
                .flat_map(|(event, kinds)| objects(&kinds["m.read"]).map(|(user, _)| (event.clone(), user.clone())));
            self.reads.extend(read);
        }
    }
}

fn objects(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
