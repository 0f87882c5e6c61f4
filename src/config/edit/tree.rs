//! The tree of one file: read, compared, and changed as its text is to be.

use std::sync::Arc;

use super::change::Stuck;
use crate::config::{
    budget::Budget,
    key_path::{KeyPath, Step},
    node::{Entry, FileId, Node, Scalar, Span, Value},
    parse::{Origin, parse},
};

/// The tree of a text, unless it is empty.
pub(super) fn read(text: &str) -> Result<Option<Node>, Stuck> {
    read_at(text, &KeyPath::default())
}

/// The same of a text whose top stands at `path`.
pub(super) fn read_at(text: &str, path: &KeyPath) -> Result<Option<Node>, Stuck> {
    let parsed = parse(text, &Origin { file: FileId(0), path }, &mut Budget::full());
    if parsed.faults.is_empty() { Ok(parsed.root) } else { Err(Stuck::Broken) }
}

/// Whether a value is none.
pub(super) fn is_nothing(node: &Node) -> bool {
    matches!(&node.value, Value::Scalar(scalar) if scalar.is_null())
}

/// No value.
pub(super) fn nothing(span: Span) -> Node {
    let value = Value::Scalar(Scalar { text: Arc::from(""), typed: None, plain: true, secret: false });
    Node { value, span }
}

/// Whether two trees say the same, wherever they say it.
pub(super) fn is_same(one: &Node, other: &Node) -> bool {
    match (&one.value, &other.value) {
        (Value::Scalar(one), Value::Scalar(other)) => {
            one.text == other.text && one.plain == other.plain || one.is_null() && other.is_null()
        }
        (Value::List(one), Value::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Map(one), Value::Map(other)) => {
            let pairs = one.iter().zip(other);
            one.len() == other.len() && pairs.into_iter().all(|(a, b)| a.key == b.key && is_same(&a.node, &b.node))
        }
        (Value::Include(one), Value::Include(other)) => one.path == other.path && one.kind == other.kind,
        (Value::Scalar(_) | Value::List(_) | Value::Map(_) | Value::Include(_) | Value::Gone, _) => false,
    }
}

/// Puts `value` where `steps` lead, at the end of what it is added to.
pub(super) fn put(node: &mut Node, steps: &[Step], value: Node) {
    let Some((first, rest)) = steps.split_first() else {
        *node = value;
        return;
    };
    let span = node.span;
    if is_nothing(node) {
        node.value = match first {
            Step::Key(_) => Value::Map(Vec::new()),
            Step::Index(_) => Value::List(Vec::new()),
        };
    }
    match (&mut node.value, first) {
        (Value::Map(entries), Step::Key(key)) => {
            if !entries.iter().any(|entry| *entry.key == **key) {
                entries.push(Entry { key: key.as_str().into(), key_span: span, node: nothing(span) });
            }
            let entry = entries.iter_mut().find(|entry| *entry.key == **key);
            put(&mut entry.expect("it was added where it was missing").node, rest, value);
        }
        (Value::List(items), Step::Index(index)) => {
            if *index == items.len() {
                items.push(nothing(span));
            }
            if let Some(item) = items.get_mut(*index) {
                put(item, rest, value);
            }
        }
        (Value::Scalar(_) | Value::List(_) | Value::Map(_) | Value::Include(_) | Value::Gone, _) => {}
    }
}
