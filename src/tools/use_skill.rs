//! The instructions of a skill that the agent has, as they stood when its answer began.

use std::sync::Arc;

use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::{
    Deed, Hands, Tool, ToolError,
    spec::{spec, text},
};
use crate::{config::Skill, model::ToolSpec};

/// The tool, for the skills of one agent. It takes a name and never a path: what isn't among these can't be reached.
#[derive(Debug)]
pub struct UseSkill {
    skills: Vec<Arc<Skill>>,
}

impl UseSkill {
    /// How a model calls it.
    pub const NAME: &str = "use_skill";

    /// The tool that gives these skills.
    #[must_use]
    pub fn of(skills: Vec<Arc<Skill>>) -> Self {
        Self { skills }
    }
}

impl Tool for UseSkill {
    fn spec(&self) -> ToolSpec {
        let names: Vec<&str> = self.skills.iter().map(|skill| skill.name.as_str()).collect();
        spec(
            Self::NAME,
            "Gives you the instructions of one of your skills. Call it before you do what the skill is for.",
            &json!({ "name": { "type": "string", "enum": names } }),
            &["name"],
        )
    }

    fn only_looks(&self) -> bool {
        true
    }

    /// Half of some instructions may be worse than none. How long they can be is bounded where they are read.
    fn outcome_chars_max(&self) -> usize {
        usize::MAX
    }

    fn call(&self, input: Value, _hands: Arc<dyn Hands>) -> Deed<'_, String> {
        let name = text(&input, "name");
        async move {
            let skill = self.skills.iter().find(|skill| skill.name == name);
            let skill = skill.ok_or(ToolError::Unable { why: "you have no such skill" })?;
            Ok(format!("Instructions of your skill “{name}”:\n\n{}", skill.instructions))
        }
        .boxed()
    }
}
