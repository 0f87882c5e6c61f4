//! What a configuration means: valid by construction, with every default filled in.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    num::{NonZeroU32, NonZeroUsize},
    path::PathBuf,
    time::Duration,
};

use chrono_tz::Tz;

use crate::model::{EntityKind, EntityName, RoomKey, Secret, UserId};

/// The whole configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where the homeserver is and how we talk to it.
    pub homeserver: Homeserver,
    /// How entities get their accounts.
    pub accounts: Accounts,
    /// Where state is kept.
    pub state: State,
    /// The models, by name.
    pub models: BTreeMap<String, Model>,
    /// The folders in which agents' skills are looked for, absolute; the first that has one of a name counts.
    pub skill_folders: Vec<PathBuf>,
    /// Every entity, the router first, then agents, then teams; each in the order of the file.
    pub entities: Vec<Entity>,
    /// Every managed room, by key.
    pub rooms: BTreeMap<RoomKey, Room>,
    /// The space that holds all managed rooms, if one is wanted.
    pub space: Option<Space>,
    /// The account of the person at the keyboard, if one is wanted.
    pub user: Option<Person>,
    /// Who may do what.
    pub authorization: Authorization,
    /// Accounts of other bots and bridges; they never count as people.
    pub bot_accounts: Vec<UserPattern>,
    /// The managed room in which admins are told what became of a changed configuration.
    pub admin_room: Option<RoomKey>,
    /// What holds for every conversation.
    pub conversation: Conversations,
    /// The status server.
    pub http: Http,
    /// The time zone that agents speak in.
    pub timezone: Tz,
}

/// Where the homeserver is and how we talk to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Homeserver {
    /// Base address, without a trailing slash.
    pub url: String,
    /// How long one long-poll may last.
    pub sync_timeout: Duration,
    /// How long any other request may take.
    pub request_timeout: Duration,
    /// How many entities may log in at the same time.
    pub logins_max: NonZeroUsize,
    /// How many pages of 100 events are fetched for one gap in a room before the rest is given up, recorded and said.
    pub gap_pages_max: usize,
}

/// How entities get their accounts.
#[derive(Debug, Clone, PartialEq)]
pub struct Accounts {
    /// What the device is called in people's session lists.
    pub device_name: String,
    /// The means by which missing accounts are registered, in the order they are tried.
    pub registration: Vec<Registration>,
    /// Whether accounts that we made are deactivated once their entities are configured no longer.
    pub deactivate_removed: bool,
}

/// A means of registering accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registration {
    /// The homeserver's registration shared secret.
    SharedSecret(Secret),
    /// A registration token.
    Token(Secret),
    /// Open registration.
    Open,
}

/// Where state is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The folder, absolute.
    pub folder: PathBuf,
    /// How long what is settled is kept.
    pub retention: Duration,
}

/// A language model.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Who serves it.
    pub provider: Provider,
    /// Its name there.
    pub id: String,
    /// Proves who pays.
    pub api_key: Option<Secret>,
    /// The address, where it isn't the provider's usual one.
    pub base_url: Option<String>,
    /// How many tokens it can take in, if it isn't the model's usual figure.
    pub context_tokens: Option<u32>,
    /// How long it may send nothing before it is taken for hanging.
    pub idle_timeout: Duration,
    /// Whether it can look at pictures.
    pub sees: bool,
    /// The model that is asked where this one gives no answer: a name in the same configuration, and another one.
    pub fallback: Option<String>,
}

/// Who serves a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provider {
    /// `OpenAI`, or anything that speaks its protocol at `base_url`.
    OpenAi,
    /// Anthropic.
    Anthropic,
    /// Google Gemini.
    Gemini,
    /// A local Ollama.
    Ollama,
    /// Nobody: the answers stand in the configuration.
    Scripted(Script),
}

/// The answers of a model that isn't one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The first one that fits counts.
    pub rules: Vec<ScriptRule>,
    /// What is said where none fits.
    pub say: String,
    /// How fast it is said.
    pub words_per_second: NonZeroU32,
}

/// An answer and when it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptRule {
    /// A word or phrase that must stand in the message, in whatever case.
    pub when: String,
    /// Markdown. `{name}` stands for who asked, `{message}` for what they wrote.
    pub say: String,
}

