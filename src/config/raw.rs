//! What is typed in the file, as it stands there: every key optional, unknown ones refused. The comments here are the
//! descriptions that editors show.

use std::fmt;

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer, value::SeqAccessDeserializer},
};

use crate::model::Secret;

use super::{
    ordered::Ordered,
    raw_talk::{Conversation, Handoff, Streaming, ThreadMode},
};

/// The configuration of Maitre.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    /// Where the homeserver is and how we talk to it.
    pub(super) homeserver: Homeserver,
    /// How entities get their accounts.
    pub(super) accounts: Accounts,
    /// Where state is kept.
    pub(super) state: State,
    /// The language models, by a name of your choice. The one called `default` is used where none is named.
    pub(super) models: Ordered<Model>,
    /// The folders in which agents' skills are looked for, relative to the configuration; each is a skill itself (a folder
    /// with a `SKILL.md`) or holds skills. Default: skills.
    pub(super) skills: Option<Vec<String>>,
    /// The agents, by name.
    pub(super) agents: Ordered<Agent>,
    /// The teams, by name.
    pub(super) teams: Ordered<Team>,
    /// The router: it greets people and decides who answers.
    pub(super) router: Router,
    /// The managed rooms, by key. Rooms named only in an agent's or team's `rooms` exist too.
    pub(super) rooms: Ordered<Room>,
    /// The model used in a room, by room key.
    pub(super) room_models: Ordered<String>,
    /// Where answers go in a room, by room key.
    pub(super) room_thread_modes: Ordered<ThreadMode>,
    /// The space that holds all managed rooms. Without this section there is none.
    pub(super) space: Option<Space>,
    /// The space, under its MindRoom name.
    pub(super) matrix_space: Option<Space>,
    /// An account for the person at the keyboard. Without this section there is none.
    pub(super) user: Option<User>,
    /// The account of the person at the keyboard, under its MindRoom name.
    pub(super) mindroom_user: Option<User>,
    /// Who may do what.
    pub(super) authorization: Authorization,
    /// Accounts of other bots and bridges, which never count as people. `*` stands for any text.
    pub(super) bot_accounts: Vec<String>,
    /// What applies where nothing else is said.
    pub(super) defaults: Defaults,
    /// What holds for every conversation.
    pub(super) conversation: Conversation,
    /// Access to managed rooms, under its MindRoom name.
    pub(super) matrix_room_access: MatrixRoomAccess,
    /// The room in which admins are told what became of a changed configuration: a key (the room is made, and they are
    /// invited), `"#alias:server"` or `"!id:server"` (the room exists). Default: none.
    pub(super) admin_room: Option<String>,
    /// The status server.
    pub(super) http: Http,
    /// The time zone that agents speak in, such as `Europe/Berlin`. Default: UTC.
    pub(super) timezone: Option<String>,
}

/// Where the homeserver is and how we talk to it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Homeserver {
    /// Its address, such as `https://matrix.example.org`. Without it, the environment variable `MATRIX_HOMESERVER` counts.
    pub(super) url: Option<String>,
    /// How long one long-poll may last. Default: 30s.
    pub(super) sync_timeout: Option<String>,
    /// How long any other request may take. Default: 30s.
    pub(super) request_timeout: Option<String>,
    /// How many entities may log in at the same time. Default: 8.
    pub(super) logins_max: Option<u64>,
    /// How many pages of 100 events are fetched for one gap in a room. Default: 50.
    pub(super) gap_pages_max: Option<u64>,
}

/// How entities get their accounts.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Accounts {
    /// The local part of user ids; `{name}` stands for the entity's name. Default: {name}.
    pub(super) localpart: Option<String>,
    /// What the device is called in people's session lists. Default: Maitre.
    pub(super) device_name: Option<String>,
    /// The homeserver's registration shared secret.
    pub(super) registration_shared_secret: Option<Secret>,
    /// A registration token.
    pub(super) registration_token: Option<Secret>,
    /// Whether the homeserver lets anybody register. Default: false.
    pub(super) open_registration: Option<bool>,
    /// Passwords of accounts that exist already, by entity name.
    pub(super) passwords: Ordered<Secret>,
    /// Access tokens of accounts that exist already, by entity name.
    pub(super) access_tokens: Ordered<Secret>,
    /// Whether the account of an entity that is taken out of the file is deactivated for good, unless its password or token
    /// stood in the file. Its user name can never be used again. Default: false.
    pub(super) deactivate_removed: Option<bool>,
}

