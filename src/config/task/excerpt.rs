//! X10: what stands in the files, as it was typed, secrets hidden. Blocking.

use std::path::Path;

use super::load::unreadable;
use crate::config::{
    Problem,
    assemble::{Assembled, assemble, text_of},
    fault::problems,
    key_path::KeyPath,
    known::{Missing, missing},
    node::Value,
    yaml::{in_lines, in_one_line},
};

/// A piece of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Excerpt {
    /// One value, on one line.
    Value(String),
    /// A section or a list, one line for each thing in it.
    Part(String),
}

/// Why there is nothing to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unseen {
    /// What was named is no path.
    NoPath,
    /// Nothing stands there, so that its default counts.
    Unset,
    /// There is no such key. This is the nearest that there is, if one is near.
    Unknown(Option<String>),
    /// The files can't be read.
    Broken(Vec<Problem>),
}

/// What stands at `path` in the configuration of the file `file`, or all of it.
///
/// # Errors
/// When nothing does, or nothing can be read.
pub fn excerpt(file: &Path, path: Option<&str>) -> Result<Excerpt, Unseen> {
    let path = match path {
        Some(typed) => KeyPath::parse(typed).ok_or(Unseen::NoPath)?,
        None => KeyPath::default(),
    };
    let text = text_of(file, None).map_err(|error| Unseen::Broken(vec![unreadable(file, &error)]))?;
    let Assembled { root, faults, mut sources, .. } = assemble(file, text, None);
    let Some(root) = root else { return Err(Unseen::Broken(problems(&faults, None, &mut sources))) };
    let Some((node, _)) = root.at(&path).filter(|(node, _)| !node.is_gone()) else {
        return Err(match missing(&root, &path) {
            Missing::Unset => Unseen::Unset,
            Missing::Unknown(near) => Unseen::Unknown(near.map(|near| near.to_string())),
        });
    };
    Ok(match &node.value {
        Value::Scalar(_) => Excerpt::Value(in_one_line(node, &path)),
        Value::Map(_) | Value::List(_) | Value::Include(_) | Value::Gone => Excerpt::Part(in_lines(node, &path)),
    })
}
