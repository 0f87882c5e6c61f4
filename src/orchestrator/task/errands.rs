//! What came in that somebody must act on: invitations to answer, upgrades to follow.

use std::{collections::BTreeSet, time::Duration};

use super::{
    lines::{Lines, RoomError},
    room::{alias_here, join, welcome},
    succession::follow,
};
use crate::{
    bot::Host,
    config::Config,
    matrix::{MatrixError, Presence, Retry, Session},
    model::{RoomId, RoomKey, RoomRef, UserId},
    observe::{self, ErrandFailed, InviteAccepted, InviteDeclined, InviteRetried},
    orchestrator::invites::{InviteAnswer, invite_answer},
    store::{AuditEntry, Invite, InviteVerdict, Store},
};

/// How often accepting an invitation is tried before it is given up.
const INVITE_ATTEMPTS_MAX: u32 = 8;
/// The pause after the first failed try; it doubles.
const INVITE_PAUSE_SECS: u64 = 5;

/// What was done.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// Managed rooms to look after: another room is behind them now, or the router just got in.
    pub(super) rooms_touched: BTreeSet<RoomKey>,
    /// Whether something has to be tried again.
    pub(super) something_waits: bool,
}

impl Done {
    fn later() -> Self {
        Self { something_waits: true, ..Self::default() }
    }
}

/// Runs every errand that is due.
pub(super) async fn run(config: &Config, store: &Store, lines: &Lines) -> Result<Done, RoomError> {
    let mut done = Done::default();
    let own: BTreeSet<UserId> = store.accounts().await?.into_iter().filter_map(|account| account.user).collect();
    for upgrade in store.upgrades().await? {
        match follow(config, store, lines, &upgrade).await {
            Ok(followed) => {
                done.rooms_touched.extend(followed.keys);
                done.something_waits |= followed.somebody_waits;
            }
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
        match answer(config, store, lines, &own, &invite).await {
            Ok(answered) => {
                done.rooms_touched.extend(answered.rooms_touched);
                done.something_waits |= answered.something_waits;
            }
            Err(error) => {
                ErrandFailed { errand: "answer an invitation", error: &error }.emit();
                done.something_waits = true;
            }
        }
    }
    Ok(done)
}

/// I5: answers one invitation.
async fn answer(
    config: &Config,
    store: &Store,
    lines: &Lines,
    own: &BTreeSet<UserId>,
    invite: &Invite,
) -> Result<Done, RoomError> {
    // Whoever isn't up yet answers when it is.
    let (Some(session), Some(entity)) = (lines.get(&invite.entity), config.entity(&invite.entity)) else {
        return Ok(Done::default());
    };
    match invite_answer(config, entity, &invite.by, own) {
        InviteAnswer::Accept => match join(session.as_ref(), &invite.room, invite.by.server()).await {
            Ok(()) => {
                // Entering can be repeated; once the invitation is settled, nobody would.
                let done = if invite.entity == config.router().name {
                    enter(config, store, lines, &invite.room).await?
                } else {
                    Done::default()
                };
                store.settle_invite(invite, InviteVerdict::Accepted).await?;
                InviteAccepted { entity: &invite.entity, by: &invite.by, room: &invite.room }.emit();
                Ok(done)
            }
            Err(error) => retry_later(store, session.as_ref(), invite, &error).await,
        },
        InviteAnswer::Decline(reason) => decline(store, session.as_ref(), invite, reason).await,
    }
}

async fn decline(store: &Store, session: &dyn Session, invite: &Invite, reason: &str) -> Result<Done, RoomError> {
    match session.leave(invite.room.clone()).await {
        // What can't be declined any more was withdrawn.
        Err(error) if error.retry() != Retry::Never => return Ok(Done::later()),
        Ok(()) | Err(_) => {}
    }
    store.settle_invite(invite, InviteVerdict::Declined).await?;
    InviteDeclined { entity: &invite.entity, by: &invite.by, room: &invite.room, reason }.emit();
    let (entity, room, who) = (Some(invite.entity.clone()), Some(invite.room.clone()), Some(invite.by.clone()));
    let (at, kind, text) = (observe::now(), "invite_declined".to_owned(), reason.to_owned());
    store.audit(AuditEntry { at, kind, entity, room, who, text }).await?;
    Ok(Done::default())
}

async fn retry_later(
    store: &Store,
    session: &dyn Session,
    invite: &Invite,
    error: &MatrixError,
) -> Result<Done, RoomError> {
    // The line is being restarted; that is no answer from the homeserver.
    if matches!(error, MatrixError::NotOpen) {
        return Ok(Done::later());
    }
    let attempts = invite.attempts + 1;
    if attempts >= INVITE_ATTEMPTS_MAX {
        return decline(store, session, invite, &error.to_string()).await;
    }
    let pause = Duration::from_secs(INVITE_PAUSE_SECS << invite.attempts.min(INVITE_ATTEMPTS_MAX));
    InviteRetried { entity: &invite.entity, room: &invite.room, attempt: attempts, delay: pause, error }.emit();
    store.defer_invite(invite, attempts, observe::now().after(pause)).await?;
    Ok(Done::later())
}

/// The router came into a room: a managed one is looked after, in any other it is a guest.
async fn enter(config: &Config, store: &Store, lines: &Lines, room: &RoomId) -> Result<Done, RoomError> {
    let Some(router) = lines.get(&config.router().name) else { return Ok(Done::default()) };
    match key_of(config, store, router.as_ref(), room).await? {
        Some(key) => Ok(Done { rooms_touched: [key].into(), something_waits: false }),
        None => greet_guests(config, store, lines, room).await.map(|()| Done::default()),
    }
}

/// The key under which the configuration manages `room`, if it does.
async fn key_of(
    config: &Config,
    store: &Store,
    router: &dyn Session,
    room: &RoomId,
) -> Result<Option<RoomKey>, RoomError> {
    for key in config.rooms.keys() {
        let behind = match (store.room(key).await?, key.room_ref()) {
            (Some(known), _) => Some(known),
            (None, RoomRef::Id(id)) => Some(id),
            (None, RoomRef::Alias(alias)) => router.resolve(alias).await?,
            (None, RoomRef::Ours(localpart)) => router.resolve(alias_here(&localpart, router)?).await?,
        };
        if behind.as_ref() == Some(room) {
            return Ok(Some(key.clone()));
        }
    }
    Ok(None)
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
