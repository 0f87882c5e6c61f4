//! What an admin of the homeserver sees and does, without being in any room.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Person, api::part};

impl Person {
    /// The devices of a user.
    pub(crate) async fn devices_of(&self, user: &str) -> BTreeSet<String> {
        let answer = self.api.get(&format!("/_synapse/admin/v2/users/{}/devices", part(user))).await.unwrap();
        words(&answer["devices"], |device| &device["device_id"])
    }

    /// Takes a device from a user: whoever has its token is logged out, and its keys are gone.
    pub(crate) async fn delete_device_of(&self, user: &str, device: &str) {
        let path = format!("/_synapse/admin/v2/users/{}/devices/{}", part(user), part(device));
        self.api.delete(&path).await.unwrap();
    }

    /// Everybody whose user id ends with this, such as `-t-1:localhost`.
    pub(crate) async fn users_ending_with(&self, end: &str) -> BTreeSet<String> {
        let mut users = BTreeSet::new();
        let mut from = String::new();
        loop {
            let answer = self.api.get(&format!("/_synapse/admin/v2/users?limit=500{from}")).await.unwrap();
            users.extend(words(&answer["users"], |user| &user["name"]).into_iter().filter(|user| user.ends_with(end)));
            let Some(next) = answer["next_token"].as_str() else { return users };
            from = format!("&from={next}");
        }
    }

    /// The rooms that a user is in.
    pub(crate) async fn rooms_of(&self, user: &str) -> BTreeSet<String> {
        let answer = self.api.get(&format!("/_synapse/admin/v1/users/{}/joined_rooms", part(user))).await.unwrap();
        words(&answer["joined_rooms"], |room| room)
    }

    /// Who is in a room.
    pub(crate) async fn inside(&self, room: &str) -> BTreeSet<String> {
        let answer = self.api.get(&format!("/_synapse/admin/v1/rooms/{}/members", part(room))).await.unwrap();
        words(&answer["members"], |user| user)
    }

    /// How everybody who ever had to do with a room stands to it.
    pub(crate) async fn memberships_in(&self, room: &str) -> BTreeMap<String, String> {
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        let members = self.all_state(room).await.into_iter().filter(|event| event["type"] == "m.room.member");
        members.map(|event| (word(&event["state_key"]), word(&event["content"]["membership"]))).collect()
    }

    /// The content of a piece of a room's state.
    pub(crate) async fn state_in(&self, room: &str, kind: &str) -> Option<Value> {
        let mut state = self.all_state(room).await.into_iter();
        state.find(|event| event["type"] == kind && event["state_key"] == "").map(|event| event["content"].clone())
    }

    /// All that was said in a room, oldest first, with who said it.
    pub(crate) async fn said_in(&self, room: &str) -> Vec<(String, String)> {
        let path = format!("/_synapse/admin/v1/rooms/{}/messages?dir=f&limit=1000", part(room));
        let answer = self.api.get(&path).await.unwrap();
        let messages = answer["chunk"].as_array().unwrap().iter().filter(|event| event["type"] == "m.room.message");
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        messages.map(|event| (word(&event["sender"]), word(&event["content"]["body"]))).collect()
    }

    async fn all_state(&self, room: &str) -> Vec<Value> {
        let answer = self.api.get(&format!("/_synapse/admin/v1/rooms/{}/state", part(room))).await.unwrap();
        answer["state"].as_array().unwrap().clone()
    }
}

fn words(list: &Value, word: impl Fn(&Value) -> &Value) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|item| word(item).as_str().unwrap().to_owned()).collect()
}
