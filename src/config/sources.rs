//! The files that a configuration was read from, for showing the offending line without its secrets.

use std::path::{Path, PathBuf};

use super::{
    Spot,
    node::{FileId, Span},
};

/// What stands where a secret was.
pub(super) const MASK: &str = "•••";

/// The files, by [`FileId`], and where in them secrets were typed.
#[derive(Debug, Default)]
pub(super) struct Sources {
    files: Vec<Source>,
}

#[derive(Debug)]
struct Source {
    path: PathBuf,
    text: String,
    /// The byte ranges of secrets.
    secrets: Vec<(usize, usize)>,
    /// Whether it could be parsed, so that the ranges of secrets are known.
    parsed: bool,
}

impl Sources {
    /// Adds a file.
    pub(super) fn add(&mut self, path: PathBuf, text: String) -> FileId {
        self.files.push(Source { path, text, secrets: Vec::new(), parsed: false });
        FileId(self.files.len() - 1)
    }

    /// Tells where in a file that could be parsed there are secrets.
    pub(super) fn set_secrets(&mut self, file: FileId, secrets: Vec<(usize, usize)>) {
        if let Some(source) = self.files.get_mut(file.0) {
            source.secrets = secrets;
            source.parsed = true;
        }
    }

    /// The path of a span's file; without a span that of the first.
    pub(super) fn path_of(&self, span: Option<Span>) -> &Path {
        let file = span.map_or(0, |span| span.file.0);
        self.files.get(file).map_or(Path::new(""), |source| &source.path)
    }

    /// The paths of all files.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|source| source.path.as_path())
    }

    /// The text of a file.
    pub(super) fn text(&self, file: FileId) -> &str {
        self.files.get(file.0).map_or("", |source| &source.text)
    }

    /// Tells of one more secret.
    pub(super) fn hide(&mut self, span: Span) {
        if let Some(source) = self.files.get_mut(span.file.0) {
            source.secrets.push((span.start, span.end));
        }
    }

    /// The line of a span, secrets masked, and where in it the span is.
    pub(super) fn spot(&self, span: Span) -> Spot {
        let Some(source) = self.files.get(span.file.0) else {
            return Spot { line: span.line, column: span.column, width: 1, source: String::new() };
        };
        let start = line_start(&source.text, span.start);
        let line = source.text[start..].lines().next().unwrap_or_default();
        let mut masked = Masked::new(line, span.column, span.start - start, span.end.saturating_sub(start));
        for (from, to) in &source.secrets {
            masked.hide(from.saturating_sub(start), to.saturating_sub(start));
        }
        if !source.parsed && looks_secret(&source.text, start) {
            masked.hide(value_start(line), line.len());
        }
        masked.hide_passwords_in_addresses();
        masked.into_spot(span.line)
    }
}

/// A line in the course of being masked. Ranges are byte offsets in the line as typed.
struct Masked<'a> {
    line: &'a str,
    column: usize,
    start: usize,
    end: usize,
    hidden: Vec<(usize, usize)>,
}

impl<'a> Masked<'a> {
    fn new(line: &'a str, column: usize, start: usize, end: usize) -> Self {
        Self { line, column, start, end: end.min(line.len()), hidden: Vec::new() }
    }

    fn hide(&mut self, from: usize, to: usize) {
        let to = to.min(self.line.len());
        if from < to {
            self.hidden.push((from, to));
        }
    }

    fn hide_passwords_in_addresses(&mut self) {
        self.hidden.extend(passwords_in_addresses(self.line));
    }

    fn into_spot(mut self, number: usize) -> Spot {
        self.hidden.sort_unstable();
        let mut source = String::new();
        let mut column = self.column;
        let mut done = 0;
        let width = self.line.get(self.start..self.end.max(self.start)).map_or(1, |text| text.chars().count());
        let mut width = width.max(1);
        for (from, to) in self.hidden {
            let from = from.max(done);
            let (Some(kept), Some(secret)) = (self.line.get(done..from), self.line.get(from..to)) else { continue };
            source.push_str(kept);
            source.push_str(MASK);
            if to <= self.start {
                column = (column + MASK.chars().count()).saturating_sub(secret.chars().count()).max(1);
            } else if from < self.end {
                column = column.min(source.chars().count() + 1 - MASK.chars().count());
                width = MASK.chars().count();
            }
            done = to;
        }
        source.push_str(self.line.get(done..).unwrap_or_default());
        Spot { line: number, column, width, source }
    }
}

/// `https://somebody:password@host` holds a secret wherever it stands.
fn passwords_in_addresses(text: &str) -> Vec<(usize, usize)> {
    let found = text.match_indices("://").filter_map(|(colon, _)| {
        let start = colon + 3;
        let authority = text[start..].split(['/', ' ', '"', '\'']).next().unwrap_or_default();
        authority.rfind('@').map(|at| (start, start + at))
    });
    found.collect()
}

/// `text` without the names and passwords in the addresses that it holds.
pub(super) fn without_passwords(text: &str) -> String {
    let mut shown = String::new();
    let mut done = 0;
    for (from, to) in passwords_in_addresses(text) {
        shown.push_str(text.get(done..from).unwrap_or_default());
        shown.push_str(MASK);
        done = to;
    }
    shown.push_str(text.get(done..).unwrap_or_default());
    shown
}

/// Whether what is typed under a key of this name is a secret.
pub(super) fn is_secret_key(key: &str) -> bool {
    let key = key.trim().trim_matches(['"', '\'']).to_ascii_lowercase().replace('-', "_");
    let holds = |word: &str| key.contains(word);
    ["passw", "passphrase", "secret", "credential", "api_key", "apikey", "access_token"].into_iter().any(holds)
        || key.ends_with("token")
        || key.ends_with("_key")
        || key.ends_with("_pat")
}

/// In a file that could not be parsed: whether the line at `start` may hold a secret, judging by its own key or by the
/// last key before it that is indented less.
fn looks_secret(text: &str, start: usize) -> bool {
    let line = text[start..].lines().next().unwrap_or_default();
    let mut indent = indentation(line);
    if line.split([',', '{', ' ']).filter_map(|part| part.split_once(':')).any(|(key, _)| is_secret_key(key)) {
        return true;
    }
    for above in text[..start].lines().rev() {
        if above.trim().is_empty() {
            continue;
        }
        let own = indentation(above);
        if own < indent || (own == indent && key_of(line).is_none()) {
            let Some(key) = key_of(above) else { continue };
            if is_secret_key(key) {
                return true;
            }
            indent = own;
        }
        if own == 0 {
            return false;
        }
    }
    false
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn key_of(line: &str) -> Option<&str> {
    line.trim_start_matches([' ', '-']).split_once(':').map(|(key, _)| key)
}

/// Where the value begins on a line such as `  - key: value`.
fn value_start(line: &str) -> usize {
    line.find(':').map_or_else(|| indentation(line), |colon| colon + 1)
}

fn line_start(text: &str, at: usize) -> usize {
    let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}
