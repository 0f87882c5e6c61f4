//! What is said when answers are stopped or tried again.
#![expect(unreachable_pub, reason = "mod.rs hands these up to the desk, and there is no visibility in between")]

use super::{
    markup::{code, count},
    request::Reach,
};

/// Which turn is to be tried again, and what becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// It is tried again.
    Begins,
    /// It is under way anyway.
    UnderWay,
    /// It was given, and whoever asked may have it anew.
    Answered,
    /// Too much waits in its conversation.
    Crowded,
    /// No answer has this id, as far as this room goes.
    Unknown,
}

/// S4: says how many answers were stopped.
#[must_use]
pub fn stopped(reach: Reach, answers: usize) -> String {
    let number = u64::try_from(answers).unwrap_or(u64::MAX);
    match (reach, answers) {
        (Reach::Thread, 0) => {
            format!("Nothing is being answered here. {} stops everything in the room.", code("!stop all"))
        }
        (Reach::Room, 0) => "Nothing is being answered in this room.".to_owned(),
        (Reach::Thread, _) => format!("Stopped: {}.", count(number, "answer", "answers")),
        (Reach::Room, _) => format!("Stopped in the whole room: {}.", count(number, "answer", "answers")),
    }
}

/// Says what becomes of the answer with this id.
#[must_use]
pub fn retried(id: &str, again: Again) -> String {
    match again {
        Again::Begins => format!("{} is tried again.", code(id)),
        Again::UnderWay => format!("{} is under way.", code(id)),
        Again::Answered => format!("{} was answered. Whoever asked can have it again with 🔁.", code(id)),
        Again::Crowded => format!("{} can't be tried now: too much waits in its conversation.", code(id)),
        Again::Unknown => {
            format!("No answer here has the id {}. It stands in the message that says what failed.", code(id))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S4, X5: what was stopped is said, and what there was to stop.
    #[test]
    fn stopping_is_told() {
        assert_eq!(stopped(Reach::Thread, 2), "Stopped: 2 answers.");
        assert_eq!(stopped(Reach::Room, 1), "Stopped in the whole room: 1 answer.");
        assert!(stopped(Reach::Thread, 0).contains("`!stop all`"));
        assert_eq!(stopped(Reach::Room, 0), "Nothing is being answered in this room.");
    }

    /// X6: trying again says what becomes of it.
    #[test]
    fn trying_again_is_told() {
        assert_eq!(retried("3f", Again::Begins), "`3f` is tried again.");
        assert_eq!(retried("3f", Again::UnderWay), "`3f` is under way.");
        assert!(retried("3f", Again::Answered).contains("with 🔁"));
        assert!(retried("3f", Again::Crowded).contains("too much waits"));
        assert!(retried("`@room`", Again::Unknown).starts_with("No answer here has the id `'@room'`."));
    }
}
