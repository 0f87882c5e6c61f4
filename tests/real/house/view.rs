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
    typing: BTreeSet<String>,
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
                self.state.insert((kind.to_owned(), key.to_owned()), event["content"].clone());
            }
        }
        self.timeline.extend_from_slice(timeline);
        for event in list(&room["ephemeral"]["events"]).iter().filter(|event| event["type"] == "m.typing") {
            let users = list(&event["content"]["user_ids"]).iter();
            self.typing = users.filter_map(|user| user.as_str().map(str::to_owned)).collect();
        }
    }
}

fn objects(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
