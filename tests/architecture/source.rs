//! One parsed source file: where it stands in the tree, and which module it is.

use std::{fmt, fs, path::Path};

/// A Rust file, parsed.
pub(crate) struct Source {
    /// Its path below the folder it was loaded from, with `/` between the parts.
    pub(crate) path: String,
    /// Its text as it stands on disk.
    pub(crate) text: String,
    /// Its syntax tree.
    pub(crate) file: syn::File,
}

impl Source {
    /// Parses `text` as the file at `path`.
    pub(crate) fn parse(path: &str, text: &str) -> Self {
        let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{path} does not parse: {error}"));
        Self { path: path.to_owned(), text: text.to_owned(), file }
    }

    /// The folder (or the single file) directly below `src` that this file belongs to; the crate's roots have none.
    pub(crate) fn folder(&self) -> Option<&str> {
        match self.path.split_once('/') {
            Some((folder, _)) => Some(folder),
            None => self.path.strip_suffix(".rs").filter(|name| !["lib", "main"].contains(name)),
        }
    }

    /// The module that this file is, from the crate's root down.
    pub(crate) fn module(&self) -> Vec<String> {
        let path = self.path.strip_suffix(".rs").unwrap_or(&self.path);
        let mut parts: Vec<String> = path.split('/').map(str::to_owned).collect();
        if parts.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
            parts.pop();
        }
        parts
    }

    /// Whether the file is a `mod.rs`.
    pub(crate) fn is_mod_rs(&self) -> bool {
        self.path.ends_with("/mod.rs")
    }

    /// Whether the whole file is compiled for tests only.
    pub(crate) fn is_test(&self) -> bool {
        self.module().iter().any(|part| part == "tests")
    }

    /// Whether the file is its folder's `task.rs` or lies in its `task/`.
    pub(crate) fn is_task(&self) -> bool {
        self.module().get(1).is_some_and(|part| part == "task")
    }

    /// Something in this file that breaks a rule.
    pub(crate) fn violation(&self, line: usize, what: impl Into<String>) -> Violation {
        Violation { path: self.path.clone(), line, what: what.into() }
    }
}

/// A place where a rule is broken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The file, below the folder it was loaded from.
    pub(crate) path: String,
    /// The line in it.
    pub(crate) line: usize,
    /// What is wrong there.
    pub(crate) what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// Every Rust file below `root`, ordered by path.
pub(crate) fn load(root: &Path) -> Vec<Source> {
    let mut sources = Vec::new();
    collect(root, "", &mut sources);
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

fn collect(root: &Path, below: &str, sources: &mut Vec<Source>) {
    for entry in fs::read_dir(root.join(below)).expect("a source folder can be listed") {
        let entry = entry.expect("a source folder can be listed");
        let name = entry.file_name().into_string().expect("source files have plain names");
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        if entry.path().is_dir() {
            collect(root, &path, sources);
        } else if entry.path().extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(entry.path()).expect("a source file can be read");
            sources.push(Source::parse(&path, &text));
        }
    }
}

#[test]
fn a_file_knows_its_folder_and_module() {
    let check = |path: &str, folder: Option<&str>, module: &[&str]| {
        let source = Source::parse(path, "");
        assert_eq!((source.folder(), source.module()), (folder, module.iter().map(|&part| part.to_owned()).collect()));
    };
    check("lib.rs", None, &[]);
    check("main.rs", None, &[]);
    check("nursery.rs", Some("nursery"), &["nursery"]);
    check("desk/mod.rs", Some("desk"), &["desk"]);
    check("desk/task/run.rs", Some("desk"), &["desk", "task", "run"]);
}

#[test]
fn a_task_is_a_file_or_a_folder_of_that_name() {
    let check = |path: &str, expected: bool| assert_eq!(Source::parse(path, "").is_task(), expected, "{path}");
    check("desk/task.rs", true);
    check("desk/task/run.rs", true);
    check("desk/seen.rs", false);
    check("task/seen.rs", false);
}
