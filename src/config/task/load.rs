//! Loads a configuration: the file, what it includes, the environment and `.env` beside it. Blocking.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::config::{
    Config, Problem, Severity,
    assemble::{Assembled, Draft, assemble, text_of},
    compile::{Given, compile},
    deserialize,
    fault::{Fault, problems},
    interpolate::interpolate,
    key_path::KeyPath,
    mindroom,
    node::{Node, Value},
    raw::Raw,
    read::{Unreadable, read_text},
    vault::{Vault, parse_dotenv},
};

/// What to do when there is nothing to go by.
const START: &str = "`config.yaml.example` is a file to start from";

/// A configuration that can be used.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// What it means.
    pub config: Config,
    /// What in it has no effect, or a surprising one.
    pub warnings: Vec<Problem>,
    /// The files that it was read from, the main one first.
    pub files: Vec<PathBuf>,
}

/// Loads the configuration in the file `path`. It blocks on the file system only, and never for long: only small regular
/// files are read.
///
/// # Errors
/// Everything that is wrong with it, at once.
pub fn load(path: &Path) -> Result<Loaded, Vec<Problem>> {
    load_with(path, environment())
}

/// The same with a given environment.
///
/// # Errors
/// Everything that is wrong with it, at once.
pub fn load_with(path: &Path, env: BTreeMap<String, String>) -> Result<Loaded, Vec<Problem>> {
    read_with(path, env, None, &mut Vec::new())
}

/// The same, with every file that counts in `looked_at`, whether it could be read or isn't there yet.
pub(super) fn load_noting(path: &Path, looked_at: &mut Vec<PathBuf>) -> Result<Loaded, Vec<Problem>> {
    read_with(path, environment(), None, looked_at)
}

/// What it would be with one of its files as a draft has it.
pub(super) fn load_draft(path: &Path, draft: &Draft) -> Result<Loaded, Vec<Problem>> {
    read_with(path, environment(), Some(draft), &mut Vec::new())
}

fn read_with(
    path: &Path,
    env: BTreeMap<String, String>,
    draft: Option<&Draft>,
    looked_at: &mut Vec<PathBuf>,
) -> Result<Loaded, Vec<Problem>> {
    let folder = folder_of(path);
    let dotenv = folder.join(".env");
    looked_at.extend([path.to_owned(), dotenv.clone()]);
    let text = text_of(path, draft).map_err(|error| vec![unreadable(path, &error)])?;
    let mut vault = Vault::new(env, &folder);
    let mut files = Vec::new();
    let mut notes = Vec::new();
    match read_text(&dotenv) {
        Ok(text) => {
            let (variables, bad) = parse_dotenv(&text);
            vault.add(variables);
            notes.extend(bad.into_iter().map(|line| bad_dotenv_line(&dotenv, line)));
            files.push(dotenv);
        }
        Err(Unreadable::Missing) => {}
        Err(error) => return Err(vec![unreadable(&dotenv, &error)]),
    }
    let mut loaded = digest(path, text, &Around { folder: &folder, vault: &vault, draft }, looked_at)?;
    loaded.warnings.splice(0..0, notes);
    loaded.files.extend(files);
    Ok(loaded)
}

/// Compiles the text of a configuration as if it stood in the file `config.yaml` in `folder`.
///
/// # Errors
/// Everything that is wrong with it, at once.
pub fn compile_text(text: &str, folder: &Path, env: &BTreeMap<String, String>) -> Result<Loaded, Vec<Problem>> {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let vault = Vault::new(env.clone(), &folder);
    let around = Around { folder: &folder, vault: &vault, draft: None };
    digest(&folder.join("config.yaml"), text.to_owned(), &around, &mut Vec::new())
}

/// What counts beside the file itself.
struct Around<'a> {
    folder: &'a Path,
    vault: &'a Vault,
    draft: Option<&'a Draft>,
}

/// Text to configuration: parse, assemble, fill in, read, compile. Each stage goes on after an error as far as it can.
fn digest(
    path: &Path,
    text: String,
    &Around { folder, vault, draft }: &Around<'_>,
    looked_at: &mut Vec<PathBuf>,
) -> Result<Loaded, Vec<Problem>> {
    let Assembled { root, mut faults, mut sources, mut budget, included } = assemble(path, text, draft);
    looked_at.extend(included);
    let Some(mut root) = root.filter(|root| !is_nothing(root)) else {
        let mut found = problems(&faults, None, &mut sources);
        if found.is_empty() {
            found.push(whole_file(path, "this file is empty", START));
        }
        return Err(found);
    };
    let config = match root.value {
        Value::Map(_) => {
            mindroom::set_aside(&mut root, &mut faults);
            interpolate(&mut root, vault, &mut budget, &mut faults);
            deserialize::read::<Raw>(&mut root, &mut faults)
                .and_then(|raw| compile(&Given { raw: &raw, tree: &root, vault, folder }, &mut faults))
        }
        Value::Scalar(_) | Value::List(_) => {
            let message = format!("a configuration is made of `key: value` lines, but this is {}", root.sort());
            faults.push(Fault::at(root.span, &KeyPath::default(), message).hint(START));
            None
        }
        // Noted already.
        Value::Include(_) | Value::Gone => None,
    };
    let found = problems(&faults, Some(&root), &mut sources);
    match config {
        Some(config) => {
            let files = sources.paths().map(Path::to_owned).collect();
            Ok(Loaded { config, warnings: found, files })
        }
        None => Err(found),
    }
}

fn is_nothing(root: &Node) -> bool {
    matches!(&root.value, Value::Scalar(scalar) if scalar.is_null())
}

/// The one place that reads the environment. What isn't Unicode can't be meant for us.
fn environment() -> BTreeMap<String, String> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    let all = std::env::vars_os();
    all.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
}

fn folder_of(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.parent().map_or_else(|| PathBuf::from("/"), Path::to_owned)
}

/// The problem that a file can't be read.
pub(super) fn unreadable(path: &Path, error: &Unreadable) -> Problem {
    whole_file(path, &error.to_string(), error.hint())
}

fn whole_file(path: &Path, message: &str, hint: &str) -> Problem {
    Problem {
        severity: Severity::Error,
        file: path.to_owned(),
        spot: None,
        path: String::new(),
        message: message.to_owned(),
        hint: Some(hint.to_owned()),
    }
}

fn bad_dotenv_line(path: &Path, line: usize) -> Problem {
    // The line isn't shown: whatever it is, it may be a secret.
    Problem {
        severity: Severity::Warning,
        message: format!("line {line} is not `NAME=value` and has no effect"),
        ..whole_file(path, "", "write `NAME=value`, or begin the line with `#`")
    }
}
