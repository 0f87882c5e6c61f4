//! What goes into a Python environment, and what a person is told while it is made.

use std::fmt;

/// Synapse, the homeserver.
pub const SYNAPSE: Recipe = Recipe {
    name: "synapse",
    version: "1.163.2",
    packages: &["matrix-synapse==1.163.2"],
    imports: "synapse.app.homeserver",
};

/// A Python environment to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipe {
    /// What it is called: part of its folder's name.
    pub name: &'static str,
    /// Changes whenever `packages` do: the other part of its folder's name.
    pub version: &'static str,
    /// The packages, pinned, as `pip` takes them.
    pub packages: &'static [&'static str],
    /// The module that is imported once, to see that it works and to have everything compiled for later starts.
    pub imports: &'static str,
}

impl Recipe {
    /// The name of the environment's folder.
    pub(super) fn folder(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }
}

/// Something that takes a while, told to the person who waits for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Another process makes the same environment; we wait for it.
    Waiting {
        /// What is being made.
        recipe: Recipe,
    },
    /// The packages are fetched and unpacked.
    Installing {
        /// What is being made.
        recipe: Recipe,
        /// The version of the Python that it is made with.
        python: String,
        /// The program that does it.
        tool: &'static str,
    },
    /// The modules are compiled, once.
    Compiling {
        /// What is being made.
        recipe: Recipe,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting { recipe } => write!(f, "waiting for another process that is installing {recipe}"),
            Self::Installing { recipe, python, tool } => {
                write!(f, "installing {recipe} with {tool} and Python {python} (this is done once)")
            }
            Self::Compiling { recipe } => write!(f, "preparing {recipe} for its first start"),
        }
    }
}

impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_says_what_is_being_made() {
        let check = |step: &Step, expected: &str| assert_eq!(step.to_string(), expected);
        check(&Step::Waiting { recipe: SYNAPSE }, "waiting for another process that is installing synapse 1.163.2");
        check(
            &Step::Installing { recipe: SYNAPSE, python: "3.11.7".to_owned(), tool: "pip" },
            "installing synapse 1.163.2 with pip and Python 3.11.7 (this is done once)",
        );
        check(&Step::Compiling { recipe: SYNAPSE }, "preparing synapse 1.163.2 for its first start");
    }

    #[test]
    fn the_version_is_pinned_once() {
        assert_eq!(SYNAPSE.packages, [format!("matrix-synapse=={}", SYNAPSE.version)]);
        assert_eq!(SYNAPSE.folder(), "synapse-1.163.2");
    }
}
