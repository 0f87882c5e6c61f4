//! R2: where the model gave no answer, the words of the message are weighed against what each candidate is for.

use std::collections::BTreeMap;

use super::{candidates::Candidate, words::words};
use crate::model::EntityName;

/// How fast a repeated word loses weight, and how much long descriptions are held against a candidate: the usual figures
/// of BM25.
const K: f64 = 1.2;
const B: f64 = 0.75;
/// How much a word in each place counts.
const NAME_WEIGHT: f64 = 3.0;
const PURPOSE_WEIGHT: f64 = 2.0;
const DETAIL_WEIGHT: f64 = 1.0;
/// How much better than the next the best must be.
const CLEAR_RATIO: f64 = 1.5;
/// How good the best must be at all. A single rare word in an instruction is about this good.
const CLEAR_SCORE: f64 = 0.5;

/// What the words say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Weighed {
    /// This one.
    Clear(EntityName),
    /// Nothing that would do; the likeliest first.
    Unclear(Vec<EntityName>),
}

/// Weighs `message` against the candidates.
pub(super) fn weigh(message: &str, candidates: &[Candidate]) -> Weighed {
    let documents: Vec<Document> = candidates.iter().map(document).collect();
    let mut asked = words(message);
    asked.sort();
    asked.dedup();
    let mut scores: Vec<(f64, usize)> =
        documents.iter().enumerate().map(|(at, document)| (score(&asked, document, &documents), at)).collect();
    scores.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let second = scores.get(1).map_or(0.0, |(score, _)| *score);
    match scores.first() {
        Some((best, at)) if *best >= CLEAR_SCORE && *best >= second * CLEAR_RATIO => {
            Weighed::Clear(candidates[*at].name.clone())
        }
        Some(_) | None => Weighed::Unclear(scores.iter().map(|(_, at)| candidates[*at].name.clone()).collect()),
    }
}

/// What is known about a candidate, as words with their weights.
struct Document {
    weights: BTreeMap<String, f64>,
    length: f64,
}

fn document(candidate: &Candidate) -> Document {
    let mut document = Document { weights: BTreeMap::new(), length: 0.0 };
    document.add(candidate);
    for member in candidate.team.iter().flat_map(|team| &team.members) {
        document.add_text(&member.purpose, DETAIL_WEIGHT);
        document.add_text(&member.display_name, DETAIL_WEIGHT);
    }
    document
}

impl Document {
    fn add(&mut self, candidate: &Candidate) {
        self.add_text(candidate.name.as_str(), NAME_WEIGHT);
        if candidate.display_name.to_lowercase() != candidate.name.as_str() {
            self.add_text(&candidate.display_name, NAME_WEIGHT);
        }
        self.add_text(&candidate.purpose, PURPOSE_WEIGHT);
        for line in candidate.instructions.iter().chain(&candidate.tools) {
            self.add_text(line, DETAIL_WEIGHT);
        }
    }

    fn add_text(&mut self, text: &str, weight: f64) {
        for word in words(text) {
            *self.weights.entry(word).or_default() += weight;
            self.length += 1.0;
        }
    }
}

/// BM25: words that few candidates share tell most.
fn score(asked: &[String], document: &Document, all: &[Document]) -> f64 {
    let count = all.iter().map(|_| 1.0).sum::<f64>();
    let average = all.iter().map(|document| document.length).sum::<f64>() / count;
    let part = |word: &String| {
        let weight = document.weights.get(word)?;
        let holders = all.iter().filter(|document| document.weights.contains_key(word)).map(|_| 1.0).sum::<f64>();
        let rarity = (1.0 + (count - holders + 0.5) / (holders + 0.5)).ln();
        let length = 1.0 - B + B * document.length / average.max(1.0);
        Some(rarity * weight * (K + 1.0) / (weight + K * length))
    };
    asked.iter().filter_map(part).sum()
}

#[cfg(test)]
mod tests {
    use super::{super::samples::some, *};

    fn check(message: &str, expected: Option<&str>) {
        let found = weigh(message, &some(&["coder", "cook", "poet"]));
        let name = match &found {
            Weighed::Clear(name) => Some(name.as_str()),
            Weighed::Unclear(_) => None,
        };
        assert_eq!(name, expected, "{message}: {found:?}");
    }

    /// R2: the words choose where they are clear enough, by role, instructions and names.
    #[test]
    fn clear_words_choose() {
        check("What can I cook tonight? Any recipe with leeks?", Some("cook"));
        check("Please review my Rust program", Some("coder"));
        check("How many grams are in a pound?", Some("cook"));
        check("bard, sing!", Some("poet"));
        check("I need a poem", Some("poet"));
    }

    /// R2: where they aren't, nobody is chosen, and the likeliest come first.
    #[test]
    fn unclear_words_choose_nobody() {
        check("Hello, can anybody help me?", None);
        check("Who was Ada Lovelace?", None);
        check("", None);
        check("Write a poem about my program", None);
        let found = weigh("Write a poem about my program", &some(&["cook", "coder", "poet"]));
        let Weighed::Unclear(names) = found else { panic!("{found:?}") };
        assert_eq!(names.last().map(EntityName::as_str), Some("cook"));
        assert_eq!(weigh("x", &[]), Weighed::Unclear(vec![]));
    }
}
