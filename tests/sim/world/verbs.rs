//! What can be asked of the homeserver: who may, and what comes of it.

use std::collections::BTreeMap;

use maitre::{
    matrix::{MatrixError, Presence, RoomPlan},
    model::{AliasId, EventId, RoomId, UserId},
};
use serde_json::{Value, json};

use super::{
    SERVER,
    rooms::{Room, Seen, relation},
    server::Server,
};

/// The longest content that is taken, in bytes.
const CONTENT_BYTES_MAX: usize = 65_000;

impl Server {
    /// A private room with what every room begins with.
    pub(super) fn create_room(&mut self, by: &UserId, plan: &RoomPlan) -> Result<RoomId, MatrixError> {
        let alias =
            plan.alias.as_ref().map(|name| AliasId::parse(format!("#{name}:{SERVER}")).expect("it names a room"));
        if alias.as_ref().is_some_and(|alias| self.aliases.contains_key(alias)) {
            return Err(refused("M_ROOM_IN_USE", "the alias is taken"));
        }
        let room = self.make_room();
        self.append(&room, by, ("m.room.create", Some("")), json!({ "room_version": "12" }));
        self.set_membership(&room, by, by, "join");
        let powers: BTreeMap<&str, i64> = plan.admins.iter().map(|user| (user.as_str(), 100)).collect();
        self.append(&room, by, ("m.room.power_levels", Some("")), json!({ "users": powers }));
        self.append(&room, by, ("m.room.join_rules", Some("")), json!({ "join_rule": "invite" }));
        self.append(&room, by, ("m.room.history_visibility", Some("")), json!({ "history_visibility": "shared" }));
        if plan.encrypted {
            let content = json!({ "algorithm": "m.megolm.v1.aes-sha2" });
            self.append(&room, by, ("m.room.encryption", Some("")), content);
        }
        self.append(&room, by, ("m.room.name", Some("")), json!({ "name": plan.name }));
        if let Some(topic) = &plan.topic {
            self.append(&room, by, ("m.room.topic", Some("")), json!({ "topic": topic }));
        }
        if let Some(alias) = alias {
            self.append(&room, by, ("m.room.canonical_alias", Some("")), json!({ "alias": alias.as_str() }));
            self.aliases.insert(alias, room.clone());
        }
        for user in &plan.invite {
            self.set_membership(&room, by, user, "invite");
        }
        Ok(room)
    }

    /// Brings somebody in by the homeserver's own hand.
    pub(super) fn bring_in(&mut self, room: &RoomId, who: &UserId) {
        if self.rooms.get(room).is_some_and(|room| !room.is_in(who)) {
            self.set_membership(room, who, who, "join");
        }
    }

    /// Adds an event to the timeline, if its sender may and it is one that Synapse takes.
    pub(super) fn post(
        &mut self,
        room: &RoomId,
        sender: &UserId,
        kind: &str,
        content: Value,
    ) -> Result<EventId, MatrixError> {
        let known = self.room_of(room, sender)?;
        if content.to_string().len() > CONTENT_BYTES_MAX {
            return Err(refused("M_TOO_LARGE", "event too large"));
        }
        relate(known, sender, kind, &content)?;
        Ok(self.append(room, sender, (kind, None), content))
    }

    /// Takes back what an event says.
    pub(super) fn redact(
        &mut self,
        room: &RoomId,
        sender: &UserId,
        event: &EventId,
        reason: Option<String>,
    ) -> Result<EventId, MatrixError> {
        let known = self.room_of(room, sender)?;
        let Some(seen) = known.event(event.as_str()) else {
            return Err(refused("M_NOT_FOUND", "could not find event"));
        };
        if seen.sender != *sender && !known.is_moderator(sender) {
            return Err(refused("M_FORBIDDEN", "you don't have permission to redact events"));
        }
        let mut content = json!({ "redacts": event.as_str() });
        if let Some(reason) = reason {
            content["reason"] = reason.into();
        }
        let redaction = self.append(room, sender, ("m.room.redaction", None), content);
        if let Some(known) = self.rooms.get_mut(room) {
            known.prune(event);
        }
        Ok(redaction)
    }

    pub(super) fn resolve(&self, alias: &AliasId) -> Option<RoomId> {
        self.aliases.get(alias).cloned()
    }

    pub(super) fn join(&mut self, user: &UserId, room: &RoomId) -> Result<(), MatrixError> {
        let Some(known) = self.rooms.get(room) else { return Err(refused("M_NOT_FOUND", "no such room")) };
        match known.standing(user) {
            Some("join") => Ok(()),
            Some("invite") => {
                self.set_membership(room, user, user, "join");
                Ok(())
            }
            _ => Err(refused("M_FORBIDDEN", "you are not invited to this room")),
        }
    }

