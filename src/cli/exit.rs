//! The exit codes, and failures that know theirs.

use std::fmt::Write as _;

/// How the program ends, as whoever started it sees it. From 64 on they follow `sysexits.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Exit {
    /// Done, or stopped as asked.
    Success = 0,
    /// `status`: the house isn't ready.
    NotReady = 1,
    /// `plan`: something would change.
    Changes = 2,
    /// The command line can't be understood.
    Usage = 64,
    /// The configuration can't be used.
    Config = 65,
    /// Something that was needed isn't there: the running house, a free port, Python or the network.
    Unavailable = 69,
    /// The program gave up.
    GaveUp = 70,
    /// The state folder is in use by another process, or can't be used.
    State = 73,
    /// Stopped before everything had ended.
    Forced = 75,
}

impl Exit {
    /// The number that the operating system gets.
    pub(super) fn code(self) -> u8 {
        self as u8
    }

    fn meaning(self) -> &'static str {
        match self {
            Self::Success => "done, or stopped as asked",
            Self::NotReady => "the house runs, but isn't ready",
            Self::Changes => "something would change",
            Self::Usage => "the command line can't be understood",
            Self::Config => "the configuration can't be used; every reason was printed",
            Self::Unavailable => "what was needed isn't there: the running house, a free port, Python, the network",
            Self::GaveUp => "gave up after a failure of its own; starting it again may help",
            Self::State => "the state folder is in use by another process, or can't be used",
            Self::Forced => "stopped before everything had ended; the next start takes up the rest",
        }
    }
}

/// The section of a help text that explains `exits`.
pub(super) fn exit_codes(exits: &[Exit]) -> String {
    let mut text = "EXIT CODES\n".to_owned();
    for exit in exits {
        writeln!(text, "  {:>2}  {}", exit.code(), exit.meaning()).expect("a String takes everything");
    }
    text
}

/// Why a command didn't do what it was asked, and the code that says so.
#[derive(Debug)]
pub(super) struct Failure {
    /// The exit code.
    pub(super) exit: Exit,
    /// What to tell the person; `None` where everything has been said.
    pub(super) error: Option<anyhow::Error>,
}

impl Failure {
    /// A failure of which the person has read already.
    pub(super) fn said(exit: Exit) -> Self {
        Self { exit, error: None }
    }

    /// A failure with its reason.
    pub(super) fn because(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self { exit, error: Some(error.into()) }
    }
}

/// What has no code of its own is ours.
impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::because(Exit::GaveUp, error)
    }
}

/// Gives errors an exit code.
pub(super) trait OrExit<T> {
    /// This, or a failure that ends with `exit`.
    fn or_exit(self, exit: Exit) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrExit<T> for Result<T, E> {
    fn or_exit(self, exit: Exit) -> Result<T, Failure> {
        self.map_err(|error| Failure::because(exit, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_explained_in_order() {
        let text = exit_codes(&[Exit::Success, Exit::Config]);
        assert_eq!(
            text,
            "EXIT CODES\n   0  done, or stopped as asked\n  65  the configuration can't be used; every reason was printed\n"
        );
    }

    #[test]
    fn an_error_without_a_code_is_ours() {
        let failed = |exit: Option<Exit>| -> Result<(), Failure> {
            let outcome: Result<(), std::fmt::Error> = Err(std::fmt::Error);
            match exit {
                Some(exit) => outcome.or_exit(exit),
                None => Ok(outcome?),
            }
        };
        assert_eq!(failed(None).unwrap_err().exit, Exit::GaveUp);
        assert_eq!(failed(Some(Exit::State)).unwrap_err().exit, Exit::State);
    }
}
