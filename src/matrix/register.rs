//! Which step of a registration comes next.

use serde_json::{Value, json};

use crate::config::Registration;

/// What to answer in a registration dialogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NextStage {
    /// Send this as `auth`.
    Answer(Value),
    /// The homeserver wants something that these means can't give.
    Impossible,
}

/// Picks the next stage of the homeserver's dialogue (`flows`, `completed`, `session`) that `means` can satisfy.
pub(super) fn next_stage(dialogue: &Value, means: &Registration) -> NextStage {
    let completed = texts(&dialogue["completed"]);
    let able = |stage: &str| match means {
        Registration::Token(_) => matches!(stage, "m.login.registration_token" | "m.login.dummy"),
        Registration::Open => stage == "m.login.dummy",
        Registration::SharedSecret(_) => false,
    };
    let flows = dialogue["flows"].as_array().map(Vec::as_slice).unwrap_or_default();
    let stage = flows
        .iter()
        .map(|flow| texts(&flow["stages"]))
        .filter(|stages| stages.iter().all(|stage| able(stage)))
        .find_map(|stages| stages.into_iter().find(|stage| !completed.contains(stage)));
    let session = dialogue["session"].as_str().unwrap_or_default();
    match (stage, means) {
        (Some("m.login.registration_token"), Registration::Token(token)) => NextStage::Answer(
            json!({"type": "m.login.registration_token", "token": token.reveal(), "session": session}),
        ),
        (Some(stage), _) => NextStage::Answer(json!({"type": stage, "session": session})),
        (None, _) => NextStage::Impossible,
    }
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;

    fn dialogue(stages: &[&str], completed: &[&str]) -> Value {
        json!({"flows": [{"stages": ["m.login.email"]}, {"stages": stages}], "completed": completed, "session": "S"})
    }

    /// I2: registration by token goes through both of its stages, open registration through its only one.
    #[test]
    fn a_dialogue_is_followed_stage_by_stage() {
        let token = Registration::Token(Secret::new("T"));
        let both = ["m.login.registration_token", "m.login.dummy"];
        let check = |dialogue: &Value, means: &Registration, expected: NextStage| {
            assert_eq!(next_stage(dialogue, means), expected, "{dialogue}");
        };
        let first = json!({"type": "m.login.registration_token", "token": "T", "session": "S"});
        let dummy = json!({"type": "m.login.dummy", "session": "S"});
        check(&dialogue(&both, &[]), &token, NextStage::Answer(first));
        check(&dialogue(&both, &both[..1]), &token, NextStage::Answer(dummy.clone()));
        check(&dialogue(&both[1..], &[]), &Registration::Open, NextStage::Answer(dummy));
        check(&dialogue(&both, &[]), &Registration::Open, NextStage::Impossible);
        check(&dialogue(&["m.login.terms"], &[]), &token, NextStage::Impossible);
        check(&json!(null), &token, NextStage::Impossible);
    }
}
