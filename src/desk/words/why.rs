//! Why a message was answered as it was, and how its answer fared.
#![expect(unreachable_pub, reason = "mod.rs hands these up to the desk, and there is no visibility in between")]

use std::time::Duration;

use super::markup::{code, count, listed, plain, quote};
use crate::{model::Millis, store::DecisionAction};

/// What is known of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// What it says.
    pub body: String,
    /// Who wrote it, as people see it.
    pub sender: String,
    /// When it was admitted.
    pub received: Millis,
    /// The same as people read it, `14:05`.
    pub received_at: String,
    /// What was decided about it, if it was.
    pub decision: Option<Ruling>,
    /// The answers that were begun, in order.
    pub answers: Vec<Answering>,
}

/// What was decided about a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// The rule that fired.
    pub rule: String,
    /// What was to be done.
    pub action: DecisionAction,
    /// Who was to answer, as people see them.
    pub answering: Vec<String>,
    /// Why, in plain words.
    pub reason: String,
    /// Who came into question, as people see them.
    pub candidates: Vec<String>,
    /// When.
    pub at: Millis,
}

/// How one answer fared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answering {
    /// Its id.
    pub id: String,
    /// Who gives it, as people see them.
    pub who: Vec<String>,
    /// Where it stands.
    pub stage: Stage,
    /// When work on it began, if it did.
    pub started: Option<Millis>,
    /// When something of it was first to be seen, if anything is.
    pub sent: Option<Millis>,
    /// When it ended, if it did.
    pub ended: Option<Millis>,
    /// Which try it is.
    pub attempt: u32,
}

/// Where an answer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It waits for its turn.
    Waiting,
    /// It is being given.
    Running,
    /// It is whole.
    Done,
    /// A person stopped it.
    Stopped,
    /// It failed.
    Failed,
    /// The program stopped in the middle; it goes on.
    Suspended,
}

impl Stage {
    /// The word that people read.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "being answered",
            Self::Done => "answered",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Suspended => "interrupted, and goes on",
        }
    }
}

/// W14: the decision in plain words, and the turn's life.
#[must_use]
pub fn why(story: Option<&Story>) -> String {
    let Some(story) = story else {
        return format!(
            "There is no message here that I could explain. Reply {} to the one that you mean.",
            code("!why")
        );
    };
    let head = format!("{} by {}, received at {}:", quote(&story.body), plain(&story.sender), story.received_at);
    let mut lines = vec![head, String::new()];
    match &story.decision {
        Some(ruling) => lines.extend(decided(ruling, story.received)),
        None => lines.push("- Nothing has been decided about it yet.".to_owned()),
    }
    lines.extend(story.answers.iter().map(|answer| life(answer, story)));
    lines.join("\n")
}

fn decided(ruling: &Ruling, received: Millis) -> Vec<String> {
    let names: Vec<String> = ruling.answering.iter().map(|name| plain(name)).collect();
    let outcome = match ruling.action {
        DecisionAction::Ignore => "nobody answers".to_owned(),
        DecisionAction::Run => "the house carries it out".to_owned(),
        DecisionAction::Say => "the house answers it itself".to_owned(),
        DecisionAction::Route => "the router picks who answers".to_owned(),
        DecisionAction::Ask => "the router asks who should answer".to_owned(),
        DecisionAction::Answer => format!("{} to answer", listed(&names)),
    };
    let mut lines = vec![format!(
        "- Decided after {}: {outcome}, because {} (rule {}).",
        span(ruling.at.since(received)),
        plain(&ruling.reason),
        ruling.rule
    )];
    if ruling.candidates.len() > 1 {
        let names: Vec<String> = ruling.candidates.iter().map(|name| plain(name)).collect();
        lines.push(format!("- Who came into question: {}.", listed(&names)));
    }
    lines
}