    pub(super) fn leave(&mut self, user: &UserId, room: &RoomId) -> Result<(), MatrixError> {
        match self.rooms.get(room).and_then(|room| room.standing(user)) {
            Some("join" | "invite") => {
                self.set_membership(room, user, user, "leave");
                Ok(())
            }
            // Who has left already is told so, and who was never there as well: they are where they want to be.
            Some("leave") => Ok(()),
            _ => Err(refused("M_FORBIDDEN", "you are not in this room")),
        }
    }

    pub(super) fn invite(&mut self, by: &UserId, room: &RoomId, user: &UserId) -> Result<(), MatrixError> {
        match self.room_of(room, by)?.standing(user) {
            Some("join") => Err(refused("M_FORBIDDEN", "is already in the room")),
            Some("ban") => Err(refused("M_FORBIDDEN", "is banned from the room")),
            Some("invite") => Ok(()),
            _ => {
                self.set_membership(room, by, user, "invite");
                Ok(())
            }
        }
    }

    pub(super) fn remove(&mut self, by: &UserId, room: &RoomId, user: &UserId) -> Result<(), MatrixError> {
        let known = self.room_of(room, by)?;
        if !known.is_moderator(by) || known.power(by) <= known.power(user) {
            return Err(refused("M_FORBIDDEN", "you cannot kick that user"));
        }
        match known.standing(user) {
            Some("join" | "invite") => {
                self.set_membership(room, by, user, "leave");
                Ok(())
            }
            _ => Err(refused("M_FORBIDDEN", "the target user is not in the room")),
        }
    }

    pub(super) fn members(&self, user: &UserId, room: &RoomId) -> Result<BTreeMap<UserId, Presence>, MatrixError> {
        let presence = |membership: &str| match membership {
            "join" => Some(Presence::Joined),
            "invite" => Some(Presence::Invited),
            "leave" => Some(Presence::Departed),
            "ban" => Some(Presence::Banned),
            _ => None,
        };
        let members = self.room_of(room, user)?.members();
        Ok(members.filter_map(|(user, membership)| Some((user, presence(membership)?))).collect())
    }

    /// What each member is called.
    pub(super) fn names(&self, user: &UserId, room: &RoomId) -> Result<BTreeMap<UserId, String>, MatrixError> {
        let inside = self.room_of(room, user)?.members().filter(|(_, membership)| *membership == "join");
        let name = |user: &UserId| self.name_of(user).map_or_else(|| user.to_string(), str::to_owned);
        Ok(inside.map(|(user, _)| (user.clone(), name(&user))).collect())
    }

    pub(super) fn state(
        &self,
        user: &UserId,
        room: &RoomId,
        kind: &str,
        key: &str,
    ) -> Result<Option<&Seen>, MatrixError> {
        Ok(self.room_of(room, user)?.state(kind, key))
    }

    pub(super) fn set_state(
        &mut self,
        user: &UserId,
        room: &RoomId,
        (kind, key): (&str, &str),
        content: Value,
    ) -> Result<(), MatrixError> {
        let known = self.room_of(room, user)?;
        if !known.is_moderator(user) {
            return Err(refused("M_FORBIDDEN", "you don't have permission to post that to the room"));
        }
        // What says the same already is left as it is.
        if known.state(kind, key).is_none_or(|seen| seen.content != content) {
            self.append(room, user, (kind, Some(key)), content);
        }
        Ok(())
    }

    /// The room, if `user` is in it.
    pub(super) fn room_of(&self, room: &RoomId, user: &UserId) -> Result<&Room, MatrixError> {
        let inside = self.rooms.get(room).filter(|room| room.is_in(user));
        inside.ok_or_else(|| refused("M_FORBIDDEN", "you are not in this room"))
    }
}

/// What Synapse says about how an event may relate to another one.
fn relate(room: &Room, sender: &UserId, kind: &str, content: &Value) -> Result<(), MatrixError> {
    let Some((how, parent)) = relation(content) else { return Ok(()) };
    let Some(parent) = room.event(parent) else {
        return Err(refused("M_UNKNOWN", "can't send relation to unknown event"));
    };
    if how == "m.thread" && parent.relation().is_some() {
        return Err(refused("M_UNKNOWN", "cannot start threads from an event with a relation"));
    }
    let key = &content["m.relates_to"]["key"];
    let is_same = |seen: &Seen| {
        seen.kind == kind
            && seen.sender == *sender
            && seen.relation() == Some(("m.annotation", parent.event.as_str()))
            && seen.content["m.relates_to"]["key"] == *key
    };
    if how == "m.annotation" && room.events.iter().any(is_same) {
        return Err(refused("M_DUPLICATE_ANNOTATION", "can't send same reaction twice"));
    }
    Ok(())
}

pub(super) fn refused(code: &str, message: &str) -> MatrixError {
    MatrixError::Refused { code: code.to_owned(), message: message.to_owned() }
}
