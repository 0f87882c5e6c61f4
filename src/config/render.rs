//! How problems are shown to a person: file, line, column, the offending line with a caret, and the way out.

use std::fmt::Write as _;

use super::{Problem, Severity};

/// How much of a long line is shown, in characters.
const LINE_CHARS_MAX: usize = 100;
/// How much of a long line is shown before the caret, in characters.
const BEFORE_CARET_CHARS_MAX: usize = 60;

/// How many errors are shown where there is no room for all.
const ERRORS_SHOWN_MAX: usize = 5;

/// Whether the output may use terminal colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// For files, pipes and logs.
    Never,
    /// For a terminal.
    Always,
}

/// All problems as text, one block each.
#[must_use]
pub fn render(problems: &[Problem], colour: Colour) -> String {
    let mut text = String::new();
    for (index, problem) in problems.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        render_one(&mut text, problem, Paint(colour));
    }
    text
}

/// The first errors among `problems` as text, and how many more there are: for where there is no room for all.
#[must_use]
pub fn render_errors(problems: &[Problem]) -> String {
    let errors: Vec<Problem> = problems.iter().filter(|problem| problem.severity == Severity::Error).cloned().collect();
    let shown = &errors[..errors.len().min(ERRORS_SHOWN_MAX)];
    let left = errors.len() - shown.len();
    let more = if left == 0 { String::new() } else { format!("… and {left} more\n") };
    format!("{}{more}", render(shown, Colour::Never))
}

fn render_one(text: &mut String, problem: &Problem, paint: Paint) {
    let tone = match problem.severity {
        Severity::Error => "1;31",
        Severity::Warning => "1;33",
    };
    let head = paint.wrap(tone, problem.severity.as_str());
    let message = paint.wrap("1", &problem.message);
    push_line(text, format_args!("{head}: {message}"));

    let margin = problem.spot.as_ref().map_or(1, |spot| spot.line.to_string().len());
    let blank = " ".repeat(margin);
    let arrow = paint.wrap("34", "-->");
    let file = problem.file.display();
    let at = problem.spot.as_ref().map(|spot| format!(":{}:{}", spot.line, spot.column)).unwrap_or_default();
    let path = if problem.path.is_empty() { String::new() } else { format!("  {}", problem.path) };
    push_line(text, format_args!("{blank}{arrow} {file}{at}{path}"));

    let bar = paint.wrap("34", "|");
    if let Some(spot) = &problem.spot {
        let window = Window::around(&spot.source, spot.column, spot.width);
        let number = paint.wrap("34", &spot.line.to_string());
        let caret = paint.wrap(tone, &"^".repeat(window.width));
        let indent = " ".repeat(window.before);
        push_line(text, format_args!("{blank} {bar}"));
        push_line(text, format_args!("{number} {bar} {}", window.line));
        push_line(text, format_args!("{blank} {bar} {indent}{caret}"));
    }
    if let Some(hint) = &problem.hint {
        let word = paint.wrap("36", "help");
        push_line(text, format_args!("{blank} = {word}: {hint}"));
    }
}

fn push_line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a `String` can't fail.
    writeln!(text, "{line}").expect("a String takes everything");
}

#[derive(Clone, Copy)]
struct Paint(Colour);

impl Paint {
    fn wrap(self, code: &str, text: &str) -> String {
        match self.0 {
            Colour::Never => text.to_owned(),
            Colour::Always => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }
}

/// The part of a line that is shown, and where the caret goes under it.
struct Window {
    line: String,
    before: usize,
    width: usize,
}

impl Window {
    fn around(source: &str, column: usize, width: usize) -> Self {
        let start = column.saturating_sub(1);
        let skipped =
            if source.chars().nth(LINE_CHARS_MAX).is_none() { 0 } else { start.saturating_sub(BEFORE_CARET_CHARS_MAX) };
        let mut line = String::new();
        if skipped > 0 {
            line.push('…');
        }
        line.extend(source.chars().skip(skipped).take(LINE_CHARS_MAX).map(printable));
        if source.chars().nth(skipped + LINE_CHARS_MAX).is_some() {
            line.push('…');
        }
        let before = start - skipped + usize::from(skipped > 0);
        let room = line.chars().count().saturating_sub(before).max(1);
        Self { line, before, width: width.clamp(1, room) }
    }
}

/// Control characters could move the cursor or recolour the terminal.
fn printable(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Spot;

    use super::*;

    fn problem(source: &str, column: usize, width: usize) -> Problem {
        Problem {
            severity: Severity::Error,
            file: "config.yaml".into(),
            spot: Some(Spot { line: 12, column, width, source: source.to_owned() }),
            path: "agents.writer.model".to_owned(),
            message: "unknown model \"gtp-5\"".to_owned(),
            hint: Some("did you mean \"gpt-5\"?".to_owned()),
        }
    }

    #[test]
    fn a_problem_shows_its_line_with_a_caret_and_the_way_out() {
        let text = render(&[problem("    model: gtp-5", 12, 5)], Colour::Never);
        let expected = r#"error: unknown model "gtp-5"
  --> config.yaml:12:12  agents.writer.model
   |
12 |     model: gtp-5
   |            ^^^^^
   = help: did you mean "gpt-5"?
"#;
        assert_eq!(text, expected);
    }

    #[test]
    fn colours_only_add_escapes() {
        let problems = [problem("    model: gtp-5", 12, 5)];
        let mut plain = render(&problems, Colour::Always);
        for code in ["1;31", "1", "34", "36", "0"] {
            plain = plain.replace(&format!("\x1b[{code}m"), "");
        }
        assert_eq!(plain, render(&problems, Colour::Never));
    }

    #[test]
    fn long_lines_are_cut_around_the_caret_and_control_characters_are_harmless() {
        let line = format!("{}\x1b[31mX{}", "a".repeat(500), "b".repeat(500));
        let text = render(&[problem(&line, 506, 1)], Colour::Never);
        let rows: Vec<&str> = text.lines().collect();
        assert!(!text.contains('\x1b'), "no escape gets through");
        assert!(rows[3].chars().count() < 120, "the line is cut: {}", rows[3]);
        let caret = rows[4].chars().position(|c| c == '^').unwrap();
        assert_eq!(rows[3].chars().nth(caret), Some('X'), "the caret is under the place that is meant");
    }

    #[test]
    fn the_form_for_logs_is_one_line() {
        assert_eq!(
            problem("    model: gtp-5", 12, 5).to_string(),
            "config.yaml:12:12: agents.writer.model: unknown model \"gtp-5\" (did you mean \"gpt-5\"?)"
        );
    }
}