/// Where state is kept.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct State {
    /// The folder, relative to the configuration. Default: state.
    pub(super) folder: Option<String>,
    /// How long what is settled is kept. Default: 90d.
    pub(super) retention: Option<String>,
}

/// A language model.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Model {
    /// Who serves it: openai, anthropic, gemini (or google), ollama, openrouter, groq, deepseek, cerebras, zai, `llama_cpp`, or
    /// scripted, which answers from `rules`.
    pub(super) provider: Option<String>,
    /// Its name there.
    pub(super) id: Option<String>,
    /// The key. Without it, the provider's usual environment variable counts, such as `OPENAI_API_KEY`.
    pub(super) api_key: Option<Secret>,
    /// The address, where it isn't the provider's usual one. Also called `host`.
    #[serde(alias = "host")]
    pub(super) base_url: Option<String>,
    /// How many tokens it can take in, where that isn't the model's usual figure. Also called `context_window`.
    #[serde(alias = "context_window")]
    pub(super) context_tokens: Option<u32>,
    /// How long it may send nothing at all before it is taken for hanging and asked again. Default:
    /// `defaults.model_idle_timeout`.
    pub(super) idle_timeout: Option<String>,
    /// Whether it can look at pictures. Default: what OpenAI, Anthropic and Gemini serve can, others can't.
    pub(super) vision: Option<bool>,
    /// The model that is asked where this one gives no answer, by name.
    pub(super) fallback: Option<String>,
    /// What a scripted model says; the first rule that fits counts.
    pub(super) rules: Option<Vec<ScriptRule>>,
    /// What a scripted model says where no rule fits. May hold `{name}` and `{message}`.
    pub(super) say: Option<String>,
    /// How fast a scripted model speaks. Default: 20.
    pub(super) words_per_second: Option<u64>,
}

/// A rule of a scripted model.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ScriptRule {
    /// A word or phrase that must stand in the message, in whatever case.
    pub(super) when: Option<String>,
    /// The answer, in Markdown. `{name}` stands for who asked, `{message}` for what they wrote.
    pub(super) say: Option<String>,
}

/// An agent.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Agent {
    /// What people see as its name. Default: made from its name.
    pub(super) display_name: Option<String>,
    /// What it is for, in a sentence.
    pub(super) role: Option<String>,
    /// A picture, relative to the configuration.
    pub(super) avatar: Option<String>,
    /// What it is told about how to work, one instruction each.
    pub(super) instructions: Vec<String>,
    /// The rooms it belongs to: keys (the room is made), `"#alias:server"` or `"!id:server"` (the room exists).
    pub(super) rooms: Vec<String>,
    /// The model that thinks. Default: `defaults.model`, else the model called `default`.
    pub(super) model: Option<String>,
    /// Whether it joins where an authorized person invites it. Default: `defaults.accept_invites`.
    pub(super) accept_invites: Option<bool>,
    /// The tools that it may use: time, `read_thread`, react, `ask_person`, remember, recall. Those of `defaults.tools`
    /// come on top. Default: all of them, or those of `defaults.tools`.
    pub(super) tools: Option<Vec<String>>,
    /// Whether it has the tools of `defaults.tools`, too. Default: true.
    pub(super) include_default_tools: Option<bool>,
    /// The skills that it may use, by name. Default: those of `defaults.skills`.
    pub(super) skills: Option<Vec<String>>,
    /// Where answers go, also in direct chats. Default: `defaults.thread_mode`, and `room` in direct chats.
    pub(super) thread_mode: Option<ThreadMode>,
    /// Whether answers are seen while they grow. Default: `defaults.streaming`.
    pub(super) streaming: Option<Streaming>,
    /// How long people look at nothing before they get a placeholder. Default: `defaults.placeholder_after`.
    pub(super) placeholder_after: Option<String>,
    /// How many edits an answer gets before the final one. Default: `defaults.edits_max`.
    pub(super) edits_max: Option<u64>,
    /// Whether people see which tool is at work. Default: `defaults.show_tool_calls`.
    pub(super) show_tool_calls: Option<bool>,
}

