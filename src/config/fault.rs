//! What the stages note when something is wrong, and how it becomes a problem that can be shown.

use super::{
    Problem, Severity,
    budget::FAULTS_KEPT_MAX,
    key_path::KeyPath,
    node::{Node, Span, Value},
    quote::quote,
    sources::{Sources, without_passwords},
};

/// How many problems are told; a file with more of them has one cause.
const FAULTS_MAX: usize = 100;

/// Stands in a fault's message for the value at its path, as it was typed. Messages never hold values themselves, since
/// a value may be a secret.
pub(super) const VALUE: &str = "{value}";

/// Something wrong at one place of the tree.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    severity: Severity,
    path: KeyPath,
    at: At,
    message: String,
    hint: Option<String>,
    /// What is masked though its key doesn't look like one of a secret.
    masked: Option<Span>,
}

/// Which place a fault means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// The key at the fault's path.
    Key,
    /// The value at the fault's path.
    Value,
    /// The place where the value is missing: the nearest thing above it that is there.
    Missing,
    /// A place that is known already.
    Span(Span),
}

impl Fault {
    /// The value at `path` is wrong.
    pub(super) fn value(path: &KeyPath, message: impl Into<String>) -> Self {
        Self::new(path, At::Value, message)
    }

    /// The key at `path` is wrong.
    pub(super) fn key(path: &KeyPath, message: impl Into<String>) -> Self {
        Self::new(path, At::Key, message)
    }

    /// There should be something at `path`.
    pub(super) fn missing(path: &KeyPath, message: impl Into<String>) -> Self {
        Self::new(path, At::Missing, message)
    }

    /// Something is wrong at `span`.
    pub(super) fn at(span: Span, path: &KeyPath, message: impl Into<String>) -> Self {
        Self::new(path, At::Span(span), message)
    }

    fn new(path: &KeyPath, at: At, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, path: path.clone(), at, message: message.into(), hint: None, masked: None }
    }

    /// Says what to do about it.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says what to do about it, if there is something to say.
    pub(super) fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }

    /// Lets the configuration be used all the same.
    pub(super) fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// Masks what stands at `span`: it may be a secret under a misspelt key.
    pub(super) fn masking(mut self, span: Span) -> Self {
        self.masked = Some(span);
        self
    }

    pub(super) fn severity(&self) -> Severity {
        self.severity
    }
}

/// Keeps a fault, unless there are too many of its kind already. Warnings never push errors out.
pub(super) fn note(faults: &mut Vec<Fault>, fault: Fault) {
    let alike = faults.iter().filter(|other| other.severity == fault.severity).count();
    if alike < FAULTS_KEPT_MAX {
        faults.push(fault);
    }
}

/// Finds the faults' places in `tree` and makes them presentable, in the order of the files; errors that only follow
/// from one that was reported already are left out.
pub(super) fn problems(faults: &[Fault], tree: Option<&Node>, sources: &mut Sources) -> Vec<Problem> {
    for masked in faults.iter().filter_map(|fault| fault.masked) {
        sources.hide(masked);
    }
    let mut placed: Vec<(Option<Span>, Problem)> = Vec::new();
    for fault in faults {
        let Some(Placed { span, path, shown }) = place(fault, tree) else { continue };
        let problem = Problem {
            severity: fault.severity,
            file: sources.path_of(span).to_owned(),
            spot: span.map(|span| sources.spot(span)),
            path: path.to_string(),
            message: fault.message.replace(VALUE, &shown),
            hint: fault.hint.as_ref().map(|hint| hint.replace(VALUE, &shown)),
        };
        if !placed.iter().any(|(_, other)| *other == problem) {
            placed.push((span, problem));
        }
    }
    placed.sort_by_key(|(span, _)| span.map(|span| (span.file, span.start)));
    let mut problems: Vec<Problem> = placed.into_iter().map(|(_, problem)| problem).collect();
    if problems.len() > FAULTS_MAX {
        let more = problems.len() - FAULTS_MAX;
        problems.truncate(FAULTS_MAX);
        problems.push(Problem {
            severity: Severity::Error,
            file: sources.path_of(None).to_owned(),
            spot: None,
            path: String::new(),
            message: format!("and {more} more"),
            hint: None,
        });
    }
    problems
}

/// Where a fault is.
struct Placed {
    span: Option<Span>,
    path: KeyPath,
    /// The value there, for the message.
    shown: String,
}

/// Where a fault is. `None` when it only follows from another one.
fn place(fault: &Fault, tree: Option<&Node>) -> Option<Placed> {
    let nowhere = Placed { span: None, path: fault.path.clone(), shown: String::new() };
    if let At::Span(span) = fault.at {
        return Some(Placed { span: Some(span), ..nowhere });
    }
    let Some(tree) = tree else { return Some(nowhere) };
    let located = tree.locate(&fault.path);
    if located.reported && fault.at != At::Key {
        return None;
    }
    let path = if located.complete { located.path } else { fault.path.clone() };
    let span = match fault.at {
        At::Value if located.complete => located.node.span,
        At::Key | At::Missing | At::Value | At::Span(_) => located.key_span.unwrap_or(located.node.span),
    };
    Some(Placed { span: Some(span), path, shown: show(located.node) })
}

/// A value as it was typed, for a message; a secret is not shown.
pub(super) fn show(node: &Node) -> String {
    match &node.value {
        Value::Scalar(scalar) if scalar.secret => "this".to_owned(),
        Value::Scalar(scalar) if !scalar.is_null() => quote(&without_passwords(scalar.as_typed())),
        Value::Scalar(_) | Value::List(_) | Value::Map(_) | Value::Include(_) | Value::Gone => node.sort().to_owned(),
    }
}
