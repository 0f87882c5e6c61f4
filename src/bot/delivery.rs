//! Decides what a failed delivery means: try again and when, or give it up.

use std::time::Duration;

use crate::matrix::{MatrixError, Retry};

/// The pause after the first failed try; it doubles.
const PAUSE_FIRST: Duration = Duration::from_millis(500);
/// Where it stops growing.
const PAUSE_LAST: Duration = Duration::from_mins(1);
/// How often something is tried that only may get better: about four minutes.
const DOUBTFUL_TRIES_MAX: u32 = 10;

/// What to do about a failed delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Try again after this pause.
    Again(Duration),
    /// It can't be delivered.
    GiveUp,
}

/// What to do after `tries` tries, the last of which failed with `error`.
pub(super) fn remedy(error: &MatrixError, tries: u32) -> Remedy {
    let usual = pause(tries);
    match error {
        // The homeserver says when, and it is the homeserver that we need.
        MatrixError::RateLimited { .. } | MatrixError::ServerTrouble { .. } => match error.retry() {
            Retry::After(pause) => Remedy::Again(pause),
            Retry::Soon | Retry::Never => Remedy::Again(usual),
        },
        // Nobody is there, or our own line is being mended: it comes back.
        MatrixError::Unreachable { .. }
        | MatrixError::TimedOut { .. }
        | MatrixError::LoggedOut
        | MatrixError::NotOpen => Remedy::Again(usual),
        // Our own stream may not have told us yet that we are in the room, or that it is encrypted now; the rest may be a
        // passing fault. It isn't tried for ever.
        MatrixError::NotJoined { .. }
        | MatrixError::PlaintextRefused { .. }
        | MatrixError::KeyStore { .. }
        | MatrixError::AccountBook(_)
        | MatrixError::Broken { .. }
        | MatrixError::Nonsense { .. } => {
            if tries < DOUBTFUL_TRIES_MAX {
                Remedy::Again(usual)
            } else {
                Remedy::GiveUp
            }
        }
        MatrixError::Refused { .. }
        | MatrixError::WrongPassword { .. }
        | MatrixError::NameTaken { .. }
        | MatrixError::Deactivated { .. }
        | MatrixError::NoAccount { .. }
        | MatrixError::MeansRefused { .. }
        | MatrixError::ForeignDevice { .. }
        | MatrixError::TooLarge { .. } => Remedy::GiveUp,
    }
}

/// Whether a request that failed with `error` was certainly not carried out.
pub(super) fn never_arrived(error: &MatrixError) -> bool {
    match error {
        MatrixError::Unreachable { .. }
        | MatrixError::TimedOut { .. }
        | MatrixError::ServerTrouble { .. }
        | MatrixError::Broken { .. }
        | MatrixError::Nonsense { .. } => false,
        MatrixError::RateLimited { .. }
        | MatrixError::Refused { .. }
        | MatrixError::LoggedOut
        | MatrixError::WrongPassword { .. }
        | MatrixError::NameTaken { .. }
        | MatrixError::Deactivated { .. }
        | MatrixError::NoAccount { .. }
        | MatrixError::MeansRefused { .. }
        | MatrixError::ForeignDevice { .. }
        | MatrixError::PlaintextRefused { .. }
        | MatrixError::NotJoined { .. }
        | MatrixError::NotOpen
        | MatrixError::KeyStore { .. }
        | MatrixError::AccountBook(_)
        | MatrixError::TooLarge { .. } => true,
    }
}

fn pause(tries: u32) -> Duration {
    let doublings = tries.saturating_sub(1).min(16);
    (PAUSE_FIRST * (1 << doublings)).min(PAUSE_LAST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{RoomId, UserId};

    /// S10: what the homeserver refuses is given up, what may be a matter of time is tried for a time, and a homeserver
    /// that is away is waited for. S1: when it names a time, that counts.
    #[test]
    fn a_failure_tells_whether_to_try_again() {
        let again = |millis| Remedy::Again(Duration::from_millis(millis));
        let check = |error: &MatrixError, tries: u32, expected: Remedy| {
            assert_eq!(remedy(error, tries), expected, "{error} after {tries}");
        };
        let away = MatrixError::Unreachable { cause: String::new() };
        check(&away, 1, again(500));
        check(&away, 3, again(2_000));
        check(&away, 1_000_000, again(60_000));
        check(&MatrixError::RateLimited { after: Some(Duration::from_secs(7)) }, 99, again(7_000));
        check(&MatrixError::RateLimited { after: None }, 1, again(500));
        check(&MatrixError::NotOpen, 50, again(60_000));
        let room = RoomId::parse("!r").unwrap();
        let user = UserId::parse("@me:s").unwrap();
        let outside = MatrixError::NotJoined { user, room: room.clone() };
        check(&outside, 2, again(1_000));
        check(&outside, DOUBTFUL_TRIES_MAX, Remedy::GiveUp);
        check(&MatrixError::PlaintextRefused { room }, 1, again(500));
        let forbidden = MatrixError::Refused { code: "M_FORBIDDEN".to_owned(), message: String::new() };
        check(&forbidden, 1, Remedy::GiveUp);
    }
}
