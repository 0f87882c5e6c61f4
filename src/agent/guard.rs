//! Keeps one answer within its bounds: steps, tool calls, the same call again, tokens. Each refusal is a plain sentence.

use std::time::Duration;

use crate::{config::Conversations, model::ToolCall};

/// What one answer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// How often a model may be asked.
    pub(super) steps: u32,
    /// How many tools may be called.
    pub(super) calls: u32,
    /// How often the same call may be made.
    pub(super) repeats: u32,
    /// How many tokens all steps together may cost.
    pub(super) tokens: u64,
}

impl From<&Conversations> for Limits {
    fn from(conversations: &Conversations) -> Self {
        let Conversations { steps_max, tool_calls_max, same_call_max, tokens_max, .. } = *conversations;
        Self { steps: steps_max, calls: tool_calls_max, repeats: same_call_max, tokens: tokens_max }
    }
}

/// What one answer has taken so far.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Guard {
    limits: Limits,
    steps: u32,
    tokens: u64,
    calls: Vec<ToolCall>,
}

impl Guard {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, steps: 0, tokens: 0, calls: Vec::new() }
    }

    /// Asks for another step.
    ///
    /// # Errors
    /// Why the answer ends here, for people.
    pub(super) fn step(&mut self) -> Result<(), String> {
        let Limits { steps, tokens, .. } = self.limits;
        if self.tokens >= tokens {
            return Err(format!("This answer cost more than {tokens} tokens, so I stopped."));
        }
        if self.steps >= steps {
            return Err(format!("This answer took more than {}, so I stopped.", count(steps, "step")));
        }
        self.steps += 1;
        Ok(())
    }

    /// Whether the step that comes next is the last one.
    pub(super) fn next_is_last(&self) -> bool {
        self.steps.saturating_add(1) >= self.limits.steps
    }

    /// Notes what a step cost.
    pub(super) fn spend(&mut self, tokens: u64) {
        self.tokens = self.tokens.saturating_add(tokens);
    }

    /// Asks for a tool call.
    ///
    /// # Errors
    /// Why it isn't made, for the model.
    pub(super) fn call(&mut self, call: &ToolCall) -> Result<(), String> {
        let Limits { calls, repeats, .. } = self.limits;
        if self.calls.len() >= usize::try_from(calls).unwrap_or(usize::MAX) {
            let all = count(calls, "tool call");
            return Err(format!("Not done: {all} is all that one answer may take. Answer with what you have."));
        }
        let same = self.calls.iter().filter(|earlier| earlier.name == call.name && earlier.input == call.input).count();
        if same >= usize::try_from(repeats).unwrap_or(usize::MAX) {
            let times = count(repeats, "time");
            return Err(format!(
                "Not done: you have made exactly this call {times} already. Do something else, or answer."
            ));
        }
        self.calls.push(call.clone());
        Ok(())
    }
}

/// What people are told when an answer takes too long.
pub(super) fn took_too_long(limit: Duration) -> String {
    let seconds = limit.as_secs();
    let limit = if seconds.is_multiple_of(60) && seconds > 0 {
        count(u32::try_from(seconds / 60).unwrap_or(u32::MAX), "minute")
    } else {
        count(u32::try_from(seconds).unwrap_or(u32::MAX), "second")
    };
    format!("This answer took longer than {limit}, so I stopped.")
}

fn count(number: u32, unit: &str) -> String {
    if number == 1 { format!("1 {unit}") } else { format!("{number} {unit}s") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LIMITS: Limits = Limits { steps: 2, calls: 3, repeats: 1, tokens: 100 };

    fn call(input: u32) -> ToolCall {
        ToolCall { id: String::new(), name: "time".to_owned(), input: json!({ "n": input }) }
    }

    #[test]
    fn steps_end() {
        let mut guard = Guard::new(LIMITS);
        assert!(!guard.next_is_last());
        assert_eq!(guard.step(), Ok(()));
        assert!(guard.next_is_last());
        assert_eq!(guard.step(), Ok(()));
        assert_eq!(guard.step(), Err("This answer took more than 2 steps, so I stopped.".to_owned()));
    }

    #[test]
    fn tokens_end() {
        let mut guard = Guard::new(LIMITS);
        assert_eq!(guard.step(), Ok(()));
        guard.spend(99);
        assert_eq!(guard.step(), Ok(()));
        let mut guard = Guard::new(LIMITS);
        guard.spend(u64::MAX);
        guard.spend(1);
        assert_eq!(guard.step(), Err("This answer cost more than 100 tokens, so I stopped.".to_owned()));
    }

    #[test]
    fn calls_end_and_do_not_repeat_themselves() {
        let mut guard = Guard::new(LIMITS);
        assert_eq!(guard.call(&call(1)), Ok(()));
        let again = "Not done: you have made exactly this call 1 time already. Do something else, or answer.";
        assert_eq!(guard.call(&call(1)), Err(again.to_owned()));
        assert_eq!(guard.call(&call(2)), Ok(()));
        assert_eq!(guard.call(&call(3)), Ok(()));
        let all = "Not done: 3 tool calls is all that one answer may take. Answer with what you have.";
        assert_eq!(guard.call(&call(4)), Err(all.to_owned()));
    }

    #[test]
    fn time_is_told_in_its_unit() {
        let check = |seconds: u64, expected: &str| {
            let sentence = took_too_long(Duration::from_secs(seconds));
            assert_eq!(sentence, format!("This answer took longer than {expected}, so I stopped."));
        };
        check(600, "10 minutes");
        check(60, "1 minute");
        check(90, "90 seconds");
        check(1, "1 second");
    }
}
