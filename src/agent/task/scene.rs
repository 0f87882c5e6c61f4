//! The scene of an answer: the conversation and who is in it, gathered from the store, the configuration and the room.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use tokio::time::timeout;

use super::job::{Failure, Job, Means};
use crate::{
    agent::{
        choice::{self, Chosen},
        persona::{Colleague, Scenery},
        session::{Asked, Cast, Line, lines, told_apart},
    },
    config::{Agent, Entity, Role},
    llm::Driver,
    model::{EntityName, RoomKey, UserId},
    observe,
    store::{Membership, Message, StoreError, Surroundings},
};

/// How many messages of a conversation are looked at: the newest ones.
const MESSAGES_MAX: usize = 1_000;
/// How long the room's names are waited for; without them, people are called by their user ids.
const NAMES_WAIT: Duration = Duration::from_secs(3);
/// Under this key a thread's, or a room's, model is set.
const MODEL_SETTING: &str = "model";

/// A model, ready to be asked.
pub(super) struct Thinker {
    /// Its name in the configuration.
    pub(super) model: String,
    pub(super) driver: Arc<dyn Driver>,
    pub(super) context_tokens: u32,
    /// Whether it can look at pictures.
    pub(super) sees: bool,
}

/// What the room is, for one agent.
struct Place<'a> {
    around: &'a Surroundings,
    /// What the configuration may call it.
    keys: Vec<RoomKey>,
    /// The house's own users.
    users: BTreeMap<EntityName, UserId>,
    /// What everybody is called.
    names: BTreeMap<UserId, String>,
}

/// Who does the job.
pub(super) fn employed(job: &Job) -> Result<(&Entity, &Agent), Failure> {
    let entity = job.config.entity(&job.agent);
    let agent = entity.and_then(|entity| match &entity.role {
        Role::Agent(agent) => Some((entity, agent)),
        Role::Router(_) | Role::Team(_) => None,
    });
    let gone = || Failure::Unconfigured { sentence: format!("There is no agent “{}” any more.", job.agent) };
    agent.ok_or_else(gone)
}

/// Which model thinks about it.
pub(super) async fn thinker(means: &Means, job: &Job, around: &Surroundings) -> Result<Thinker, Failure> {
    let (_, agent) = employed(job)?;
    let here = &job.turn.conversation;
    let of_room = around.settings.get(MODEL_SETTING).cloned();
    let thread = match here.thread {
        Some(_) => means.store.setting(here, MODEL_SETTING).await?,
        None => of_room.clone(),
    };
    let chosen = Chosen { thread, room: of_room };
    let model = choice::model(&chosen, &job.config, &around.names(), (&job.agent, agent));
    let model = model.map_err(|sentence| Failure::Unconfigured { sentence })?;
    let driver = means.models.driver(&model).ok_or_else(|| Failure::Unconfigured {
        sentence: format!("The model “{model}” is configured, but was not when the program started: restart it."),
    })?;
    let context_tokens = means.models.context_tokens(&model).unwrap_or(u32::MAX);
    Ok(Thinker { driver, context_tokens, sees: means.models.sees(&model), model })
}

/// The conversation up to the question, and what the agent is told of its surroundings.
pub(super) async fn gather(means: &Means, job: &Job, around: &Surroundings) -> Result<(Vec<Line>, Scenery), Failure> {
    let (names, messages) = tokio::join!(names(means, job), messages(means, job));
    let (place, messages) = (place(means, job, around, names), messages?);
    let cast = cast(job, &place, &messages);
    let lines = job_lines(job, &messages, &cast);
    Ok((lines, scenery(job, &place, &cast)))
}

/// The whole conversation, for an agent that asks for more of it than it is shown.
pub(super) async fn whole_conversation(means: &Means, job: &Job) -> Result<Vec<Line>, Failure> {
    let around = means.store.surroundings(&job.turn.conversation.room).await?;
    Ok(gather(means, job, &around).await?.0)
}

