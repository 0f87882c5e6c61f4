//! Looks after one managed room: finds or makes it, brings in whom the configuration says, and greets.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use backon::{ExponentialBuilder, Retryable as _};
use serde_json::json;

use super::{
    person::person_name,
    rooms::{Lines, RoomError},
};
use crate::{
    bot::{Host, greeting},
    config::{Config, Room},
    matrix::{MatrixError, Outgoing, Presence, Retry, RoomPlan, Session, Slip},
    model::{Account, AliasId, Content, EntityName, RoomId, RoomKey, RoomRef, TransactionId, UserId},
    observe::{MemberInvited, RoomCreated, RoomJoined, RoomLeft, RoomWelcomed},
    orchestrator::rooms::{Own, RoomFacts, RoomStep, room_steps},
    store::{ManagedRoom, Membership, Store},
};

/// How often a join is tried at once; servers deliver invitations before they can be accepted.
const JOIN_ATTEMPTS_MAX: usize = 4;
/// The pause after the first failed join; it doubles.
const JOIN_PAUSE: Duration = Duration::from_millis(100);

/// What a visit to a room found.
pub(super) struct Visit {
    /// The room.
    pub(super) room: RoomId,
    /// Which of the entities that belong here are here.
    pub(super) inside: BTreeSet<EntityName>,
}

/// Brings the room behind `key` to what the configuration says.
pub(super) async fn look_after(
    config: &Config,
    store: &Store,
    lines: &Lines,
    key: &RoomKey,
) -> Result<Visit, RoomError> {
    let (Some(router), Some(wanted)) = (lines.get(&config.router().name), config.rooms.get(key)) else {
        return Err(MatrixError::NotOpen.into());
    };
    let accounts = store.accounts().await?;
    let room = find_or_make(config, store, router, key, wanted).await?;
    let facts = facts(config, store, lines, &accounts, key, router.members(room.clone()).await?).await?;
    let mut inside = already_inside(&facts);
    for step in room_steps(&facts) {
        if let Some(entity) = carry_out(step, &room, router, lines).await? {
            inside.insert(entity);
        }
    }
    let answers_here =
        config.entities.iter().filter(|entity| entity.name != config.router().name && entity.rooms.contains(key));
    let hosts = answers_here.map(|entity| Host {
        user: user_of(&accounts, &entity.name).unwrap_or_else(|| sibling(router.user(), &entity.localpart)),
        name: entity.display_name.clone(),
        purpose: entity.purpose.clone(),
    });
    welcome(store, router, &config.router().name, &room, &hosts.collect::<Vec<_>>()).await?;
    Ok(Visit { room, inside })
}

/// The room's id: as we remember it, as its alias says, or of a room just made.
async fn find_or_make(
    config: &Config,
    store: &Store,
    router: &Arc<dyn Session>,
    key: &RoomKey,
    wanted: &Room,
) -> Result<RoomId, RoomError> {
    if let Some(room) = store.room(key).await? {
        return Ok(room);
    }
    let outside = |cause: MatrixError| match cause.retry() {
        Retry::Never => RoomError::RouterOutside {
            router: router.user().to_string(),
            room: key.to_string(),
            cause: cause.to_string(),
        },
        Retry::Soon | Retry::After(_) => cause.into(),
    };
    let (room, made_by_us) = match key.room_ref() {
        RoomRef::Id(room) => {
            router.join(room.clone(), Vec::new()).await.map_err(outside)?;
            (room, false)
        }
        RoomRef::Alias(alias) => (router.join_alias(alias).await.map_err(outside)?, false),
        RoomRef::Ours(localpart) => {
            let alias = AliasId::parse(format!("#{localpart}:{}", router.user().server()))
                .map_err(|error| MatrixError::Nonsense { cause: error.to_string() })?;
            match router.resolve(alias.clone()).await? {
                Some(_) => (router.join_alias(alias).await.map_err(outside)?, false),
                None => (make(config, router, key, wanted, localpart).await?, true),
            }
        }
    };
    store.save_room(ManagedRoom { key: key.clone(), room: room.clone(), made_by_us }).await?;
    Ok(room)
}

async fn make(
    config: &Config,
    router: &Arc<dyn Session>,
    key: &RoomKey,
    wanted: &Room,
    localpart: String,
) -> Result<RoomId, RoomError> {
    let plan = RoomPlan {
        alias: Some(localpart),
        name: wanted.name.clone(),
        topic: wanted.topic.clone(),
        encrypted: wanted.encrypted,
        version: wanted.version.clone(),
        space: false,
        invite: config.people_of(key).into_iter().collect(),
        admins: admins(config, router.user()),
    };
    let room = router.create_room(plan).await?;
    RoomCreated { entity: &config.router().name, key, room: &room }.emit();
    Ok(room)
}

