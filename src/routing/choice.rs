//! Reads what the model picked. R2: only the name of a candidate counts.

use serde_json::Value;

use super::candidates::Candidate;
use crate::model::EntityName;

/// How much of the model's reason is kept, in characters.
const REASON_CHARS_MAX: usize = 300;

/// Whom the model picked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) name: EntityName,
    pub(super) reason: String,
}

/// The choice in the model's answer, if it names a candidate: by its name, or by the one that people see.
pub(super) fn choice(answer: &Value, candidates: &[Candidate]) -> Option<Choice> {
    let named = answer.get("name")?.as_str()?.trim().trim_start_matches('@');
    let fits = |candidate: &&Candidate| {
        candidate.name.as_str().eq_ignore_ascii_case(named)
            || candidate.display_name.to_lowercase() == named.to_lowercase()
    };
    let name = candidates.iter().find(fits)?.name.clone();
    let reason = answer.get("reason").and_then(Value::as_str).unwrap_or_default();
    let reason: String =
        reason.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(REASON_CHARS_MAX).collect();
    Some(Choice { name, reason: if reason.is_empty() { "the router's model chose it".to_owned() } else { reason } })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::samples::some, *};

    /// R2: a name that isn't a candidate's is no choice.
    #[test]
    fn only_a_candidate_can_be_chosen() {
        let check = |answer: Value, expected: Option<(&str, &str)>| {
            let found = choice(&answer, &some(&["coder", "poet"]));
            let found = found.as_ref().map(|choice| (choice.name.as_str(), choice.reason.as_str()));
            assert_eq!(found, expected, "{answer}");
        };
        check(json!({"name": "coder", "reason": "It is\n code."}), Some(("coder", "It is code.")));
        check(json!({"name": "@Coder"}), Some(("coder", "the router's model chose it")));
        check(json!({"name": "the bard", "reason": ""}), Some(("poet", "the router's model chose it")));
        check(json!({"name": "cook", "reason": "not asked"}), None);
        check(json!({"name": 7}), None);
        check(json!({"reason": "none"}), None);
        check(json!({"name": ""}), None);
    }

    #[test]
    fn a_reason_is_bounded() {
        let found = choice(&json!({"name": "coder", "reason": "x".repeat(5_000)}), &some(&["coder"])).unwrap();
        assert_eq!(found.reason.len(), REASON_CHARS_MAX);
    }
}
