//! One value is replaced or added, unless more than it would change.
#![expect(
    unreachable_pub,
    reason = "mod.rs hands these up to the configuration, and there is no visibility in between"
)]

use std::fmt;

use super::{
    page::Page,
    tree::{is_same, nothing, put, read},
    value::{FLOW_ENDS, is_bare, value_of},
};
use crate::config::{
    key_path::KeyPath,
    node::{Include, Node, Value},
    yaml::in_quotes,
};

/// Why a value can't be changed in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stuck {
    /// The file is broken.
    Broken,
    /// What was typed as the value is no value.
    NoValue,
    /// Something above it is a single value, or a list where a key was named.
    NoPlace,
    /// It is a section with keys of its own.
    Section,
    /// It is an element of a list that has fewer.
    BeyondEnd,
    /// It is the content of another file.
    Included,
    /// It stands in several places at once, or is otherwise beyond what is done here.
    Entangled,
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Broken => "the file is no YAML as it stands; mend it there first",
            Self::NoValue => "that is no value: close its quotes and brackets, on one line",
            Self::NoPlace => "something above it is a single value, so that nothing can stand under it",
            Self::Section => "it is a section: set its keys one by one",
            Self::BeyondEnd => "the list is shorter than that: the next element has the number of those that are there",
            Self::Included => "it is the content of another file: set what is in it, or edit that file",
            Self::Entangled => "it can't be changed without changing something else as well: edit the file",
        })
    }
}

/// `text` with the value at `path`, which counts from the top of this file, replaced by `fragment`, or with it added. A
/// fragment is a value as it stands in YAML after a key, on one line.
pub fn set(text: &str, path: &KeyPath, fragment: &str) -> Result<String, Stuck> {
    match attempt(text, path, fragment) {
        // Inside brackets commas and brackets need quotes; elsewhere they don't.
        Err(Stuck::Entangled) if is_bare(fragment) && fragment.contains(FLOW_ENDS) => {
            attempt(text, path, &in_quotes(fragment))
        }
        outcome => outcome,
    }
}

/// The tag by which the way to `path` leads into another file, and how many steps lead there.
pub fn way_out(text: &str, path: &KeyPath) -> Result<Option<(Include, usize)>, Stuck> {
    let tree = read(text)?;
    let mut at = tree.as_ref();
    for steps in 0..=path.0.len() {
        if let Some(Node { value: Value::Include(include), .. }) = at {
            return Ok(Some((include.clone(), steps)));
        }
        let step = path.0.get(steps).map(|step| KeyPath(vec![step.clone()]));
        at = at.zip(step).and_then(|(node, step)| node.at(&step)).map(|(node, _)| node);
    }
    Ok(None)
}

/// The value at `path` in the text of one file.
pub fn find(text: &str, path: &KeyPath) -> Option<Node> {
    read(text).ok().flatten()?.at(path).map(|(node, _)| node.clone())
}

fn attempt(text: &str, path: &KeyPath, fragment: &str) -> Result<String, Stuck> {
    let value = value_of(fragment, path)?;
    let tree = read(text)?;
    let edited = match &tree {
        Some(root) => Page { text }.edited(root, path, fragment)?,
        None => Page { text }.first_lines(&path.0, fragment)?,
    };
    let mut wanted = tree.unwrap_or_else(|| nothing(value.span));
    put(&mut wanted, &path.0, value);
    match read(&edited) {
        Ok(Some(tree)) if is_same(&tree, &wanted) => Ok(edited),
        Ok(_) | Err(_) => Err(Stuck::Entangled),
    }
}
