//! Looks after one managed room: finds or makes it, brings in whom the configuration says, and greets.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use backon::{ExponentialBuilder, Retryable as _};
use serde_json::json;

use super::{
    lines::{Lines, RoomError},
    person::person_name,
};
use crate::{
    bot::{Host, greeting},
    config::{Config, Room},
    matrix::{MatrixError, Outgoing, Presence, Retry, RoomPlan, Session, Slip},
    model::{Account, AliasId, Content, EntityName, RoomId, RoomKey, RoomRef, TransactionId, UserId},
    observe::{ErrandFailed, MemberInvited, RoomCreated, RoomJoined, RoomLeft, RoomWelcomed},
    orchestrator::rooms::{Own, RoomFacts, RoomStep, room_steps, settled},
    store::{ManagedRoom, Store},
};

/// How often a join is tried at once; servers deliver invitations before they can be accepted.
const JOIN_ATTEMPTS_MAX: usize = 4;
/// The pause after the first failed join; it doubles.
const JOIN_PAUSE: Duration = Duration::from_millis(100);

/// What a room is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caption {
    name: String,
    topic: Option<String>,
}

impl Caption {
    /// As it is configured.
    pub(super) fn of(room: &Room) -> Self {
        Self { name: room.name.clone(), topic: room.topic.clone() }
    }
}

/// What a visit to a room found.
pub(super) struct Visit {
    /// The room.
    pub(super) room: RoomId,
    /// Which of those that belong here are here, or rightly away.
    pub(super) settled: BTreeSet<EntityName>,
    /// Whether somebody who belongs here no longer is just saying something.
    pub(super) somebody_is_busy: bool,
    /// What kept somebody out.
    pub(super) trouble: Option<RoomError>,
    /// What the room is called now, if it is ours to say.
    pub(super) caption: Option<Caption>,
}

/// Brings the room behind `key` to what the configuration says. Nothing is visited where nobody ever was.
///
/// Where another name or topic than the configured one is `shown`, it is changed.
pub(super) async fn look_after(
    config: &Config,
    store: &Store,
    lines: &Lines,
    key: &RoomKey,
    shown: Option<&Caption>,
) -> Result<Option<Visit>, RoomError> {
    let Some(router) = lines.get(&config.router().name) else { return Err(MatrixError::NotOpen.into()) };
    let accounts = store.accounts().await?;
    let Some(wanted) = config.rooms.get(key) else {
        return let_go(config, store, lines, (key, router), &accounts).await;
    };
    let room = find_or_make(config, store, router, key, wanted).await?;
    let caption = Caption::of(wanted);
    if let Some(shown) = shown {
        show_caption(store, router, key, (shown, &caption)).await?;
    }
    let members = router.members(room.clone()).await;
    let members = members.map_err(|cause| RoomError::at_the_door(router.user(), key, cause))?;
    let facts = facts(config, store, lines, &accounts, key, members).await?;
    let mut visit =
        Visit { room, settled: settled(&facts), somebody_is_busy: false, trouble: None, caption: Some(caption) };
    let mut router_ill = false;
    let steps = room_steps(&facts);
    let busy = busy(store, &visit.room, &steps).await?;
    for step in steps {
        let by_router = matches!(step, RoomStep::Invite(_) | RoomStep::Remove(_));
        if by_router && router_ill {
            continue;
        }
        if is_put_off(&step, &busy) {
            visit.somebody_is_busy = true;
            continue;
        }
        match carry_out(step, &visit.room, (&config.router().name, router), lines).await {
            Ok(entity) => visit.settled.extend(entity),
            // What fails for one of ours, or is refused, keeps out nobody else; a router that is held up tries no more.
            Err(error) => {
                router_ill |= by_router && error.retry() != Retry::Never;
                visit.trouble.get_or_insert(error);
            }
        }
    }
    if router_ill {
        return Ok(Some(visit));
    }
    let answers_here =
        config.entities.iter().filter(|entity| entity.name != config.router().name && entity.rooms.contains(key));
    let hosts = answers_here.map(|entity| Host {
        user: user_of(&accounts, &entity.name).unwrap_or_else(|| sibling(router.user(), &entity.localpart)),
        name: entity.display_name.clone(),
        purpose: entity.purpose.clone(),
    });
    welcome(store, router, &config.router().name, &visit.room, &hosts.collect::<Vec<_>>()).await?;
    Ok(Some(visit))
}

/// Has everybody leave a room that is configured no longer. The router stays, so that it can be managed again.
async fn let_go(
    config: &Config,
    store: &Store,
    lines: &Lines,
    (key, router): (&RoomKey, &Arc<dyn Session>),
    accounts: &[Account],
) -> Result<Option<Visit>, RoomError> {
    let Some(room) = store.room(key).await? else { return Ok(None) };
    let members = router.members(room.clone()).await?;
    let facts = facts(config, store, lines, accounts, key, members).await?;
    let mut visit = Visit { room, settled: BTreeSet::new(), somebody_is_busy: false, trouble: None, caption: None };
    let mut steps = room_steps(&facts);
    steps.retain(|step| matches!(step, RoomStep::Leave(_) | RoomStep::Remove(_)));
    let busy = busy(store, &visit.room, &steps).await?;
    for step in steps {
        if is_put_off(&step, &busy) {
            visit.somebody_is_busy = true;
            continue;
        }
        if let Err(error) = carry_out(step, &visit.room, (&config.router().name, router), lines).await {
            visit.trouble.get_or_insert(error);
        }
    }
    Ok(Some(visit))
}

