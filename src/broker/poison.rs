//! N9: whether an answer that broke off with the program is tried once more.

/// What becomes of an answer that was begun and did not end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trial {
    /// It is tried again, beside all others.
    Beside,
    /// It is tried for the last time, and no other like it meanwhile: what breaks off with it is not to blame.
    Alone,
    /// It is given up until somebody has it tried again, and what stands of it in the room is closed.
    Park,
    /// It was given up, and closing it broke down as well. It is left as it stands.
    Leave,
}

/// What becomes of an answer that was begun `tries` times without coming to an end, where it may be `tries_max` times.
pub(super) fn trial(tries: u32, tries_max: u32) -> Trial {
    match tries {
        0 => Trial::Beside,
        tries if tries > tries_max => Trial::Leave,
        tries if tries == tries_max => Trial::Park,
        tries if tries + 1 == tries_max => Trial::Alone,
        _ => Trial::Beside,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// N9: the last try is made alone, and no other follows but the one to close what stands there.
    #[test]
    fn an_answer_is_tried_so_often() {
        let check =
            |tries, tries_max, expected| assert_eq!(trial(tries, tries_max), expected, "{tries} of {tries_max}");
        check(0, 3, Trial::Beside);
        check(1, 3, Trial::Beside);
        check(2, 3, Trial::Alone);
        check(3, 3, Trial::Park);
        check(4, 3, Trial::Leave);
        check(0, 1, Trial::Beside);
        check(1, 1, Trial::Park);
        check(1, 2, Trial::Alone);
        check(2, 2, Trial::Park);
        check(2, 1, Trial::Leave);
    }
}
