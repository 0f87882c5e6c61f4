//! What a person typed as a value, as it can stand in a file.
#![expect(
    unreachable_pub,
    reason = "mod.rs hands these up to the configuration, and there is no visibility in between"
)]

use super::{
    change::Stuck,
    tree::{is_same, read, read_at},
};
use crate::config::{
    key_path::KeyPath,
    node::{Entry, Node, Value},
    yaml::in_quotes,
};

/// What ends a value in brackets.
pub(super) const FLOW_ENDS: [char; 5] = [',', '[', ']', '{', '}'];

/// What a person typed as a value, as a fragment: what begins with a quote or a bracket is YAML, anything else stands for
/// itself and gets quotes where it needs them.
pub fn fragment(typed: &str) -> Result<String, Stuck> {
    let typed = typed.trim();
    if is_bare(typed) {
        let means_itself = match read(&format!("key: {typed}")) {
            Ok(Some(Node { value: Value::Map(entries), .. })) => entries.iter().all(|entry| reads_as(entry, typed)),
            Ok(_) | Err(_) => false,
        };
        return Ok(if means_itself && !typed.is_empty() { typed.to_owned() } else { in_quotes(typed) });
    }
    let line = typed.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    // Inside brackets, too, it must be what it is: then no comment follows it that would swallow what comes behind.
    match (read(typed), read(&format!("[{line}]")).map(|list| list.map(|list| list.value))) {
        (Ok(Some(meant)), Ok(Some(Value::List(items)))) => match items.as_slice() {
            [item] if is_same(&meant, item) && !holds_include(item) => Ok(line),
            _ => Err(Stuck::NoValue),
        },
        (Ok(_) | Err(_), _) => Err(Stuck::NoValue),
    }
}

/// The value that a fragment stands for.
pub fn value_of(fragment: &str, path: &KeyPath) -> Result<Node, Stuck> {
    read_at(fragment, path).ok().flatten().ok_or(Stuck::NoValue)
}

/// Whether a fragment is neither in quotes nor in brackets.
pub(super) fn is_bare(fragment: &str) -> bool {
    !fragment.starts_with(['"', '\'', '[', '{'])
}

fn reads_as(entry: &Entry, text: &str) -> bool {
    matches!(&entry.node.value, Value::Scalar(scalar) if scalar.plain && &*scalar.text == text)
}

fn holds_include(node: &Node) -> bool {
    match &node.value {
        Value::Include(_) => true,
        Value::List(items) => items.iter().any(holds_include),
        Value::Map(entries) => entries.iter().any(|entry| holds_include(&entry.node)),
        Value::Scalar(_) | Value::Gone => false,
    }
}
