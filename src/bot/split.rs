//! Cuts an answer that is too long for one event into parts, at paragraphs and code fences where it can.

/// What one event may weigh on the wire, after signing and encryption. From the specification.
pub(super) const EVENT_BYTES_MAX: usize = 65_536;
/// What is around the content: ids, relations in clear, signatures and hashes, earlier events, Megolm's own header.
const ENVELOPE_BYTES: usize = 8 * 1024;
/// What one event's content may weigh before it is encrypted; Megolm's base64 makes four bytes of three.
pub(super) const CONTENT_BYTES_MAX: usize = 40 * 1024;
const _: () = assert!(CONTENT_BYTES_MAX.div_ceil(3) * 4 + ENVELOPE_BYTES <= EVENT_BYTES_MAX);

/// A cut at a good border is taken only if the part is at least this share of what could fit.
const PART_SHARE_MIN: usize = 4;
/// How far back a hard cut looks for a place between two visible characters.
const CLUSTER_CHARS_MAX: usize = 32;
/// A longer run of fence characters is not taken for a fence, so that repeating it can't fill an event.
const FENCE_CHARS_MAX: usize = 32;
/// How much of what follows a fence is repeated when it is opened again.
const INFO_BYTES_MAX: usize = 64;

/// A part of a text: a piece of it, with the code fence around it opened and closed again where a cut went through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part<'t> {
    opening: String,
    piece: &'t str,
    closing: String,
    /// Whether nothing but blanks comes after it.
    pub(super) is_last: bool,
}

impl Part<'_> {
    /// The part as it is shown.
    pub(super) fn text(&self) -> String {
        if self.opening.is_empty() && self.closing.is_empty() {
            return self.piece.trim_start_matches('\n').trim_end().to_owned();
        }
        let piece = if self.opening.is_empty() { self.piece.trim_start_matches('\n') } else { self.piece };
        if self.closing.is_empty() {
            return format!("{}{}", self.opening, piece.trim_end());
        }
        let line_end = if piece.ends_with('\n') { "" } else { "\n" };
        format!("{}{piece}{line_end}{}", self.opening, self.closing)
    }
}

/// The parts of `text`, each of which `weigh` finds to weigh no more than `budget`. What is shown of them, without the
/// fences that were opened again and the empty lines between, is the text.
pub(super) fn split(text: &str, budget: usize, weigh: impl Fn(&str) -> usize) -> impl Iterator<Item = Part<'_>> {
    let mut rest = text;
    let mut fence: Option<Fence> = None;
    std::iter::from_fn(move || {
        if rest.trim().is_empty() {
            return None;
        }
        let (part, after) = part(rest, fence.as_ref(), budget, &weigh);
        rest = &rest[part.piece.len()..];
        fence = after;
        Some(part)
    })
}

/// What closes the code fence that `text` leaves open.
pub(super) fn open_fence_end(text: &str) -> Option<String> {
    fence_after(text, None).map(|fence| fence.closing())
}

/// The longest part that `rest` can begin with, and the fence it leaves open.
fn part<'t>(
    rest: &'t str,
    fence: Option<&Fence>,
    budget: usize,
    weigh: impl Fn(&str) -> usize,
) -> (Part<'t>, Option<Fence>) {
    let first = rest.chars().next().map_or(0, char::len_utf8);
    // A text weighs no less than its own bytes.
    let mut limit = floor_boundary(rest, budget).max(first);
    loop {
        let end = if limit == rest.len() { limit } else { border(rest, limit, fence) };
        let (part, after) = cut(rest, end, fence);
        let weight = weigh(&part.text());
        if weight <= budget || end <= first {
            return (part, after);
        }
        limit = floor_boundary(rest, (end - 1).min(end * budget / weight)).max(first);
    }
}

fn cut<'t>(rest: &'t str, end: usize, fence: Option<&Fence>) -> (Part<'t>, Option<Fence>) {
    let piece = &rest[..end];
    let after = fence_after(piece, fence);
    let opening = fence.map_or_else(String::new, Fence::opening);
    // The end of the text is the end of every fence; there is nothing to close for.
    let closing = if end == rest.len() { None } else { after.as_ref().map(Fence::closing) };
    let is_last = rest[end..].trim().is_empty();
    (Part { opening, piece, closing: closing.unwrap_or_default(), is_last }, after)
}

