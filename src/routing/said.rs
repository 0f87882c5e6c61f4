//! Something that was said, as a model is shown it.

/// A message with the name of whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said {
    /// What its author is called.
    pub name: String,
    /// What it says.
    pub text: String,
}
