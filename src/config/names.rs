//! Every name that the file defines, whether or not what it names is right: a reference to it is no second error.

use std::collections::BTreeSet;

use super::node::Node;

/// The names, in the order of the file.
pub(super) struct Names {
    pub(super) agents: Vec<String>,
    pub(super) teams: Vec<String>,
    pub(super) models: Vec<String>,
    /// Keys of `rooms`, and rooms that agents and teams name.
    pub(super) rooms: BTreeSet<String>,
}

impl Names {
    pub(super) fn of(tree: &Node) -> Self {
        let keys = |section: &str| -> Vec<String> {
            let section = tree.get(section);
            section.map(Node::keys).unwrap_or_default().into_iter().map(ToOwned::to_owned).collect()
        };
        Self {
            agents: keys("agents"),
            teams: keys("teams"),
            models: keys("models"),
            rooms: keys("rooms").into_iter().collect(),
        }
    }

    /// Router, agents and teams.
    pub(super) fn entities(&self) -> impl Iterator<Item = &str> {
        std::iter::once("router").chain(self.agents.iter().chain(&self.teams).map(String::as_str))
    }
}

/// What people see where no name is given: `dev_talk` becomes `Dev talk`.
pub(super) fn title(name: &str) -> String {
    let words = name.replace(['_', '-', '.'], " ");
    let words = words.trim();
    let mut chars = words.chars();
    chars.next().map_or_else(|| name.to_owned(), |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_titles() {
        assert_eq!(title("dev_talk"), "Dev talk");
        assert_eq!(title("deep-research"), "Deep research");
        assert_eq!(title("_"), "_");
    }
}