/// The best place to cut `rest` at or before `limit`; never its very beginning.
fn border(rest: &str, limit: usize, fence: Option<&Fence>) -> usize {
    let (mut paragraph, mut line_end, mut at) = (0, 0, 0);
    let mut open = fence.cloned();
    for line in rest[..limit].split_inclusive('\n') {
        let after = next_fence(line, open.as_ref());
        if open.is_none() && after.is_some() {
            paragraph = at;
        }
        at += line.len();
        let whole = line.ends_with('\n');
        let fence_closed = open.is_some() && after.is_none();
        if whole && after.is_none() && (fence_closed || line.trim().is_empty()) {
            paragraph = at;
        }
        // Not right behind a fence's first line: the code block before the cut would be empty.
        if whole && !(open.is_none() && after.is_some()) {
            line_end = at;
        }
        open = after;
    }
    let good = |place: &usize| *place > 0 && *place >= limit / PART_SHARE_MIN;
    [paragraph, line_end, space_before(rest, limit)]
        .into_iter()
        .find(good)
        .unwrap_or_else(|| cluster_boundary(rest, limit))
}

/// The place behind the last blank before `limit`.
fn space_before(rest: &str, limit: usize) -> usize {
    rest[..limit].rfind(' ').map_or(0, |space| space + 1)
}

/// A place at or before `limit` that is not within a visible character, as far as that can be told nearby.
fn cluster_boundary(rest: &str, limit: usize) -> usize {
    let mut place = limit;
    for _ in 0..CLUSTER_CHARS_MAX {
        let (before, after) = (rest[..place].chars().next_back(), rest[place..].chars().next());
        let (Some(before), Some(after)) = (before, after) else { break };
        let half_flag =
            is_half_flag(after) && rest[..place].chars().rev().take_while(|c| is_half_flag(*c)).count() % 2 == 1;
        if !half_flag && !sticks_together(before, after) {
            return place;
        }
        place -= before.len_utf8();
    }
    limit
}

/// Whether two characters are likely to be shown as one.
fn sticks_together(before: char, after: char) -> bool {
    let joiner = '\u{200D}';
    let is_added = matches!(after,
        '\u{300}'..='\u{36F}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5BD}' | '\u{64B}'..='\u{65F}'
        | '\u{93A}'..='\u{93C}' | '\u{93E}'..='\u{94F}' | '\u{E31}' | '\u{E34}'..='\u{E3A}' | '\u{E47}'..='\u{E4E}'
        | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}' | '\u{302A}'..='\u{302F}'
        | '\u{3099}'..='\u{309A}' | '\u{FE00}'..='\u{FE0F}' | '\u{FE20}'..='\u{FE2F}' | '\u{1F3FB}'..='\u{1F3FF}'
        | '\u{E0020}'..='\u{E007F}' | '\u{E0100}'..='\u{E01EF}');
    is_added || before == joiner || after == joiner || (before, after) == ('\r', '\n')
}

/// Flags are made of pairs of these.
fn is_half_flag(character: char) -> bool {
    ('\u{1F1E6}'..='\u{1F1FF}').contains(&character)
}

fn floor_boundary(text: &str, at: usize) -> usize {
    if at >= text.len() { text.len() } else { (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0) }
}

/// A code fence that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fence {
    mark: char,
    length: usize,
    info: String,
}

impl Fence {
    fn opening(&self) -> String {
        format!("{}{}\n", self.closing(), self.info)
    }

    fn closing(&self) -> String {
        self.mark.to_string().repeat(self.length)
    }
}

fn fence_after(text: &str, open: Option<&Fence>) -> Option<Fence> {
    text.split_inclusive('\n').fold(open.cloned(), |open, line| next_fence(line, open.as_ref()))
}

