//! A configuration as a tree in which every value knows the file, line and column it was typed at.

use std::sync::Arc;

use super::key_path::{KeyPath, Step};

/// Which of the files that were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FileId(pub(super) usize);

/// Where something was typed. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) file: FileId,
    pub(super) line: usize,
    pub(super) column: usize,
    /// The first byte in the file.
    pub(super) start: usize,
    /// The byte after the last.
    pub(super) end: usize,
}

/// One value.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) span: Span,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// The content of another file, not read yet.
    Include(Include),
    /// Taken out because it was reported already, so that nothing is reported twice.
    Gone,
}

/// A single value: text, number, yes or no, or nothing.
#[derive(Debug, Clone)]
pub(super) struct Scalar {
    pub(super) text: Arc<str>,
    /// What stood in the file, where `text` has variables filled in.
    pub(super) typed: Option<Arc<str>>,
    /// Whether it stands without quotes, so that it may also be a number, yes or no, or nothing.
    pub(super) plain: bool,
    /// Whether it stands under a key whose values are secrets.
    pub(super) secret: bool,
}

/// One key with its value.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: Arc<str>,
    pub(super) key_span: Span,
    pub(super) node: Node,
}

/// What to put in place of an include tag.
#[derive(Debug, Clone)]
pub(super) struct Include {
    pub(super) path: Arc<str>,
    pub(super) kind: IncludeKind,
}

/// The sort of an include tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IncludeKind {
    /// `!include`: the parsed content.
    Yaml,
    /// `!include_text`: the text as it is.
    Text,
}

impl Scalar {
    /// Whether this stands for "nothing": an empty place, `~` or `null`, all without quotes.
    pub(super) fn is_null(&self) -> bool {
        self.plain && self.typed.is_none() && matches!(&*self.text, "" | "~" | "null" | "Null" | "NULL")
    }

    /// Yes or no, if it is one.
    pub(super) fn as_bool(&self) -> Option<bool> {
        match (&*self.text, self.plain) {
            ("true" | "True" | "TRUE", true) => Some(true),
            ("false" | "False" | "FALSE", true) => Some(false),
            (_, true | false) => None,
        }
    }

    /// What stood in the file.
    pub(super) fn as_typed(&self) -> &str {
        self.typed.as_deref().unwrap_or(&self.text)
    }
}

impl Node {
    /// A value that was reported already.
    pub(super) fn gone(span: Span) -> Self {
        Self { value: Value::Gone, span }
    }

    /// Whether it was reported already.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self.value, Value::Gone)
    }

    /// What sort of value it is, with an article, for a message.
    pub(super) fn sort(&self) -> &'static str {
        match &self.value {
            Value::Scalar(scalar) if scalar.is_null() => "nothing",
            Value::Scalar(_) | Value::Include(_) => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a section",
            Value::Gone => "a mistake",
        }
    }

    /// The value of `key`.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// The entry of `key`.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|entry| &*entry.key == key),
            Value::Scalar(_) | Value::List(_) | Value::Include(_) | Value::Gone => None,
        }
    }

    /// How many elements a list has, also counting those that were taken out.
    pub(super) fn len(&self) -> usize {
        match &self.value {
            Value::List(items) => items.len(),
            Value::Scalar(_) | Value::Map(_) | Value::Include(_) | Value::Gone => 0,
        }
    }

    /// The keys of a section, also of those whose value was taken out.
    pub(super) fn keys(&self) -> Vec<&str> {
        match &self.value {
            Value::Map(entries) => entries.iter().map(|entry| &*entry.key).collect(),
            Value::Scalar(_) | Value::List(_) | Value::Include(_) | Value::Gone => Vec::new(),
        }
    }

    /// The value at `path`, places in lists counted as typed, and where its key stands.
    pub(super) fn at(&self, path: &KeyPath) -> Option<(&Self, Option<Span>)> {
        let mut found = (self, None);
        for step in &path.0 {
            found = match (&found.0.value, step) {
                (Value::Map(_), Step::Key(key)) => {
                    found.0.entry(key).map(|entry| (&entry.node, Some(entry.key_span)))?
                }
                (Value::List(items), Step::Index(index)) => (items.get(*index)?, None),
                _ => return None,
            };
        }
        Some(found)
    }

    /// Takes out the value at `path`, places in lists counted as typed.
    pub(super) fn prune(&mut self, path: &KeyPath) {
        let mut node = self;
        for step in &path.0 {
            let next = match (&mut node.value, step) {
                (Value::Map(entries), Step::Key(key)) => {
                    entries.iter_mut().find(|entry| *entry.key == **key).map(|entry| &mut entry.node)
                }
                (Value::List(items), Step::Index(index)) => items.get_mut(*index),
                _ => None,
            };
            match next {
                Some(next) => node = next,
                None => return,
            }
        }
        node.value = Value::Gone;
    }

    /// Finds the value at `path`, or how far it leads. Places in lists are counted without what was taken out.
    pub(super) fn locate(&self, path: &KeyPath) -> Located<'_> {
        let mut located =
            Located { node: self, key_span: None, path: KeyPath::default(), complete: true, reported: self.is_gone() };
        for step in &path.0 {
            let next = match (&located.node.value, step) {
                (Value::Map(_), Step::Key(key)) => {
                    located.node.entry(key).map(|entry| (&entry.node, Some(entry.key_span), located.path.key(key)))
                }
                (Value::List(items), Step::Index(wanted)) => items
                    .iter()
                    .enumerate()
                    .filter(|(_, item)| !item.is_gone())
                    .nth(*wanted)
                    .map(|(index, item)| (item, None, located.path.index(index))),
                _ => None,
            };
            let Some((node, key_span, path)) = next else {
                located.complete = false;
                return located;
            };
            located = Located { node, key_span, path, complete: true, reported: node.is_gone() };
        }
        located
    }
}

/// Where a path led.
pub(super) struct Located<'a> {
    /// The last value on the way that is there.
    pub(super) node: &'a Node,
    /// Where its key stands, unless it is a list element.
    pub(super) key_span: Option<Span>,
    /// The path to it, with places in lists counted as typed.
    pub(super) path: KeyPath,
    /// Whether the whole path is there.
    pub(super) complete: bool,
    /// Whether the value, or one above it, was taken out.
    pub(super) reported: bool,
}
