//! The words of a text, as far as they tell what it is about.

/// Words that say nothing about a matter.
const EMPTY: &[&str] = &[
    "a", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "could", "did", "do", "does", "every",
    "for", "from", "get", "has", "have", "hello", "help", "hi", "how", "i", "if", "in", "into", "is", "it", "its",
    "just", "know", "like", "make", "me", "my", "need", "no", "not", "of", "on", "or", "our", "out", "please", "some",
    "so", "tell", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this", "to", "up", "use",
    "want", "was", "we", "were", "what", "when", "where", "which", "who", "why", "will", "with", "would", "you",
    "your",
];
/// What a word may end with and still be the same word, the longest first.
const ENDINGS: &[&str] = &["ations", "ation", "ings", "ing", "ers", "ies", "er", "ed", "es", "s", "y", "e"];
/// How short a word may become without its ending, in characters.
const STEM_CHARS_MIN: usize = 3;
/// How many words of a text are weighed. More of them tell no more.
const WORDS_MAX: usize = 2_000;

/// The telling words of `text`, in order, without their endings.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && !EMPTY.contains(word))
        .map(stem)
        .take(WORDS_MAX)
        .collect()
}

fn stem(word: &str) -> String {
    let stripped = ENDINGS.iter().find_map(|ending| {
        let rest = word.strip_suffix(ending)?;
        (rest.chars().count() >= STEM_CHARS_MIN).then_some(rest)
    });
    // A doubled letter before an ending is its ending's: "planning".
    let stem = stripped.unwrap_or(word);
    let mut letters = stem.chars().rev();
    match (stripped, letters.next(), letters.next()) {
        (Some(_), Some(last), Some(before)) if last == before && stem.chars().count() > STEM_CHARS_MIN => {
            stem[..stem.len() - last.len_utf8()].to_owned()
        }
        _ => stem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lose_what_does_not_tell() {
        let check = |text: &str, expected: &[&str]| assert_eq!(words(text), expected, "{text}");
        check("Can you please help me with this?", &[]);
        check("Recipes, recipe!", &["recip", "recip"]);
        check("planning plans a plan", &["plan", "plan", "plan"]);
        check("writes writing", &["writ", "writ"]);
        check("Übungen über C++", &["übungen", "über", "c"]);
        check("", &[]);
    }

    #[test]
    fn a_long_text_is_weighed_in_part() {
        assert_eq!(words(&"word ".repeat(10_000)).len(), WORDS_MAX);
    }
}
