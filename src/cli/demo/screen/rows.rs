//! The messages of a room as rows of the screen: each with its thread below it, indented.

use ratatui::{
    style::{Color, Modifier, Style},
    text::{Line, Span},
};

use super::state::distinct;
use crate::{
    cli::demo::{
        room::{Message, Room},
        said::Manner,
    },
    model::{EventId, UserId},
    observe::time_of_day,
};

/// Stands before a message of a thread.
const THREAD: &str = "  ┆ ";
/// Stands before the second row of a message, below its time.
const HANGING: &str = "      ";
/// Stands behind an answer that still grows.
const GROWING: &str = " ▍";
/// The least width that a text is given.
const WIDTH_MIN: usize = 8;
const COLOURS: [Color; 6] =
    [Color::Cyan, Color::Green, Color::Yellow, Color::Magenta, Color::LightBlue, Color::LightRed];

/// A row of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// The message that it belongs to.
    pub(super) event: EventId,
    /// What stands there.
    pub(super) line: Line<'static>,
}

/// All rows of a room.
pub(super) fn rows(room: &Room, me: &UserId, selected: Option<&EventId>, width: usize) -> Vec<Row> {
    let messages = room.in_order();
    messages
        .into_iter()
        .flat_map(|message| of_message(room, me, message, selected == Some(&message.event), width))
        .collect()
}

fn of_message(room: &Room, me: &UserId, message: &Message, selected: bool, width: usize) -> Vec<Row> {
    let dim = Style::new().add_modifier(Modifier::DIM);
    let mark = Span::styled(if selected { "▶ " } else { "  " }, Style::new().fg(Color::Yellow));
    let indent = Span::styled(if message.thread.is_some() { THREAD } else { "" }, dim);
    let name = room.name_of(&message.sender);
    let head = vec![
        Span::styled(format!("{} ", time_of_day(message.at)), dim),
        Span::styled(headline(message, &name), name_style(me, &message.sender)),
    ];
    let before = mark.width() + indent.width();
    let first = width.saturating_sub(before + head.iter().map(Span::width).sum::<usize>()).max(WIDTH_MIN);
    let rest = width.saturating_sub(before + HANGING.len()).max(WIDTH_MIN);
    let text = match message.words.manner {
        Manner::Notice => Style::new().add_modifier(Modifier::ITALIC),
        Manner::Speech | Manner::Emote | Manner::Other(_) => Style::new(),
    };
    let row = |spans: Vec<Span<'static>>| {
        let line = Line::from([vec![mark.clone(), indent.clone()], spans].concat());
        Row { event: message.event.clone(), line }
    };
    let mut head = Some(head);
    let mut rows: Vec<Row> = wrap(&words(message), first, rest)
        .into_iter()
        .map(|part| {
            let mut spans = head.take().unwrap_or_else(|| vec![Span::raw(HANGING)]);
            spans.push(Span::styled(part, text));
            row(spans)
        })
        .collect();
    if !message.reactions.is_empty() {
        rows.push(row(vec![Span::raw(HANGING), Span::styled(reactions(message, me), dim)]));
    }
    rows
}

fn headline(message: &Message, name: &str) -> String {
    match &message.words.manner {
        Manner::Speech | Manner::Notice => format!("{name}: "),
        Manner::Emote => format!("* {name} "),
        Manner::Other(sort) => format!("{name}: ({sort}) "),
    }
}

fn words(message: &Message) -> String {
    let text = steady(message.words.text.trim_end());
    match (message.words.growing, message.edited) {
        (true, _) => format!("{text}{GROWING}"),
        (false, true) => format!("{text} (edited)"),
        (false, false) => text,
    }
}

/// Every reaction with how many gave it; a dot marks those of the person.
fn reactions(message: &Message, me: &UserId) -> String {
    let shown = distinct(message).into_iter().map(|key| {
        let alike = || message.reactions.iter().filter(|reaction| reaction.key == key);
        let own = if alike().any(|reaction| reaction.sender == *me) { "•" } else { "" };
        format!("{} ×{}{own}", steady(key), alike().count())
    });
    shown.collect::<Vec<_>>().join("  ")
}

