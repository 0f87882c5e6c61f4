//! What is typed about talking: the section `conversation`, and the words of keys that choose between ways to talk.

use schemars::JsonSchema;
use serde::Deserialize;

/// What holds for every conversation.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Conversation {
    /// Whose messages a model is shown. Default: all.
    pub(super) context: Option<Audience>,
    /// Whether agents and teams may ask each other by mention. Default: true.
    pub(super) agents_mention_agents: Option<bool>,
    /// How many of them a person's question may go through. Default: 4.
    pub(super) hops_max: Option<u64>,
    /// How many messages they may write in a thread before a person speaks again. Default: 12.
    pub(super) agent_messages_max: Option<u64>,
    /// How long after a message an edit that adds a mention still counts as asking. Default: 1h.
    pub(super) edit_window: Option<String>,
    /// Whether the answer goes when its question is deleted. Default: false.
    pub(super) redact_answers: Option<bool>,
    /// From which age on an answer says that it is late. Default: 2m.
    pub(super) late_after: Option<String>,
    /// How many messages of a room that came while we were away are answered unasked. Default: 20.
    pub(super) catch_up_max: Option<u64>,
    /// How often an answer may break off with the program, or break down, before it is given up. Default: 3.
    pub(super) attempts_max: Option<u64>,
    /// How many answers are given at once, what the router and teams' leaders ask their models included. Default: 32.
    pub(super) turns_max: Option<u64>,
    /// How many of them only people's questions get. Default: 8, but never more than a quarter of `turns_max`.
    pub(super) turns_reserved: Option<u64>,
    /// How long one answer may take. Default: 10m.
    pub(super) turn_timeout: Option<String>,
    /// How often a model may be asked for one answer. Default: 12.
    pub(super) steps_max: Option<u64>,
    /// How many tool calls one answer may take. Default: 24.
    pub(super) tool_calls_max: Option<u64>,
    /// How often the same call may be made in one answer. Default: 3.
    pub(super) same_call_max: Option<u64>,
    /// How many tokens one answer may cost, all steps together. Default: 500000.
    pub(super) tokens_max: Option<u64>,
    /// How many conversations are kept in mind at once. Default: 2000.
    pub(super) lanes_active_max: Option<u64>,
    /// How long an idle one is kept in mind. Default: 60s.
    pub(super) lane_idle: Option<String>,
    /// How many messages may wait in one conversation for one of us. Default: 100.
    pub(super) lane_waiting_max: Option<u64>,
}

/// Whose messages a model is shown.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Audience {
    /// Everybody's, each marked by its sender.
    All,
    /// Only those of people who may use us, and our own.
    Authorized,
}

/// Where answers go.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ThreadMode {
    /// Into a thread: that of the message, or a new one that grows from it.
    Thread,
    /// To the main timeline: one conversation for the whole room.
    Room,
}

/// Whether an answer is seen before it is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Streaming {
    /// It grows before people's eyes.
    Edits,
    /// It comes as a whole.
    Final,
}

/// How the router hands a message to whom it picked.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Handoff {
    /// The one who was picked simply answers.
    Silent,
    /// The router says in the thread who answers.
    Message,
}
