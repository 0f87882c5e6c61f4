//! C5: a file that comes alone waits a moment for the words about it, which many clients send as a message of their own.

use std::time::Duration;

use serde_json::Value;

use super::gate::{Action, Room, Verdict};
use crate::{
    model::Millis,
    store::{Decision, DecisionAction, Message, Sort},
};

/// How long after a file the router waits for words before it looks for somebody who can make something of the file alone.
const WORDS_WITHIN: Duration = Duration::from_secs(2);

/// How long the router waits, from `now` on, before it picks somebody for `message`.
pub(super) fn patience(room: &Room, message: &Message, now: Millis) -> Duration {
    let expects_words = !room.direct && is_bare_file(message);
    if expects_words { WORDS_WITHIN.saturating_sub(now.since(message.received_at)) } else { Duration::ZERO }
}

/// Those of what was said `before` in its thread, or right before it on the main timeline, that `words` may be about: the
/// files that their sender sent since they last wrote anything else there. The newest come first.
pub(super) fn files_before<'a>(before: &'a [Message], words: &Message) -> Vec<&'a Message> {
    if words.wording.sort != Sort::Text {
        return Vec::new();
    }
    let theirs = before.iter().rev().filter(|said| said.sender == words.sender && said.event != words.event);
    theirs.take_while(|said| is_bare_file(said) && !said.deleted).collect()
}

/// What is decided about a file now that `verdict` was given about the words that came after it. Nothing where somebody was
/// picked for it by then, or where the words are for the house.
pub(super) fn with_words(decision: Decision, verdict: &Verdict, now: Millis) -> Option<Decision> {
    let waits = match decision.action {
        DecisionAction::Route => true,
        DecisionAction::Ignore
        | DecisionAction::Run
        | DecisionAction::Say
        | DecisionAction::Ask
        | DecisionAction::Answer => false,
    };
    let decides = match verdict.action {
        Action::Answer { .. } | Action::Route(_) | Action::Excuse(_) | Action::Ignore => true,
        Action::Run(_) | Action::Explain | Action::Lonely | Action::OverBudget | Action::Hold => false,
    };
    (waits && decides).then(|| Decision {
        rule: "C5".to_owned(),
        action: DecisionAction::Ignore,
        answering: Vec::new(),
        reason: "it goes with the words that came right after it".to_owned(),
        decided_at: now,
        ..decision
    })
}

/// Whether it is a file, a picture or a voice message without a word about it. Where a caption is meant, the name of the file
/// stands beside it.
pub(super) fn is_bare_file(message: &Message) -> bool {
    if message.wording.sort != Sort::Media {
        return false;
    }
    let content: Value = serde_json::from_str(&message.wording.content).unwrap_or_default();
    let is_file = matches!(content["msgtype"].as_str(), Some("m.image" | "m.file" | "m.audio" | "m.video"));
    let name = content["filename"].as_str().unwrap_or(&message.wording.body);
    is_file && message.wording.body.trim() == name.trim()
}