/// The fence that is open after `line`. Indentation is not counted: in a list a fence may stand far to the right.
fn next_fence(line: &str, open: Option<&Fence>) -> Option<Fence> {
    let trimmed = line.trim();
    let mark = trimmed.chars().next().filter(|mark| matches!(mark, '`' | '~'));
    let length = mark.map_or(0, |mark| trimmed.chars().take_while(|c| *c == mark).count());
    let info = trimmed[length..].trim();
    match (open, mark) {
        (Some(open), Some(mark)) if mark == open.mark && length >= open.length && info.is_empty() => None,
        (Some(open), _) => Some(open.clone()),
        (None, Some(mark)) if (3..=FENCE_CHARS_MAX).contains(&length) && !(mark == '`' && info.contains('`')) => {
            Some(Fence { mark, length, info: info[..floor_boundary(info, INFO_BYTES_MAX)].to_owned() })
        }
        (None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, budget: usize, expected: &[&str]) {
        let parts: Vec<String> = split(text, budget, str::len).map(|part| part.text()).collect();
        assert_eq!(parts, expected, "{text:?}");
    }

    /// S3: too long for one event: split at paragraph or code-fence borders, in order.
    #[test]
    fn a_long_text_is_cut_at_good_borders() {
        check("short", 100, &["short"]);
        check("", 100, &[]);
        check("one one\n\ntwo two\n\nthree", 12, &["one one", "two two", "three"]);
        check("one\ntwo\nthree\nfour", 9, &["one\ntwo", "three", "four"]);
        check("one two three", 8, &["one two", "three"]);
        check("abcdefghij", 4, &["abcd", "efgh", "ij"]);
        check("text\n```\ncode\n```\nmore", 14, &["text", "```\ncode\n```", "more"]);
        check("text text\n~~~\ncode\n~~~\n", 15, &["text text", "~~~\ncode\n~~~"]);
    }

    /// S3: a fence that must be cut is closed, and opened again with its language.
    #[test]
    fn a_cut_fence_is_closed_and_opened_again() {
        check("```rs\nlet a;\nlet b;\n```\nand end", 20, &["```rs\nlet a;\n```", "```rs\nlet b;\n```", "and end"]);
        check("````\n```\nab\n````", 14, &["````\n```\n````", "````\nab\n````"]);
        check("```\nabcdefghij", 13, &["```\nabcde\n```", "```\nfghij"]);
    }

    #[test]
    fn visible_characters_stay_whole() {
        check("bä\u{308}bä\u{308}", 8, &["bä\u{308}b", "ä\u{308}"]);
        check("🇩🇪🇫🇷", 12, &["🇩🇪", "🇫🇷"]);
        check("x👩\u{200D}🔬y", 11, &["x", "👩\u{200D}🔬", "y"]);
    }

    #[test]
    fn an_open_fence_is_known() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(open_fence_end(text).as_deref(), expected, "{text:?}");
        };
        check("a\n```rust\nb", Some("```"));
        check("a\n  ~~~~\nb\n~~~", Some("~~~~"));
        check("```\na\n```", None);
        check("```inline``` text", None);
        check("``", None);
    }

    #[test]
    fn a_fence_that_would_fill_events_is_no_fence() {
        let text = format!("{}\n{}", "`".repeat(300), "x\n".repeat(300));
        assert!(split(&text, 100, str::len).all(|part| part.text().len() <= 100));
        let info = format!("```{}\n{}", "i".repeat(300), "x\n".repeat(300));
        assert!(split(&info, 100, str::len).all(|part| part.text().len() <= 100));
    }

    fn texts() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => "[a-zä👩🏽\u{301} ]{0,30}",
            2 => Just("\n".to_owned()),
            2 => Just("\n\n".to_owned()),
            1 => Just("\n```rust\n".to_owned()),
            1 => Just("\n```\n".to_owned()),
            1 => Just("~~~~ x\n".to_owned()),
            1 => "[a-z]{200,300}",
        ];
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        /// S3: the parts are the text, in order and whole, and each is within the budget, also where `weigh` is crooked.
        #[test]
        fn the_parts_are_the_text(text in texts(), budget in 60_usize..400) {
            let weigh = |text: &str| text.len() + text.matches('a').count();
            let parts: Vec<Part> = split(&text, budget, weigh).collect();
            let joined: String = parts.iter().map(|part| part.piece).collect();
            prop_assert!(text.starts_with(&joined));
            prop_assert!(text[joined.len()..].trim().is_empty());
            for part in &parts {
                prop_assert!(weigh(&part.text()) <= budget, "{:?}", part);
                let shown = part.text();
                let inside = &shown[part.opening.len()..shown.len() - part.closing.len()];
                prop_assert_eq!(inside.trim(), part.piece.trim());
            }
            for pair in parts.windows(2) {
                prop_assert!(open_fence_end(&pair[0].text()).is_none(), "{:?}", pair);
                prop_assert_eq!(pair[1].opening.is_empty(), pair[0].closing.is_empty());
            }
        }
    }
}
