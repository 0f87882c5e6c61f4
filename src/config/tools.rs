//! The tools that an agent has, by name.

use super::{
    compile::Compiler,
    fault::{Fault, VALUE},
    key_path::KeyPath,
    raw,
};

/// The built-in tools, by name.
pub const TOOLS: [&str; 6] = ["time", "read_thread", "react", "ask_person", "remember", "recall"];

impl Compiler<'_> {
    /// The tools of `defaults.tools`, if any are named there.
    pub(super) fn default_tools(&mut self) -> Option<Vec<String>> {
        self.tool_names(self.raw.defaults.tools.as_deref(), &KeyPath::of(&["defaults", "tools"]))
    }

    /// An agent's own tools and those that every agent has; where neither names any, all there are.
    pub(super) fn tools(&mut self, raw: &raw::Agent, path: &KeyPath, shared: Option<&[String]>) -> Vec<String> {
        let own = self.tool_names(raw.tools.as_deref(), &path.key("tools"));
        let shared = shared.filter(|_| raw.include_default_tools.unwrap_or(true));
        if own.is_none() && shared.is_none() {
            return TOOLS.map(ToOwned::to_owned).to_vec();
        }
        let mut tools = own.unwrap_or_default();
        for tool in shared.into_iter().flatten() {
            if !tools.contains(tool) {
                tools.push(tool.clone());
            }
        }
        tools
    }

    /// The names in a list, each once. A list of nothing but tools that we don't have says nothing about those we have.
    fn tool_names(&mut self, typed: Option<&[String]>, path: &KeyPath) -> Option<Vec<String>> {
        let typed = typed?;
        let mut tools: Vec<String> = Vec::new();
        for (index, tool) in typed.iter().enumerate() {
            let name = tool.trim();
            if !TOOLS.contains(&name) {
                self.unknown_tool(name, &path.index(index));
            } else if !tools.iter().any(|other| other == name) {
                tools.push(name.to_owned());
            }
        }
        let set_aside = self.given.tree.at(path).is_some_and(|(node, _)| node.len() > 0);
        (!tools.is_empty() || !set_aside).then_some(tools)
    }

    fn unknown_tool(&mut self, name: &str, path: &KeyPath) {
        let near = self.did_you_mean(name, TOOLS.into_iter());
        let fault = Fault::value(path, format!("there is no tool {VALUE}"));
        self.note(fault.hint(format!("there are {}", TOOLS.join(", "))).maybe_hint(near));
    }
}
