//! What came in that somebody must act on: invitations to answer, upgrades to follow.

use std::{collections::BTreeSet, time::Duration};

use serde_json::Value;

use super::{
    room::{join, welcome},
    rooms::{Lines, RoomError},
};
use crate::{
    bot::Host,
    config::Config,
    matrix::{MatrixError, Presence, Retry, Session},
    model::{EntityName, RoomId, RoomKey, UserId},
    observe::{self, ErrandFailed, InviteAccepted, InviteDeclined, InviteRetried, RoomUpgraded},
    orchestrator::invites::{InviteAnswer, invite_answer},
    store::{AuditEntry, Invite, InviteVerdict, Membership, Store, Upgrade},
};

/// How often accepting an invitation is tried before it is given up.
const INVITE_ATTEMPTS_MAX: u32 = 8;
/// The pause after the first failed try; it doubles.
const INVITE_PAUSE_SECS: u64 = 5;

/// What was done.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// Managed rooms that are now another room.
    pub(super) rooms_moved: BTreeSet<RoomKey>,
    /// Whether something has to be tried again.
    pub(super) something_waits: bool,
}

/// Runs every errand that is due.
pub(super) async fn run(config: &Config, store: &Store, lines: &Lines) -> Result<Done, RoomError> {
    let mut done = Done::default();
    let own: BTreeSet<UserId> = store.accounts().await?.into_iter().filter_map(|account| account.user).collect();
    for upgrade in store.upgrades().await? {
        match follow(config, store, lines, &upgrade).await {
            Ok(keys) => done.rooms_moved.extend(keys),
            // The way in may open later, by an invitation.
            Err(error) => {
                ErrandFailed { errand: "follow an upgraded room", error: &error }.emit();
                done.something_waits = true;
            }
        }
    }
    for invite in store.invites().await? {
        let now = observe::now();
        if invite.next_try_at.is_some_and(|due| due > now) {
            done.something_waits = true;
            continue;
        }
        done.something_waits |= answer(config, store, lines, &own, &invite).await?;
    }
    Ok(done)
}

/// I5: answers one invitation. Tells whether it has to be tried again.
async fn answer(
    config: &Config,
    store: &Store,
    lines: &Lines,
    own: &BTreeSet<UserId>,
    invite: &Invite,
) -> Result<bool, RoomError> {
    let (Some(session), Some(entity)) = (lines.get(&invite.entity), config.entity(&invite.entity)) else {
        return Ok(false);
    };
    match invite_answer(config, entity, &invite.by, own) {
        InviteAnswer::Accept => match join(session.as_ref(), &invite.room, invite.by.server()).await {
            Ok(()) => {
                store.settle_invite(invite, InviteVerdict::Accepted).await?;
                InviteAccepted { entity: &invite.entity, by: &invite.by, room: &invite.room }.emit();
                if invite.entity == config.router().name {
                    greet_guests(config, store, lines, &invite.room).await?;
                }
                Ok(false)
            }
            Err(error) => retry_later(store, invite, &error).await,
        },
        InviteAnswer::Decline(reason) => {
            decline(store, session.as_ref(), invite, reason).await?;
            Ok(false)
        }
    }
}

async fn decline(store: &Store, session: &dyn Session, invite: &Invite, reason: &str) -> Result<(), RoomError> {
    match session.leave(invite.room.clone()).await {
        // What can't be declined any more was withdrawn.
        Err(error) if error.retry() != Retry::Never => return Err(error.into()),
        Ok(()) | Err(_) => {}
    }
    store.settle_invite(invite, InviteVerdict::Declined).await?;
    InviteDeclined { entity: &invite.entity, by: &invite.by, room: &invite.room, reason }.emit();
    let (entity, room, who) = (Some(invite.entity.clone()), Some(invite.room.clone()), Some(invite.by.clone()));
    let (at, kind, text) = (observe::now(), "invite_declined".to_owned(), reason.to_owned());
    Ok(store.audit(AuditEntry { at, kind, entity, room, who, text }).await?)
}

