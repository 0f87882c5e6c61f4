//! An emoji on the message that is answered.

use std::sync::Arc;

use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::{
    Deed, Hands, Tool, ToolError,
    spec::{spec, text},
};
use crate::model::ToolSpec;

/// The longest reaction, in characters: an emoji may consist of several.
const KEY_CHARS_MAX: usize = 16;

/// The tool.
pub(super) struct React;

impl Tool for React {
    fn spec(&self) -> ToolSpec {
        spec(
            "react",
            "Puts one emoji as a reaction on the message you are answering. You still have to answer in words.",
            &json!({ "emoji": { "type": "string", "minLength": 1, "maxLength": KEY_CHARS_MAX, "description": "Such as 👍." } }),
            &["emoji"],
        )
    }

    fn call(&self, input: Value, hands: Arc<dyn Hands>) -> Deed<'_, String> {
        let key = text(&input, "emoji");
        async move {
            // Letters would pass for words in people's clients, and 🛑 or 🔁 for their own wish.
            if key.is_empty() || key.chars().any(char::is_alphanumeric) || ["🛑", "🔁"].contains(&key.as_str()) {
                return Err(ToolError::bad_input("`emoji` must be an emoji, and neither 🛑 nor 🔁"));
            }
            hands.react(key).await?;
            Ok("It is there.".to_owned())
        }
        .boxed()
    }
}
