//! One tree out of all the files: includes are read and put in their places, merge keys (`<<`) are carried out.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    budget::{Budget, DEPTH_MAX, TooMuch},
    fault::Fault,
    key_path::{KeyPath, Step},
    node::{Entry, FileId, Include, IncludeKind, Node, Scalar, Span, Value},
    parse::{Origin, parse},
    read::{Unreadable, read_text},
    sources::Sources,
};

/// The tree and everything that was noted on the way to it.
pub(super) struct Assembled {
    /// The tree, unless the main file is no YAML at all.
    pub(super) root: Option<Node>,
    pub(super) faults: Vec<Fault>,
    pub(super) sources: Sources,
    pub(super) budget: Budget,
    /// The files that are included, those that couldn't be read among them.
    pub(super) included: Vec<PathBuf>,
}

/// A file as it would be, told apart by what it is and not by how it is called.
pub(super) struct Draft {
    file: PathBuf,
    text: String,
}

impl Draft {
    /// `text` in place of what stands in `file`.
    pub(super) fn of(file: &Path, text: String) -> Self {
        Self { file: identity(file), text }
    }

    fn text_of(&self, file: &Path) -> Option<String> {
        (self.file == file).then(|| self.text.clone())
    }
}

/// The text of a file, or what a draft has in place of it.
pub(super) fn text_of(path: &Path, draft: Option<&Draft>) -> Result<String, Unreadable> {
    match draft.and_then(|draft| draft.text_of(&identity(path))) {
        Some(text) => Ok(text),
        None => read_text(path),
    }
}

/// Parses the main file and everything that it includes, the file of a draft as it is there.
pub(super) fn assemble(path: &Path, text: String, draft: Option<&Draft>) -> Assembled {
    let mut assembly = Assembly {
        sources: Sources::default(),
        budget: Budget::full(),
        faults: Vec::new(),
        chain: vec![identity(path)],
        path: KeyPath::default(),
        included: Vec::new(),
        draft,
    };
    let file = assembly.sources.add(path.to_owned(), text);
    let mut root = assembly.parse(file);
    if let Some(root) = &mut root {
        assembly.resolve(root, 0);
        merge(root, &mut KeyPath::default(), &mut assembly.faults);
    }
    let Assembly { faults, sources, budget, included, .. } = assembly;
    Assembled { root, faults, sources, budget, included }
}

struct Assembly<'a> {
    sources: Sources,
    budget: Budget,
    faults: Vec<Fault>,
    /// The files that are being included right now, outermost first.
    chain: Vec<PathBuf>,
    path: KeyPath,
    included: Vec<PathBuf>,
    draft: Option<&'a Draft>,
}

