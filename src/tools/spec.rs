//! How a built-in tool is described, and its input read.

use serde_json::{Value, json};

use crate::model::ToolSpec;

/// A tool that takes `properties`, those in `required` always, and nothing else.
pub(super) fn spec(name: &str, description: &str, properties: &Value, required: &[&str]) -> ToolSpec {
    let parameters =
        json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false });
    ToolSpec { name: name.to_owned(), description: description.to_owned(), parameters }
}

/// A text field. The schema was held against the input before.
pub(super) fn text(input: &Value, field: &str) -> String {
    input[field].as_str().unwrap_or_default().trim().to_owned()
}
