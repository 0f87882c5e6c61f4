//! The space that holds every managed room.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::json;

use super::{
    lines::{Lines, RoomError},
    person::person_name,
    room::{admins, alias_here, join},
};
use crate::{
    config::{Config, Space},
    matrix::{MatrixError, RoomPlan, Session},
    model::{RoomId, RoomKey, UserId},
    store::Store,
};

/// I9: one space that holds every managed room, if one is wanted.
pub(super) async fn look_after(
    config: &Config,
    store: &Store,
    lines: &Lines,
    rooms: &BTreeMap<RoomKey, RoomId>,
) -> Result<RoomId, RoomError> {
    let (Some(space), Some(router)) = (&config.space, lines.get(&config.router().name)) else {
        return Err(MatrixError::NotOpen.into());
    };
    let id = match store.fact("space").await?.and_then(|id| RoomId::parse(id).ok()) {
        Some(id) => id,
        None => find_or_make_space(config, store, router, space).await?,
    };
    let server = router.user().server();
    for room in rooms.values() {
        let fact = format!("space.child.{room}");
        if store.fact(&fact).await?.as_deref() == Some(id.as_str()) {
            continue;
        }
        let child = json!({"via": [server], "suggested": true});
        router.set_state(id.clone(), "m.space.child", room.to_string(), child).await?;
        store.save_fact(&fact, id.as_str()).await?;
    }
    if let (Some(person), Some(session)) = (store.account(&person_name()).await?, lines.get(&person_name()))
        && let Some(user) = person.user
        && !router.members(id.clone()).await?.contains_key(&user)
    {
        router.invite(id.clone(), user).await?;
        join(session.as_ref(), &id, server).await?;
    }
    Ok(id)
}

async fn find_or_make_space(
    config: &Config,
    store: &Store,
    router: &Arc<dyn Session>,
    space: &Space,
) -> Result<RoomId, RoomError> {
    let id = match router.resolve(alias_here(&space.alias, router.as_ref())?).await? {
        Some(id) => {
            router.join(id.clone(), Vec::new()).await?;
            id
        }
        None => router.create_room(space_plan(config, router.user(), space)).await?,
    };
    store.save_fact("space", id.as_str()).await?;
    Ok(id)
}

fn space_plan(config: &Config, router: &UserId, space: &Space) -> RoomPlan {
    let people: BTreeSet<UserId> = config.rooms.keys().flat_map(|key| config.people_of(key)).collect();
    RoomPlan {
        alias: Some(space.alias.clone()),
        name: space.name.clone(),
        topic: None,
        encrypted: false,
        version: None,
        space: true,
        invite: people.into_iter().collect(),
        admins: admins(config, router),
    }
}
