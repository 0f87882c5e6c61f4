//! What people do about what they said before: captions, edits, and taps on messages.

use std::time::Duration;

use super::lone_file::is_bare_file;
use crate::{
    config::Config,
    model::{EntityName, EventId, Millis, PollAbout, TurnId, UserId},
    store::{Decision, DecisionAction, Message, StoredEvent, StoredNotice, StoredTurn, TurnState, Wording},
};

/// Stops what is being answered.
const STOP: &str = "🛑";
/// Asks for the answer once more.
const AGAIN: &str = "🔁";
/// Asks clients to draw a character as a picture. Some send it, some don't.
const AS_PICTURE: char = '\u{fe0f}';

/// How soon after a file something must be said to be said about it.
const CAPTION_WITHIN: Duration = Duration::from_secs(10);

/// C5: whether `event`, a text on the main timeline, belongs to what its sender said `before` it: a file that came without a
/// word. A sticker says all it has to say by itself.
pub(super) fn is_caption(before: &Message, event: &StoredEvent) -> bool {
    let is_file = is_bare_file(before) && before.thread.is_none() && !before.deleted;
    is_file && event.admitted_at.since(before.received_at) <= CAPTION_WITHIN
}

/// What an edit by a person means for answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edited {
    /// Nothing but the new words.
    Nothing,
    /// What is being answered begins anew, what was answered is answered again.
    Anew,
    /// It asks somebody for the first time.
    Asks,
}

/// S7: what it means that `message` reads `wording` from `now` on.
pub(super) fn edited(
    config: &Config,
    message: &Message,
    decision: &Decision,
    wording: &Wording,
    now: Millis,
) -> Edited {
    let same = wording.body == message.wording.body && wording.mentions == message.wording.mentions;
    if same || message.deleted {
        return Edited::Nothing;
    }
    match decision.action {
        DecisionAction::Answer => Edited::Anew,
        DecisionAction::Run => Edited::Nothing,
        // Whom the router would have picked doesn't count any more.
        DecisionAction::Ignore | DecisionAction::Say | DecisionAction::Route | DecisionAction::Ask => {
            let asks_more = wording.mentions.iter().any(|user| !message.wording.mentions.contains(user));
            let in_time = now.since(message.received_at) <= config.conversation.edit_window;
            if asks_more && in_time { Edited::Asks } else { Edited::Nothing }
        }
    }
}

/// Whether an entity has nothing to add to what it says.
pub(super) fn is_whole(wording: &Wording) -> bool {
    wording.mark.as_ref().is_some_and(|mark| mark.last)
}

/// What a tap means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tap {
    /// Nothing to us.
    Nothing,
    /// S4: stop this answer.
    Stop(TurnId),
    /// S4: stop whatever answers the message.
    StopAnswers,
    /// S9: answer once more.
    Again(TurnId),
    /// Somebody picked who should answer a message.
    Route {
        /// The question, by its notice's key.
        notice: String,
        /// The message.
        event: EventId,
        /// Who should answer.
        responder: EntityName,
    },
    /// Somebody answered a question.
    Answer {
        /// The question, by its notice's key.
        notice: String,
        /// What it is about.
        about: PollAbout,
        /// The answer.
        value: String,
    },
}

/// What is known of the message that was tapped on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tapped {
    /// The answer it is a part of.
    pub(super) turn: Option<StoredTurn>,
    /// The notice it shows.
    pub(super) notice: Option<StoredNotice>,
}

/// What it means that `by`, who may use us here, tapped `key` on a message.
pub(super) fn tap(config: &Config, by: &UserId, key: &str, tapped: &Tapped) -> Tap {
    let key = plain(key);
    if let Some(notice) = &tapped.notice {
        return pick(config, by, &key, notice);
    }
    match (&tapped.turn, key.as_str()) {
        (Some(turn), STOP) => match turn.state {
            TurnState::Running | TurnState::Suspended => Tap::Stop(turn.turn.id.clone()),
            TurnState::Done | TurnState::Stopped | TurnState::Failed => Tap::Nothing,
        },
        (None, STOP) => Tap::StopAnswers,
        (Some(turn), AGAIN) if is_same(config, by, &turn.turn.asker) => Tap::Again(turn.turn.id.clone()),
        (_, _) => Tap::Nothing,
    }
}

fn pick(config: &Config, by: &UserId, key: &str, notice: &StoredNotice) -> Tap {
    let Some(poll) = notice.notice.poll.as_ref().filter(|_| notice.answer.is_none()) else { return Tap::Nothing };
    let asked = poll.asker.as_ref().is_none_or(|asker| is_same(config, by, asker));
    let Some(option) = poll.options.iter().find(|option| plain(&option.key) == key).filter(|_| asked) else {
        return Tap::Nothing;
    };
    let (notice, value) = (notice.notice.id.clone(), option.value.clone());
    match &poll.about {
        PollAbout::Route(event) => EntityName::parse(value).map_or(Tap::Nothing, |responder| Tap::Route {
            notice,
            event: event.clone(),
            responder,
        }),
        PollAbout::Turn(_) | PollAbout::Encrypt | PollAbout::Missed | PollAbout::Setting(_) => {
            Tap::Answer { notice, about: poll.about.clone(), value }
        }
    }
}

fn is_same(config: &Config, one: &UserId, other: &UserId) -> bool {
    config.authorization.canonical(one) == config.authorization.canonical(other)
}

fn plain(key: &str) -> String {
    key.chars().filter(|&c| c != AS_PICTURE).collect()
}
