//! What of a conversation a model is shown: all of it where it fits; else its end, and a summary of its beginning.

use super::session::Line;
use crate::{
    model::{Speaker, Utterance},
    store::{Ordinal, Summary},
};

/// How many bytes of text a token stands for at least. Languages differ; a cautious figure leaves room.
const BYTES_PER_TOKEN: usize = 3;
/// How many tokens a picture counts for.
const PICTURE_TOKENS: usize = 1_600;
/// What a message weighs besides its words, in tokens.
const LINE_TOKENS: usize = 8;
/// The longest message, in bytes, as a share of the window: one of these, or of the questions where there are more.
const LONGEST_SHARE: usize = 2;
/// How many pieces of a long beginning are summarised one after the other.
const PIECES_MAX: usize = 8;
/// Stands where the middle of a message that is too long was.
const CUT: &str = "\n[… the middle of this message is left out …]\n";

/// What is shown, and what must be summarised first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Window {
    /// What is shown word for word, oldest first.
    pub(super) recent: Vec<Line>,
    /// What no longer fits, oldest first.
    pub(super) overflow: Vec<Line>,
    /// The last message that a summary of the overflow covers.
    pub(super) until: Option<Ordinal>,
}

/// How many tokens of a model's window the conversation may have: the rest is for what else it is told, its tools and its
/// answer.
pub(super) fn budget(context_tokens: u32, besides: &str) -> usize {
    let context = usize::try_from(context_tokens).unwrap_or(usize::MAX);
    (context / 4 * 3).saturating_sub(tokens(besides)).max(context / 4)
}

/// How many tokens a text has, roughly and rather too many.
pub(super) fn tokens(text: &str) -> usize {
    text.len().div_ceil(BYTES_PER_TOKEN)
}

/// Fits `lines` into `budget` tokens. What `summary` covers is left out; what is asked always stays.
///
/// Where not everything fits, only half the budget is filled, so that a growing conversation is summarised now and then and
/// not at every message.
pub(super) fn fit(lines: Vec<Line>, summary: Option<&Summary>, budget: usize) -> Window {
    let covered = |line: &Line| summary.is_some_and(|summary| line.ordinal <= summary.until);
    let mut lines: Vec<Line> = lines.into_iter().filter(|line| line.asked || !covered(line)).collect();
    let longest_share = lines.iter().filter(|line| line.asked).count().max(LONGEST_SHARE);
    for line in &mut lines {
        shorten(&mut line.utterance, budget.saturating_mul(BYTES_PER_TOKEN) / longest_share);
    }
    let room = budget.saturating_sub(summary.map_or(0, |summary| tokens(&summary.text)));
    let weights: Vec<usize> = lines.iter().map(|line| weight(&line.utterance)).collect();
    if weights.iter().sum::<usize>() <= room {
        return Window { recent: lines, overflow: Vec::new(), until: None };
    }
    let mut left = room / 2;
    let fits = |weight: &&usize| {
        let fits = **weight <= left;
        left = left.saturating_sub(**weight);
        fits
    };
    let kept = weights.iter().rev().take_while(fits).count();
    let first_asked = lines.iter().position(|line| line.asked).unwrap_or(lines.len());
    let recent = lines.split_off((lines.len() - kept).min(first_asked));
    // What is still shown must not count as covered, even where an answer stands before an older question.
    let shown_from = recent.iter().map(|line| line.ordinal.0).min().unwrap_or(u64::MAX);
    let until =
        lines.iter().map(|line| line.ordinal.0).max().map(|last| Ordinal(last.min(shown_from.saturating_sub(1))));
    Window { recent, overflow: lines, until }
}

/// The overflow in pieces that a model can summarise one after the other: each at most `budget` tokens, unless one message
/// alone is more. Of too many, the oldest are left out.
pub(super) fn pieces(overflow: &[Line], budget: usize) -> Vec<&[Line]> {
    let mut pieces = Vec::new();
    let mut rest = overflow;
    while !rest.is_empty() {
        let mut left = budget;
        let fits = |line: &&Line| {
            let weight = weight(&line.utterance);
            let fits = weight <= left;
            left = left.saturating_sub(weight);
            fits
        };
        let (piece, after) = rest.split_at(rest.iter().take_while(fits).count().max(1));
        pieces.push(piece);
        rest = after;
    }
    pieces.split_off(pieces.len().saturating_sub(PIECES_MAX))
}

/// A piece as one text for whoever summarises it, after what the `summary` of everything before it says.
pub(super) fn transcript(summary: Option<&str>, piece: &[Line]) -> String {
    let before = summary.map(|summary| format!("[Summary of what was said before:]\n{summary}"));
    let lines = piece.iter().map(|line| written(&line.utterance));
    before.into_iter().chain(lines).collect::<Vec<_>>().join("\n\n")
}

fn written(utterance: &Utterance) -> String {
    match utterance.speaker {
        Speaker::Agent => format!("You: {}", utterance.text),
        Speaker::Person => format!("{} ({}): {}", utterance.name, utterance.at, utterance.text),
    }
}

fn weight(utterance: &Utterance) -> usize {
    let pictures = utterance.pictures.len().saturating_mul(PICTURE_TOKENS);
    tokens(&utterance.text) + tokens(&utterance.name) + tokens(&utterance.at) + pictures + LINE_TOKENS
}

