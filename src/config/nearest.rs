//! The known word that somebody who typed an unknown one probably meant.

/// Longer words are not compared.
const WORD_CHARS_MAX: usize = 64;

/// No more candidates than these are compared.
const CANDIDATES_MAX: usize = 2_000;

/// The candidate nearest to `word`, if one is near enough to suggest.
pub(super) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = fold(word)?;
    let near_enough = if wanted.len() < 3 { 0 } else { (wanted.len() / 3).clamp(1, 4) };
    candidates
        .into_iter()
        .take(CANDIDATES_MAX)
        .filter_map(|candidate| Some((distance(&wanted, &fold(candidate)?), candidate)))
        .filter(|(distance, _)| *distance <= near_enough)
        .min()
        .map(|(_, candidate)| candidate)
}

/// The sentence that suggests the nearest candidate.
pub(super) fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, candidates).map(|candidate| format!("did you mean \"{candidate}\"?"))
}

/// Case, dashes and underscores are never what somebody meant to say.
fn fold(word: &str) -> Option<Vec<char>> {
    let chars: Vec<char> = word.chars().take(WORD_CHARS_MAX + 1).collect();
    (chars.len() <= WORD_CHARS_MAX)
        .then(|| chars.into_iter().flat_map(char::to_lowercase).map(|c| if c == '-' { '_' } else { c }).collect())
}

/// How many letters must be typed, dropped, changed or swapped with their neighbour to get from one word to the other.
fn distance(from: &[char], to: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let changed = above[j] + usize::from(a != b);
            let mut least = changed.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let check = |word: &str, expected: Option<&str>| {
            assert_eq!(nearest(word, ["model", "models", "display_name", "gpt-5"]), expected, "{word}");
        };
        check("gtp-5", Some("gpt-5"));
        check("modell", Some("model"));
        check("Display-Name", Some("display_name"));
        check("displayname", Some("display_name"));
        check("temperature", None);
        check("", None);
        check("mo", None);
        check(&"x".repeat(100_000), None);
    }
}
