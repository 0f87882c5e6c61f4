//! The way from the top of a configuration to one value: `agents.writer.rooms[1]`.

use std::fmt;

use super::quote::clip;

/// One step on a [`KeyPath`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Into the value of this key.
    Key(String),
    /// Into this element of a list, from 0.
    Index(usize),
}

/// The way from the top to one value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct KeyPath(pub(super) Vec<Step>);

impl KeyPath {
    /// The path of these keys.
    pub(super) fn of(keys: &[&str]) -> Self {
        Self(keys.iter().map(|key| Step::Key((*key).to_owned())).collect())
    }

    /// This path, one key further.
    pub(super) fn key(&self, key: &str) -> Self {
        self.then(Step::Key(key.to_owned()))
    }

    /// This path, one list element further.
    pub(super) fn index(&self, index: usize) -> Self {
        self.then(Step::Index(index))
    }

    fn then(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) => {
                    let dot = if depth == 0 { "" } else { "." };
                    let plain =
                        key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'*' | b'<'));
                    if plain && !key.is_empty() && key.len() <= 64 {
                        write!(f, "{dot}{key}")?;
                    } else {
                        write!(f, "{dot}{:?}", clip(key))?;
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_as_people_write_it() {
        let path = KeyPath::of(&["agents", "writer", "rooms"]).index(1);
        assert_eq!(path.to_string(), "agents.writer.rooms[1]");
        let odd = KeyPath::of(&["authorization", "room_permissions", "#x:y"]);
        assert_eq!(odd.to_string(), "authorization.room_permissions.\"#x:y\"");
        assert_eq!(KeyPath::default().to_string(), "");
    }
}
