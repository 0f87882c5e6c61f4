//! What becomes at a start of an account whose end an earlier life of the program noted.

use crate::store::Retirement;

/// What is to be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeftOver {
    /// Nothing.
    Nothing,
    /// It stays, and is noted no longer.
    Stay,
    /// It is deactivated.
    End,
}

/// H10: whether the account ends whose end came as far as `state`. Its entity `is_configured` again, or isn't, and accounts of
/// those who are removed are to end (`is_wanted`), or aren't any more.
pub(super) fn left_over(state: Retirement, is_configured: bool, is_wanted: bool) -> LeftOver {
    match (state, is_configured, is_wanted) {
        // Who is configured again once it has begun can't sign in, and is told why.
        (Retirement::Done, _, _) | (Retirement::Begun, true, _) => LeftOver::Nothing,
        (Retirement::Due, true, _) | (Retirement::Due, false, false) => LeftOver::Stay,
        (Retirement::Due, false, true) | (Retirement::Begun, false, _) => LeftOver::End,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H10: what has begun is brought to its end; what hasn't is done only if it is still wanted.
    #[test]
    fn what_was_noted_is_done_if_it_is_wanted() {
        let check = |state, is_configured, is_wanted, expected| {
            assert_eq!(left_over(state, is_configured, is_wanted), expected, "{state:?} {is_configured} {is_wanted}");
        };
        check(Retirement::Due, false, true, LeftOver::End);
        check(Retirement::Due, false, false, LeftOver::Stay);
        check(Retirement::Due, true, true, LeftOver::Stay);
        check(Retirement::Begun, false, true, LeftOver::End);
        check(Retirement::Begun, false, false, LeftOver::End);
        check(Retirement::Begun, true, true, LeftOver::Nothing);
        check(Retirement::Done, false, true, LeftOver::Nothing);
        check(Retirement::Done, true, false, LeftOver::Nothing);
    }
}