async fn facts(
    config: &Config,
    store: &Store,
    lines: &Lines,
    accounts: &[Account],
    key: &RoomKey,
    members: BTreeMap<UserId, Presence>,
) -> Result<RoomFacts, RoomError> {
    let mut facts = RoomFacts { members, people: config.people_of(key), ..RoomFacts::default() };
    let room = store.room(key).await?;
    for account in accounts {
        let Some(user) = account.user.clone() else { continue };
        facts.people.remove(&user);
        let person = account.entity == person_name();
        let memberships = store.memberships(&account.entity).await?;
        let membership: Option<Membership> = room.as_ref().and_then(|room| memberships.get(room).copied());
        let own = Own { entity: account.entity.clone(), up: lines.contains_key(&account.entity), membership, person };
        let belongs = match config.entity(&account.entity) {
            Some(entity) => entity.rooms.contains(key),
            None => person && config.user.is_some(),
        };
        if belongs {
            facts.wanted.insert(user, own);
        } else if account.entity != config.router().name && !person {
            facts.unwanted.insert(user, own);
        }
    }
    Ok(facts)
}

fn already_inside(facts: &RoomFacts) -> BTreeSet<EntityName> {
    let joined = |user: &UserId| facts.members.get(user) == Some(&Presence::Joined);
    facts.wanted.iter().filter(|(user, _)| joined(user)).map(|(_, own)| own.entity.clone()).collect()
}

/// Carries out one step. Gives the entity that got in by it.
async fn carry_out(
    step: RoomStep,
    room: &RoomId,
    router: &Arc<dyn Session>,
    lines: &Lines,
) -> Result<Option<EntityName>, RoomError> {
    match step {
        RoomStep::Invite(user) => {
            match router.invite(room.clone(), user.clone()).await {
                Ok(()) => MemberInvited { entity: &router_name(lines, router), user: &user, room }.emit(),
                // They are there already, or the room is somebody else's and open: the join will tell.
                Err(error) if error.has_code("M_FORBIDDEN") => {}
                Err(error) => return Err(error.into()),
            }
            Ok(None)
        }
        RoomStep::Join(entity) => {
            let Some(session) = lines.get(&entity) else { return Ok(None) };
            join(session.as_ref(), room, router.user().server()).await?;
            RoomJoined { entity: &entity, room }.emit();
            Ok(Some(entity))
        }
        RoomStep::Leave(entity) => {
            let Some(session) = lines.get(&entity) else { return Ok(None) };
            session.leave(room.clone()).await?;
            RoomLeft { entity: &entity, room }.emit();
            Ok(None)
        }
        RoomStep::Remove(user) => {
            router.remove(room.clone(), user, "no longer configured here".to_owned()).await?;
            Ok(None)
        }
    }
}

/// Joins, with a few tries in quick succession.
pub(super) async fn join(session: &dyn Session, room: &RoomId, via: &str) -> Result<(), MatrixError> {
    let pauses = ExponentialBuilder::default().with_min_delay(JOIN_PAUSE).with_max_times(JOIN_ATTEMPTS_MAX);
    (|| session.join(room.clone(), vec![via.to_owned()])).retry(pauses).await
}

/// I6: greets once, where nothing was said before.
pub(super) async fn welcome(
    store: &Store,
    router: &Arc<dyn Session>,
    name: &EntityName,
    room: &RoomId,
    hosts: &[Host],
) -> Result<(), RoomError> {
    if store.welcomed(room).await? {
        return Ok(());
    }
    let latest = router.latest(room.clone()).await?;
    if !latest.slips.iter().any(is_message) {
        let text = greeting(hosts);
        let content = json!({
            "msgtype": "m.notice", "body": text.plain, "format": "org.matrix.custom.html", "formatted_body": text.html,
            "m.mentions": {},
        });
        // The same id for every try in this room: however often it is sent, it is said once.
        let transaction = TransactionId::parse(format!("maitre-welcome-{}", room.as_str().trim_start_matches('!')))
            .map_err(|error| MatrixError::Nonsense { cause: error.to_string() })?;
        router.send(Outgoing { room: room.clone(), kind: "m.room.message", content, transaction }).await?;
        RoomWelcomed { entity: name, room }.emit();
    }
    Ok(store.save_welcome(room).await?)
}

fn is_message(slip: &Slip) -> bool {
    match slip {
        Slip::Event(event) => match &event.content {
            Content::Clear { kind, .. } => kind == "m.room.message",
            Content::Sealed(_) => true,
        },
        Slip::OwnJoin | Slip::Change(_) => false,
    }
}

/// Who administers the rooms we make: the configured admins, and the person at the keyboard.
pub(super) fn admins(config: &Config, router: &UserId) -> Vec<UserId> {
    let person = config.user.as_ref().map(|person| sibling(router, &person.localpart));
    config.admins().into_iter().chain(person).collect()
}

fn user_of(accounts: &[Account], entity: &EntityName) -> Option<UserId> {
    accounts.iter().find(|account| account.entity == *entity)?.user.clone()
}

/// The user that `localpart` will be on the server of `user`.
fn sibling(user: &UserId, localpart: &str) -> UserId {
    UserId::parse(format!("@{localpart}:{}", user.server())).unwrap_or_else(|_| user.clone())
}

fn router_name(lines: &Lines, router: &Arc<dyn Session>) -> EntityName {
    let found = lines.iter().find(|(_, session)| session.user() == router.user());
    found.map_or_else(person_name, |(name, _)| name.clone())
}
