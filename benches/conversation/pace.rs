//! How the stub of a model answers.

use std::time::Duration;

/// Ends every answer. Whoever sees it has seen all.
pub(crate) const END: &str = "That is all.";
/// How many words stand before it.
const WORDS: usize = 60;
/// Into how many pieces an answer falls that takes its time, after its first word.
const PIECES: u32 = 20;

/// How fast an answer comes. A question names it, and the stub reads the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pace {
    /// All of it at once.
    AtOnce,
    /// All of it after a while.
    Later,
    /// The first word at once, the last one after a second.
    Slowly,
}

impl Pace {
    pub(crate) const ALL: [Self; 3] = [Self::AtOnce, Self::Later, Self::Slowly];

    /// The word for it in a question.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::AtOnce => "pace-at-once",
            Self::Later => "pace-later",
            Self::Slowly => "pace-slowly",
        }
    }

    /// What it is called in tables.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::AtOnce => "at once",
            Self::Later => "first token after 200 ms",
            Self::Slowly => "stream of 1 s",
        }
    }

    /// The one that a question asks for last.
    pub(crate) fn of(question: &str) -> Self {
        let last = |pace: &Self| question.rfind(pace.word());
        Self::ALL.into_iter().max_by_key(last).filter(|pace| last(pace).is_some()).unwrap_or(Self::AtOnce)
    }

    /// The pieces of an answer, each with the wait before it. The first one is a single word, as models begin.
    pub(crate) fn pieces(self) -> Vec<(Duration, String)> {
        let words: Vec<String> = (2..=WORDS).map(|number| format!("word{number} ")).chain([END.to_owned()]).collect();
        let (before, between, pieces) = match self {
            Self::AtOnce => (Duration::ZERO, Duration::ZERO, 1),
            Self::Later => (Duration::from_millis(200), Duration::ZERO, 1),
            Self::Slowly => (Duration::ZERO, Duration::from_secs(1) / PIECES, PIECES),
        };
        let each = words.len() / pieces as usize;
        let rest = words.chunks(each).map(|words| (between, words.concat()));
        [(before, "word1 ".to_owned())].into_iter().chain(rest).collect()
    }
}
