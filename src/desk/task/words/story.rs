//! Looks up the story of a message, and what is being answered where.

use std::collections::BTreeSet;

use crate::{
    config::Config,
    desk::{
        task::lookup::own_users,
        words::{Answering, Ruling, Stage, Story},
    },
    model::{Conversation, EntityName, EventId, Millis, RoomId, Turn, UserId},
    observe,
    store::{Decision, DecisionAction, Message, Store, StoreError, StoredTurn, TurnState},
};

/// How far back the last message that was decided about is looked for.
const DECISIONS_BACK_MAX: usize = 30;

/// W14: the story of the message that `asked` replies to, else of the last one in its thread, or on the main timeline.
pub(super) async fn story(store: &Store, config: &Config, asked: &Message) -> Result<Option<Story>, StoreError> {
    let found = match &asked.in_reply_to {
        Some(event) => question(store, &asked.room, event).await?,
        None => last_question(store, asked).await?,
    };
    let Some(message) = found else { return Ok(None) };
    let decision = store.decision(&message.room, &message.event).await?;
    let own = own_users(store).await?;
    let sender = own.iter().find(|(_, user)| *user == message.sender).map(|(name, _)| name);
    Ok(Some(Story {
        body: if message.deleted { "(deleted)".to_owned() } else { message.wording.body.clone() },
        sender: sender.map_or_else(|| message.sender.to_string(), |name| shown_one(config, name)),
        received: message.received_at,
        received_at: observe::time_of_day(message.received_at),
        decision: decision.map(|decision| ruling(config, decision)),
        answers: answers(store, config, &message).await?,
    }))
}

/// Whether what is answered at `place` is seen from `here`: on the main timeline that is everything in the room, since each
/// question there is answered in a thread of its own.
pub(super) fn is_seen(place: &Conversation, here: &Conversation) -> bool {
    place.room == here.room && (here.thread.is_none() || place.thread == here.thread)
}

/// What is being answered in a conversation, or waits there.
pub(super) async fn open_in(store: &Store, config: &Config, here: &Conversation) -> Result<Vec<Answering>, StoreError> {
    let unfinished = store.unfinished().await?;
    let mut answers = Vec::new();
    for turn in unfinished.turns.iter().filter(|turn| is_seen(&turn.conversation, here)) {
        answers.extend(store.turn(&turn.id).await?.map(|stored| answering(config, &stored, None)));
    }
    let waiting = unfinished.queued.iter().filter(|envelope| is_seen(&envelope.conversation, here));
    answers.extend(waiting.map(|envelope| waits(config, envelope.responder.names(), &envelope.event)));
    Ok(answers)
}

/// The threads in which messages of `sender` on the main timeline are being answered.
pub(super) async fn begun_by(
    store: &Store,
    room: &RoomId,
    sender: &UserId,
) -> Result<BTreeSet<Conversation>, StoreError> {
    let unfinished = store.unfinished().await?;
    let turns = unfinished.turns.iter().filter(|turn| turn.asker == *sender && begins_thread(turn));
    let waiting = unfinished.queued.iter().filter(|envelope| {
        envelope.sender == *sender && envelope.conversation.thread.as_ref() == Some(&envelope.event)
    });
    let places = turns.map(|turn| &turn.conversation).chain(waiting.map(|envelope| &envelope.conversation));
    Ok(places.filter(|place| place.room == *room).cloned().collect())
}

/// How an answer fares; `sent` is when something of it was first to be seen.
pub(super) fn answering(config: &Config, stored: &StoredTurn, sent: Option<Millis>) -> Answering {
    Answering {
        id: stored.turn.id.to_string(),
        who: shown(config, stored.turn.responder.names()),
        stage: match stored.state {
            TurnState::Running => Stage::Running,
            TurnState::Done => Stage::Done,
            TurnState::Stopped => Stage::Stopped,
            TurnState::Failed => Stage::Failed,
            TurnState::Suspended => Stage::Suspended,
        },
        started: Some(stored.started_at),
        sent,
        ended: stored.ended_at,
        attempt: stored.turn.attempt,
    }
}

/// What people see these called.
pub(super) fn shown(config: &Config, names: &[EntityName]) -> Vec<String> {
    names.iter().map(|name| shown_one(config, name)).collect()
}

/// The message itself, or the one that it answers, or that the house says something about by it.
async fn question(store: &Store, room: &RoomId, event: &EventId) -> Result<Option<Message>, StoreError> {
    if let Some(stored) = store.turn_at(room, event).await? {
        return store.message(room, stored.turn.reply_to()).await;
    }
    let said_about = store.notice_at(room, event).await?.and_then(|stored| stored.notice.reply_to);
    store.message(room, said_about.as_ref().unwrap_or(event)).await
}

/// The last message that was no command and none of ours.
async fn last_question(store: &Store, asked: &Message) -> Result<Option<Message>, StoreError> {
    let here = Conversation { room: asked.room.clone(), thread: asked.thread.clone() };
    let own = own_users(store).await?;
    for decision in store.decisions(&here, DECISIONS_BACK_MAX).await? {
        if decision.action == DecisionAction::Run || decision.event == asked.event {
            continue;
        }
        let message = store.message(&here.room, &decision.event).await?;
        if let Some(message) = message.filter(|message| own.iter().all(|(_, user)| *user != message.sender)) {
            return Ok(Some(message));
        }
    }
    Ok(None)
}

async fn answers(store: &Store, config: &Config, message: &Message) -> Result<Vec<Answering>, StoreError> {
    let mut answers = Vec::new();
    for stored in store.turns_of(&message.room, &message.event).await? {
        let first = match stored.turn.parts.first() {
            Some(part) => store.message(&message.room, part).await?.map(|part| part.received_at),
            None => None,
        };
        answers.push(answering(config, &stored, first));
    }
    let queued = store.unfinished().await?.queued;
    let waiting =
        queued.iter().filter(|envelope| envelope.event == message.event && envelope.conversation.room == message.room);
    answers.extend(waiting.map(|envelope| waits(config, envelope.responder.names(), &envelope.event)));
    Ok(answers)
}

fn waits(config: &Config, names: &[EntityName], event: &EventId) -> Answering {
    let who = shown(config, names);
    Answering { id: event.to_string(), who, stage: Stage::Waiting, started: None, sent: None, ended: None, attempt: 1 }
}

fn begins_thread(turn: &Turn) -> bool {
    turn.conversation.thread.as_ref() == turn.messages.first()
}

fn ruling(config: &Config, decision: Decision) -> Ruling {
    let answering = decision.answering.iter().flat_map(|responder| shown(config, responder.names())).collect();
    let candidates = shown(config, &decision.candidates);
    let Decision { rule, action, reason, decided_at, .. } = decision;
    Ruling { rule, action, answering, reason, candidates, at: decided_at }
}

fn shown_one(config: &Config, name: &EntityName) -> String {
    config.entity(name).map_or_else(|| name.to_string(), |entity| entity.display_name.clone())
}
