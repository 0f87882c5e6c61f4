//! Facts and turns that were kept.

use std::sync::Arc;

use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::{
    Deed, Hands, Tool,
    spec::{spec, text},
};
use crate::model::ToolSpec;

/// The longest question to the memory, in characters.
const WORDS_CHARS_MAX: usize = 500;

/// The tool.
pub(super) struct Recall;

impl Tool for Recall {
    fn spec(&self) -> ToolSpec {
        spec(
            "recall",
            "Searches what you kept: facts, and what was asked and answered in this room before. Give the words that the \
             note probably holds.",
            &json!({ "words": { "type": "string", "minLength": 1, "maxLength": WORDS_CHARS_MAX } }),
            &["words"],
        )
    }

    fn only_looks(&self) -> bool {
        true
    }

    fn call(&self, input: Value, hands: Arc<dyn Hands>) -> Deed<'_, String> {
        let words = text(&input, "words");
        async move {
            Ok(match hands.recall(words).await?.as_slice() {
                [] => "Nothing was kept about that.".to_owned(),
                found => found.join("\n\n"),
            })
        }
        .boxed()
    }
}
