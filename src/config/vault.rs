//! Where secrets and settings come from that aren't in the file: the environment and `.env` beside the configuration.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use super::read::{Unreadable, read_text};

/// Environment variables by name. It does not print its values.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Vault {
    env: BTreeMap<String, String>,
    /// Where relative secret files are looked for.
    folder: PathBuf,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("names", &self.env.keys()).finish_non_exhaustive()
    }
}

impl Vault {
    /// These variables, with secret files relative to `folder`.
    pub(super) fn new(env: BTreeMap<String, String>, folder: &Path) -> Self {
        Self { env, folder: folder.to_owned() }
    }

    /// Adds the variables of a `.env` file. Variables that are there already stay: the real environment wins.
    pub(super) fn add(&mut self, variables: Vec<(String, String)>) {
        for (name, value) in variables {
            self.env.entry(name).or_insert(value);
        }
    }

    /// The value of a variable. An empty one counts as not set, as in a shell's `${NAME:-default}`.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The names of all variables.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.env.keys().map(String::as_str)
    }

    /// The content of a secret file, without the line break at its end.
    pub(super) fn file(&self, path: &str) -> Result<String, Unreadable> {
        let text = read_text(&self.folder.join(path))?;
        Ok(text.trim_end_matches(['\n', '\r']).to_owned())
    }

    /// The value of a variable, or the content of the file that `NAME_FILE` names.
    pub(super) fn get_or_file(&self, name: &str) -> Option<String> {
        let direct = self.get(name).map(ToOwned::to_owned);
        direct.or_else(|| self.file(self.get(&format!("{name}_FILE"))?).ok().filter(|text| !text.is_empty()))
    }
}

/// The variables of a `.env` file, and the lines (from 1) that are none.
pub(super) fn parse_dotenv(text: &str) -> (Vec<(String, String)>, Vec<usize>) {
    let mut variables = Vec::new();
    let mut bad = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        match line.split_once('=') {
            Some((name, value)) if is_name(name.trim()) => {
                variables.push((name.trim().to_owned(), dotenv_value(value.trim())));
            }
            _ => bad.push(index + 1),
        }
    }
    (variables, bad)
}

/// Whether a text can be the name of an environment variable.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Quoted values are taken whole (in double quotes `\n`, `\"` and `\\` mean what they mean elsewhere); others end at ` #`.
fn dotenv_value(value: &str) -> String {
    if let Some(rest) = value.strip_prefix('\'') {
        return rest.split('\'').next().unwrap_or_default().to_owned();
    }
    let Some(rest) = value.strip_prefix('"') else {
        return value.split(" #").next().unwrap_or_default().trim_end().to_owned();
    };
    let mut text = String::new();
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => match chars.next() {
                Some('n') => text.push('\n'),
                Some(other) => text.push(other),
                None => text.push('\\'),
            },
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dotenv_file_reads_as_shells_read_it() {
        let text =
            "# comment\nA=1\nexport B = two words # why\nC='x # y'\nD=\"a\\nb\\\"c\" # d\n\nE=\nnonsense\n9=x\nF=a#b\n";
        let (variables, bad) = parse_dotenv(text);
        let found: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let expected = [("A", "1"), ("B", "two words"), ("C", "x # y"), ("D", "a\nb\"c"), ("E", ""), ("F", "a#b")];
        assert_eq!(found, expected);
        assert_eq!(bad, [8, 9]);
    }

    #[test]
    fn the_real_environment_wins_over_the_file() {
        let mut vault = Vault::new(BTreeMap::from([("A".to_owned(), "real".to_owned())]), Path::new("."));
        vault.add(vec![("A".to_owned(), "file".to_owned()), ("B".to_owned(), "file".to_owned())]);
        assert_eq!((vault.get("A"), vault.get("B"), vault.get("C")), (Some("real"), Some("file"), None));
        assert!(!format!("{vault:?}").contains("real"), "values don't print");
    }
}
