//! Other people's words inside our Markdown, so that they stay words.

/// How much of somebody's message is quoted.
const QUOTE_CHARS_MAX: usize = 80;

/// `text` as it is, whatever it looks like in Markdown. One line.
pub(super) fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '!' | '&' => safe.extend(['\\', c]),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

/// `text` as code, on one line.
pub(super) fn code(text: &str) -> String {
    let inner: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("`{}`", inner.replace('`', "'"))
}

/// How many lines of a block are shown.
const BLOCK_LINES_MAX: usize = 120;
/// How many characters of a block are shown; a longer one would fill several messages.
const BLOCK_CHARS_MAX: usize = 8_000;

/// `text` as it is, line by line, up to a bound.
pub(super) fn block(text: &str) -> String {
    let (mut shown, mut chars) = (String::new(), 0);
    let mut lines = text.lines();
    for line in lines.by_ref().take(BLOCK_LINES_MAX) {
        chars += line.chars().count() + 1;
        if chars > BLOCK_CHARS_MAX {
            shown.push_str("… and more\n");
            break;
        }
        shown.push_str(line);
        shown.push('\n');
    }
    let left = if chars > BLOCK_CHARS_MAX { 0 } else { lines.count() };
    if left > 0 {
        shown.extend(["… and ", &count(left as u64, "line", "lines"), " more\n"]);
    }
    format!("```\n{}```", shown.replace("```", "\u{2019}\u{2019}\u{2019}"))
}

/// The beginning of somebody's message. As code, so that nobody in it is mentioned again.
pub(super) fn quote(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut short: String = line.chars().take(QUOTE_CHARS_MAX).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    code(&short)
}

/// Names as people list them: `a`, `a and b`, `a, b and c`.
pub(super) fn listed(names: &[String]) -> String {
    match names {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// `1 answer`, `2 answers`.
pub(super) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_peoples_words_stay_words() {
        assert_eq!(plain("<b>*Eve*</b>\n"), "\\<b\\>\\*Eve\\*\\</b\\> ");
        assert_eq!(code("a`b\nc"), "`a'b c`");
        assert_eq!(quote("  hello\n@room  "), "`hello @room`");
        let long = quote(&"ä".repeat(200));
        assert_eq!((long.chars().count(), long.ends_with("…`")), (QUOTE_CHARS_MAX + 3, true));
    }

    #[test]
    fn blocks_end() {
        assert_eq!(block("a: `b`\n```\n"), "```\na: `b`\n\u{2019}\u{2019}\u{2019}\n```");
        let long = block(&"x\n".repeat(200));
        assert!(long.ends_with("x\n… and 80 lines more\n```"), "{long}");
        let wide = block(&format!("a\n{}\nb", "x".repeat(BLOCK_CHARS_MAX)));
        assert_eq!(wide, "```\na\n… and more\n```");
    }

    #[test]
    fn names_are_listed_as_people_do() {
        let names = |names: &[&str]| listed(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        assert_eq!(names(&[]), "nobody");
        assert_eq!(names(&["a"]), "a");
        assert_eq!(names(&["a", "b"]), "a and b");
        assert_eq!(names(&["a", "b", "c"]), "a, b and c");
        assert_eq!(
            (count(1, "answer", "answers"), count(0, "answer", "answers")),
            ("1 answer".to_owned(), "0 answers".to_owned())
        );
    }
}