async fn retry_later(store: &Store, invite: &Invite, error: &MatrixError) -> Result<bool, RoomError> {
    let attempts = invite.attempts + 1;
    if attempts >= INVITE_ATTEMPTS_MAX {
        store.settle_invite(invite, InviteVerdict::Declined).await?;
        let reason = error.to_string();
        InviteDeclined { entity: &invite.entity, by: &invite.by, room: &invite.room, reason: &reason }.emit();
        return Ok(false);
    }
    let pause = Duration::from_secs(INVITE_PAUSE_SECS << invite.attempts.min(INVITE_ATTEMPTS_MAX));
    InviteRetried { entity: &invite.entity, room: &invite.room, attempt: attempts, delay: pause, error }.emit();
    store.defer_invite(invite, attempts, observe::now().after(pause)).await?;
    Ok(true)
}

/// I6: the router says who is here in a room that it was asked into.
async fn greet_guests(config: &Config, store: &Store, lines: &Lines, room: &RoomId) -> Result<(), RoomError> {
    let name = &config.router().name;
    let Some(router) = lines.get(name) else { return Ok(()) };
    if is_space(router.as_ref(), room).await? {
        return Ok(());
    }
    let members = router.members(room.clone()).await?;
    let here = |user: &UserId| members.get(user) == Some(&Presence::Joined);
    let hosts: Vec<Host> = config
        .entities
        .iter()
        .filter(|entity| entity.name != *name)
        .filter_map(|entity| Some((entity, lines.get(&entity.name)?.user().clone())))
        .filter(|(_, user)| here(user))
        .map(|(entity, user)| Host { user, name: entity.display_name.clone(), purpose: entity.purpose.clone() })
        .collect();
    welcome(store, router, name, room, &hosts).await
}

/// I9: nothing is ever said in a space.
async fn is_space(session: &dyn Session, room: &RoomId) -> Result<bool, RoomError> {
    let create = session.state(room.clone(), "m.room.create", String::new()).await?;
    Ok(create.is_some_and(|create| create["type"] == "m.space"))
}

/// I10: follows a room to its successor with everybody of ours who was in it. Gives the keys that moved.
async fn follow(config: &Config, store: &Store, lines: &Lines, upgrade: &Upgrade) -> Result<Vec<RoomKey>, RoomError> {
    let via = upgrade.by.server();
    let mut followed = false;
    for (entity, session) in lines {
        if !was_inside(store, entity, &upgrade.room).await? {
            continue;
        }
        join(session.as_ref(), &upgrade.successor, via).await?;
        if !followed && !succeeds(session.as_ref(), upgrade).await? {
            session.leave(upgrade.successor.clone()).await?;
            store.settle_upgrade(upgrade).await?;
            return Ok(Vec::new());
        }
        followed = true;
    }
    if !followed {
        return Ok(Vec::new());
    }
    let keys: Vec<RoomKey> =
        store.rooms().await?.into_iter().filter(|room| room.room == upgrade.room).map(|room| room.key).collect();
    store.rebind(&upgrade.room, &upgrade.successor).await?;
    store.settle_upgrade(upgrade).await?;
    RoomUpgraded { room: &upgrade.room, successor: &upgrade.successor }.emit();
    Ok(keys.into_iter().filter(|key| config.rooms.contains_key(key)).collect())
}

async fn was_inside(store: &Store, entity: &EntityName, room: &RoomId) -> Result<bool, RoomError> {
    Ok(store.memberships(entity).await?.get(room) == Some(&Membership::Joined))
}

/// Whether the successor itself says that it replaces the old room: a tombstone alone could point anywhere.
async fn succeeds(session: &dyn Session, upgrade: &Upgrade) -> Result<bool, RoomError> {
    let create = session.state(upgrade.successor.clone(), "m.room.create", String::new()).await?;
    let predecessor = create.as_ref().and_then(|create: &Value| create["predecessor"]["room_id"].as_str());
    Ok(predecessor == Some(upgrade.room.as_str()))
}
