//! What can go wrong with a private homeserver, in words for the person who wanted one.

use std::{io, path::PathBuf, time::Duration};

/// Why there is no installation.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The environment names no place for it.
    #[error("there is no place for it: neither XDG_CACHE_HOME nor HOME is set to an absolute path")]
    NoCache,
    /// The place for it can't be used.
    #[error(
        "the cache folder {} can't be used: {source}; make it writable, or set XDG_CACHE_HOME to a folder that is",
        .folder.display()
    )]
    Cache {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// No Python, or only old ones.
    #[error("Python 3.10 or later is needed and was not found ({})", found_list(.found))]
    NoPython {
        /// Those that are too old, as `program version`.
        found: Vec<String>,
    },
    /// A Python that can't make environments, and no `uv`.
    #[error(
        "{} (Python {version}) has no module for making environments; install it (Debian, Ubuntu: \
         `apt install python3-venv`) or install `uv`",
        .python.display()
    )]
    NoVenv {
        /// The Python.
        python: PathBuf,
        /// Its version.
        version: String,
    },
    /// The package index can't be reached.
    #[error("{what} can't be downloaded: the Python package index is out of reach (details in {})", .log.display())]
    Offline {
        /// What was wanted.
        what: String,
        /// Everything the installer said.
        log: PathBuf,
    },
    /// The installer failed in some other way.
    #[error("installing {what} failed (details in {}):\n{tail}", .log.display())]
    Failed {
        /// What was wanted.
        what: String,
        /// Everything the installer said.
        log: PathBuf,
        /// The last of it.
        tail: String,
    },
    /// It took too long.
    #[error("installing {what} took longer than {} s and was given up (details in {})", .within.as_secs(), .log.display())]
    TooSlow {
        /// What was wanted.
        what: String,
        /// The time it had.
        within: Duration,
        /// Everything the installer said so far, if it came to that.
        log: PathBuf,
    },
    /// A file or folder can't be made, read or moved.
    #[error("{}: {source}", .path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Why the homeserver is not running.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A file or folder can't be made or read.
    #[error("{}: {source}", .path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The folder's record of who this homeserver is makes no sense.
    #[error("{} is not what was once written there: {source}", .path.display())]
    Identity {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// Another process runs a homeserver on the same data.
    #[error("another process runs a homeserver on {}", .folder.display())]
    InUse {
        /// The data.
        folder: PathBuf,
    },
    /// No port is free.
    #[error("no port is free on 127.0.0.1")]
    NoPort,
    /// The guard can't be started or doesn't do as it is told.
    #[error("the homeserver's guard failed: {0}")]
    Guard(io::Error),
    /// Synapse ended instead of starting.
    #[error("Synapse ended with code {code} while starting:\n{tail}")]
    Exited {
        /// Its exit code; the negated number of the signal that killed it.
        code: i32,
        /// The end of its log.
        tail: String,
    },
    /// Synapse runs but doesn't answer.
    #[error("Synapse did not answer within {} s:\n{tail}", .within.as_secs())]
    TooSlow {
        /// The time it had.
        within: Duration,
        /// The end of its log.
        tail: String,
    },
}

/// Why an account or a token wasn't made.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The homeserver can't be reached, or answered nonsense.
    #[error("the homeserver can't be reached: {0}")]
    Http(#[from] reqwest::Error),
    /// The homeserver refused.
    #[error("the homeserver refused with {status}: {body}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it said.
        body: String,
    },
}

fn found_list(found: &[String]) -> String {
    if found.is_empty() { "no python3 in PATH".to_owned() } else { format!("found only {}", found.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_to_do() {
        let check = |error: InstallError, expected: &str| assert_eq!(error.to_string(), expected);
        check(
            InstallError::NoPython { found: vec!["/usr/bin/python3 3.9.2".to_owned()] },
            "Python 3.10 or later is needed and was not found (found only /usr/bin/python3 3.9.2)",
        );
        check(
            InstallError::NoPython { found: Vec::new() },
            "Python 3.10 or later is needed and was not found (no python3 in PATH)",
        );
        check(
            InstallError::Offline { what: "synapse 1.163.2".to_owned(), log: "/c/synapse.log".into() },
            "synapse 1.163.2 can't be downloaded: the Python package index is out of reach (details in /c/synapse.log)",
        );
    }
}
