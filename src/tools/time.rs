//! What time it is.

use std::sync::Arc;

use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::{Deed, Hands, Tool, spec::spec};
use crate::model::ToolSpec;

/// The tool.
pub(super) struct Time;

impl Tool for Time {
    fn spec(&self) -> ToolSpec {
        spec("time", "Tells the current date and time, with the weekday and the time zone.", &json!({}), &[])
    }

    fn only_looks(&self) -> bool {
        true
    }

    fn call(&self, _input: Value, hands: Arc<dyn Hands>) -> Deed<'_, String> {
        async move { Ok(hands.now()) }.boxed()
    }
}
