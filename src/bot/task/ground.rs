//! What an answer stands on before its first word: what earlier attempts left in the room, and how late it is.

use std::time::Duration;

use tokio::join;

use super::{
    courier::written,
    sign::{Sign, offer},
};
use crate::{
    bot::{Answer, Place, Thread, Tone, transactions},
    model::{EventId, Millis, Turn, UserId},
    observe,
    store::{Letter, LetterSort, Message, PostedLetter, Store},
};

/// What an answer stands on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ground {
    /// How old the question was, if it is taken up for the first time.
    pub(super) age: Duration,
    /// The messages of an earlier attempt.
    pub(super) parts: Vec<EventId>,
    /// Whether an earlier attempt may have sent a first message that nobody knows of.
    pub(super) lost: bool,
    /// The further messages that an earlier attempt may have sent and that nobody knows of, in order.
    pub(super) lost_parts: Vec<Letter>,
    /// What earlier answers in the same conversation have yet to say: it goes before the first message.
    pub(super) ahead: Vec<Letter>,
    /// What the earlier attempt said, and whether it got to its end.
    pub(super) said: String,
    /// Whether the earlier attempt got to its end.
    pub(super) was_whole: bool,
    /// Whom the earlier attempt's end mentioned.
    pub(super) pinged: Vec<UserId>,
    /// The offer to stop that an earlier attempt left standing.
    pub(super) sign: Option<Sign>,
}

impl Ground {
    /// Looks at what is there, and notes in the outbox that a first message may go out any moment (N3).
    ///
    /// Nothing, when that can't be written down: nothing may be sent then.
    pub(super) async fn survey(store: &Store, turn: &Turn) -> Option<Self> {
        let now = observe::now();
        let skipped = observe::fault_switch("answer.unwritten");
        let first = (turn.parts.is_empty() && !skipped).then(|| first_letter(turn, now));
        let begun = observe::fault_around("outbox", store.outbox_begin(&turn.id, first));
        let question = store.message(&turn.conversation.room, turn.reply_to());
        let (before, question, ahead) = join!(begun, question, store.outbox_ahead(&turn.id));
        let before = written(before)?;
        let mut ground = Self { parts: turn.parts.clone(), lost: is_lost(turn, &before), ..Self::default() };
        ground.lost_parts = lost_parts(&before);
        ground.ahead = written(ahead).unwrap_or_default();
        ground.sign = before.into_iter().rev().find_map(|posted| sign_of(posted, turn.parts.first()));
        if !turn.parts.is_empty() {
            ground.look_back(store, turn).await;
        } else if turn.withdrawals == 0 {
            ground.age = age(turn, written(question).flatten().as_ref(), now);
        }
        Some(ground)
    }

    /// What the parts of an earlier attempt show.
    async fn look_back(&mut self, store: &Store, turn: &Turn) {
        let mut bodies = Vec::new();
        for part in &turn.parts {
            let Some(message) = written(store.message(&turn.conversation.room, part).await).flatten() else { continue };
            let wording = message.wording;
            if wording.mark.is_some_and(|mark| mark.last) {
                self.was_whole = true;
                self.pinged.extend(wording.mentions);
            }
            bodies.push(wording.body);
        }
        let kept = written(store.turn(&turn.id).await).flatten().map(|stored| stored.text).unwrap_or_default();
        self.said = if kept.trim().is_empty() { bodies.join("\n\n") } else { kept };
    }
}

/// The first message of an answer, whatever it will say.
pub(super) fn first_letter(turn: &Turn, now: Millis) -> Letter {
    Letter {
        transaction: transactions::first(&turn.id, turn.withdrawals),
        turn: turn.id.clone(),
        part: 0,
        sort: LetterSort::First,
        speaker: turn.responder.speaker().clone(),
        room: turn.conversation.room.clone(),
        content: None,
        created_at: now,
    }
}

/// What all events of a turn's answer have in common.
pub(super) fn answer(turn: &Turn, late: Option<Duration>) -> Answer {
    let thread = turn.conversation.thread.clone().map(|root| Thread { root });
    Answer {
        turn: turn.id.clone(),
        hops: turn.hops,
        root: turn.root.clone(),
        place: Place { thread, reply_to: turn.reply_to().clone() },
        tone: Tone::Text,
        late,
    }
}

fn is_lost(turn: &Turn, before: &[PostedLetter]) -> bool {
    turn.parts.is_empty() && before.iter().any(|posted| posted.letter.sort == LetterSort::First)
}

fn lost_parts(before: &[PostedLetter]) -> Vec<Letter> {
    let lost = before.iter().filter(|posted| posted.letter.sort == LetterSort::Part && posted.event.is_none());
    let mut lost: Vec<Letter> = lost.map(|posted| posted.letter.clone()).collect();
    lost.sort_by_key(|letter| letter.part);
    lost
}

/// The sign that a letter is. What is known to be in the room was forgotten, but follows from the message it stands on.
fn sign_of(posted: PostedLetter, on: Option<&EventId>) -> Option<Sign> {
    let PostedLetter { letter, event } = posted;
    let content = letter.content.clone().or_else(|| on.map(offer));
    (letter.sort == LetterSort::Reaction).then_some(Sign { letter: Letter { content, ..letter }, event })
}

/// N7: how long ago the question was asked. What was missed while we were down came to us later than it was sent.
fn age(turn: &Turn, question: Option<&Message>, now: Millis) -> Duration {
    let asked = question.map_or(turn.received_at, |message| message.sent_at.min(turn.received_at));
    now.since(asked)
}