/// Several agents answering as one.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Team {
    /// What people see as its name. Default: made from its name.
    pub(super) display_name: Option<String>,
    /// What it is for, in a sentence.
    pub(super) role: Option<String>,
    /// A picture, relative to the configuration.
    pub(super) avatar: Option<String>,
    /// The agents in it, by name.
    pub(super) agents: Vec<String>,
    /// How they work together. Default: coordinate.
    pub(super) mode: Option<TeamMode>,
    /// The rooms it belongs to, as for agents.
    pub(super) rooms: Vec<String>,
    /// The model that leads or merges. Default: as for agents.
    pub(super) model: Option<String>,
    /// Whether it joins where an authorized person invites it. Default: `defaults.accept_invites`.
    pub(super) accept_invites: Option<bool>,
    /// Where answers go, also in direct chats. Default: `defaults.thread_mode`, and `room` in direct chats.
    pub(super) thread_mode: Option<ThreadMode>,
    /// Whether answers are seen while they grow. Default: `defaults.streaming`.
    pub(super) streaming: Option<Streaming>,
    /// How long people look at nothing before they get a placeholder. Default: `defaults.placeholder_after`.
    pub(super) placeholder_after: Option<String>,
    /// How many edits an answer gets before the final one. Default: `defaults.edits_max`.
    pub(super) edits_max: Option<u64>,
    /// Whether people see which tool is at work. Default: `defaults.show_tool_calls`.
    pub(super) show_tool_calls: Option<bool>,
}

/// How a team works together.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum TeamMode {
    /// A leader plans, members run, the leader joins.
    Coordinate,
    /// All at once, then one synthesis.
    Collaborate,
}

/// The router.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Router {
    /// What people see as its name. Default: Router.
    pub(super) display_name: Option<String>,
    /// What it is for, in a sentence.
    pub(super) role: Option<String>,
    /// A picture, relative to the configuration.
    pub(super) avatar: Option<String>,
    /// The model that picks. Default: as for agents.
    pub(super) model: Option<String>,
    /// Whether it joins where an authorized person invites it. Default: `defaults.accept_invites`.
    pub(super) accept_invites: Option<bool>,
    /// How long picking may take before the names and roles alone decide. Default: 8s.
    pub(super) timeout: Option<String>,
    /// How it hands a message to whom it picked. Default: silent.
    pub(super) handoff: Option<Handoff>,
    /// Where answers go, also in direct chats. Default: `defaults.thread_mode`, and `room` in direct chats.
    pub(super) thread_mode: Option<ThreadMode>,
    /// Whether answers are seen while they grow. Default: `defaults.streaming`.
    pub(super) streaming: Option<Streaming>,
    /// How long people look at nothing before they get a placeholder. Default: `defaults.placeholder_after`.
    pub(super) placeholder_after: Option<String>,
    /// How many edits an answer gets before the final one. Default: `defaults.edits_max`.
    pub(super) edits_max: Option<u64>,
    /// Whether people see which tool is at work. Default: `defaults.show_tool_calls`.
    pub(super) show_tool_calls: Option<bool>,
}

/// A managed room.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Room {
    /// What people see as its name. Default: made from its key. Also called `display_name`.
    #[serde(alias = "display_name")]
    pub(super) name: Option<String>,
    /// What it is for. Also called `description`.
    #[serde(alias = "description")]
    pub(super) topic: Option<String>,
    /// Whether it is encrypted from the start. Default: `defaults.encrypted`.
    pub(super) encrypted: Option<bool>,
    /// The room version that it is made with: 10, 11 or 12. Default: `defaults.room_version`.
    pub(super) version: Option<String>,
    /// The model used in it, where it isn't the entity's.
    pub(super) model: Option<String>,
    /// Where answers go in it, whoever gives them.
    pub(super) thread_mode: Option<ThreadMode>,
}

/// The space that holds all managed rooms.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Space {
    /// Whether there is one. Default: true.
    pub(super) enabled: Option<bool>,
    /// What people see as its name. Default: Maitre.
    pub(super) name: Option<String>,
    /// The local part of its alias. Default: maitre-space.
    pub(super) alias: Option<String>,
}

