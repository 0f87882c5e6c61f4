//! How values are written for people to read: as YAML, with secrets hidden.

use std::fmt::Write as _;

use super::{
    key_path::{KeyPath, Step},
    nearest::nearest,
    node::{Entry, IncludeKind, Node, Scalar, Value},
    sources::{MASK, is_secret_key, without_passwords},
};

/// Keys of secrets, for those that are misspelt.
const SECRET_KEYS: [&str; 7] = [
    "api_key",
    "password",
    "passwords",
    "access_token",
    "access_tokens",
    "registration_token",
    "registration_shared_secret",
];
/// How tokens begin, whatever they stand under.
const TOKEN_STARTS: [&str; 5] = ["syt_", "syr_", "mct_", "mcr_", "sk-"];
/// What is shorter than this is no token.
const TOKEN_BYTES_MIN: usize = 12;

/// The value at `path` with everything in it, one line for each thing.
pub(super) fn in_lines(node: &Node, path: &KeyPath) -> String {
    let mut text = String::new();
    write_lines(&mut text, node, "", Hidden::at(path));
    text
}

/// The value at `path` on one line.
pub(super) fn in_one_line(node: &Node, path: &KeyPath) -> String {
    flow(node, Hidden::at(path))
}

/// `text` in double quotes.
pub(super) fn in_quotes(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            // The form that YAML knows for whatever doesn't show, line separators and byte order marks among them.
            c if c.is_control() || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                write!(quoted, "\\u{:04x}", u32::from(c)).expect("a String takes everything");
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A key as it is typed.
pub(super) fn key_text(key: &str) -> String {
    let is_plain = key.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    if is_plain { key.to_owned() } else { in_quotes(key) }
}

/// Every single value in the one at `path`, each with whether it is a secret.
pub(super) fn scalars<'n>(node: &'n Node, path: &KeyPath) -> Vec<(&'n Scalar, bool)> {
    let mut found = Vec::new();
    collect(node, Hidden::at(path), &mut found);
    found
}

fn collect<'n>(node: &'n Node, hidden: Hidden, found: &mut Vec<(&'n Scalar, bool)>) {
    match &node.value {
        Value::Scalar(scalar) => {
            found.push((scalar, scalar.secret || hidden == Hidden::Yes || looks_like_token(&scalar.text)));
        }
        Value::List(items) => items.iter().for_each(|item| collect(item, hidden, found)),
        Value::Map(entries) => entries.iter().for_each(|entry| collect(&entry.node, hidden.under(&entry.key), found)),
        Value::Include(_) | Value::Gone => {}
    }
}

/// Whether what stands under a key is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hidden {
    Yes,
    No,
}

impl Hidden {
    fn at(path: &KeyPath) -> Self {
        path.0.iter().fold(Self::No, |hidden, step| match step {
            Step::Key(key) => hidden.under(key),
            Step::Index(_) => hidden,
        })
    }

    fn under(self, key: &str) -> Self {
        if is_secret_key(key) || nearest(key, SECRET_KEYS).is_some() { Self::Yes } else { self }
    }
}

fn write_lines(text: &mut String, node: &Node, indent: &str, hidden: Hidden) {
    match &node.value {
        Value::Map(entries) if !entries.is_empty() => {
            for entry in entries {
                text.push_str(indent);
                text.push_str(&key_text(&entry.key));
                text.push(':');
                write_value(text, &entry.node, indent, hidden.under(&entry.key));
            }
        }
        Value::List(items) if !items.is_empty() => {
            for item in items {
                text.push_str(indent);
                text.push('-');
                write_value(text, item, indent, hidden);
            }
        }
        Value::Map(_) | Value::List(_) | Value::Scalar(_) | Value::Include(_) | Value::Gone => {
            text.push_str(indent);
            text.push_str(&flow(node, hidden));
            text.push('\n');
        }
    }
}

/// What stands after a key or a dash: beside it, or below and further in.
fn write_value(text: &mut String, node: &Node, indent: &str, hidden: Hidden) {
    let deeper = format!("{indent}  ");
    match &node.value {
        Value::Map(entries) if !entries.is_empty() => {
            text.push('\n');
            write_lines(text, node, &deeper, hidden);
        }
        Value::List(items) if items.iter().any(|item| !matches!(item.value, Value::Scalar(_))) => {
            text.push('\n');
            write_lines(text, node, &deeper, hidden);
        }
        Value::Scalar(scalar) if hidden == Hidden::No && !scalar.secret && scalar.as_typed().contains('\n') => {
            text.push_str(" |\n");
            for line in without_passwords(scalar.as_typed()).lines() {
                text.push_str(&deeper);
                text.push_str(line);
                text.push('\n');
            }
        }
        Value::Scalar(scalar) if scalar.is_null() => text.push('\n'),
        Value::Map(_) | Value::List(_) | Value::Scalar(_) | Value::Include(_) | Value::Gone => {
            text.push(' ');
            text.push_str(&flow(node, hidden));
            text.push('\n');
        }
    }
}

fn flow(node: &Node, hidden: Hidden) -> String {
    match &node.value {
        Value::Scalar(scalar) => scalar_text(scalar, hidden),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| flow(item, hidden)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(entries) => {
            let one =
                |entry: &Entry| format!("{}: {}", key_text(&entry.key), flow(&entry.node, hidden.under(&entry.key)));
            format!("{{{}}}", entries.iter().map(one).collect::<Vec<_>>().join(", "))
        }
        Value::Include(include) => {
            let tag = match include.kind {
                IncludeKind::Yaml => "!include",
                IncludeKind::Text => "!include_text",
            };
            format!("{tag} {}", include.path)
        }
        Value::Gone => "?".to_owned(),
    }
}

fn scalar_text(scalar: &Scalar, hidden: Hidden) -> String {
    let typed = scalar.as_typed();
    if scalar.is_null() {
        return "null".to_owned();
    }
    if scalar.secret || hidden == Hidden::Yes || looks_like_token(typed) {
        return MASK.to_owned();
    }
    let shown = without_passwords(typed);
    if scalar.plain { shown } else { in_quotes(&shown) }
}

/// Whether a text is a secret by its looks, whatever it stands under.
fn looks_like_token(text: &str) -> bool {
    let is_word = !text.contains(char::is_whitespace);
    is_word && text.len() >= TOKEN_BYTES_MIN && TOKEN_STARTS.iter().any(|start| text.starts_with(start))
}
