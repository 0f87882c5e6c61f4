//! The section `conversation`: what holds for every conversation.

use std::time::Duration;

use super::{Audience, Conversations, compile::Compiler, key_path::KeyPath, raw_talk, values::Bounds};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);
const MONTH: Duration = Duration::from_hours(30 * 24);

const HOPS_MAX: u32 = 100;
const AGENT_MESSAGES_MAX: u32 = 10_000;
const CATCH_UP_MAX: usize = 10_000;
const ATTEMPTS_MAX: u32 = 100;
const TURNS_MAX: usize = 1_000;
const STEPS_MAX: u32 = 1_000;
const TOOL_CALLS_MAX: u32 = 10_000;
const SAME_CALL_MAX: u32 = 1_000;
/// Fewer aren't enough for one question with its persona and tools.
const TOKENS_MIN: u64 = 1_000;
const TOKENS_MAX: u64 = 1_000_000_000;
const LANES_MAX: usize = 1_000_000;
const WAITING_MAX: usize = 100_000;

impl Compiler<'_> {
    pub(super) fn conversation(&mut self) -> Conversations {
        let raw = &self.raw.conversation;
        let path = KeyPath::of(&["conversation"]);
        let default = Conversations::default();
        let turns_max = self.some(raw.turns_max, &path.key("turns_max"), default.turns_max, TURNS_MAX);
        let fewer = default.turns_reserved.min(turns_max.get() / 4);
        let agent_messages = path.key("agent_messages_max");
        let (lanes, waiting) = (path.key("lanes_active_max"), path.key("lane_waiting_max"));
        Conversations {
            context: match raw.context {
                None => default.context,
                Some(raw_talk::Audience::All) => Audience::All,
                Some(raw_talk::Audience::Authorized) => Audience::Authorized,
            },
            agents_mention_agents: raw.agents_mention_agents.unwrap_or(default.agents_mention_agents),
            hops_max: self.number(raw.hops_max, &path.key("hops_max"), default.hops_max, 1..=HOPS_MAX),
            agent_messages_max: self.number(
                raw.agent_messages_max,
                &agent_messages,
                default.agent_messages_max,
                1..=AGENT_MESSAGES_MAX,
            ),
            edit_window: self.span(raw.edit_window.as_deref(), "edit_window", default.edit_window, MONTH),
            redact_answers: raw.redact_answers.unwrap_or(default.redact_answers),
            late_after: self.span(raw.late_after.as_deref(), "late_after", default.late_after, MONTH),
            catch_up_max: self.some(raw.catch_up_max, &path.key("catch_up_max"), default.catch_up_max, CATCH_UP_MAX),
            attempts_max: self.number(
                raw.attempts_max,
                &path.key("attempts_max"),
                default.attempts_max,
                1..=ATTEMPTS_MAX,
            ),
            turns_max,
            turns_reserved: self.number(
                raw.turns_reserved,
                &path.key("turns_reserved"),
                fewer,
                0..=turns_max.get() - 1,
            ),
            turn_timeout: self.span(raw.turn_timeout.as_deref(), "turn_timeout", default.turn_timeout, DAY),
            steps_max: self.number(raw.steps_max, &path.key("steps_max"), default.steps_max, 1..=STEPS_MAX),
            tool_calls_max: self.number(
                raw.tool_calls_max,
                &path.key("tool_calls_max"),
                default.tool_calls_max,
                1..=TOOL_CALLS_MAX,
            ),
            same_call_max: self.number(
                raw.same_call_max,
                &path.key("same_call_max"),
                default.same_call_max,
                1..=SAME_CALL_MAX,
            ),
            tokens_max: self.number(
                raw.tokens_max,
                &path.key("tokens_max"),
                default.tokens_max,
                TOKENS_MIN..=TOKENS_MAX,
            ),
            lanes_active_max: self.some(raw.lanes_active_max, &lanes, default.lanes_active_max, LANES_MAX),
            lane_idle: self.span(raw.lane_idle.as_deref(), "lane_idle", default.lane_idle, DAY),
            lane_waiting_max: self.some(raw.lane_waiting_max, &waiting, default.lane_waiting_max, WAITING_MAX),
        }
    }

    /// A duration of the section, of at least a second.
    fn span(&mut self, text: Option<&str>, key: &str, default: Duration, most: Duration) -> Duration {
        self.duration(text, &KeyPath::of(&["conversation", key]), &Bounds { default, allowed: SECOND..=most })
    }
}
