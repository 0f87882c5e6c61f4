//! The line that the person types: a text and a place in it.

use super::keys::{Motion, Removal};
use crate::cli::demo::harmless::harmless;

/// What one message may hold, in bytes; far below what one event may.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// The line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    text: String,
    /// The byte that the cursor stands before; always at the border of a letter.
    cursor: usize,
}

impl Line {
    /// What is typed.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// What stands before the cursor.
    pub(super) fn before(&self) -> &str {
        &self.text[..self.cursor]
    }

    /// Takes what is typed away.
    pub(super) fn take(&mut self) -> String {
        self.cursor = 0;
        std::mem::take(&mut self.text)
    }

    /// Puts another text in its place.
    pub(super) fn set(&mut self, text: &str) {
        self.take();
        self.insert(text);
    }

    /// Inserts `text` before the cursor. What would be too much is left out.
    pub(super) fn insert(&mut self, text: &str) {
        let text = harmless(text);
        let room = LINE_BYTES_MAX.saturating_sub(self.text.len());
        let fits = (0..=room.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        self.text.insert_str(self.cursor, &text[..fits]);
        self.cursor += fits;
    }

    /// Moves the cursor.
    pub(super) fn go(&mut self, motion: Motion) {
        self.cursor = match motion {
            Motion::Left => self.cursor - self.letter_before(),
            Motion::Right => self.cursor + self.letter_under(),
            Motion::Home => 0,
            Motion::End => self.text.len(),
        };
    }

    /// Removes a part.
    pub(super) fn remove(&mut self, removal: Removal) {
        let (start, end) = match removal {
            Removal::Before => (self.cursor - self.letter_before(), self.cursor),
            Removal::Under => (self.cursor, self.cursor + self.letter_under()),
            Removal::Word => {
                let word = self.before().trim_end().rfind(char::is_whitespace).map_or(0, |space| space + 1);
                (word, self.cursor)
            }
            Removal::All => (0, self.text.len()),
        };
        self.text.replace_range(start..end, "");
        self.cursor = start;
    }

    /// Puts `text` in place of the `length` bytes before the cursor.
    pub(super) fn replace_before(&mut self, length: usize, text: &str) {
        let start = self.cursor.saturating_sub(length);
        self.text.replace_range(start..self.cursor, "");
        self.cursor = start;
        self.insert(text);
    }

    fn letter_before(&self) -> usize {
        self.before().chars().next_back().map_or(0, char::len_utf8)
    }

    fn letter_under(&self) -> usize {
        self.text[self.cursor..].chars().next().map_or(0, char::len_utf8)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_line_is_edited_letter_by_letter() {
        let mut line = Line::default();
        let mut check = |act: &dyn Fn(&mut Line), text: &str, before: &str| {
            act(&mut line);
            assert_eq!((line.text(), line.before()), (text, before));
        };
        check(&|line| line.insert("aüb\x1b[31m"), "aüb", "aüb");
        check(&|line| line.go(Motion::Left), "aüb", "aü");
        check(&|line| line.remove(Removal::Before), "ab", "a");
        check(&|line| line.insert("ß "), "aß b", "aß ");
        check(&|line| line.go(Motion::Home), "aß b", "");
        check(&|line| line.go(Motion::Left), "aß b", "");
        check(&|line| line.remove(Removal::Under), "ß b", "");
        check(&|line| line.go(Motion::End), "ß b", "ß b");
        check(&|line| line.remove(Removal::Word), "ß ", "ß ");
        check(&|line| line.remove(Removal::Word), "", "");
        check(&|line| line.set("x y z"), "x y z", "x y z");
        check(&|line| line.replace_before(1, "zebra"), "x y zebra", "x y zebra");
        check(&|line| line.remove(Removal::All), "", "");
        check(&|line| line.remove(Removal::Before), "", "");
        check(
            &|line| line.insert(&"é".repeat(LINE_BYTES_MAX)),
            &"é".repeat(LINE_BYTES_MAX / 2),
            &"é".repeat(LINE_BYTES_MAX / 2),
        );
    }

    proptest! {
        #[test]
        fn the_cursor_never_splits_a_letter(steps in prop::collection::vec((0_u8..9, "[a-z é👍]{0,3}"), 0..60)) {
            let mut line = Line::default();
            for (step, text) in steps {
                match step {
                    0 | 1 => line.insert(&text),
                    2 => line.go(Motion::Left),
                    3 => line.go(Motion::Right),
                    4 => line.remove(Removal::Before),
                    5 => line.remove(Removal::Under),
                    6 => line.remove(Removal::Word),
                    7 => line.go(Motion::Home),
                    _ => line.go(Motion::End),
                }
                prop_assert!(line.text().starts_with(line.before()));
            }
        }
    }
}