/// An agent, a team or the router, as far as the house is concerned.
#[derive(Debug, Clone, PartialEq)]
pub struct Entity {
    /// Its name.
    pub name: EntityName,
    /// Router, agent or team, with what only that kind has.
    pub role: Role,
    /// The local part of its user id.
    pub localpart: String,
    /// What people see as its name.
    pub display_name: String,
    /// A picture, absolute, if it has one.
    pub avatar: Option<PathBuf>,
    /// What it is for, in a sentence.
    pub purpose: String,
    /// The managed rooms it belongs to. The router belongs to all.
    pub rooms: Vec<RoomKey>,
    /// Whether it joins where an authorized person invites it.
    pub accept_invites: bool,
    /// A password or access token that the operator gave.
    pub credential: Option<Credential>,
    /// How it talks.
    pub manners: Manners,
}

impl Entity {
    /// Router, agent or team.
    #[must_use]
    pub fn kind(&self) -> EntityKind {
        match self.role {
            Role::Router(_) => EntityKind::Router,
            Role::Agent(_) => EntityKind::Agent,
            Role::Team(_) => EntityKind::Team,
        }
    }
}

/// What only one kind of entity has.
#[derive(Debug, Clone, PartialEq)]
pub enum Role {
    /// The one that greets and picks.
    Router(Router),
    /// One mind.
    Agent(Agent),
    /// Several agents answering as one.
    Team(Team),
}

/// What only the router has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Router {
    /// The model that picks, by name.
    pub model: Option<String>,
    /// How long it may take to pick before the lexical choice counts.
    pub timeout: Duration,
    /// How it hands a message to whom it picked.
    pub handoff: Handoff,
}

/// How the router hands a message to whom it picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handoff {
    /// The one who was picked simply answers.
    Silent,
    /// The router says in the thread who answers.
    Message,
}

/// What only an agent has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// The model that thinks, by name.
    pub model: Option<String>,
    /// What it is told about how to work.
    pub instructions: Vec<String>,
    /// The built-in tools it may use, by name.
    pub tools: Vec<String>,
    /// The skills it may use, by name, whether they are there or not.
    pub skills: Vec<String>,
}

/// What only a team has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// The model that leads or merges, by name.
    pub model: Option<String>,
    /// The agents in it.
    pub members: Vec<EntityName>,
    /// How they work together.
    pub mode: TeamMode,
}

/// How a team works together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TeamMode {
    /// A leader plans, members run, the leader joins.
    Coordinate,
    /// All at once, then one synthesis.
    Collaborate,
}

/// A credential for an account that exists already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// Its password.
    Password(Secret),
    /// An access token of its one device.
    AccessToken(Secret),
}

/// A managed room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// What people see as its name.
    pub name: String,
    /// What it is for.
    pub topic: Option<String>,
    /// Whether it is encrypted from the start.
    pub encrypted: bool,
    /// The room version it is created with, where it isn't the homeserver's default.
    pub version: Option<String>,
    /// The model used in it, by name, where it isn't the entity's.
    pub model: Option<String>,
    /// Where answers go in it, where that isn't what the entity does.
    pub thread_mode: Option<ThreadMode>,
}

/// The space that holds all managed rooms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// Its alias' local part.
    pub alias: String,
    /// What people see as its name.
    pub name: String,
}

/// The account of the person at the keyboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The local part of the user id. It can't change once the account was made.
    pub localpart: String,
    /// What others see as the name.
    pub display_name: String,
    /// The password that the person wants; a random one is made and kept otherwise.
    pub password: Option<Secret>,
}

/// Who may do what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Authorization {
    /// May use everything everywhere.
    pub global_users: Vec<UserPattern>,
    /// May use the rooms named; where a room has an entry, the entry decides.
    pub room_permissions: BTreeMap<RoomKey, Vec<UserPattern>>,
    /// Whether everybody else may use rooms without an entry.
    pub default_room_access: bool,
    /// Other accounts of a person, each pointing to the canonical one.
    pub aliases: BTreeMap<UserId, UserId>,
    /// May run admin commands. Left out of the file, `global_users` may.
    pub admins: Vec<UserPattern>,
    /// Whether commands that change an encrypted room count only from verified devices.
    pub require_verified: bool,
    /// Whether admins may see and change the configuration in chat.
    pub config_in_chat: bool,
    /// Which people an entity exists for, by entity name or `*`.
    pub agent_reply_permissions: BTreeMap<String, Vec<UserPattern>>,
}