/// Takes out the middle of a message that would fill the window alone.
fn shorten(utterance: &mut Utterance, bytes_max: usize) {
    let text = &utterance.text;
    if text.len() <= bytes_max {
        return;
    }
    let half = bytes_max / 2;
    let head = text.floor_char_boundary(half);
    let tail = text.ceil_char_boundary(text.len() - half);
    utterance.text = format!("{}{CUT}{}", &text[..head], &text[tail..]);
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::model::EventId;

    fn line(ordinal: u64, text: &str) -> Line {
        Line {
            ordinal: Ordinal(ordinal),
            event: EventId::parse(format!("${ordinal}")).unwrap(),
            asked: false,
            utterance: Utterance { at: "noon".to_owned(), ..Utterance::words(Speaker::Person, "Ada", text) },
            media: None,
        }
    }

    fn asked(ordinal: u64, text: &str) -> Line {
        Line { asked: true, ..line(ordinal, text) }
    }

    fn ordinals(lines: &[Line]) -> Vec<u64> {
        lines.iter().map(|line| line.ordinal.0).collect()
    }

    /// C6: the thread since its start, within the window.
    #[test]
    fn everything_is_shown_where_it_fits() {
        let window = fit(vec![line(1, "a"), line(2, "b"), asked(3, "c")], None, 1_000);
        assert_eq!(ordinals(&window.recent), [1, 2, 3]);
        assert_eq!((window.overflow, window.until), (Vec::new(), None));
    }

    /// C6: what doesn't fit is summarised once.
    #[test]
    fn the_beginning_gives_way() {
        let long = "x".repeat(90);
        let lines: Vec<Line> = (1..=9).map(|ordinal| line(ordinal, &long)).chain([asked(10, "So?")]).collect();
        let window = fit(lines.clone(), None, 200);
        assert_eq!(ordinals(&window.recent), [8, 9, 10], "half of what there is room for");
        assert_eq!(ordinals(&window.overflow), (1..=7).collect::<Vec<_>>());
        assert_eq!(window.until, Some(Ordinal(7)));
        let summary = Summary { until: Ordinal(7), text: "They talked.".to_owned() };
        let window = fit(lines, Some(&summary), 200);
        assert_eq!((ordinals(&window.recent), window.overflow.len()), (vec![8, 9, 10], 0), "it isn't summarised again");
    }

    #[test]
    fn what_is_asked_always_stays() {
        let window = fit(vec![line(1, "a"), asked(2, &"y".repeat(9_000)), asked(3, "b")], None, 100);
        assert_eq!(ordinals(&window.recent), [2, 3]);
        assert!(window.recent[0].utterance.text.contains(CUT), "a message that is too long loses its middle");
        assert!(window.recent[0].utterance.text.len() < 250);
        let summary = Summary { until: Ordinal(9), text: String::new() };
        assert_eq!(ordinals(&fit(vec![line(1, "a"), asked(2, "b")], Some(&summary), 100).recent), [2]);
    }

    /// C5: several long questions at once fit together, however many there are.
    #[test]
    fn many_long_questions_share_the_window() {
        let window = fit((1..=6).map(|ordinal| asked(ordinal, &"y".repeat(9_000))).collect(), None, 1_000);
        let weight: usize = window.recent.iter().map(|line| weight(&line.utterance)).sum();
        assert!(window.recent.len() == 6 && weight < 1_200, "{weight}");
    }

    #[test]
    fn an_answer_before_an_older_question_does_not_cover_it() {
        let lines = vec![line(1, &"x".repeat(300)), line(7, &"x".repeat(300)), asked(5, "So?")];
        let window = fit(lines, None, 100);
        assert_eq!((ordinals(&window.recent), window.until), (vec![5], Some(Ordinal(4))));
    }

    #[test]
    fn a_long_beginning_is_taken_in_pieces() {
        let lines: Vec<Line> = (1..=5).map(|ordinal| line(ordinal, &"x".repeat(60))).collect();
        let found: Vec<Vec<u64>> = pieces(&lines, 70).into_iter().map(ordinals).collect();
        assert_eq!(found, [vec![1, 2], vec![3, 4], vec![5]]);
        let found: Vec<Vec<u64>> = pieces(&lines, 1).into_iter().map(ordinals).collect();
        assert_eq!(found, [[1], [2], [3], [4], [5]], "one message alone may be more");
        let many: Vec<Line> = (1..=20).map(|ordinal| line(ordinal, "x")).collect();
        assert_eq!(pieces(&many, 1).first().map(|piece| ordinals(piece)), Some(vec![13]));
        assert_eq!(pieces(&[], 70).len(), 0);
    }

    #[test]
    fn a_transcript_begins_with_what_is_known_already() {
        let text = transcript(Some("Hello was said."), &[line(2, "One."), line(3, "Two.")]);
        let before = "[Summary of what was said before:]\nHello was said.";
        assert_eq!(text, format!("{before}\n\nAda (noon): One.\n\nAda (noon): Two."));
        assert_eq!(transcript(None, &[line(3, "Two.")]), "Ada (noon): Two.");
    }

    #[test]
    fn the_budget_leaves_room_for_the_rest() {
        assert_eq!(budget(4_000, &"x".repeat(300)), 2_900);
        assert_eq!(budget(4_000, &"x".repeat(30_000)), 1_000, "a long system prompt doesn't take everything");
    }

    proptest! {
        /// Nothing is lost between what is shown and what is summarised, and the order stays.
        #[test]
        fn every_line_is_somewhere(sizes in vec(0_usize..400, 1..30), budget in 10_usize..2_000) {
            let count = sizes.len();
            let lines: Vec<Line> = (1..).zip(&sizes).map(|(ordinal, size)| line(ordinal, &"x".repeat(*size))).collect();
            let window = fit(lines, None, budget);
            let all: Vec<u64> = ordinals(&window.overflow).into_iter().chain(ordinals(&window.recent)).collect();
            prop_assert_eq!(all, (1..=count as u64).collect::<Vec<_>>());
            let weight: usize = window.recent.iter().map(|line| weight(&line.utterance)).sum();
            prop_assert!(weight <= budget);
        }
    }
}
