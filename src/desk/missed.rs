//! N7: what becomes of messages that came while we were away, where they are too many to be answered unasked.

use super::gate::{Action, Verdict};
use crate::store::{Fate, StoredNotice};

/// What the answer to each of the three choices is called, here and in the poll.
const CHOICES: [(Fate, &str); 3] = [(Fate::All, "all"), (Fate::Newest, "newest"), (Fate::None, "none")];
/// What people may write in place of a tap, without spaces and what stands between words.
const WORDS: [(Fate, &[&str]); 3] = [
    (Fate::All, &["all", "allofthem", "answerall", "answerthemall", "everything", "yes", "✅"]),
    (Fate::Newest, &["newest", "thenewest", "onlythenewest", "latest", "thelatest", "last", "thelast", "⏩"]),
    (Fate::None, &["none", "noneofthem", "nothing", "no", "❌"]),
];

/// How messages that were missed are taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// One after the other, like any other.
    AsUsual,
    /// They wait until their number is known.
    OnHold,
}

/// What is known of the missed messages of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Missed<'a> {
    /// How many are held back.
    pub(super) held: usize,
    /// The question that was asked last, whatever it was about.
    pub(super) question: Option<&'a StoredNotice>,
    /// How many are answered unasked.
    pub(super) unasked_max: usize,
}

/// What is to be done about messages that are held back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing: there are none.
    Nothing,
    /// They are few enough to be answered.
    Answer,
    /// People are asked.
    Ask,
    /// The question that stands in the room, with this key, is about all of them.
    Count(String),
}

impl Missed<'_> {
    /// How to take up `due` events that were missed.
    pub(super) fn pace(&self, due: usize) -> Pace {
        // Without a question they are what a crash left of the same absence.
        let same_absence = if self.open().is_some() { 0 } else { self.held };
        if due > 0 && due + same_absence > self.unasked_max { Pace::OnHold } else { Pace::AsUsual }
    }

    /// What to do once nothing is due any more.
    pub(super) fn next(&self) -> Next {
        match self.open() {
            _ if self.held == 0 => Next::Nothing,
            Some(question) => Next::Count(question.notice.id.clone()),
            None if self.held > self.unasked_max => Next::Ask,
            None => Next::Answer,
        }
    }

    fn open(&self) -> Option<&StoredNotice> {
        self.question.filter(|question| question.answer.is_none())
    }
}

/// The same verdict, or none yet where it would have somebody say something. Commands are carried out.
pub(super) fn on_hold(verdict: Verdict) -> Verdict {
    match verdict.action {
        Action::Ignore | Action::Run(_) | Action::Hold => verdict,
        Action::Explain
        | Action::Excuse(_)
        | Action::Lonely
        | Action::OverBudget
        | Action::Answer { .. }
        | Action::Route(_) => Verdict {
            rule: "N7",
            action: Action::Hold,
            reason: "it was missed together with many others, and people are asked which are answered",
        },
    }
}

/// What a choice is called in the poll.
pub(super) fn value(fate: Fate) -> &'static str {
    CHOICES.iter().find(|(choice, _)| *choice == fate).map_or("", |(_, value)| value)
}

/// The choice of this name in the poll.
pub(super) fn fate(value: &str) -> Option<Fate> {
    CHOICES.iter().find(|(_, known)| *known == value).map(|(fate, _)| *fate)
}

/// The choice that somebody makes in words.
pub(super) fn in_words(body: &str) -> Option<Fate> {
    let plain: String =
        body.chars().filter(|c| c.is_alphabetic() || "✅⏩❌".contains(*c)).flat_map(char::to_lowercase).collect();
    WORDS.iter().find(|(_, words)| words.contains(&plain.as_str())).map(|(fate, _)| *fate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Conversation, EntityName, Millis, Notice, RoomId, UserId},
        store::PollAnswer,
    };

    fn question(answered: bool) -> StoredNotice {
        let notice = Notice {
            id: "missed".to_owned(),
            speaker: EntityName::parse("router").unwrap(),
            conversation: Conversation { room: RoomId::parse("!r").unwrap(), thread: None },
            reply_to: None,
            text: String::new(),
            poll: None,
        };
        let by = UserId::parse("@al:s").unwrap();
        let answer = answered.then(|| PollAnswer { value: "all".to_owned(), by });
        StoredNotice { notice, wording: 1, shown: 1, parts: Vec::new(), answer, created_at: Millis(1) }
    }

    /// N7: few are answered, many are asked about once; what a crash left counts with the rest.
    #[test]
    fn many_are_asked_about_and_few_are_not() {
        let check = |held, question: Option<bool>, due, pace, next| {
            let question = question.map(self::question);
            let missed = Missed { held, question: question.as_ref(), unasked_max: 3 };
            assert_eq!((missed.pace(due), missed.next()), (pace, next), "{held} {question:?} {due}");
        };
        let counted = || Next::Count("missed".to_owned());
        check(0, None, 3, Pace::AsUsual, Next::Nothing);
        check(0, None, 4, Pace::OnHold, Next::Nothing);
        check(2, None, 1, Pace::AsUsual, Next::Answer);
        check(2, None, 2, Pace::OnHold, Next::Answer);
        check(3, None, 0, Pace::AsUsual, Next::Answer);
        check(4, None, 0, Pace::AsUsual, Next::Ask);
        check(4, Some(false), 3, Pace::AsUsual, counted());
        check(4, Some(false), 4, Pace::OnHold, counted());
        check(4, Some(true), 0, Pace::AsUsual, Next::Ask);
        check(0, Some(false), 0, Pace::AsUsual, Next::Nothing);
        check(2, Some(true), 0, Pace::AsUsual, Next::Answer);
    }

    /// N7: what nobody would answer isn't held back, and commands are carried out.
    #[test]
    fn only_what_would_be_answered_is_held_back() {
        let check = |action: Action, held: bool| {
            let found = on_hold(Verdict { rule: "W0", action, reason: "" });
            assert_eq!((found.action == Action::Hold, found.rule == "N7"), (held, held), "{found:?}");
        };
        check(Action::Ignore, false);
        check(Action::Run(crate::desk::gate::Command::Known("hi".to_owned())), false);
        check(Action::Route(Vec::new()), true);
        check(Action::Answer { answers: Vec::new(), missing: Vec::new() }, true);
        check(Action::Lonely, true);
    }

    /// N7: a choice is made by tap or in words.
    #[test]
    fn a_choice_is_told_from_chat() {
        for (choice, value) in CHOICES {
            assert_eq!((fate(value), super::value(choice), in_words(value)), (Some(choice), value, Some(choice)));
        }
        let check = |body: &str, expected: Option<Fate>| assert_eq!(in_words(body), expected, "{body}");
        check("All of them!", Some(Fate::All));
        check(" Only the newest. ", Some(Fate::Newest));
        check("✅", Some(Fate::All));
        check("no", Some(Fate::None));
        check("all right, who was that?", None);
        check("", None);
        assert_eq!(fate("some"), None);
    }
}
