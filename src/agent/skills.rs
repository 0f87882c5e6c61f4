//! S12: how a model gets at an agent's skills: by a tool, or unasked where their words fit those of the question.

use std::{collections::BTreeSet, sync::Arc};

use super::{session::Line, window::tokens};
use crate::{config::Skill, model::Speaker, routing::words};

/// How many skills a model is shown unasked.
const SHOWN_MAX: usize = 2;
/// How many of people's last messages tell what a conversation is about.
const MESSAGES_MAX: usize = 4;
/// How many telling words a skill and those messages must share, where none of them is of the skill's name.
const SHARED_MIN: usize = 2;
/// Which part of a model's window the skills that are shown unasked may take.
const WINDOW_SHARE: u32 = 4;

/// The skills of one agent in one answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Skillset {
    /// All that it has.
    pub(super) all: Vec<Arc<Skill>>,
    /// How its model gets at what they say.
    pub(super) access: Access,
}

/// How a model gets at the instructions of skills.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Access {
    /// It asks for them.
    #[default]
    ByTool,
    /// It is shown those of these skills.
    Shown(Vec<Arc<Skill>>),
}

/// The skills for an agent without tools, whose model may not know how to use any: those that fit what people last wrote
/// are shown, best first, as far as there is room for them in its window.
pub(super) fn shown(all: Vec<Arc<Skill>>, lines: &[Line], context_tokens: u32) -> Skillset {
    let mut room = usize::try_from(context_tokens / WINDOW_SHARE).unwrap_or(usize::MAX);
    let has_room = |skill: &Arc<Skill>| {
        let left = room.checked_sub(tokens(&skill.instructions));
        room = left.unwrap_or(room);
        left.is_some()
    };
    let shown = fitting(&all, &subject(lines)).into_iter().filter(has_room).take(SHOWN_MAX).collect();
    Skillset { all, access: Access::Shown(shown) }
}

/// What people last wrote.
fn subject(lines: &[Line]) -> String {
    let said = lines.iter().rev().map(|line| &line.utterance).filter(|said| said.speaker == Speaker::Person);
    said.take(MESSAGES_MAX).map(|said| said.text.as_str()).collect::<Vec<_>>().join("\n")
}

/// The skills whose name and description share enough with `subject`, best first. Words that few of them have tell most.
fn fitting(skills: &[Arc<Skill>], subject: &str) -> Vec<Arc<Skill>> {
    let asked: BTreeSet<String> = words(subject).into_iter().collect();
    let known: Vec<Known> = skills.iter().map(|skill| Known::of(skill)).collect();
    let mut scored: Vec<(f64, &Arc<Skill>)> =
        skills.iter().zip(&known).filter_map(|(skill, own)| Some((own.score(&asked, &known)?, skill))).collect();
    scored.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    scored.into_iter().map(|(_, skill)| Arc::clone(skill)).collect()
}

/// A skill in words.
struct Known {
    name: BTreeSet<String>,
    all: BTreeSet<String>,
}

impl Known {
    fn of(skill: &Skill) -> Self {
        let name: BTreeSet<String> = words(&skill.name).into_iter().collect();
        let all = words(&skill.description).into_iter().chain(name.iter().cloned()).collect();
        Self { name, all }
    }

    fn score(&self, asked: &BTreeSet<String>, others: &[Self]) -> Option<f64> {
        let shared: Vec<&String> = asked.intersection(&self.all).collect();
        let by_name = shared.iter().filter(|word| self.name.contains(**word)).count();
        let weight = |word: &&String| {
            let count = others.iter().map(|_| 1.0).sum::<f64>();
            let holders = others.iter().filter(|other| other.all.contains(*word)).map(|_| 1.0).sum::<f64>();
            let rarity = (1.0 + count / holders).ln();
            if self.name.contains(*word) { 2.0 * rarity } else { rarity }
        };
        (by_name > 0 || shared.len() >= SHARED_MIN).then(|| shared.iter().map(weight).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{EventId, Utterance},
        store::Ordinal,
    };

    fn skills() -> Vec<Arc<Skill>> {
        let skill = |name: &str, description: &str, length: usize| {
            let (name, description) = (name.to_owned(), description.to_owned());
            Arc::new(Skill { name, description, instructions: "x".repeat(length) })
        };
        vec![
            skill("meeting-minutes", "Writes up what a team has decided, with dates. Use it after a call.", 300),
            skill("release-notes", "Turns a list of changes into notes for users of a release.", 300),
            skill("style", "Rules for every text of the company: tone, commas, dates.", 3_000),
        ]
    }

    fn line(speaker: Speaker, text: &str) -> Line {
        let utterance = Utterance::words(speaker, "Eve", text);
        Line { ordinal: Ordinal(0), event: EventId::parse("$1").unwrap(), asked: true, utterance, media: None }
    }

    fn names(skills: &[Arc<Skill>]) -> Vec<&str> {
        skills.iter().map(|skill| skill.name.as_str()).collect()
    }

    /// S12: by the words of name and description, the best first.
    #[test]
    fn words_choose() {
        let check = |subject: &str, expected: &[&str]| {
            assert_eq!(names(&fitting(&skills(), subject)), expected, "{subject}");
        };
        check("Please write the minutes of today's meeting", &["meeting-minutes"]);
        check("What did the team decide in the call?", &["meeting-minutes"]);
        check("Here are the changes; our users want to know", &["release-notes"]);
        check("Is the tone of the company right here, and the style? Minutes follow.", &["style", "meeting-minutes"]);
        check("Which dates are free?", &[]);
        check("Hello!", &[]);
        check("", &[]);
    }

    /// S12: no more than two, no more than a quarter of the window, and only what people last wrote counts.
    #[test]
    fn what_is_shown_is_bounded() {
        let check = |lines: &[Line], context: u32, expected: &[&str]| {
            let Skillset { all, access } = shown(skills(), lines, context);
            let Access::Shown(shown) = access else { panic!("nothing is asked for") };
            assert_eq!((all.len(), names(&shown)), (3, expected.to_vec()));
        };
        let all = [line(Speaker::Person, "Minutes, notes and style!")];
        assert_eq!(fitting(&skills(), "Minutes, notes and style!").len(), 3);
        check(&all, u32::MAX, &["meeting-minutes", "release-notes"]);
        check(&all, 800, &["meeting-minutes", "release-notes"]);
        check(&all, 799, &["meeting-minutes"]);
        check(&all, 100, &[]);
        let mut later = vec![line(Speaker::Person, "The minutes, please."), line(Speaker::Agent, "In which style?")];
        later.extend((1..MESSAGES_MAX).map(|_| line(Speaker::Person, "Shorter!")));
        check(&later, u32::MAX, &["meeting-minutes"]);
        later.push(line(Speaker::Person, "Shorter!"));
        check(&later, u32::MAX, &[]);
    }
}