impl Assembly<'_> {
    fn parse(&mut self, file: FileId) -> Option<Node> {
        let origin = Origin { file, path: &self.path };
        let parsed = parse(self.sources.text(file), &origin, &mut self.budget);
        if parsed.root.is_some() || parsed.faults.is_empty() {
            self.sources.set_secrets(file, parsed.secrets);
        }
        self.faults.extend(parsed.faults);
        parsed.root
    }

    /// Puts the content of files in the place of include tags.
    fn resolve(&mut self, node: &mut Node, depth: usize) {
        if depth > DEPTH_MAX {
            let limit = format!("this is too much: values are nested deeper than {DEPTH_MAX}");
            self.faults.push(Fault::at(node.span, &self.path, limit));
            node.value = Value::Gone;
            return;
        }
        match &mut node.value {
            Value::Include(include) => {
                let include = include.clone();
                self.include(node, &include, depth);
            }
            Value::List(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.path.0.push(Step::Index(index));
                    self.resolve(item, depth + 1);
                    self.path.0.pop();
                }
            }
            Value::Map(entries) => {
                for entry in entries {
                    self.path.0.push(Step::Key(entry.key.to_string()));
                    self.resolve(&mut entry.node, depth + 1);
                    self.path.0.pop();
                }
            }
            Value::Scalar(_) | Value::Gone => {}
        }
    }

    fn include(&mut self, node: &mut Node, include: &Include, depth: usize) {
        match self.content(node.span, include, depth) {
            Ok(content) => *node = content,
            Err(Refused { message, hint }) => {
                self.faults.push(Fault::at(node.span, &self.path, message).hint(hint));
                node.value = Value::Gone;
            }
        }
    }

    fn content(&mut self, tag: Span, include: &Include, depth: usize) -> Result<Node, Refused> {
        if include.path.is_empty() {
            return Err(Refused::new("an include needs the path of a file", "write `!include agents.yaml`"));
        }
        let path = match self.sources.path_of(Some(tag)).parent() {
            Some(folder) => folder.join(&*include.path),
            None => PathBuf::from(&*include.path),
        };
        let identity = identity(&path);
        if self.chain.contains(&identity) {
            let message = format!("{} is being included already, so this would never end", path.display());
            return Err(Refused::new(message, "include it in one of the two places only"));
        }
        self.included.push(path.clone());
        let text = text_of(&path, self.draft).map_err(|error| Refused::unreadable(&path, &error))?;
        self.budget.file(text.len()).map_err(|TooMuch(limit)| {
            Refused::new(format!("this is too much: {limit}"), "put the content where the include stands")
        })?;
        let as_text: Option<Arc<str>> = match include.kind {
            IncludeKind::Text => Some(text.strip_suffix('\n').unwrap_or(&text).into()),
            IncludeKind::Yaml => None,
        };
        let file = self.sources.add(path, text);
        if let Some(text) = as_text {
            let secret = self.is_secret();
            self.sources.set_secrets(file, vec![(0, if secret { text.len() } else { 0 })]);
            let value = Value::Scalar(Scalar { text, typed: None, plain: false, secret });
            return Ok(Node { value, span: first_line(file, self.sources.text(file)) });
        }
        let faults_before = self.faults.len();
        let Some(mut root) = self.parse(file) else {
            let span = first_line(file, self.sources.text(file));
            let empty = Value::Scalar(Scalar { text: "".into(), typed: None, plain: true, secret: false });
            let value = if self.faults.len() > faults_before { Value::Gone } else { empty };
            return Ok(Node { value, span });
        };
        self.chain.push(identity);
        self.resolve(&mut root, depth);
        self.chain.pop();
        Ok(root)
    }

    fn is_secret(&self) -> bool {
        self.path.0.iter().any(|step| matches!(step, Step::Key(key) if super::sources::is_secret_key(key)))
    }
}

/// Why an include isn't followed.
struct Refused {
    message: String,
    hint: String,
}

impl Refused {
    fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }

    fn unreadable(path: &Path, error: &Unreadable) -> Self {
        let hint = match error {
            Unreadable::Missing => "the path is relative to the file that the include stands in",
            other => other.hint(),
        };
        Self::new(format!("{}: {error}", path.display()), hint)
    }
}

/// A path by which a file is recognised, however it was named.
fn identity(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn first_line(file: FileId, text: &str) -> Span {
    let end = text.find('\n').unwrap_or(text.len());
    Span { file, line: 1, column: 1, start: 0, end }
}

/// Carries out merge keys: what stands in a section itself wins over what is merged into it, and of several merged
/// sections the first wins.
fn merge(node: &mut Node, path: &mut KeyPath, faults: &mut Vec<Fault>) {
    match &mut node.value {
        Value::Map(entries) => {
            for entry in entries.iter_mut() {
                path.0.push(Step::Key(entry.key.to_string()));
                merge(&mut entry.node, path, faults);
                path.0.pop();
            }
            if let Some(at) = entries.iter().position(|entry| &*entry.key == "<<") {
                let merged = entries.remove(at);
                merge_into(entries, merged, path, faults);
            }
        }
        Value::List(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                path.0.push(Step::Index(index));
                merge(item, path, faults);
                path.0.pop();
            }
        }
        Value::Scalar(_) | Value::Include(_) | Value::Gone => {}
    }
}

fn merge_into(entries: &mut Vec<Entry>, merged: Entry, path: &KeyPath, faults: &mut Vec<Fault>) {
    let parts = match merged.node.value {
        Value::List(items) => items,
        value => vec![Node { value, span: merged.node.span }],
    };
    let mut known: HashSet<Arc<str>> = entries.iter().map(|entry| Arc::clone(&entry.key)).collect();
    for part in parts {
        match part.value {
            Value::Map(more) => entries.extend(more.into_iter().filter(|entry| known.insert(Arc::clone(&entry.key)))),
            Value::Gone => {}
            Value::Scalar(_) | Value::List(_) | Value::Include(_) => {
                let fault = Fault::at(part.span, &path.key("<<"), "`<<` merges a section, and this is none");
                faults.push(fault.hint("write `<<: *name`, where `&name` stands before a section"));
            }
        }
    }
}