fn job_lines(job: &Job, messages: &[Message], cast: &Cast) -> Vec<Line> {
    let asked = Asked { turn: &job.turn.id, messages: &job.turn.messages };
    lines(messages, cast, asked, |at| job.config.minute(at))
}

/// The newest messages of the conversation. What is asked is among them, however long ago that was.
async fn messages(means: &Means, job: &Job) -> Result<Vec<Message>, StoreError> {
    let turn = &job.turn;
    let mut messages = means.store.conversation(&turn.conversation, MESSAGES_MAX).await?;
    for event in &turn.messages {
        if !messages.iter().any(|message| message.event == *event) {
            messages.extend(means.store.message(&turn.conversation.room, event).await?);
        }
    }
    messages.sort_by_key(|message| message.ordinal);
    Ok(messages)
}

/// The room with its people, of whom some are known by `names`.
fn place<'a>(means: &Means, job: &Job, around: &'a Surroundings, mut names: BTreeMap<UserId, String>) -> Place<'a> {
    // The house's own users, also those that aren't up. What somebody writes on their messages is no proof of being one.
    let known = around.own.iter().map(|(user, entity)| (entity.clone(), user.clone()));
    let users: BTreeMap<EntityName, UserId> = known.chain(means.lines.users()).collect();
    let called =
        |(entity, user): (&EntityName, &UserId)| Some((user.clone(), job.config.entity(entity)?.display_name.clone()));
    names.extend(users.iter().filter_map(called));
    Place { around, keys: around.names(), users, names: told_apart(names) }
}

async fn names(means: &Means, job: &Job) -> BTreeMap<UserId, String> {
    let session = means.lines.of(&job.agent).or_else(|| means.lines.of(job.turn.responder.speaker()));
    let Some(session) = session else { return BTreeMap::new() };
    match timeout(NAMES_WAIT, session.names(job.turn.conversation.room.clone())).await {
        Ok(Ok(names)) => names,
        Ok(Err(_)) | Err(_) => BTreeMap::new(),
    }
}

fn cast(job: &Job, place: &Place<'_>, messages: &[Message]) -> Cast {
    let config = &job.config;
    let entities: BTreeSet<UserId> = place.users.values().cloned().collect();
    let may_use = |user: &UserId| config.authorization.may_use_known_as(user, &place.keys);
    let senders = messages.iter().map(|message| &message.sender);
    let strangers = senders.filter(|user| !entities.contains(user) && !may_use(user)).cloned().collect();
    Cast {
        me: place.users.get(&job.agent).cloned(),
        router: place.users.get(&config.router().name).cloned(),
        entities,
        names: place.names.clone(),
        strangers,
        audience: config.conversation.context,
        late_after: config.conversation.late_after,
    }
}

fn scenery(job: &Job, place: &Place<'_>, cast: &Cast) -> Scenery {
    let config = &job.config;
    // W12: whoever can call nobody need not know whom to call.
    let may_call = config.conversation.agents_mention_agents && job.turn.hops < config.conversation.hops_max;
    let is_here = |entity: &&Entity| {
        let standing = place.around.standings.get(&entity.name);
        may_call && entity.name != job.agent && standing.is_some_and(|standing| *standing == Membership::Joined)
    };
    let answers = |entity: &&Entity| match entity.role {
        Role::Agent(_) | Role::Team(_) => true,
        Role::Router(_) => false,
    };
    let colleague = |entity: &Entity| Colleague { handle: entity.name.to_string(), purpose: entity.purpose.clone() };
    let people = place.names.keys().filter(|user| !cast.entities.contains(*user)).map(|user| cast.name(user));
    Scenery {
        room: place.keys.iter().find_map(|key| config.rooms.get(key)).map(|room| room.name.clone()),
        day: config.day(observe::now()),
        colleagues: config.entities.iter().filter(answers).filter(is_here).map(colleague).collect(),
        people: people.collect(),
        in_team: job.assignment.is_some(),
        ..Scenery::default()
    }
}
