//! Rooms, members and profiles: one request each.

use std::{collections::BTreeMap, sync::Arc};

use matrix_sdk::{
    Client,
    ruma::{
        OwnedServerName, RoomAliasId, RoomId as RumaRoomId, RoomOrAliasId,
        api::client::{
            alias::get_alias,
            discovery::get_capabilities,
            membership::{get_member_events, invite_user, joined_members, kick_user, leave_room},
            room::create_room::v3 as create_room,
            state::{get_state_event_for_key, send_state_event},
        },
        events::StateEventType,
        room::RoomType,
        serde::Raw,
    },
};
use serde_json::{Value, json};

use super::{
    client::{ruma_room, ruma_user},
    failure,
    line::Line,
};
use crate::{
    matrix::{MatrixError, Presence, RoomPlan, names::harmless},
    model::{AliasId, RoomId, UserId},
};

/// The power of an admin.
const ADMIN_POWER: i64 = 100;
/// From this room version on, creators have infinite power and may not be listed.
const CREATORS_RULE_FROM_VERSION: u32 = 12;

pub(super) async fn create(line: &Arc<Line>, plan: RoomPlan) -> Result<RoomId, MatrixError> {
    let version = match &plan.version {
        Some(version) => version.clone(),
        None => default_version(line).await?,
    };
    let powers = power_levels(line.user(), &plan.admins, &version);
    let mut request = create_room::Request::new();
    request.name = Some(plan.name);
    request.topic = plan.topic;
    request.room_alias_name = plan.alias;
    request.preset = Some(create_room::RoomPreset::PrivateChat);
    request.power_level_content_override = Some(raw(&powers)?);
    request.invite = plan.invite.iter().map(ruma_user).collect::<Result<_, _>>()?;
    request.room_version = Some(version.as_str().try_into().map_err(|_| nonsense("a bad room version"))?);
    if plan.encrypted {
        let encryption =
            json!({"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}});
        request.initial_state.push(raw(&encryption)?);
    }
    if plan.space {
        let mut content = create_room::CreationContent::new();
        content.room_type = Some(RoomType::Space);
        request.creation_content = Some(Raw::new(&content).map_err(|error| nonsense(&error.to_string()))?);
    }
    let room = line.library().await?.client.create_room(request).await.map_err(|error| failure::verb(&error));
    // People may speak there at once.
    line.rest.end();
    our_room(room?.room_id())
}

pub(super) async fn resolve(line: &Arc<Line>, alias: &AliasId) -> Result<Option<RoomId>, MatrixError> {
    let id = RoomAliasId::parse(alias.as_str()).map_err(|error| nonsense(&error.to_string()))?;
    match line.ask(get_alias::v3::Request::new(id)).await {
        Ok(response) => our_room(&response.room_id).map(Some),
        Err(error) if error.has_code("M_NOT_FOUND") => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) async fn join(line: &Arc<Line>, room: &str, via: &[String]) -> Result<RoomId, MatrixError> {
    let id = RoomOrAliasId::parse(room).map_err(|error| nonsense(&error.to_string()))?;
    let via: Vec<OwnedServerName> = via.iter().filter_map(|server| server.as_str().try_into().ok()).collect();
    let library = line.library().await?;
    let room = library.client.join_room_by_id_or_alias(&id, &via).await.map_err(|error| failure::verb(&error));
    line.rest.end();
    our_room(room?.room_id())
}

pub(super) async fn leave(line: &Arc<Line>, room: &RoomId) -> Result<(), MatrixError> {
    let request = leave_room::v3::Request::new(ruma_room(room)?);
    line.ask(request).await.map(drop)
}

pub(super) async fn invite(line: &Arc<Line>, room: &RoomId, user: &UserId) -> Result<(), MatrixError> {
    let whom = invite_user::v3::InvitationRecipient::UserId(invite_user::v3::InviteUserId::new(ruma_user(user)?));
    let request = invite_user::v3::Request::new(ruma_room(room)?, whom);
    line.ask(request).await.map(drop)
}

pub(super) async fn remove(line: &Arc<Line>, room: &RoomId, user: &UserId, reason: String) -> Result<(), MatrixError> {
    let mut request = kick_user::v3::Request::new(ruma_room(room)?, ruma_user(user)?);
    request.reason = Some(reason);
    line.ask(request).await.map(drop)
}

pub(super) async fn members(line: &Arc<Line>, room: &RoomId) -> Result<BTreeMap<UserId, Presence>, MatrixError> {
    let request = get_member_events::v3::Request::new(ruma_room(room)?);
    let response = line.ask(request).await?;
    let events = response.chunk.iter().filter_map(|event| serde_json::from_str::<Value>(event.json().get()).ok());
    Ok(events.filter_map(|event| member(&event)).collect())
}

/// What each member is called; somebody without a name goes by the user id.
pub(super) async fn names(line: &Arc<Line>, room: &RoomId) -> Result<BTreeMap<UserId, String>, MatrixError> {
    let request = joined_members::v3::Request::new(ruma_room(room)?);
    let response = line.ask(request).await?;
    let members = response.joined.into_iter().filter_map(|(user, member)| {
        let user = UserId::parse(user.as_str()).ok()?;
        let name = harmless(&user, member.display_name.as_deref());
        Some((user, name))
    });
    Ok(members.collect())
}

pub(super) async fn state(
    line: &Arc<Line>,
    room: &RoomId,
    kind: &'static str,
    key: String,
) -> Result<Option<Value>, MatrixError> {
    get_state(line, get_state_event_for_key::v3::Request::new(ruma_room(room)?, StateEventType::from(kind), key)).await
}

pub(super) async fn state_event(
    line: &Arc<Line>,
    room: &RoomId,
    kind: &'static str,
    key: String,
) -> Result<Option<Value>, MatrixError> {
    let mut request = get_state_event_for_key::v3::Request::new(ruma_room(room)?, StateEventType::from(kind), key);
    request.format = get_state_event_for_key::v3::StateEventFormat::Event;
    get_state(line, request).await
}

async fn get_state(
    line: &Arc<Line>,
    request: get_state_event_for_key::v3::Request,
) -> Result<Option<Value>, MatrixError> {
    match line.ask(request).await {
        Ok(response) => Ok(serde_json::from_str(response.event_or_content.get()).ok()),
        Err(error) if error.has_code("M_NOT_FOUND") => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) async fn set_state(
    line: &Arc<Line>,
    room: &RoomId,
    kind: &'static str,
    key: String,
    content: &Value,
) -> Result<(), MatrixError> {
    let request =
        send_state_event::v3::Request::new_raw(ruma_room(room)?, StateEventType::from(kind), key, raw(content)?);
    line.ask(request).await.map(drop)
}

pub(super) async fn set_display_name(client: &Client, name: &str) -> Result<(), MatrixError> {
    client.account().set_display_name(Some(name)).await.map_err(|error| failure::verb(&error))
}

pub(super) async fn set_avatar(client: &Client, picture: Vec<u8>, mime: &'static str) -> Result<(), MatrixError> {
    let mime = mime.parse().map_err(|_| nonsense("a bad media type"))?;
    client.account().upload_avatar(&mime, picture).await.map(drop).map_err(|error| failure::verb(&error))
}

pub(super) async fn remove_avatar(client: &Client) -> Result<(), MatrixError> {
    client.account().set_avatar_url(None).await.map_err(|error| failure::verb(&error))
}

async fn default_version(line: &Arc<Line>) -> Result<String, MatrixError> {
    let capabilities = line.ask(get_capabilities::v3::Request::new()).await?.capabilities;
    Ok(capabilities.room_versions.default.to_string())
}

/// Who has which power in a new room: its maker and the admins, each in the way that the room version allows.
fn power_levels(creator: &UserId, admins: &[UserId], version: &str) -> Value {
    let creators_listed = version.parse::<u32>().is_ok_and(|version| version < CREATORS_RULE_FROM_VERSION);
    let creator_entry = creators_listed.then_some(creator);
    let admins = admins.iter().filter(|admin| *admin != creator);
    let users: BTreeMap<&str, i64> = admins.chain(creator_entry).map(|user| (user.as_str(), ADMIN_POWER)).collect();
    json!({"users": users})
}

fn member(event: &Value) -> Option<(UserId, Presence)> {
    let presence = match event["content"]["membership"].as_str()? {
        "join" => Presence::Joined,
        "invite" => Presence::Invited,
        "leave" => Presence::Departed,
        "ban" => Presence::Banned,
        _ => return None,
    };
    Some((UserId::parse(event["state_key"].as_str()?).ok()?, presence))
}

fn our_room(room: &RumaRoomId) -> Result<RoomId, MatrixError> {
    RoomId::parse(room.as_str()).map_err(|error| nonsense(&error.to_string()))
}

fn raw<T>(value: &Value) -> Result<Raw<T>, MatrixError> {
    serde_json::value::to_raw_value(value).map(Raw::from_json).map_err(|error| nonsense(&error.to_string()))
}

fn nonsense(cause: &str) -> MatrixError {
    MatrixError::Nonsense { cause: cause.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn creators_are_listed_only_where_the_version_allows() {
        let (me, admin) = (UserId::parse("@me:s").unwrap(), UserId::parse("@admin:s").unwrap());
        let powers = |version| power_levels(&me, &[admin.clone(), me.clone()], version)["users"].clone();
        assert_eq!(powers("11"), json!({"@me:s": 100, "@admin:s": 100}));
        assert_eq!(powers("12"), json!({"@admin:s": 100}));
        assert_eq!(powers("org.example.13"), json!({"@admin:s": 100}));
    }

    #[test]
    fn a_membership_tells_how_somebody_stands() {
        let event = |membership: &str| json!({"state_key": "@a:s", "content": {"membership": membership}});
        let user = UserId::parse("@a:s").unwrap();
        assert_eq!(member(&event("join")), Some((user.clone(), Presence::Joined)));
        assert_eq!(member(&event("invite")), Some((user.clone(), Presence::Invited)));
        assert_eq!(member(&event("leave")), Some((user, Presence::Departed)));
        assert_eq!(member(&event("knock")), None);
    }
}