/// The same without what terminals disagree about: how wide a sign is that is told to look like a picture, or like a key.
fn steady(text: &str) -> String {
    text.replace("\u{fe0f}\u{20e3}", ")").replace(['\u{fe0e}', '\u{fe0f}', '\u{20e3}'], "")
}

/// One's own name is bold, everybody else has a colour, always the same.
fn name_style(me: &UserId, user: &UserId) -> Style {
    if user == me {
        return Style::new().add_modifier(Modifier::BOLD);
    }
    let sum = user.as_str().bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
    Style::new().fg(COLOURS[sum % COLOURS.len()]).add_modifier(Modifier::BOLD)
}

/// `text` in rows: the first of them `first` columns wide, the others `rest`. Words are broken only where they must be.
pub(super) fn wrap(text: &str, first: usize, rest: usize) -> Vec<String> {
    let mut rows = vec![String::new()];
    let (mut used, mut room) = (0, first);
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            rows.push(String::new());
            (used, room) = (0, rest);
        }
        for word in line.split_inclusive(' ') {
            let visible = width(word.trim_end());
            if used > 0 && used + visible > room {
                rows.push(String::new());
                (used, room) = (0, rest);
            }
            for c in word.chars() {
                let wide = width(c.encode_utf8(&mut [0; 4]));
                if used + wide > room && c != ' ' {
                    rows.push(String::new());
                    (used, room) = (0, rest);
                }
                if let Some(row) = rows.last_mut() {
                    row.push(c);
                }
                used += wide;
            }
        }
    }
    rows
}

fn width(text: &str) -> usize {
    Span::raw(text).width()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cli::demo::fixtures::{edit, growing, id, in_thread, reaction, room, said, user};

    fn shown(room: &Room, width: usize) -> Vec<String> {
        let rows = rows(room, &user("ada"), Some(&id("$1")), width);
        rows.iter()
            .map(|row| row.line.to_string()[..].replacen(&time_of_day(crate::model::Millis(7)), "12:00", 1))
            .collect()
    }

    #[test]
    fn a_thread_stands_indented_below_its_message() {
        let mut room = room("!a", "Lobby");
        for event in [
            said("$1", "ada", "how long?"),
            said("$2", "x", "⚠️ first\nsecond"),
            growing("$3", "bob", "As long as", "$1"),
            reaction("$4", "bob", "🛑", "$3"),
            reaction("$5", "ada", "🛑", "$3"),
            reaction("$6", "bob", "1️⃣", "$3"),
            in_thread("$7", "ada", "well", "$1"),
            edit("$8", "ada", "well…", "$7", true),
        ] {
            room.hear(&event);
        }
        let expected = [
            "▶ 12:00 Ada (@ada:s): how long?",
            "    ┆ 12:00 Bob: As long as ▍",
            "    ┆       🛑 ×2•  1) ×1",
            "    ┆ 12:00 Ada (@ada:s): well… (edited)",
            "  12:00 @x:s: ⚠ first",
            "        second",
        ];
        assert_eq!(shown(&room, 60), expected);
    }

    #[test]
    fn long_lines_are_wrapped_at_words() {
        let check = |text: &str, expected: &[&str]| {
            let rows: Vec<String> = wrap(text, 5, 8).iter().map(|row| row.trim_end().to_owned()).collect();
            assert_eq!(rows, expected, "{text}");
        };
        check("", &[""]);
        check("a bc def gh", &["a bc", "def gh"]);
        check("abcdefgh", &["abcde", "fgh"]);
        check("a abcdefghij", &["a", "abcdefgh", "ij"]);
        check("a\n\nb", &["a", "", "b"]);
        check("👍👍👍", &["👍👍", "👍"]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_too_wide(text in "[a-zé👍 \n]{0,80}", first in 2_usize..20, rest in 2_usize..20) {
            let rows = wrap(&text, first, rest);
            prop_assert_eq!(rows.concat(), text.replace('\n', ""));
            for (index, row) in rows.iter().enumerate() {
                let room = if index == 0 { first } else { rest };
                prop_assert!(width(row.trim_end()) <= room, "{:?} in {}", row, room);
            }
        }
    }
}
