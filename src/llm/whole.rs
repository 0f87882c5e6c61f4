//! An answer as a whole, for those who can't do anything with half of one, and the object that stands in it.

use futures_util::{StreamExt as _, stream::BoxStream};
use serde_json::Value;

use super::{LlmError, Piece};
use crate::model::{ToolCall, Usage};

/// All of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Whole {
    /// What it says.
    pub text: String,
    /// The tools that it wants used.
    pub calls: Vec<ToolCall>,
    /// What it cost.
    pub usage: Usage,
}

/// Waits for the end of an answer.
///
/// # Errors
/// What the stream ends with, whatever was said before.
pub async fn whole(mut answer: BoxStream<'static, Result<Piece, LlmError>>) -> Result<Whole, LlmError> {
    let mut whole = Whole::default();
    while let Some(piece) = answer.next().await {
        match piece? {
            Piece::Text(text) => whole.text.push_str(&text),
            Piece::Call(call) => whole.calls.push(call),
            Piece::Done(usage) => return Ok(Whole { usage, ..whole }),
        }
    }
    Err(LlmError::Truncated)
}

/// The JSON object in an answer that should be nothing else, also where a model put it between words or code fences.
#[must_use]
pub fn object_in(answer: &str) -> Option<Value> {
    let inner = answer.get(answer.find('{')?..=answer.rfind('}')?)?;
    serde_json::from_str(inner).ok().filter(Value::is_object)
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn an_answer_is_gathered_to_its_end() {
        let call = ToolCall { id: "1".to_owned(), name: "time".to_owned(), input: json!({}) };
        let usage = Usage { input_tokens: 1, output_tokens: 2 };
        let text = |text: &str| Ok(Piece::Text(text.to_owned()));
        let pieces = vec![text("a"), text(" b"), Ok(Piece::Call(call.clone())), Ok(Piece::Done(usage))];
        let expected = Whole { text: "a b".to_owned(), calls: vec![call], usage };
        assert_eq!(whole(stream::iter(pieces).boxed()).await, Ok(expected));
        let failing = vec![text("a"), Err(LlmError::Refused)];
        assert_eq!(whole(stream::iter(failing).boxed()).await, Err(LlmError::Refused));
        assert_eq!(whole(stream::iter(vec![text("a")]).boxed()).await, Err(LlmError::Truncated));
    }

    #[test]
    fn the_object_is_found_among_words() {
        let check = |answer: &str, expected: Option<Value>| assert_eq!(object_in(answer), expected, "{answer}");
        check(r#"{"a": 1}"#, Some(json!({"a": 1})));
        check("Sure!\n```json\n{\"a\": {\"b\": 2}}\n```\nDone.", Some(json!({"a": {"b": 2}})));
        check("{}", Some(json!({})));
        check("[1]", None);
        check("} {", None);
        check("{", None);
        check("no", None);
        check("{a}", None);
    }
}