/// H4: who is saying something in `room`, or is about to.
async fn busy(store: &Store, room: &RoomId, steps: &[RoomStep]) -> Result<BTreeSet<EntityName>, RoomError> {
    if !steps.iter().any(|step| matches!(step, RoomStep::Leave(_))) {
        return Ok(BTreeSet::new());
    }
    let unfinished = store.unfinished().await?;
    let running = unfinished.turns.iter().map(|turn| (&turn.conversation.room, &turn.responder));
    let waiting = unfinished.queued.iter().map(|envelope| (&envelope.conversation.room, &envelope.responder));
    let here = running.chain(waiting).filter(|(other, _)| *other == room);
    Ok(here.flat_map(|(_, responder)| responder.names()).cloned().collect())
}

fn is_put_off(step: &RoomStep, busy: &BTreeSet<EntityName>) -> bool {
    matches!(step, RoomStep::Leave(entity) if busy.contains(entity))
}

/// The alias on our own homeserver that has this local part.
pub(super) fn alias_here(localpart: &str, session: &dyn Session) -> Result<AliasId, MatrixError> {
    AliasId::parse(format!("#{localpart}:{}", session.user().server()))
        .map_err(|error| MatrixError::Nonsense { cause: error.to_string() })
}

/// The room's id: as we remember it, as its alias says, or of a room just made.
pub(super) async fn find_or_make(
    config: &Config,
    store: &Store,
    router: &Arc<dyn Session>,
    key: &RoomKey,
    wanted: &Room,
) -> Result<RoomId, RoomError> {
    if let Some(room) = store.room(key).await? {
        return Ok(room);
    }
    let outside = |cause| RoomError::at_the_door(router.user(), key, cause);
    let (room, made_by_us) = match key.room_ref() {
        RoomRef::Id(room) => {
            router.join(room.clone(), Vec::new()).await.map_err(outside)?;
            (room, false)
        }
        RoomRef::Alias(alias) => (router.join_alias(alias).await.map_err(outside)?, false),
        RoomRef::Ours(localpart) => {
            let alias = alias_here(&localpart, router.as_ref())?;
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

/// H3: gives a room that we made its new name and topic, as far as they aren't what is `shown`. Other people's rooms are called
/// what they call them.
async fn show_caption(
    store: &Store,
    router: &Arc<dyn Session>,
    key: &RoomKey,
    (shown, wanted): (&Caption, &Caption),
) -> Result<(), RoomError> {
    let Some(managed) = store.rooms().await?.into_iter().find(|room| room.key == *key && room.made_by_us) else {
        return Ok(());
    };
    // What didn't change may be what people made of it since.
    if shown.name != wanted.name {
        caption_room(router, &managed.room, "m.room.name", json!({ "name": wanted.name })).await?;
    }
    if shown.topic != wanted.topic {
        let topic = wanted.topic.as_deref().unwrap_or_default();
        caption_room(router, &managed.room, "m.room.topic", json!({ "topic": topic })).await?;
    }
    Ok(())
}

/// Sets a room's name or topic. A room in which the router may not do that is looked after all the same.
async fn caption_room(
    router: &Arc<dyn Session>,
    room: &RoomId,
    kind: &'static str,
    content: serde_json::Value,
) -> Result<(), RoomError> {
    match router.set_state(room.clone(), kind, String::new(), content).await {
        Err(error) if error.retry() == Retry::Never => {
            ErrandFailed { errand: "give a room its new name and topic", error: &error }.emit();
            Ok(())
        }
        outcome => Ok(outcome?),
    }
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
    let standings = match store.room(key).await? {
        Some(room) => store.standings(&room).await?,
        None => BTreeMap::new(),
    };
    for account in accounts {
        let Some(user) = account.user.clone() else { continue };
        facts.people.remove(&user);
        let person = account.entity == person_name();
        let membership = standings.get(&account.entity).copied();
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

/// Carries out one step. Gives the entity that got in by it.
async fn carry_out(
    step: RoomStep,
    room: &RoomId,
    (name, router): (&EntityName, &Arc<dyn Session>),
    lines: &Lines,
) -> Result<Option<EntityName>, RoomError> {
    match step {
        RoomStep::Invite(user) => {
            match router.invite(room.clone(), user.clone()).await {
                Ok(()) => MemberInvited { entity: name, user: &user, room }.emit(),
                // They are there already, or the room is somebody else's and open: the join will tell.
                Err(error) if error.has_code("M_FORBIDDEN") => {}
                Err(error) => return Err(error.into()),
            }
            Ok(None)
        }
        RoomStep::Join(entity) => {
            let Some(session) = lines.get(&entity) else { return Ok(None) };
            let joined = join(session.as_ref(), room, router.user().server()).await;
            joined.map_err(|cause| RoomError::at_the_door(session.user(), room, cause))?;
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
        Slip::OwnJoin | Slip::OwnLeave | Slip::Change(_) => false,
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
