//! YAML text becomes a tree; what is wrong with it as YAML is noted, as far as possible without stopping.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, StrInput, Tag};

use super::{
    budget::{Budget, DEPTH_MAX, FAULTS_KEPT_MAX, TooMuch, Weight},
    fault::Fault,
    key_path::{KeyPath, Step},
    node::{Entry, FileId, Include, IncludeKind, Node, Scalar, Span, Value},
    sources::is_secret_key,
};

/// Told to people who indent with tabs.
const TABS: &str = "YAML is indented with spaces, not with tabs";

/// What one file held.
pub(super) struct Parsed {
    /// The content, unless it is no YAML at all.
    pub(super) root: Option<Node>,
    /// What is wrong with it.
    pub(super) faults: Vec<Fault>,
    /// The byte ranges at which secrets were typed.
    pub(super) secrets: Vec<(usize, usize)>,
}

/// Where the text comes from and goes to.
pub(super) struct Origin<'a> {
    /// Its file.
    pub(super) file: FileId,
    /// The path of the value that it becomes.
    pub(super) path: &'a KeyPath,
}

/// Parses one file.
pub(super) fn parse(text: &str, origin: &Origin<'_>, budget: &mut Budget) -> Parsed {
    let options = granit_parser::options! { emit_comments: false, emit_unresolved_aliases: true };
    let secret = origin.path.0.iter().any(|step| matches!(step, Step::Key(key) if is_secret_key(key)));
    let mut builder = Builder {
        events: Parser::new_from_str_with_options(text, options),
        text,
        file: origin.file,
        path: origin.path.clone(),
        secret,
        anchors: HashMap::new(),
        budget,
        faults: Vec::new(),
        secrets: Vec::new(),
    };
    let root = match builder.document() {
        Ok(root) => root,
        Err(stop) => {
            let fault = builder.explain(stop);
            builder.faults.push(fault);
            None
        }
    };
    Parsed { root, faults: builder.faults, secrets: builder.secrets }
}

/// Why parsing can't go on.
enum Stop {
    Syntax(ScanError),
    TooMuch(Span, TooMuch),
    TooManyFaults(Span),
}

struct Builder<'i, 'b> {
    events: Parser<'i, StrInput<'i>>,
    text: &'i str,
    file: FileId,
    /// The path of the value being built.
    path: KeyPath,
    /// Whether what is being built is a secret, judging by the keys above it.
    secret: bool,
    anchors: HashMap<usize, (Node, Weight, usize)>,
    budget: &'b mut Budget,
    faults: Vec<Fault>,
    secrets: Vec<(usize, usize)>,
}

/// A value with what it weighs and how deep it is.
struct Built {
    node: Node,
    weight: Weight,
    height: usize,
}

