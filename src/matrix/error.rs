//! What can go wrong between us and a homeserver, and whether trying again can help.

use std::time::Duration;

use crate::model::{RoomId, UserId};

/// A failure of the homeserver, the network or an account.
#[derive(Debug, thiserror::Error)]
pub enum MatrixError {
    /// Nobody answers, or the connection broke. The request may or may not have been carried out.
    #[error("the homeserver can't be reached: {cause}")]
    Unreachable {
        /// What the network said.
        cause: String,
    },
    /// No answer within the time the caller gave.
    #[error("the homeserver did not answer within {} s", .after.as_secs())]
    TimedOut {
        /// How long was waited.
        after: Duration,
    },
    /// Too many requests.
    #[error("the homeserver asks us to slow down")]
    RateLimited {
        /// When it wants to be asked again.
        after: Option<Duration>,
    },
    /// The homeserver itself is in trouble.
    #[error("the homeserver answered with status {status}")]
    ServerTrouble {
        /// The HTTP status.
        status: u16,
    },
    /// The homeserver says no, and will say so again.
    #[error("the homeserver refused: {code} ({message})")]
    Refused {
        /// The Matrix error code, such as `M_FORBIDDEN`.
        code: String,
        /// The homeserver's explanation.
        message: String,
    },
    /// The access token is no longer good.
    #[error("the homeserver no longer accepts the access token")]
    LoggedOut,
    /// The password isn't right.
    #[error("the homeserver refused the password of {localpart:?}: check `accounts.passwords`")]
    WrongPassword {
        /// Whose password.
        localpart: String,
    },
    /// The user name belongs to somebody else.
    #[error(
        "the user name {localpart:?} is taken, by somebody else, by us before our journal was lost, or by an account that was deactivated for good: give its password in `accounts.passwords`, or choose another `accounts.localpart`"
    )]
    NameTaken {
        /// The name.
        localpart: String,
    },
    /// The account is no more, and never will be.
    #[error(
        "the account {localpart:?} was deactivated for good (`accounts.deactivate_removed`), and its user name can't be used again: give whoever is configured under it another name"
    )]
    Deactivated {
        /// The name.
        localpart: String,
    },
    /// There is no account and no means to make one.
    #[error(
        "there is no account {localpart:?}, and no way to make one: set `accounts.registration_shared_secret`, `accounts.registration_token` or `accounts.open_registration`, or give its password in `accounts.passwords`"
    )]
    NoAccount {
        /// The name.
        localpart: String,
    },
    /// The homeserver offers no registration by the means that are configured.
    #[error("the homeserver does not register accounts by {means}: check the section `accounts`")]
    MeansRefused {
        /// The means, in words.
        means: &'static str,
    },
    /// The homeserver knows other device keys than ours: the key store was lost or belongs to another account.
    #[error(
        "the homeserver knows other keys for this device than {folder} holds: restore that folder from a backup, or move it away together with the account's row to begin with a new device"
    )]
    ForeignDevice {
        /// Where our keys are.
        folder: String,
    },
    /// The room is encrypted, but the SDK would have sent in the clear.
    #[error("refused to send plaintext into the encrypted room {room}")]
    PlaintextRefused {
        /// The room.
        room: RoomId,
    },
    /// The account isn't in the room.
    #[error("{user} is not in the room {room}")]
    NotJoined {
        /// Who.
        user: UserId,
        /// The room.
        room: RoomId,
    },
    /// The file is longer than whoever wants it can use.
    #[error("the file is longer than {bytes_max} bytes")]
    TooLarge {
        /// How long it may be.
        bytes_max: usize,
    },
    /// The session is closed; it must be opened first.
    #[error("the session is not open")]
    NotOpen,
    /// The key store could not be opened or written.
    #[error("the key store failed: {cause}")]
    KeyStore {
        /// What it said.
        cause: String,
    },
    /// Our own account book could not be read or written.
    #[error("the account could not be saved")]
    AccountBook(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A bug of ours ended the work; it begins anew.
    #[error("an error in the program: {message}")]
    Broken {
        /// What the panic said.
        message: String,
    },
    /// The homeserver answered with something that isn't Matrix.
    #[error("the homeserver's answer made no sense: {cause}")]
    Nonsense {
        /// What was wrong with it.
        cause: String,
    },
}

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Yes, after the usual pause.
    Soon,
    /// Yes, but not before this much time has passed.
    After(Duration),
    /// Not until somebody changes something.
    Never,
}

impl MatrixError {
    /// Whether trying again can help.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::RateLimited { after: Some(after) } => Retry::After(*after),
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::RateLimited { after: None }
            | Self::ServerTrouble { .. }
            | Self::NotOpen
            | Self::KeyStore { .. }
            | Self::AccountBook(_)
            | Self::Broken { .. }
            | Self::Nonsense { .. } => Retry::Soon,
            Self::Refused { .. }
            | Self::LoggedOut
            | Self::WrongPassword { .. }
            | Self::NameTaken { .. }
            | Self::Deactivated { .. }
            | Self::NoAccount { .. }
            | Self::MeansRefused { .. }
            | Self::ForeignDevice { .. }
            | Self::PlaintextRefused { .. }
            | Self::NotJoined { .. }
            | Self::TooLarge { .. } => Retry::Never,
        }
    }

    /// Whether the homeserver gave this Matrix error code.
    #[must_use]
    pub fn has_code(&self, wanted: &str) -> bool {
        matches!(self, Self::Refused { code, .. } if code == wanted)
    }
}

/// What an HTTP answer that isn't a success means.
pub(super) fn failure_of(status: u16, body: &serde_json::Value, retry_after: Option<Duration>) -> MatrixError {
    let text = |key: &str| body.get(key).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    let code = text("errcode");
    match (status, code.as_str()) {
        (429, _) | (_, "M_LIMIT_EXCEEDED") => {
            let in_body = body.get("retry_after_ms").and_then(serde_json::Value::as_u64).map(Duration::from_millis);
            MatrixError::RateLimited { after: retry_after.or(in_body) }
        }
        (_, "M_UNKNOWN_TOKEN" | "M_MISSING_TOKEN") => MatrixError::LoggedOut,
        (500.., _) => MatrixError::ServerTrouble { status },
        (_, "") => MatrixError::Nonsense { cause: format!("status {status} without a Matrix error code") },
        _ => MatrixError::Refused { code, message: text("error") },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_status_and_a_code_tell_what_went_wrong() {
        let check = |status: u16, body: serde_json::Value, expected: &str, retry: Retry| {
            let failure = failure_of(status, &body, None);
            assert!(format!("{failure:?}").starts_with(expected), "{failure:?} is not {expected}");
            assert_eq!(failure.retry(), retry, "{failure:?}");
        };
        check(403, json!({"errcode": "M_FORBIDDEN", "error": "no"}), "Refused", Retry::Never);
        check(401, json!({"errcode": "M_UNKNOWN_TOKEN"}), "LoggedOut", Retry::Never);
        check(429, json!({"errcode": "M_LIMIT_EXCEEDED"}), "RateLimited", Retry::Soon);
        check(429, json!({"retry_after_ms": 1500}), "RateLimited", Retry::After(Duration::from_millis(1500)));
        check(502, json!(null), "ServerTrouble", Retry::Soon);
        check(404, json!(null), "Nonsense", Retry::Soon);
    }

    #[test]
    fn the_header_decides_before_the_body() {
        let failure = failure_of(429, &json!({"retry_after_ms": 1}), Some(Duration::from_secs(7)));
        assert_eq!(failure.retry(), Retry::After(Duration::from_secs(7)));
    }
}
