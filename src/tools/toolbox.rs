//! The tools of one agent: what its model is shown, and the one way to call them.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde_json::{Map, Value};

use super::{Hands, Tool, ToolError, builtin, schema};
use crate::model::{ToolCall, ToolSpec};

/// How much a model is told of why a call does nothing, in characters: the call may be quoted in it.
const REFUSAL_CHARS_MAX: usize = 20_000;

/// Tools by name. Cloning gives the same ones.
#[derive(Clone, Default)]
pub struct Toolbox(BTreeMap<String, Entry>);

#[derive(Clone)]
struct Entry {
    tool: Arc<dyn Tool>,
    spec: ToolSpec,
}

impl Toolbox {
    /// The built-in tools of these names. Names that are no tool's are passed over: the configuration refuses them.
    #[must_use]
    pub fn of(names: &[String]) -> Self {
        let wanted = |tool: &Arc<dyn Tool>| names.contains(&tool.spec().name);
        builtin::all().into_iter().filter(wanted).fold(Self::default(), Self::with)
    }

    /// These tools and one more. A tool of the same name is replaced.
    #[must_use]
    pub fn with(mut self, tool: Arc<dyn Tool>) -> Self {
        let spec = tool.spec();
        self.0.insert(spec.name.clone(), Entry { tool, spec });
        self
    }

    /// These tools without the one of this name.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    /// What the model is told about them.
    #[must_use]
    pub fn specs(&self) -> Vec<ToolSpec> {
        self.0.values().map(|entry| entry.spec.clone()).collect()
    }

    /// Whether there is a tool of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Whether the tool of this name changes nothing anywhere.
    #[must_use]
    pub fn only_looks(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|entry| entry.tool.only_looks())
    }

    /// Why a call does nothing at all, in words for the model: there is no such tool, or the input doesn't fit.
    #[must_use]
    pub fn refusal(&self, call: &ToolCall) -> Option<String> {
        self.find(call).err().map(|error| cut(error.to_string(), REFUSAL_CHARS_MAX))
    }

    /// Has a tool do what the model wants, and gives what came of it in words for the model: failures, too.
    pub async fn call(&self, call: &ToolCall, hands: Arc<dyn Hands>) -> String {
        match self.find(call) {
            Ok((tool, input)) => {
                let outcome = tool.call(input, hands).await.unwrap_or_else(|error| error.to_string());
                cut(outcome, tool.outcome_chars_max())
            }
            Err(error) => cut(error.to_string(), REFUSAL_CHARS_MAX),
        }
    }

    fn find(&self, call: &ToolCall) -> Result<(&dyn Tool, Value), ToolError> {
        let Some(entry) = self.0.get(&call.name) else {
            let known = self.0.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            return Err(ToolError::NoSuchTool { name: call.name.clone(), known });
        };
        // Models say nothing at all where there is nothing to say.
        let input = if call.input.is_null() { Value::Object(Map::new()) } else { call.input.clone() };
        schema::check(&entry.spec.parameters, &input).map_err(ToolError::bad_input)?;
        Ok((entry.tool.as_ref(), input))
    }
}

impl fmt::Debug for Toolbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn cut(outcome: String, chars_max: usize) -> String {
    match outcome.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}\n(The rest is cut off.)", &outcome[..end]),
        None => outcome,
    }
}
