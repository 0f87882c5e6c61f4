//! What the person presses, in our words.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// Something that the person did at the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    /// Typed a letter.
    Char(char),
    /// Pasted a text.
    Paste(String),
    /// Sends what is typed, or does what it says.
    Enter,
    /// Completes a name, or goes to the next room.
    Tab,
    /// Goes to the room before.
    BackTab,
    /// Lets go of what is selected or typed.
    Escape,
    /// Selects the message above.
    Up,
    /// Selects the message below.
    Down,
    /// Scrolls back.
    PageUp,
    /// Scrolls on.
    PageDown,
    /// Moves within the line.
    Move(Motion),
    /// Removes something from the line.
    Remove(Removal),
    /// Reacts to a message with this.
    React(&'static str),
    /// Reacts as others did: with the reaction that stands at this place, from 0.
    Join(usize),
    /// Changes what was said.
    Edit,
    /// Takes back what was said.
    TakeBack,
    /// Leaves, if nothing is typed.
    End,
    /// Leaves.
    Leave,
    /// Changed the size of the terminal: columns and lines.
    Resize(u16, u16),
}

/// A movement within the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Motion {
    /// One letter back.
    Left,
    /// One letter on.
    Right,
    /// To its beginning.
    Home,
    /// To its end.
    End,
}

/// What is removed from the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Removal {
    /// The letter before the cursor.
    Before,
    /// The letter under the cursor.
    Under,
    /// The word before the cursor.
    Word,
    /// Everything.
    All,
}

/// The reaction that stops an answer.
pub(super) const STOP: &str = "🛑";
/// The reaction that agrees.
pub(super) const YES: &str = "✅";
/// The reaction that asks for another answer.
pub(super) const AGAIN: &str = "🔁";

/// Reads what the terminal tells. Nothing, where it means nothing here.
pub(super) fn key(event: Event) -> Option<Key> {
    match event {
        Event::Key(key) if key.kind == KeyEventKind::Release => None,
        Event::Key(key) if key.modifiers.contains(KeyModifiers::CONTROL) => with_control(&key),
        Event::Key(key) if key.modifiers.contains(KeyModifiers::ALT) => with_alt(&key),
        Event::Key(key) => plain(&key),
        Event::Paste(text) => Some(Key::Paste(text)),
        Event::Resize(columns, lines) => Some(Key::Resize(columns, lines)),
        Event::FocusGained | Event::FocusLost | Event::Mouse(_) => None,
    }
}

fn plain(key: &KeyEvent) -> Option<Key> {
    Some(match key.code {
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::Enter => Key::Enter,
        KeyCode::Tab => Key::Tab,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::Esc => Key::Escape,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Left => Key::Move(Motion::Left),
        KeyCode::Right => Key::Move(Motion::Right),
        KeyCode::Home => Key::Move(Motion::Home),
        KeyCode::End => Key::Move(Motion::End),
        KeyCode::Backspace => Key::Remove(Removal::Before),
        KeyCode::Delete => Key::Remove(Removal::Under),
        _ => return None,
    })
}

fn with_control(key: &KeyEvent) -> Option<Key> {
    let KeyCode::Char(c) = key.code else { return plain(key) };
    Some(match c.to_ascii_lowercase() {
        'a' => Key::Move(Motion::Home),
        'c' => Key::Leave,
        'd' => Key::End,
        'e' => Key::Edit,
        'h' => Key::Remove(Removal::Before),
        'r' => Key::React(AGAIN),
        's' => Key::React(STOP),
        'u' => Key::Remove(Removal::All),
        'w' => Key::Remove(Removal::Word),
        'x' => Key::TakeBack,
        'y' => Key::React(YES),
        _ => return None,
    })
}

fn with_alt(key: &KeyEvent) -> Option<Key> {
    match key.code {
        KeyCode::Char(c) => {
            let digit = usize::try_from(c.to_digit(10)?).ok()?;
            digit.checked_sub(1).map(Key::Join)
        }
        KeyCode::Enter => Some(Key::Char('\n')),
        _ => plain(key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read() {
        let check = |code: KeyCode, modifiers: KeyModifiers, expected: Option<Key>| {
            assert_eq!(key(Event::Key(KeyEvent::new(code, modifiers))), expected, "{code:?} {modifiers:?}");
        };
        let (none, shift) = (KeyModifiers::NONE, KeyModifiers::SHIFT);
        let (control, alt) = (KeyModifiers::CONTROL, KeyModifiers::ALT);
        check(KeyCode::Char('c'), none, Some(Key::Char('c')));
        check(KeyCode::Char('C'), shift, Some(Key::Char('C')));
        check(KeyCode::Char('c'), control, Some(Key::Leave));
        check(KeyCode::Char('s'), control, Some(Key::React("🛑")));
        check(KeyCode::Char('y'), control, Some(Key::React("✅")));
        check(KeyCode::Char('q'), control, None);
        check(KeyCode::Char('1'), alt, Some(Key::Join(0)));
        check(KeyCode::Char('0'), alt, None);
        check(KeyCode::Char('x'), alt, None);
        check(KeyCode::Enter, alt, Some(Key::Char('\n')));
        check(KeyCode::BackTab, shift, Some(Key::BackTab));
        check(KeyCode::F(1), none, None);
        let release = KeyEvent::new_with_kind(KeyCode::Enter, none, KeyEventKind::Release);
        assert_eq!(key(Event::Key(release)), None);
        assert_eq!(key(Event::Paste("a\nb".to_owned())), Some(Key::Paste("a\nb".to_owned())));
        assert_eq!(key(Event::Resize(80, 24)), Some(Key::Resize(80, 24)));
    }
}
