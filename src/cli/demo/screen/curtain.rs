//! The terminal while the chat has it for itself, and as it was before, whatever happens.

use std::{
    io::{self, Stdout},
    panic,
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
};

use crossterm::{
    cursor::Show,
    event::{DisableBracketedPaste, EnableBracketedPaste},
    execute,
    terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
};
use ratatui::{Terminal, backend::CrosstermBackend};

use super::{draw::draw, state::Screen};

/// Whether the chat has the terminal. A panic anywhere gives it back, so that what it says can be read.
static RAISED: AtomicBool = AtomicBool::new(false);
static ON_PANIC: Once = Once::new();

/// The terminal, until it is dropped.
pub(super) struct Curtain {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Curtain {
    /// Takes the terminal.
    pub(super) fn raise() -> io::Result<Self> {
        ON_PANIC.call_once(|| {
            let before = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                lower();
                before(info);
            }));
        });
        raise()?;
        // From here on the drop gives it back.
        let curtain = Terminal::new(CrosstermBackend::new(io::stdout())).map(|terminal| Self { terminal });
        curtain.inspect_err(|_| lower())
    }

    /// How many columns and lines there are.
    pub(super) fn size(&self) -> io::Result<(u16, u16)> {
        self.terminal.size().map(|size| (size.width, size.height))
    }

    /// Shows the screen as it is now. After a panic elsewhere the terminal is taken again.
    pub(super) fn show(&mut self, screen: &Screen) -> io::Result<()> {
        if !RAISED.load(Ordering::SeqCst) {
            raise()?;
            self.terminal.clear()?;
        }
        self.terminal.draw(|frame| draw(frame, screen)).map(drop)
    }
}

impl Drop for Curtain {
    fn drop(&mut self) {
        lower();
    }
}

fn raise() -> io::Result<()> {
    enable_raw_mode()?;
    RAISED.store(true, Ordering::SeqCst);
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste).inspect_err(|_| lower())
}

fn lower() {
    if RAISED.swap(false, Ordering::SeqCst) {
        // Where this fails the terminal is gone, and nobody is left who could mind.
        drop(execute!(io::stdout(), DisableBracketedPaste, LeaveAlternateScreen, Show));
        drop(disable_raw_mode());
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Set where this test runs once more, inside a terminal.
    const INSIDE: &str = "MAITRE_TEST_INSIDE_A_TERMINAL";

    /// What a panic says can be read: by then the terminal is as it was.
    #[test]
    fn a_panic_gives_the_terminal_back() {
        #[expect(clippy::disallowed_methods, reason = "a test has nobody above it who could pass the environment down")]
        if std::env::var_os(INSIDE).is_some() {
            let _curtain = Curtain::raise().unwrap();
            panic!("the roof came down");
        }
        let bridge = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/demo/terminal.py");
        let mut command = Command::new("python3");
        command.args([bridge, "80", "24"]).arg(std::env::current_exe().unwrap());
        command.args(["--exact", "cli::demo::screen::curtain::tests::a_panic_gives_the_terminal_back", "--nocapture"]);
        let output = command.env(INSIDE, "yes").output().unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        let said = shown.find("the roof came down").unwrap_or_else(|| panic!("{shown:?}"));
        assert!(shown[..said].contains("\x1b[?1049h") && shown[..said].contains("\x1b[?1049l"), "{shown:?}");
        assert_eq!(output.status.code(), Some(101), "99 is a terminal that isn't as it was: {shown:?}");
    }
}
