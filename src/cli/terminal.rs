//! Printing: what was asked for to standard output, everything else to standard error, colours only where they are seen.

use std::io::{self, IsTerminal, Write as _};

use crate::config::Colour;

/// Prints what was asked for. A reader that has seen enough (`| head`) is no error.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

/// Tells the person something beside what was asked for.
pub(super) fn tell(text: &str) {
    // Where even this fails there is nobody left to tell; the exit code still says it.
    drop(io::stderr().lock().write_all(text.as_bytes()));
}

/// Whether `stream` shows colours.
pub(super) fn colour(stream: &impl IsTerminal) -> Colour {
    // The convention is one for every program and so not part of our configuration: https://no-color.org
    #[expect(clippy::disallowed_methods, reason = "a wish of the person at the terminal, not a setting of the house")]
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if stream.is_terminal() && !unwanted { Colour::Always } else { Colour::Never }
}

/// `text` in `code`, where colours are seen.
pub(super) fn painted(colour: Colour, code: &str, text: &str) -> String {
    match colour {
        Colour::Always => format!("\x1b[{code}m{text}\x1b[0m"),
        Colour::Never => text.to_owned(),
    }
}