impl<'i> Builder<'i, '_> {
    /// The one document of a file, if it isn't empty.
    fn document(&mut self) -> Result<Option<Node>, Stop> {
        let mut root = None;
        while let Some((event, span)) = self.next()? {
            match event {
                Event::StreamStart | Event::StreamEnd | Event::DocumentStart(..) | Event::DocumentEnd => {}
                Event::Scalar(..)
                | Event::SequenceStart(..)
                | Event::MappingStart(..)
                | Event::Alias(..)
                | Event::UnresolvedAlias(..)
                    if root.is_none() =>
                {
                    root = Some(self.value(event, span, 0)?.node);
                }
                _ => {
                    let fault = Fault::at(span, &self.path, "a second document begins here (`---`)");
                    self.note(span, fault.hint("write everything into one document"))?;
                    return Ok(root);
                }
            }
        }
        Ok(root)
    }

    fn next(&mut self) -> Result<Option<(Event<'i>, Span)>, Stop> {
        match self.events.next() {
            None => Ok(None),
            Some(Ok((event, span))) => Ok(Some((event, self.span(&span)))),
            Some(Err(error)) => Err(Stop::Syntax(error)),
        }
    }

    /// The value that begins with `event`.
    fn value(&mut self, event: Event<'i>, span: Span, depth: usize) -> Result<Built, Stop> {
        if depth > DEPTH_MAX {
            return Err(Stop::TooMuch(span, too_deep()));
        }
        self.budget.node().map_err(|limit| Stop::TooMuch(span, limit))?;
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let built = self.scalar(&text, style, tag.as_deref(), span)?;
                self.remember(anchor, built)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_tag(tag.as_deref(), span)?;
                let built = self.list(span, depth)?;
                self.remember(anchor, built)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_tag(tag.as_deref(), span)?;
                let built = self.map(span, depth)?;
                self.remember(anchor, built)
            }
            Event::Alias(anchor) => self.alias(anchor, span, depth),
            Event::UnresolvedAlias(_) => self.dangling(span),
            _ => Ok(leaf(Node::gone(span), 0)),
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Result<Built, Stop> {
        if self.secret && span.start < span.end {
            self.secrets.push((span.start, span.end));
        }
        let plain = matches!(style, ScalarStyle::Plain);
        let (plain, include) = match tag.map(Use::of) {
            None | Some(Use::Core) => (plain, None),
            Some(Use::Text) => (false, None),
            Some(Use::Include(kind)) => (plain, Some(kind)),
            Some(Use::Unknown) => {
                self.refuse_tag(tag, span)?;
                return Ok(leaf(Node::gone(span), 0));
            }
        };
        let text: Arc<str> = text.into();
        let bytes = text.len();
        let value = match include {
            Some(kind) => Value::Include(Include { path: text, kind }),
            None => Value::Scalar(Scalar { text, typed: None, plain, secret: self.secret }),
        };
        Ok(leaf(Node { value, span }, bytes))
    }

    fn list(&mut self, span: Span, depth: usize) -> Result<Built, Stop> {
        let mut items = Vec::new();
        let (mut weight, mut height) = (Weight { nodes: 1, bytes: 0 }, 0);
        while let Some((event, at)) = self.next()? {
            if matches!(event, Event::SequenceEnd) {
                break;
            }
            self.path.0.push(Step::Index(items.len()));
            let built = self.value(event, at, depth + 1)?;
            self.path.0.pop();
            weight = weight.plus(built.weight);
            height = height.max(built.height);
            items.push(built.node);
        }
        Ok(Built { node: Node { value: Value::List(items), span }, weight, height: height + 1 })
    }

    fn map(&mut self, span: Span, depth: usize) -> Result<Built, Stop> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut known: HashSet<Arc<str>> = HashSet::new();
        let (mut weight, mut height) = (Weight { nodes: 1, bytes: 0 }, 0);
        while let Some((event, key_span)) = self.next()? {
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let key = self.map_key(event, key_span, depth)?;
            let Some((event, at)) = self.next()? else { break };
            self.path.0.push(Step::Key(key.as_deref().unwrap_or("?").to_owned()));
            let outer = self.secret;
            self.secret |= key.as_deref().is_some_and(is_secret_key);
            let built = self.value(event, at, depth + 1)?;
            self.secret = outer;
            let Some(key) = key else {
                self.path.0.pop();
                continue;
            };
            if known.insert(Arc::clone(&key)) {
                weight = weight.plus(built.weight).plus(Weight { nodes: 0, bytes: key.len() });
                height = height.max(built.height);
                entries.push(Entry { key, key_span, node: built.node });
            } else {
                let first = entries.iter().find(|entry| entry.key == key).map_or(0, |entry| entry.key_span.line);
                let message = format!("this key stands here twice, first on line {first}");
                self.note(key_span, Fault::at(key_span, &self.path, message).hint("merge the two, or remove one"))?;
            }
            self.path.0.pop();
        }
        Ok(Built { node: Node { value: Value::Map(entries), span }, weight, height: height + 1 })
    }

    /// The text of a key, unless it isn't text, which is noted.
    fn map_key(&mut self, event: Event<'i>, span: Span, depth: usize) -> Result<Option<Arc<str>>, Stop> {
        if let Event::Scalar(text, _, _, None) = &event {
            return Ok(Some(text.as_ref().into()));
        }
        let key = self.value(event, span, depth + 1)?.node;
        if !key.is_gone() {
            let fault = Fault::at(span, &self.path, format!("a key must be text, but this is {}", key.sort()));
            self.note(span, fault.hint("quote the key if it begins with a special character"))?;
        }
        Ok(None)
    }

    fn alias(&mut self, anchor: usize, span: Span, depth: usize) -> Result<Built, Stop> {
        let Some((node, weight, height)) = self.anchors.get(&anchor) else { return self.dangling(span) };
        let (weight, height) = (*weight, *height);
        self.budget.alias(weight).map_err(|limit| Stop::TooMuch(span, limit))?;
        if depth + height > DEPTH_MAX {
            return Err(Stop::TooMuch(span, too_deep()));
        }
        let mut node = node.clone();
        if self.secret {
            mark_secret(&mut node, &mut self.secrets);
        }
        Ok(Built { node, weight, height })
    }

    /// An alias whose anchor isn't there, or isn't complete yet.
    fn dangling(&mut self, span: Span) -> Result<Built, Stop> {
        if self.secret {
            self.secrets.push((span.start, span.end));
        }
        let fault = Fault::at(span, &self.path, "`*` refers to an anchor (`&name`), and there is none of this name");
        self.note(span, fault.hint("in YAML, text that begins with `*` must be quoted"))?;
        Ok(leaf(Node::gone(span), 0))
    }

    fn remember(&mut self, anchor: usize, built: Built) -> Result<Built, Stop> {
        if anchor != 0 {
            self.budget.anchor(built.weight).map_err(|limit| Stop::TooMuch(built.node.span, limit))?;
            self.anchors.insert(anchor, (built.node.clone(), built.weight, built.height));
        }
        Ok(built)
    }

    fn refuse_tag(&mut self, tag: Option<&Tag>, span: Span) -> Result<(), Stop> {
        let Some(tag) = tag else { return Ok(()) };
        let hint = match Use::of(tag) {
            Use::Text | Use::Core => return Ok(()),
            Use::Include(_) => "write the path of a file after the tag",
            Use::Unknown if tag.suffix().starts_with("include") => {
                "`!include file.yaml` and `!include_text file.md` are supported; include the files one by one"
            }
            Use::Unknown => "text that begins with `!` must be quoted, such as \"!room:server\"",
        };
        if self.secret {
            self.secrets.push((span.start, span.end));
        }
        self.note(span, Fault::at(span, &self.path, "in YAML, `!` begins a tag, and this one is not known").hint(hint))
    }

    fn note(&mut self, span: Span, fault: Fault) -> Result<(), Stop> {
        self.faults.push(fault);
        if self.faults.len() < FAULTS_KEPT_MAX { Ok(()) } else { Err(Stop::TooManyFaults(span)) }
    }

    /// Where something stands, with its tag.
    fn span(&self, span: &granit_parser::Span) -> Span {
        let first = span.tag_start().unwrap_or(span.start);
        let start = self.byte(&first).min(self.byte(&span.start));
        // The end of a block lies at the beginning of what follows.
        let raw_end = self.byte(&span.end).max(start);
        let end = start + self.text[start..raw_end].trim_end().len();
        if start == end {
            return self.nowhere(start, &first);
        }
        Span { file: self.file, line: first.line(), column: first.col() + 1, start, end }
    }

    /// Where nothing stands: after what stands before it.
    fn nowhere(&self, at: usize, marker: &granit_parser::Marker) -> Span {
        let start = self.text[..at].trim_end().len();
        let skipped = &self.text[start..at];
        let lines = skipped.matches('\n').count();
        let line = marker.line().saturating_sub(lines).max(1);
        let column = if lines == 0 {
            marker.col().saturating_sub(skipped.chars().count()) + 1
        } else {
            let line_start = self.text[..start].rfind('\n').map_or(0, |newline| newline + 1);
            self.text[line_start..start].chars().count() + 1
        };
        Span { file: self.file, line, column, start, end: start }
    }

    fn byte(&self, marker: &granit_parser::Marker) -> usize {
        let byte = marker
            .byte_offset()
            .unwrap_or_else(|| self.text.char_indices().nth(marker.index()).map_or(self.text.len(), |(byte, _)| byte));
        let byte = byte.min(self.text.len());
        (0..=byte).rev().find(|byte| self.text.is_char_boundary(*byte)).unwrap_or(0)
    }

    fn explain(&self, stop: Stop) -> Fault {
        let too_much = |span, TooMuch(limit)| {
            Fault::at(span, &self.path, format!("this is too much: {limit}")).hint("make it flatter or smaller")
        };
        match stop {
            Stop::TooMuch(span, limit) => too_much(span, limit),
            Stop::TooManyFaults(span) => {
                Fault::at(span, &self.path, "too many mistakes; the rest was not read").hint("mend the others first")
            }
            Stop::Syntax(error) => {
                let marker = error.marker();
                let start = self.byte(marker);
                let end = (start + 1..=self.text.len()).find(|end| self.text.is_char_boundary(*end)).unwrap_or(start);
                let span = Span { file: self.file, line: marker.line().max(1), column: marker.col() + 1, start, end };
                if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
                    return too_much(span, too_deep());
                }
                let hint = hint_for(error.kind(), self.text.get(start..).unwrap_or_default());
                Fault::at(span, &KeyPath::default(), format!("this is not YAML: {}", error.info())).hint(hint)
            }
        }
    }
}

