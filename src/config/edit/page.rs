//! The text of one file, and where in it a value begins, ends, or would have to come.

use super::{change::Stuck, tree::is_nothing, value::FLOW_ENDS};
use crate::config::{
    key_path::{KeyPath, Step},
    node::{Entry, Node, Value},
    yaml::key_text,
};

/// How much further in each new section stands.
const INDENT: &str = "  ";

/// Where the way to a value has come to.
struct At<'t> {
    node: &'t Node,
    /// Where the value may begin: after the colon of its key, after its dash.
    after: usize,
    /// How far in its key stands, if it has one.
    indent: Option<String>,
    /// Whether it stands inside brackets.
    in_flow: bool,
}

/// The text of one file, for finding one's way in it.
pub(super) struct Page<'i> {
    pub(super) text: &'i str,
}

impl Page<'_> {
    /// The text with a value at `path`, counted from `root`, its tree.
    pub(super) fn edited(&self, root: &Node, path: &KeyPath, fragment: &str) -> Result<String, Stuck> {
        let mut at = At { node: root, after: 0, indent: None, in_flow: false };
        for (depth, step) in path.0.iter().enumerate() {
            let rest = &path.0[depth..];
            let in_flow = at.in_flow || self.is_flow(at.node);
            at = match (&at.node.value, step) {
                (Value::Map(entries), Step::Key(key)) => match entries.iter().find(|entry| *entry.key == **key) {
                    Some(entry) => {
                        let indent = Some(self.indent(entry.key_span.start));
                        At { node: &entry.node, after: self.after_key(entry), indent, in_flow }
                    }
                    None => return self.with_key(&at, entries, rest, fragment),
                },
                (Value::List(items), Step::Index(index)) => match (items.get(*index), rest.len()) {
                    (Some(item), _) => {
                        let after = self.after_dash(&at, &items[..*index]).ok_or(Stuck::Entangled)?;
                        At { node: item, after, indent: None, in_flow }
                    }
                    (None, 1) if *index == items.len() => return self.with_item(&at, items, fragment),
                    (None, _) => return Err(Stuck::BeyondEnd),
                },
                (Value::Include(_), _) => return Err(Stuck::Included),
                (Value::Scalar(scalar), _) if scalar.is_null() => return self.filled(&at, rest, fragment),
                (Value::Scalar(_) | Value::List(_) | Value::Map(_) | Value::Gone, _) => return Err(Stuck::NoPlace),
            };
            if self.is_alias(at.after) {
                return Err(Stuck::Entangled);
            }
        }
        self.replaced(&at, fragment)
    }

    /// The text with another value in place of one that is there.
    fn replaced(&self, at: &At<'_>, fragment: &str) -> Result<String, Stuck> {
        match &at.node.value {
            Value::Include(_) => return Err(Stuck::Included),
            Value::Map(entries) if !entries.is_empty() && !self.is_flow(at.node) => return Err(Stuck::Section),
            Value::Map(_) | Value::Scalar(_) | Value::List(_) | Value::Gone => {}
        }
        if at.node.span.start == at.node.span.end && is_nothing(at.node) {
            return Ok(self.with(at.after, at.after, &format!(" {fragment}")));
        }
        let start = self.start(at.node, at.after);
        let end = self.end(at.node, at.after).ok_or(Stuck::Entangled)?;
        let between = self.text.get(at.after..start).ok_or(Stuck::Entangled)?;
        Ok(match between.split_once('\n') {
            // It begins below its key: what stands beside the key stays there.
            Some((beside, _)) => self.with(at.after, end, &format!(" {fragment}{}", beside.trim_end())),
            None => self.with(start, end, fragment),
        })
    }

    /// The text with a key more in a section.
    fn with_key(&self, at: &At<'_>, entries: &[Entry], rest: &[Step], fragment: &str) -> Result<String, Stuck> {
        let end = entries.last().map(|last| self.value_end(&last.node, self.after_key(last)).ok_or(Stuck::Entangled));
        let end = end.transpose()?;
        if self.is_flow(at.node) || entries.is_empty() {
            let (place, comma) = end.map_or((at.node.span.start + 1, ""), |end| (end, ", "));
            return Ok(self.with(place, place, &format!("{comma}{}", inline(rest, fragment)?)));
        }
        let indent = self.indent(entries[0].key_span.start);
        let place = self.line_end(end.unwrap_or_default());
        Ok(self.with(place, place, &self.lines(rest, fragment, &indent)?))
    }

    /// The text with an element more in a list.
    fn with_item(&self, at: &At<'_>, items: &[Node], fragment: &str) -> Result<String, Stuck> {
        if items.is_empty() {
            let place = at.node.span.start + 1;
            return Ok(self.with(place, place, fragment));
        }
        let start = self.start(at.node, at.after);
        let end = self.items_end(items, start).ok_or(Stuck::Entangled)?;
        if self.is_flow(at.node) {
            return Ok(self.with(end, end, &format!(", {fragment}")));
        }
        let place = self.line_end(end);
        Ok(self.with(place, place, &format!("{}{}- {fragment}", self.line_break(), self.indent(start))))
    }

    /// The text with something under a key under which nothing stood.
    fn filled(&self, at: &At<'_>, rest: &[Step], fragment: &str) -> Result<String, Stuck> {
        let span = at.node.span;
        if span.start < span.end {
            return Ok(self.with(span.start, span.end, &enclosed(rest, fragment)?));
        }
        match (&at.indent, rest.first()) {
            (Some(indent), Some(Step::Key(_))) if !at.in_flow => {
                let place = self.line_end(at.after);
                Ok(self.with(place, place, &self.lines(rest, fragment, &format!("{indent}{INDENT}"))?))
            }
            (_, _) => Ok(self.with(at.after, at.after, &format!(" {}", enclosed(rest, fragment)?))),
        }
    }

    /// The text of a file that held nothing.
    pub(super) fn first_lines(&self, rest: &[Step], fragment: &str) -> Result<String, Stuck> {
        let lines = self.lines(rest, fragment, "")?;
        let before = self.text.trim_end_matches(['\n', '\r']);
        let lines = if before.is_empty() { lines.trim_start_matches(['\n', '\r']) } else { &lines };
        Ok(format!("{before}{lines}{}", self.line_break()))
    }

    /// Lines for a value and the sections that lead to it, each with the break before it.
    fn lines(&self, rest: &[Step], fragment: &str, indent: &str) -> Result<String, Stuck> {
        let (mut lines, mut indent) = (String::new(), indent.to_owned());
        for (depth, step) in rest.iter().enumerate() {
            let Step::Key(key) = step else { return Err(Stuck::BeyondEnd) };
            lines.push_str(self.line_break());
            lines.push_str(&indent);
            lines.push_str(&key_text(key));
            lines.push(':');
            indent.push_str(INDENT);
            match &rest[depth + 1..] {
                [] => lines.extend([" ", fragment]),
                [Step::Index(_), ..] => {
                    lines.extend([" ", &enclosed(&rest[depth + 1..], fragment)?]);
                    break;
                }
                [Step::Key(_), ..] => {}
            }
        }
        Ok(lines)
    }

    fn with(&self, start: usize, end: usize, new: &str) -> String {
        format!("{}{new}{}", &self.text[..start], &self.text[end..])
    }

    /// Whether it is a section or a list in brackets.
    fn is_flow(&self, node: &Node) -> bool {
        let bracket = match node.value {
            Value::Map(_) => "{",
            Value::List(_) => "[",
            Value::Scalar(_) | Value::Include(_) | Value::Gone => return false,
        };
        self.text.get(node.span.start..).is_some_and(|rest| rest.starts_with(bracket))
    }

    /// Where a value begins that is there, and may begin after `after`.
    fn start(&self, node: &Node, after: usize) -> usize {
        match &node.value {
            Value::Map(entries) if !self.is_flow(node) => {
                entries.first().map_or(node.span.start, |entry| entry.key_span.start)
            }
            Value::List(_) if !self.is_flow(node) => self.skip(after, &[]),
            // Of text on lines of its own the mark stands before what was parsed.
            Value::Scalar(_) if self.stands(after, &['|', '>']) => self.skip(after, &[]),
            Value::Map(_) | Value::List(_) | Value::Scalar(_) | Value::Include(_) | Value::Gone => node.span.start,
        }
    }

    /// Where a value ends that is there.
    fn end(&self, node: &Node, after: usize) -> Option<usize> {
        match &node.value {
            Value::Scalar(_) | Value::Include(_) | Value::Gone => Some(node.span.end),
            Value::Map(entries) => {
                let last = entries.last().map(|last| self.value_end(&last.node, self.after_key(last)));
                let end = last.unwrap_or(Some(node.span.start + 1))?;
                if self.is_flow(node) { self.closing(end, '}') } else { Some(end) }
            }
            Value::List(items) => {
                let end = self.items_end(items, self.start(node, after))?;
                if self.is_flow(node) { self.closing(end, ']') } else { Some(end) }
            }
        }
    }

    /// Where the last of `items` ends, of a list that begins at `start`, with its bracket or the first dash.
    fn items_end(&self, items: &[Node], start: usize) -> Option<usize> {
        let is_block = self.text.get(start..)?.starts_with('-');
        let mut end = start;
        for (index, item) in items.iter().enumerate() {
            let skipped = if is_block && index == 0 { end } else { self.skip(end, &[',', '[']) };
            end = self.value_end(item, if is_block { skipped + 1 } else { skipped })?;
        }
        Some(if items.is_empty() { start + 1 } else { end })
    }

    /// Where a value ends that may begin after `after`: at once, where there is none.
    fn value_end(&self, node: &Node, after: usize) -> Option<usize> {
        if self.is_alias(after) {
            let start = self.skip(after, &[]);
            let rest = self.text.get(start..)?;
            let ends = |c: char| c.is_whitespace() || FLOW_ENDS.contains(&c);
            return Some(start + rest.find(ends).unwrap_or(rest.len()));
        }
        if node.span.start == node.span.end && is_nothing(node) { Some(after) } else { self.end(node, after) }
    }

    /// Whether the next value is one that stands elsewhere.
    fn is_alias(&self, after: usize) -> bool {
        self.stands(after, &['*'])
    }

    /// Whether the next value begins with one of `marks`.
    fn stands(&self, after: usize, marks: &[char]) -> bool {
        self.text.get(self.skip(after, &[])..).is_some_and(|rest| rest.starts_with(marks))
    }

    /// Where a bracket that closes ends.
    fn closing(&self, from: usize, bracket: char) -> Option<usize> {
        let at = self.skip(from, &[',']);
        self.text.get(at..)?.starts_with(bracket).then_some(at + 1)
    }

    /// Past blanks, line breaks, comments and any of `others`.
    fn skip(&self, from: usize, others: &[char]) -> usize {
        let mut rest = self.text.get(from..).unwrap_or_default();
        loop {
            let left = rest.trim_start_matches(|c: char| c.is_whitespace() || others.contains(&c));
            match left.strip_prefix('#') {
                Some(comment) => rest = comment.find('\n').map_or("", |end| &comment[end..]),
                None => return self.text.len() - left.len(),
            }
        }
    }

    /// After the colon of a key.
    fn after_key(&self, entry: &Entry) -> usize {
        let end = entry.key_span.end;
        self.text.get(end..).and_then(|rest| rest.find(':')).map_or(end, |colon| end + colon + 1)
    }

    /// Where the element may begin of a list that comes after the elements `before`.
    fn after_dash(&self, at: &At<'_>, before: &[Node]) -> Option<usize> {
        let start = self.start(at.node, at.after);
        match (self.is_flow(at.node), before.is_empty()) {
            (true | false, true) => Some(start + 1),
            (false, false) => Some(self.skip(self.items_end(before, start)?, &[]) + 1),
            (true, false) => Some(self.skip(self.items_end(before, start)?, &[','])),
        }
    }

    /// What stands before a place on its line, as blanks.
    fn indent(&self, at: usize) -> String {
        let before = self.text.get(..at).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        line.chars().map(|c| if c.is_whitespace() { c } else { ' ' }).collect()
    }

    fn line_end(&self, from: usize) -> usize {
        let rest = self.text.get(from..).unwrap_or_default();
        let line = rest.split('\n').next().unwrap_or_default();
        from + line.strip_suffix('\r').unwrap_or(line).len()
    }

    fn line_break(&self) -> &'static str {
        if self.text.contains("\r\n") { "\r\n" } else { "\n" }
    }
}

/// A value and the sections that lead to it, inside brackets.
fn inline(rest: &[Step], fragment: &str) -> Result<String, Stuck> {
    match rest {
        [Step::Key(key)] => Ok(format!("{}: {fragment}", key_text(key))),
        [Step::Key(key), rest @ ..] => Ok(format!("{}: {}", key_text(key), enclosed(rest, fragment)?)),
        [] | [Step::Index(_), ..] => Err(Stuck::BeyondEnd),
    }
}

/// The same, in brackets.
fn enclosed(rest: &[Step], fragment: &str) -> Result<String, Stuck> {
    match rest {
        [Step::Index(0)] => Ok(format!("[{fragment}]")),
        [] | [Step::Index(_), ..] => Err(Stuck::BeyondEnd),
        [Step::Key(_), ..] => Ok(format!("{{{}}}", inline(rest, fragment)?)),
    }
}
