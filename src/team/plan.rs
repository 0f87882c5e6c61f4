//! What the leader wants done: who works on what, and what must be done before.

use serde_json::Value;

use super::panel::Member;
use crate::config::TeamMode;

/// How many parts a plan may have. What is beyond is left out.
const PARTS_MAX: usize = 16;
/// How long an assignment may be, in characters.
const ASSIGNMENT_CHARS_MAX: usize = 4_000;

/// A part of the work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// Whose it is.
    pub(super) member: Member,
    /// What to do. Empty: answer the conversation as it stands.
    pub(super) assignment: String,
    /// The parts that must be over before, by their place. Always earlier ones, so that there is no circle.
    pub(super) after: Vec<usize>,
}

/// Everybody answers for themselves, all at once.
pub(super) fn collaboration(members: &[Member]) -> Vec<Part> {
    let part = |member: &Member| Part { member: member.clone(), assignment: String::new(), after: Vec::new() };
    members.iter().map(part).collect()
}

/// The plan in the leader's answer; none if there is nothing in it that a member could do. `mode` is how the team is
/// configured to work; where it isn't, the leader says that, too.
pub(super) fn read(answer: &Value, members: &[Member], mode: Option<TeamMode>) -> Option<Vec<Part>> {
    let together = answer.get("mode").and_then(Value::as_str) == Some("collaborate");
    if mode.is_none() && together {
        return Some(collaboration(members));
    }
    let in_order = answer.get("order").and_then(Value::as_str) == Some("in_order");
    let mut parts: Vec<Part> = Vec::new();
    // Where the leader's own count goes on although a part is left out.
    let mut places: Vec<Option<usize>> = Vec::new();
    for subtask in answer.get("subtasks")?.as_array()?.iter().take(PARTS_MAX) {
        let Some((member, assignment)) = asked(subtask, members) else {
            places.push(None);
            continue;
        };
        let after = if in_order { parts.len().checked_sub(1).into_iter().collect() } else { before(subtask, &places) };
        places.push(Some(parts.len()));
        parts.push(Part { member, assignment, after });
    }
    (!parts.is_empty()).then_some(parts)
}

fn asked(subtask: &Value, members: &[Member]) -> Option<(Member, String)> {
    let named = subtask.get("agent")?.as_str()?.trim().trim_start_matches('@').to_lowercase();
    let fits = |member: &&Member| member.name.as_str() == named || member.display_name.to_lowercase() == named;
    let assignment: String = subtask.get("assignment")?.as_str()?.trim().chars().take(ASSIGNMENT_CHARS_MAX).collect();
    let member = members.iter().find(fits)?.clone();
    (!assignment.is_empty()).then_some((member, assignment))
}

/// The earlier parts that a part waits for. The leader counts from one.
fn before(subtask: &Value, places: &[Option<usize>]) -> Vec<usize> {
    let numbers = subtask.get("after").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let place = |number: &Value| *places.get(usize::try_from(number.as_u64()?).ok()?.checked_sub(1)?)?;
    let mut after: Vec<usize> = numbers.iter().filter_map(place).collect();
    after.sort_unstable();
    after.dedup();
    after
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::samples::members, *};

    /// Each part as its member, its assignment and what it waits for.
    fn check(answer: &Value, mode: Option<TeamMode>, expected: Option<&[(&str, &str, &[usize])]>) {
        let found = read(answer, &members(&["cook", "baker"]), mode);
        let part = |part: &Part| (part.member.name.to_string(), part.assignment.clone(), part.after.clone());
        let found: Option<Vec<_>> = found.map(|parts| parts.iter().map(part).collect());
        let owned = |(name, assignment, after): &(&str, &str, &[usize])| {
            ((*name).to_owned(), (*assignment).to_owned(), after.to_vec())
        };
        let expected: Option<Vec<_>> = expected.map(|parts| parts.iter().map(owned).collect());
        assert_eq!(found, expected, "{answer}");
    }

    #[test]
    fn a_plan_is_read() {
        let coordinate = Some(TeamMode::Coordinate);
        let two =
            json!([{"agent": "cook", "assignment": "soup"}, {"agent": "@Baker", "assignment": "bread", "after": [1]}]);
        check(
            &json!({"order": "parallel", "subtasks": two}),
            coordinate,
            Some(&[("cook", "soup", &[]), ("baker", "bread", &[0])]),
        );
        let free = json!([{"agent": "cook", "assignment": "a"}, {"agent": "cook", "assignment": "b"}]);
        check(
            &json!({"order": "in_order", "subtasks": free}),
            coordinate,
            Some(&[("cook", "a", &[]), ("cook", "b", &[0])]),
        );
        check(&json!({"mode": "collaborate", "subtasks": []}), None, Some(&[("cook", "", &[]), ("baker", "", &[])]));
        check(&json!({"mode": "collaborate", "subtasks": []}), coordinate, None);
    }

    #[test]
    fn what_nobody_can_do_is_left_out() {
        let subtasks = json!([
            {"agent": "poet", "assignment": "sing"},
            {"agent": "cook", "assignment": " "},
            {"agent": "cook", "assignment": "soup", "after": [1, 3, 9, 0, -1, "x"]},
            {"agent": "baker", "assignment": "bread", "after": [3, 3]},
        ]);
        check(&json!({"subtasks": subtasks}), None, Some(&[("cook", "soup", &[]), ("baker", "bread", &[0])]));
        for nothing in [json!({}), json!({"subtasks": []}), json!({"subtasks": 7}), json!({"subtasks": [{"agent": 1}]})]
        {
            check(&nothing, None, None);
        }
    }

    #[test]
    fn a_plan_is_bounded() {
        let many: Vec<Value> = (0..100).map(|_| json!({"agent": "cook", "assignment": "x".repeat(9_000)})).collect();
        let parts = read(&json!({"subtasks": many}), &members(&["cook"]), None).unwrap();
        assert_eq!((parts.len(), parts[0].assignment.len()), (PARTS_MAX, ASSIGNMENT_CHARS_MAX));
    }
}
