//! Messages of the conversation that the model isn't shown by itself.

use std::sync::Arc;

use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::{Deed, Hands, Tool, spec::spec};
use crate::model::ToolSpec;

/// How many messages are read where the model doesn't say.
const MESSAGES: u64 = 30;
/// How many messages are read at once at most.
const MESSAGES_MAX: u64 = 100;

/// The tool.
pub(super) struct ReadThread;

impl Tool for ReadThread {
    fn spec(&self) -> ToolSpec {
        spec(
            "read_thread",
            "Reads messages of this conversation word for word, also old ones of which you only have a summary. Each \
             comes with its number, author and time. Gives the newest ones unless you say before which number.",
            &json!({
                "before": { "type": "integer", "minimum": 1, "description": "Only messages before this number." },
                "limit": { "type": "integer", "minimum": 1, "maximum": MESSAGES_MAX, "description": "How many. Default: 30." },
            }),
            &[],
        )
    }

    fn only_looks(&self) -> bool {
        true
    }

    fn call(&self, input: Value, hands: Arc<dyn Hands>) -> Deed<'_, String> {
        let number = |field: &str| input[field].as_u64().and_then(|number| usize::try_from(number).ok());
        let before = number("before");
        let limit = number("limit").unwrap_or(usize::try_from(MESSAGES).unwrap_or(usize::MAX));
        async move {
            let excerpt = hands.read_thread(before, limit).await?;
            Ok(match excerpt.lines.as_slice() {
                [] => format!("There are no such messages; the conversation has {}.", excerpt.total),
                lines => format!("{} of {} messages:\n\n{}", lines.len(), excerpt.total, lines.join("\n\n")),
            })
        }
        .boxed()
    }
}