/// The account of the person at the keyboard.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct User {
    /// The local part of the user id. It can't change once the account was made.
    pub(super) username: Option<String>,
    /// What others see as the name. Default: made from the user name.
    pub(super) display_name: Option<String>,
    /// The password. Default: a random one, which is kept.
    pub(super) password: Option<Secret>,
}

/// Who may do what.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Authorization {
    /// May use everything everywhere. `*` stands for any text, as in `"@*:example.org"`.
    pub(super) global_users: Vec<String>,
    /// May use single rooms, by room key, alias or id; where a room has an entry, the entry decides.
    pub(super) room_permissions: Ordered<Vec<String>>,
    /// Whether everybody else may use rooms without an entry. Default: false.
    pub(super) default_room_access: Option<bool>,
    /// Other accounts of a person, such as those of bridges, by the account that counts.
    pub(super) aliases: Ordered<Vec<String>>,
    /// Which people an entity exists for, by entity name, or `*` for all without an entry of their own.
    pub(super) agent_reply_permissions: Ordered<ReplyPermission>,
    /// May run admin commands. Default: `global_users`.
    pub(super) admins: Option<Vec<String>>,
    /// Whether commands that change an encrypted room are taken only from verified devices. Default: false.
    pub(super) require_verified: Option<bool>,
    /// Whether admins may see and change this configuration in chat, with `!config`. Default: false.
    pub(super) config_in_chat: Option<bool>,
}

/// The people that an entity exists for: a list of user ids, or a section with `users`.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
pub(super) enum ReplyPermission {
    /// User ids; `*` stands for any text.
    List(Vec<String>),
    /// The same as a section.
    Section(ReplyUsers),
}

/// The people that an entity exists for.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ReplyUsers {
    /// User ids; `*` stands for any text.
    pub(super) users: Vec<String>,
}

impl<'de> Deserialize<'de> for ReplyPermission {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = ReplyPermission;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of user ids")
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(ReplyPermission::List(Vec::new()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(ReplyPermission::List)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                ReplyUsers::deserialize(MapAccessDeserializer::new(map)).map(ReplyPermission::Section)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// What applies where nothing else is said.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Defaults {
    /// The model of entities that name none. Default: the model called `default`, if there is one.
    pub(super) model: Option<String>,
    /// How long a model may send nothing at all before it is taken for hanging and asked again. Default: 60s.
    pub(super) model_idle_timeout: Option<String>,
    /// Whether entities join where an authorized person invites them. Default: true.
    pub(super) accept_invites: Option<bool>,
    /// Whether rooms are encrypted from the start. Default: false.
    pub(super) encrypted: Option<bool>,
    /// The room version that rooms are made with: 10, 11 or 12. Default: the homeserver's.
    pub(super) room_version: Option<String>,
    /// Tools that every agent has. Default: agents that name none have all of them.
    pub(super) tools: Option<Vec<String>>,
    /// The skills of agents that name none. Default: none.
    pub(super) skills: Option<Vec<String>>,
    /// Where answers go. Default: thread.
    pub(super) thread_mode: Option<ThreadMode>,
    /// Whether answers are seen while they grow. Default: edits.
    pub(super) streaming: Option<Streaming>,
    /// How long people look at nothing before they get a placeholder. Default: 1500ms.
    pub(super) placeholder_after: Option<String>,
    /// How many edits an answer gets before the final one. Default: 40.
    pub(super) edits_max: Option<u64>,
    /// Whether people see which tool is at work. Default: true.
    pub(super) show_tool_calls: Option<bool>,
    /// The same as `streaming`, under its MindRoom name: true for edits, false for final.
    pub(super) enable_streaming: Option<bool>,
}

/// Access to managed rooms, as MindRoom names it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct MatrixRoomAccess {
    /// The same as `defaults.encrypted`.
    pub(super) encrypt_managed_rooms: Option<bool>,
}

/// The status server.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Http {
    /// Where it listens, or off. Default: 127.0.0.1:8766.
    pub(super) bind: Option<String>,
    /// What a caller must show. Needed when `bind` isn't loopback.
    pub(super) token: Option<Secret>,
}
