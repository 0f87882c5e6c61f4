//! What others wrote, without anything that a terminal would obey.

use std::ops::RangeInclusive;

/// What may stand within a sequence just before its last character.
const INTERMEDIATE: fn(char) -> bool = |c| (' '..='/').contains(&c);
/// Ends a command to the terminal that carries a text, such as a new window title.
const STRING_END: char = '\u{9c}';

/// `text` without control characters, escape sequences and marks that turn the direction of writing. Line breaks stay.
pub(super) fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\n' | '\u{2028}' | '\u{2029}' => shown.push('\n'),
            '\t' => shown.push(' '),
            '\x1b' => rest = after_escape(rest),
            '\u{9b}' => rest = after_parameters(rest),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => rest = after_string(rest),
            c if c.is_control() || turns_direction(c) => {}
            c => shown.push(c),
        }
    }
    shown
}

/// The same on one line of at most `chars_max` characters. It may be empty.
pub(super) fn harmless_line(text: &str, chars_max: usize) -> String {
    let words: Vec<String> = harmless(text).split_whitespace().map(str::to_owned).collect();
    shortened(&words.join(" "), chars_max)
}

/// The beginning of `text`, with a mark where something was left out.
pub(super) fn shortened(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// What follows an escape sequence whose first character, `ESC`, is gone already.
fn after_escape(rest: &str) -> &str {
    let mut chars = rest.chars();
    match chars.next() {
        Some('[') => after_parameters(chars.as_str()),
        Some(']' | 'P' | 'X' | '^' | '_') => after_string(chars.as_str()),
        Some(' '..='/') => without_one('0'..='~', rest.trim_start_matches(INTERMEDIATE)),
        Some('0'..='~') => chars.as_str(),
        _ => rest,
    }
}

/// What follows the parameters of a control sequence and the character that ends it.
fn after_parameters(rest: &str) -> &str {
    let parameters = |c: char| ('0'..='?').contains(&c);
    without_one('@'..='~', rest.trim_start_matches(parameters).trim_start_matches(INTERMEDIATE))
}

/// `text` without its first character, if that is one of `ends`.
fn without_one(ends: RangeInclusive<char>, text: &str) -> &str {
    text.strip_prefix(|c| ends.contains(&c)).unwrap_or(text)
}

/// What follows a command's text. One without an end hides nothing: it is shown.
fn after_string(rest: &str) -> &str {
    let end = rest.char_indices().find_map(|(at, c)| match c {
        '\x07' | STRING_END => Some(at + c.len_utf8()),
        '\x1b' if rest[at..].starts_with("\x1b\\") => Some(at + 2),
        _ => None,
    });
    end.map_or(rest, |end| &rest[end..])
}

/// Whether `c` makes what follows run the other way, so that it looks like something else.
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_that_it_would_obey() {
        let check = |text: &str, expected: &str| assert_eq!(harmless(text), expected, "{text:?}");
        check("plain – ünïcödé 👩‍💻", "plain – ünïcödé 👩‍💻");
        check("two\r\nlines\tand a tab", "two\nlines and a tab");
        check("\x1b[31mred\x1b[0m", "red");
        check("\x1b[2J\x1b[1;1Hcleared", "cleared");
        check("\x1b[?1049h\x1b[!pmodes", "modes");
        check("\u{9b}31mred", "red");
        check("\x1b]0;title\x07after", "after");
        check("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link");
        check("\u{9d}0;title\u{9c}after", "after");
        check("\x1bPq#0\x1b\\after", "after");
        check("\x1b]0;no end", "0;no end");
        check("\x1b(0lines\x1b=keys", "lineskeys");
        check("\x1b\x1b[31mtwice", "twice");
        check("cut \x1b", "cut ");
        check("cut \x1b[12;", "cut ");
        check("bell\x07 back\x08space\0\x7f", "bell backspace");
        check("over\rwritten", "overwritten");
        check("user\u{202e}txt.exe", "usertxt.exe");
        check("a\u{2028}b", "a\nb");
    }

    #[test]
    fn a_name_is_one_short_line() {
        let check = |text: &str, expected: &str| assert_eq!(harmless_line(text, 8), expected, "{text:?}");
        check("Ada", "Ada");
        check(" Ada \n\x1b[1m B. ", "Ada B.");
        check("Ada Lovelace", "Ada Love…");
        check("éééééééé", "éééééééé");
        check("\u{202e}\n", "");
    }

    proptest! {
        /// Whatever was written, only letters and line breaks are left, and nothing more is found in what is left.
        #[test]
        fn what_is_shown_is_harmless(text in "(\\PC|\\pC|[\\[\\];0-9m\\\\]){0,60}") {
            let shown = harmless(&text);
            prop_assert!(!shown.contains(|c: char| (c.is_control() && c != '\n') || turns_direction(c)), "{shown:?}");
            prop_assert_eq!(harmless(&shown), shown);
        }

        #[test]
        fn what_is_harmless_already_stays(text in "[ -~äöü👍\n]{0,80}") {
            prop_assert_eq!(harmless(&text), text);
        }
    }
}