/// What a tag asks for.
enum Use {
    Text,
    Core,
    Include(IncludeKind),
    Unknown,
}

impl Use {
    fn of(tag: &Tag) -> Self {
        match (tag.handle(), tag.suffix()) {
            ("!", "include") => Self::Include(IncludeKind::Yaml),
            ("!", "include_text") => Self::Include(IncludeKind::Text),
            ("tag:yaml.org,2002:", "str") | ("!", "") | ("", "!") => Self::Text,
            ("tag:yaml.org,2002:", "bool" | "float" | "int" | "map" | "null" | "seq") => Self::Core,
            _ => Self::Unknown,
        }
    }
}

impl Weight {
    fn plus(self, other: Self) -> Self {
        Self { nodes: self.nodes + other.nodes, bytes: self.bytes + other.bytes }
    }
}

fn too_deep() -> TooMuch {
    TooMuch(format!("values are nested deeper than {DEPTH_MAX}"))
}

fn leaf(node: Node, bytes: usize) -> Built {
    Built { node, weight: Weight { nodes: 1, bytes }, height: 0 }
}

/// Marks everything in a value as secret.
fn mark_secret(node: &mut Node, secrets: &mut Vec<(usize, usize)>) {
    match &mut node.value {
        Value::Scalar(scalar) => {
            scalar.secret = true;
            secrets.push((node.span.start, node.span.end));
        }
        Value::List(items) => items.iter_mut().for_each(|item| mark_secret(item, secrets)),
        Value::Map(entries) => entries.iter_mut().for_each(|entry| mark_secret(&mut entry.node, secrets)),
        Value::Include(_) | Value::Gone => {}
    }
}

fn hint_for(kind: &ErrorKind, rest: &str) -> &'static str {
    match kind {
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping => return "add the closing bracket",
        ErrorKind::UnclosedQuotedScalar => return "add the closing quote",
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => {
            return "quote text that holds `: `, or line the keys up";
        }
        ErrorKind::TabNotAllowed | ErrorKind::TabInBlockIndentation | ErrorKind::TabInIndentation => return TABS,
        _ => {}
    }
    match rest.chars().next() {
        Some('@') => "text that begins with `@` must be quoted, such as \"@user:server\"",
        Some('`') => "text that begins with a backtick must be quoted",
        Some('%') => "text that begins with `%` must be quoted",
        Some('#') => "text that begins with `#` must be quoted, such as \"#room:server\"",
        Some('\t') => TABS,
        Some('{' | '}' | '[' | ']' | '*' | '&' | '!' | '|' | '>') => {
            "text that begins with a special character must be quoted"
        }
        _ => "check the indentation, quotes and brackets here and on the line above",
    }
}
