//! Follows rooms that were replaced to their successors.

use std::sync::Arc;

use serde_json::Value;

use super::{
    lines::{Lines, RoomError},
    room::join,
};
use crate::{
    config::Config,
    matrix::{MatrixError, Retry, Session},
    model::RoomKey,
    observe::{ErrandFailed, RoomUpgraded},
    store::{Membership, Store, Upgrade},
};

/// What came of following.
#[derive(Debug, Default)]
pub(super) struct Followed {
    /// The keys that moved to the successor.
    pub(super) keys: Vec<RoomKey>,
    /// Whether somebody of ours has to try again.
    pub(super) somebody_waits: bool,
}

/// I10: follows a room to its successor with everybody of ours who was in it. The first who gets in looks whether it is
/// one, and asks the others in.
pub(super) async fn follow(
    config: &Config,
    store: &Store,
    lines: &Lines,
    upgrade: &Upgrade,
) -> Result<Followed, RoomError> {
    let mut guide: Option<&Arc<dyn Session>> = None;
    let mut behind: Vec<(&Arc<dyn Session>, MatrixError)> = Vec::new();
    for (entity, session) in lines {
        if store.memberships(entity).await?.get(&upgrade.room) != Some(&Membership::Joined) {
            continue;
        }
        if guide.is_none() && !is_replaced(session.as_ref(), upgrade).await? {
            store.settle_upgrade(upgrade).await?;
            return Ok(Followed::default());
        }
        match join(session.as_ref(), &upgrade.successor, upgrade.by.server()).await {
            Ok(()) if guide.is_none() && !succeeds(session.as_ref(), upgrade).await? => {
                session.leave(upgrade.successor.clone()).await?;
                store.settle_upgrade(upgrade).await?;
                return Ok(Followed::default());
            }
            Ok(()) => guide = guide.or(Some(session)),
            Err(error) => behind.push((session, error)),
        }
    }
    let somebody_is_away = somebody_is_away(store, lines, upgrade).await?;
    let Some(guide) = guide else {
        // The way in may open later, by an invitation.
        let nobody_yet = Followed { somebody_waits: somebody_is_away, ..Followed::default() };
        return behind.pop().map_or(Ok(nobody_yet), |(_, error)| Err(error.into()));
    };
    let mut somebody_waits = somebody_is_away;
    for (session, _) in behind {
        somebody_waits |= !ask_in(guide.as_ref(), session.as_ref(), upgrade).await;
    }
    let bound = store.rooms().await?.into_iter().filter(|bound| bound.room == upgrade.room).map(|bound| bound.key);
    let keys = bound.filter(|key| config.rooms.contains_key(key)).collect();
    store.rebind(&upgrade.room, &upgrade.successor).await?;
    RoomUpgraded { room: &upgrade.room, successor: &upgrade.successor }.emit();
    if !somebody_waits {
        store.settle_upgrade(upgrade).await?;
    }
    Ok(Followed { keys, somebody_waits })
}

/// Lets one who is in the successor ask in one who was left behind. Tells whether that is the end of it: it followed, or
/// was refused for good.
async fn ask_in(guide: &dyn Session, left: &dyn Session, upgrade: &Upgrade) -> bool {
    let asked = guide.invite(upgrade.successor.clone(), left.user().clone()).await;
    let followed = match asked {
        Ok(()) => join(left, &upgrade.successor, upgrade.by.server()).await,
        Err(error) => Err(error),
    };
    match followed {
        Ok(()) => true,
        Err(error) => {
            ErrandFailed { errand: "follow an upgraded room", error: &error }.emit();
            error.retry() == Retry::Never
        }
    }
}

/// Whether somebody of ours who belongs to the old room isn't up yet and has to follow later.
async fn somebody_is_away(store: &Store, lines: &Lines, upgrade: &Upgrade) -> Result<bool, RoomError> {
    for account in store.accounts().await? {
        let inside = store.memberships(&account.entity).await?.get(&upgrade.room) == Some(&Membership::Joined);
        if inside && !lines.contains_key(&account.entity) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the old room's state, which only those with the power can set, names the successor.
async fn is_replaced(session: &dyn Session, upgrade: &Upgrade) -> Result<bool, MatrixError> {
    let tombstone = session.state(upgrade.room.clone(), "m.room.tombstone", String::new()).await?;
    let named = tombstone.as_ref().and_then(|tombstone: &Value| tombstone["replacement_room"].as_str());
    Ok(named == Some(upgrade.successor.as_str()))
}

/// Whether the successor itself says that it replaces the old room: a tombstone alone could point anywhere.
async fn succeeds(session: &dyn Session, upgrade: &Upgrade) -> Result<bool, MatrixError> {
    let create = session.state(upgrade.successor.clone(), "m.room.create", String::new()).await?;
    let predecessor = create.as_ref().and_then(|create: &Value| create["predecessor"]["room_id"].as_str());
    Ok(predecessor == Some(upgrade.room.as_str()))
}
