//! A fact to keep for later conversations.

use std::sync::Arc;

use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::{
    About, Deed, Hands, Tool, ToolError,
    spec::{spec, text},
};
use crate::model::ToolSpec;

/// The longest fact, in characters.
const FACT_CHARS_MAX: usize = 2_000;

/// The tool.
pub(super) struct Remember;

impl Tool for Remember {
    fn spec(&self) -> ToolSpec {
        spec(
            "remember",
            "Keeps a fact for later conversations: a sentence that can be understood by itself. Use it when somebody \
             asks you to remember something, or tells you something lasting about themselves or their work.",
            &json!({
                "fact": { "type": "string", "minLength": 1, "maxLength": FACT_CHARS_MAX },
                "about": {
                    "type": "string",
                    "enum": ["person", "room"],
                    "description": "Whom it is about: the person you answer, or everybody in this room. Default: room.",
                },
            }),
            &["fact"],
        )
    }

    fn call(&self, input: Value, hands: Arc<dyn Hands>) -> Deed<'_, String> {
        let fact = text(&input, "fact");
        let about = if input["about"] == "person" { About::Person } else { About::Room };
        async move {
            if fact.is_empty() {
                return Err(ToolError::bad_input("`fact` is empty"));
            }
            hands.remember(fact, about).await?;
            Ok("It is kept.".to_owned())
        }
        .boxed()
    }
}
