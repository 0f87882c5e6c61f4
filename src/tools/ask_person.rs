//! A question to people in the middle of an answer.

use std::{collections::BTreeSet, sync::Arc};

use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::{
    Deed, Hands, Question, Reaction, Tool, ToolError,
    spec::{spec, text},
};
use crate::model::ToolSpec;

/// How many answers people can choose from.
const ANSWERS_MAX: usize = 5;
/// The longest question, in characters.
const QUESTION_CHARS_MAX: usize = 2_000;
/// The longest answer to choose, in characters.
const ANSWER_CHARS_MAX: usize = 200;

/// The tool.
pub(super) struct AskPerson;

impl Tool for AskPerson {
    fn spec(&self) -> ToolSpec {
        spec(
            "ask_person",
            "Asks the person a question with up to five short answers to tap on, and waits for the choice. Use it when \
             you can't go on without a decision that only they can make.",
            &json!({
                "question": { "type": "string", "minLength": 1, "maxLength": QUESTION_CHARS_MAX },
                "answers": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": ANSWERS_MAX,
                    "items": { "type": "string", "minLength": 1, "maxLength": ANSWER_CHARS_MAX },
                },
            }),
            &["question", "answers"],
        )
    }

    fn call(&self, input: Value, hands: Arc<dyn Hands>) -> Deed<'_, String> {
        let answers = input["answers"].as_array().map(Vec::as_slice).unwrap_or_default();
        let answers: Vec<String> =
            answers.iter().filter_map(Value::as_str).map(|text| text.trim().to_owned()).collect();
        let question = Question { text: text(&input, "question"), answers };
        async move {
            if question.answers.iter().collect::<BTreeSet<_>>().len() < question.answers.len() {
                return Err(ToolError::bad_input("two of the `answers` are the same"));
            }
            Ok(match hands.ask(question).await? {
                Reaction::Chose(answer) => format!("They chose: {answer}"),
                Reaction::WroteInstead => {
                    "They wrote something instead of choosing. You will be shown it next: end your \
                                           answer here with a few words, without assuming a choice."
                        .to_owned()
                }
                Reaction::Silence => "Nobody has chosen for a long time. Say what you would need to know.".to_owned(),
            })
        }
        .boxed()
    }
}
