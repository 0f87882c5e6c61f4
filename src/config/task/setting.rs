//! X10: changes one value in the files: first what that would come to, then, once somebody said yes, the change. Blocking.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    path::{Path, PathBuf},
};

use super::{
    load::{Loaded, load_draft},
    replace::replace,
};
use crate::{
    config::{
        Problem,
        assemble::Draft,
        budget::DEPTH_MAX,
        edit::{self, Stuck},
        key_path::KeyPath,
        node::IncludeKind,
        read::{Unreadable, read_text},
        yaml::{in_one_line, scalars},
    },
    model::Setting,
};

/// How much of a value is shown when it changes, in characters.
const VALUE_CHARS_MAX: usize = 1_000;

/// What a change would come to.
#[derive(Debug)]
pub struct Proposal {
    /// The change.
    pub setting: Setting,
    /// The file in which it is made.
    pub file: PathBuf,
    /// What stands there now, secrets hidden; nothing where nothing does.
    pub old: Option<String>,
    /// What would stand there.
    pub new: String,
    /// The configuration that it would be, or everything that would be wrong with it.
    pub outcome: Result<Loaded, Vec<Problem>>,
}

/// Why a value isn't changed from here.
#[derive(Debug, thiserror::Error)]
pub enum Unsettable {
    /// What was named is no path.
    #[error("that is no path: write keys with dots between them, such as `agents.writer.role`")]
    NoPath,
    /// It is a secret.
    #[error(
        "it is a secret, and a chat is no place for one. Put it into the environment, into `.env` or into a file, and set \
         `${{NAME}}` or `${{file:/path}}` here; delete your message if the secret stands in it"
    )]
    Secret,
    /// It asks for what the environment or a file holds, in a place where that would be shown.
    #[error("`${{…}}` can be set here for secrets only; anywhere else it could show people what nobody should see")]
    FilledIn,
    /// The text can't be changed so.
    #[error("{0}")]
    Stuck(String),
    /// A file can't be read.
    #[error("{}: {cause}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        cause: String,
    },
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum NotWritten {
    /// The file isn't any more what it was.
    #[error("the file was changed in the meantime")]
    Changed,
    /// The file can't be written.
    #[error("{} can't be written", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl From<Stuck> for Unsettable {
    fn from(stuck: Stuck) -> Self {
        Self::Stuck(stuck.to_string())
    }
}

/// What it would come to if the value at `path` in the configuration of `main` were what a person `typed`.
///
/// # Errors
/// When that can't be done from here.
pub fn propose(main: &Path, path: &str, typed: &str) -> Result<Proposal, Unsettable> {
    let path = KeyPath::parse(path).ok_or(Unsettable::NoPath)?;
    let value = edit::fragment(typed)?;
    let node = edit::value_of(&value, &path)?;
    for (scalar, is_secret) in scalars(&node, &path) {
        let filled_in = scalar.text.replace("$${", "").contains("${");
        match (is_secret, filled_in) {
            (true, _) if !scalar.is_null() && !is_reference(&scalar.text) => return Err(Unsettable::Secret),
            (false, true) => return Err(Unsettable::FilledIn),
            (true | false, _) => {}
        }
    }
    let place = Place::of(main, &path)?;
    let new = edit::set(&place.text, &place.path, &value)?;
    let old = edit::find(&place.text, &place.path).map(|old| beginning(&in_one_line(&old, &path)));
    let setting = Setting { path: path.to_string(), value, before: content(&place.text), after: content(&new) };
    let outcome = load_draft(main, &Draft::of(&place.file, new));
    Ok(Proposal { setting, file: place.file, old, new: beginning(&in_one_line(&node, &path)), outcome })
}

/// Makes a change that was proposed, unless it is made already. Nobody else may make one meanwhile.
pub(super) fn settle(main: &Path, setting: &Setting) -> Result<PathBuf, NotWritten> {
    let path = KeyPath::parse(&setting.path).ok_or(NotWritten::Changed)?;
    let place = Place::of(main, &path).map_err(|_unlike_before| NotWritten::Changed)?;
    if content(&place.text) == setting.after {
        return Ok(place.file);
    }
    let new = edit::set(&place.text, &place.path, &setting.value).map_err(|_unlike_before| NotWritten::Changed)?;
    if content(&place.text) != setting.before || content(&new) != setting.after {
        return Err(NotWritten::Changed);
    }
    let is_as_it_was = || read_text(&place.file).is_ok_and(|text| text == place.text);
    match replace(&place.file, &new, is_as_it_was) {
        Ok(true) => Ok(place.file),
        Ok(false) => Err(NotWritten::Changed),
        Err(source) => Err(NotWritten::Io { file: place.file, source }),
    }
}

/// Where a value stands, or would stand.
struct Place {
    file: PathBuf,
    text: String,
    /// The way to it from the top of the file.
    path: KeyPath,
}

impl Place {
    fn of(main: &Path, path: &KeyPath) -> Result<Self, Unsettable> {
        let (mut file, mut path) = (main.to_owned(), path.clone());
        for _ in 0..DEPTH_MAX {
            let text = read_text(&file).map_err(|error| unreadable(&file, &error))?;
            let Some((include, steps)) = edit::way_out(&text, &path)? else { return Ok(Self { file, text, path }) };
            if steps == path.0.len() || include.kind == IncludeKind::Text {
                return Err(Stuck::Included.into());
            }
            file = file.parent().unwrap_or(Path::new("/")).join(&*include.path);
            path.0.drain(..steps);
        }
        Err(Stuck::Entangled.into())
    }
}

/// Whether a text is nothing but one thing that is filled in, without a default.
fn is_reference(text: &str) -> bool {
    let inside = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    inside.is_some_and(|inside| !inside.is_empty() && !inside.contains(['{', '}', '$']) && !inside.contains(":-"))
}

/// The beginning of a value, with an ellipsis when something was left out.
fn beginning(text: &str) -> String {
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

fn unreadable(file: &Path, error: &Unreadable) -> Unsettable {
    Unsettable::Unreadable { file: file.to_owned(), cause: error.to_string() }
}

/// What a text comes to. It is compared with what it came to a few minutes before.
fn content(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
