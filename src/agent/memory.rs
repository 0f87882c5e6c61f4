//! S11: what is kept of a turn, and what of the things kept a question brings back.

use std::collections::BTreeSet;

use crate::{
    model::Conversation,
    store::{Memo, MemoSort},
};

/// The shortest word that is looked for, in characters.
const WORD_CHARS_MIN: usize = 3;
/// How many words of a question are looked for: its last ones say most.
const WORDS_MAX: usize = 32;
/// How much of a question or an answer is kept, in characters.
const KEPT_CHARS_MAX: usize = 4_000;
/// How many memos a question brings back by itself.
const BROUGHT_BACK_MAX: usize = 8;
/// How long each of those may be, in characters.
const BROUGHT_CHARS_MAX: usize = 600;

/// The words of `text` worth looking for, each once, in lower case.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() >= WORD_CHARS_MIN);
    let mut words: Vec<String> = words.rev().map(str::to_lowercase).filter(|word| seen.insert(word.clone())).collect();
    words.truncate(WORDS_MAX);
    words
}

/// What of `found`, best first, goes into the prompt unasked: what shares enough with the question and isn't shown anyway.
pub(super) fn brought_back(found: &[Memo], question: &[String], here: &Conversation) -> Vec<String> {
    let needed = question.len().min(2);
    let fits = |memo: &&Memo| {
        let shown_anyway = match memo.sort {
            MemoSort::Turn => memo.conversation == *here,
            MemoSort::Fact => false,
        };
        // A fact was kept on purpose: one word is reason enough.
        let needed = match memo.sort {
            MemoSort::Fact => 1,
            MemoSort::Turn => needed,
        };
        !shown_anyway && shared(&memo.text, question) >= needed
    };
    found.iter().filter(fits).take(BROUGHT_BACK_MAX).map(|memo| cut(&memo.text, BROUGHT_CHARS_MAX)).collect()
}

/// A turn as it is kept.
pub(super) fn of_turn(question: &str, answer: &str) -> String {
    format!("Asked: {}\nAnswered: {}", cut(question.trim(), KEPT_CHARS_MAX), cut(answer.trim(), KEPT_CHARS_MAX))
}

fn shared(text: &str, question: &[String]) -> usize {
    let text: BTreeSet<String> = text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase).collect();
    question.iter().filter(|word| text.contains(*word)).count()
}

fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EntityName, EventId, Millis, RoomId, TurnId};

    fn conversation(thread: &str) -> Conversation {
        Conversation { room: RoomId::parse("!room").unwrap(), thread: Some(EventId::parse(thread).unwrap()) }
    }

    fn memo(sort: MemoSort, text: &str) -> Memo {
        Memo {
            agent: EntityName::parse("ada").unwrap(),
            sort,
            conversation: conversation("$there"),
            person: None,
            turn: TurnId::parse("t").unwrap(),
            text: text.to_owned(),
            sources: Vec::new(),
            kept_at: Millis(0),
        }
    }

    #[test]
    fn the_last_words_are_looked_for_first() {
        assert_eq!(words("Is the Tea, the green TEA, hot?"), ["hot", "tea", "green", "the"]);
        assert_eq!(words("a b c"), Vec::<String>::new());
        let many: Vec<String> = (0..100).map(|number| format!("word{number}")).collect();
        assert_eq!(words(&many.join(" ")).len(), WORDS_MAX);
    }

    /// S11: recalled when relevant, bounded.
    #[test]
    fn what_shares_enough_comes_back() {
        let check = |memo: Memo, question: &str, expected: bool| {
            let found = brought_back(std::slice::from_ref(&memo), &words(question), &conversation("$here"));
            assert_eq!(found.len(), usize::from(expected), "{question}: {found:?}");
        };
        check(memo(MemoSort::Fact, "Eve likes green tea."), "Which tea?", true);
        check(memo(MemoSort::Fact, "Eve likes green tea."), "Which coffee?", false);
        check(memo(MemoSort::Turn, "Asked: tea?\nAnswered: green"), "Which tea?", false);
        check(memo(MemoSort::Turn, "Asked: tea?\nAnswered: green"), "Which green tea?", true);
        check(memo(MemoSort::Turn, "Asked: tea?\nAnswered: green"), "tea", true);
        let here = Memo { conversation: conversation("$here"), ..memo(MemoSort::Turn, "Asked: green tea?") };
        check(here, "Which green tea?", false);
        let many = vec![memo(MemoSort::Fact, &"tea ".repeat(900)); 20];
        let found = brought_back(&many, &words("tea"), &conversation("$here"));
        assert_eq!((found.len(), found[0].chars().count()), (BROUGHT_BACK_MAX, BROUGHT_CHARS_MAX + 1));
    }

    #[test]
    fn a_turn_is_kept_within_bounds() {
        assert_eq!(of_turn(" Tea? ", "Yes.\n"), "Asked: Tea?\nAnswered: Yes.");
        assert!(of_turn(&"x".repeat(9_000), "y").chars().count() < KEPT_CHARS_MAX + 40);
    }
}
