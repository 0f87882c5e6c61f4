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

    /// The path that somebody typed as it is shown: keys with dots between them, in double quotes where they hold anything
    /// but letters, digits, `_`, `-` and `*`; `[1]` is the second element of a list.
    pub(super) fn parse(typed: &str) -> Option<Self> {
        let mut steps = Vec::new();
        let mut rest = typed.trim();
        while !rest.is_empty() {
            if let Some(inside) = rest.strip_prefix('[') {
                let (number, after) = inside.split_once(']')?;
                steps.push(Step::Index(number.trim().parse().ok()?));
                rest = after;
            } else {
                let from = if steps.is_empty() { rest } else { rest.strip_prefix('.')? };
                let (key, after) = first_key(from)?;
                steps.push(Step::Key(key));
                rest = after;
            }
        }
        (!steps.is_empty()).then_some(Self(steps))
    }

    fn then(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }
}

/// The key that a text begins with, and what follows it.
fn first_key(text: &str) -> Option<(String, &str)> {
    if let Some(inside) = text.strip_prefix('"') {
        let (mut key, mut chars) = (String::new(), inside.char_indices());
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => return Some((key, &inside[at + 1..])),
                '\\' => key.push(chars.next()?.1),
                c => key.push(c),
            }
        }
        return None;
    }
    let (key, after) = text.split_at(text.find(['.', '[']).unwrap_or(text.len()));
    (!key.is_empty()).then(|| (key.to_owned(), after))
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

    /// X10: what is shown can be typed.
    #[test]
    fn a_path_is_read_as_it_is_shown() {
        let odd = KeyPath::of(&["authorization", "room_permissions", "#x.y:z"]).index(0);
        for path in [KeyPath::of(&["agents", "writer", "rooms"]).index(12), KeyPath::of(&["skills"]), odd] {
            assert_eq!(KeyPath::parse(&path.to_string()), Some(path.clone()), "{path}");
        }
        assert_eq!(KeyPath::parse("a.\"b\\\"c\"[0].d"), Some(KeyPath::of(&["a", "b\"c"]).index(0).key("d")));
        for typed in ["", ".a", "a..b", "a.", "a[", "a[x]", "a[0]b", "a.\"b"] {
            assert_eq!(KeyPath::parse(typed), None, "{typed}");
        }
    }
}