fn life(answer: &Answering, story: &Story) -> String {
    let names: Vec<String> = answer.who.iter().map(|name| plain(name)).collect();
    let after = |moment: Option<Millis>, what: &str| {
        moment.map(|moment| format!("{what} after {}", span(moment.since(story.received))))
    };
    let moments = [after(answer.started, "started"), after(answer.sent, "first seen"), after(answer.ended, "ended")];
    let moments: Vec<String> = moments.into_iter().flatten().collect();
    let moments = if moments.is_empty() { String::new() } else { format!(": {}", moments.join(", ")) };
    let tries = if answer.attempt > 1 {
        format!(", {}", count(u64::from(answer.attempt), "try", "tries"))
    } else {
        String::new()
    };
    format!("- {} – {}{tries}{moments}. Id {}", listed(&names), answer.stage.word(), code(&answer.id))
}

/// A time as people say it: `12 ms`, `1.3 s`, `4 min`.
pub(super) fn span(time: Duration) -> String {
    match time.as_millis() {
        millis @ 0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{:.1} s", time.as_secs_f64()),
        60_000..7_200_000 => format!("{} min", time.as_secs() / 60),
        7_200_000..172_800_000 => format!("{} h", time.as_secs() / 3_600),
        _ => format!("{} days", time.as_secs() / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story() -> Story {
        Story {
            body: "What is *that*?".to_owned(),
            sender: "Bob".to_owned(),
            received: Millis(1_000),
            received_at: "14:05".to_owned(),
            decision: Some(Ruling {
                rule: "W3".to_owned(),
                action: DecisionAction::Answer,
                answering: vec!["Ada".to_owned()],
                reason: "it was asked".to_owned(),
                candidates: vec!["Ada".to_owned()],
                at: Millis(1_012),
            }),
            answers: vec![Answering {
                id: "3f".to_owned(),
                who: vec!["Ada".to_owned()],
                stage: Stage::Done,
                started: Some(Millis(1_100)),
                sent: Some(Millis(2_300)),
                ended: Some(Millis(62_000)),
                attempt: 1,
            }],
        }
    }

    /// W14, X3: the decision in plain words, then received, decided, started, sent.
    #[test]
    fn a_decision_is_told_with_its_turns_life() {
        assert_eq!(
            why(Some(&story())),
            "`What is *that*?` by Bob, received at 14:05:\n\n\
             - Decided after 12 ms: Ada to answer, because it was asked (rule W3).\n\
             - Ada – answered: started after 100 ms, first seen after 1.3 s, ended after 1 min. Id `3f`"
        );
    }

    /// W14: what nobody answers is explained as well, and so is what can't be explained.
    #[test]
    fn silence_is_told_too() {
        let decided = |action: DecisionAction| Ruling { action, ..story().decision.unwrap() };
        let silent = |action| Story { answers: Vec::new(), decision: Some(decided(action)), ..story() };
        for (action, outcome) in [
            (DecisionAction::Ignore, "nobody answers"),
            (DecisionAction::Run, "the house carries it out"),
            (DecisionAction::Say, "the house answers it itself"),
            (DecisionAction::Route, "the router picks who answers"),
            (DecisionAction::Ask, "the router asks who should answer"),
        ] {
            let text = why(Some(&silent(action)));
            assert!(text.contains(&format!("{outcome}, because it was asked (rule W3)")), "{text}");
        }
        let undecided = Story { decision: None, ..silent(DecisionAction::Ignore) };
        assert!(why(Some(&undecided)).ends_with("- Nothing has been decided about it yet."));
        assert!(why(None).starts_with("There is no message here"));
    }

    #[test]
    fn several_candidates_and_tries_are_told() {
        let mut story = story();
        story.answers[0].attempt = 3;
        story.answers[0].stage = Stage::Waiting;
        story.answers[0].started = None;
        story.answers[0].sent = None;
        story.answers[0].ended = None;
        story.decision.as_mut().unwrap().candidates.push("Bob".to_owned());
        let text = why(Some(&story));
        assert!(text.contains("- Who came into question: Ada and Bob.\n"), "{text}");
        assert!(text.ends_with("- Ada – waiting, 3 tries. Id `3f`"), "{text}");
    }

    #[test]
    fn times_are_told_as_people_do() {
        let check = |millis: u64, expected: &str| assert_eq!(span(Duration::from_millis(millis)), expected);
        check(0, "0 ms");
        check(999, "999 ms");
        check(1_340, "1.3 s");
        check(119_000, "1 min");
        check(3 * 3_600_000, "3 h");
        check(3 * 86_400_000, "3 days");
    }
}