/// A user id in which `*` stands for any text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UserPattern(pub(super) String);

/// The status server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// Where it listens, or nowhere.
    pub bind: Option<SocketAddr>,
    /// What a caller must show. Always there when `bind` isn't loopback.
    pub token: Option<Secret>,
}

/// How an entity talks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manners {
    /// Where its answers go in rooms of several people.
    pub thread_mode: ThreadMode,
    /// Where they go in direct chats.
    pub chat_mode: ThreadMode,
    /// Whether an answer is seen while it grows.
    pub streaming: Streaming,
    /// How long people look at nothing before they get a placeholder.
    pub placeholder_after: Duration,
    /// How many edits an answer gets before the final one.
    pub edits_max: u32,
    /// Whether people see which tool is at work.
    pub show_tool_calls: bool,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            thread_mode: ThreadMode::Thread,
            chat_mode: ThreadMode::Room,
            streaming: Streaming::Edits,
            placeholder_after: Duration::from_millis(1_500),
            edits_max: 40,
            show_tool_calls: true,
        }
    }
}

/// Where answers go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThreadMode {
    /// Into a thread: that of the message, or a new one that grows from it.
    Thread,
    /// To the main timeline: one conversation for the whole room.
    Room,
}

/// Whether an answer is seen before it is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streaming {
    /// It grows before people's eyes.
    Edits,
    /// It comes as a whole.
    Final,
}

/// Whose messages a model is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Everybody's, each marked by its sender.
    All,
    /// Only those of people who may use us, and our own.
    Authorized,
}

/// What holds for every conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversations {
    /// Whose messages a model is shown.
    pub context: Audience,
    /// Whether entities may ask each other by mention.
    pub agents_mention_agents: bool,
    /// How many entities a person's question may go through.
    pub hops_max: u32,
    /// How many messages entities may write in a thread before a person speaks again.
    pub agent_messages_max: u32,
    /// How long after a message an edit that adds a mention still counts as asking.
    pub edit_window: Duration,
    /// Whether the answer goes when its question is deleted.
    pub redact_answers: bool,
    /// From which age on an answer says that it is late.
    pub late_after: Duration,
    /// How many messages of a room that came while we were away are answered unasked.
    pub catch_up_max: NonZeroUsize,
    /// How often an answer may break off with the program, or break down, before it is given up.
    pub attempts_max: u32,
    /// How many answers are given at once, what the router and teams' leaders ask their models included.
    pub turns_max: NonZeroUsize,
    /// How many of them only people's questions get.
    pub turns_reserved: usize,
    /// How long one answer may take.
    pub turn_timeout: Duration,
    /// How often a model may be asked for one answer.
    pub steps_max: u32,
    /// How many tool calls one answer may take.
    pub tool_calls_max: u32,
    /// How often the same call may be repeated in one answer.
    pub same_call_max: u32,
    /// How many tokens one answer may cost, all steps together.
    pub tokens_max: u64,
    /// How many conversations are kept in mind at once.
    pub lanes_active_max: NonZeroUsize,
    /// How long an idle one is kept in mind.
    pub lane_idle: Duration,
    /// How many messages may wait in one conversation for one responder.
    pub lane_waiting_max: NonZeroUsize,
}

impl Default for Conversations {
    fn default() -> Self {
        let many = |count: usize| NonZeroUsize::new(count).unwrap_or(NonZeroUsize::MIN);
        Self {
            context: Audience::All,
            agents_mention_agents: true,
            hops_max: 4,
            agent_messages_max: 12,
            edit_window: Duration::from_hours(1),
            redact_answers: false,
            late_after: Duration::from_mins(2),
            catch_up_max: many(20),
            attempts_max: 3,
            turns_max: many(32),
            turns_reserved: 8,
            turn_timeout: Duration::from_mins(10),
            steps_max: 12,
            tool_calls_max: 24,
            same_call_max: 3,
            tokens_max: 500_000,
            lanes_active_max: many(2_000),
            lane_idle: Duration::from_mins(1),
            lane_waiting_max: many(100),
        }
    }
}
