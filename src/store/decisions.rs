//! What was decided about each message, and the one step in which an event is dealt with.

use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};

use super::{
    AuditEntry, Ordinal, Projection, Release, Store, StoreError, StoredEvent, audit,
    columns::{Word as _, all, from_millis, id, json, millis, optional_id, rows, run, to_json, word},
    events, held, memos, messages, notices, silence, turns,
};
use crate::model::{
    Conversation, EntityName, Envelope, EventId, Millis, Notice, Responder, RoomId, Standing, TurnId, UserId,
};

/// What was decided about a message, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The message's place in the order of arrival.
    pub ordinal: Ordinal,
    /// Where it was said: the thread it belongs to, or the main timeline.
    pub conversation: Conversation,
    /// The message.
    pub event: EventId,
    /// The rule that decided.
    pub rule: String,
    /// What was to be done.
    pub action: DecisionAction,
    /// Who was to answer.
    pub answering: Vec<Responder>,
    /// Who could have.
    pub candidates: Vec<EntityName>,
    /// Why, in plain words.
    pub reason: String,
    /// When that was.
    pub decided_at: Millis,
}

/// What was to be done about a message, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecisionAction {
    /// Nothing.
    Ignore,
    /// The house ran a command.
    Run,
    /// The house said something.
    Say,
    /// The router is to pick somebody.
    Route,
    /// The router asked who should answer.
    Ask,
    /// Somebody was to answer.
    Answer,
}

/// Everything that comes of an event, done in one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// The room.
    pub room: RoomId,
    /// The event that is dealt with by this.
    pub event: EventId,
    /// What it was taken for. What was taken for history and turned out live meanwhile stays due.
    pub standing: Standing,
    /// What it does to what people see. What agents kept from a message that is taken back goes with it.
    pub projection: Projection,
    /// What was decided, about it or about the message that it changes. It takes the place of an earlier decision.
    pub decision: Option<Decision>,
    /// What is thereby decided about earlier messages.
    pub also_decided: Vec<Decision>,
    /// Who is to answer.
    pub envelopes: Vec<Envelope>,
    /// What the house says.
    pub notices: Vec<Notice>,
    /// A message that nobody is to answer any more, as far as nobody has begun.
    pub withdrawn: Option<EventId>,
    /// Answers that are to be given once more.
    pub again: Vec<TurnId>,
    /// What somebody tapped on a question; the first tap counts.
    pub pick: Option<Pick>,
    /// What the pick means for messages of the room that are held back.
    pub release: Option<Release>,
    /// What the audit is told.
    pub audit: Option<AuditEntry>,
    /// When it happens.
    pub at: Millis,
}

impl Settlement {
    /// One that does no more than show what a live event does.
    #[must_use]
    pub fn of(room: RoomId, event: EventId, projection: Projection, at: Millis) -> Self {
        Self {
            room,
            event,
            standing: Standing::Live,
            projection,
            decision: None,
            also_decided: Vec::new(),
            envelopes: Vec::new(),
            notices: Vec::new(),
            withdrawn: None,
            again: Vec::new(),
            pick: None,
            release: None,
            audit: None,
            at,
        }
    }
}

/// A tap on a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pick {
    /// The question, by the key of its notice.
    pub notice: String,
    /// The answer that was tapped.
    pub value: String,
    /// Who tapped it.
    pub by: UserId,
}

impl Store {
    /// Up to `limit` events that nobody has looked at yet, in order of arrival.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn due(&self, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.read(move |db| Ok(all(db, DUE, [rows(limit)], events::read_event)?)).await
    }

    /// Does everything that comes of an event, whole or not at all, and calls the event looked at. Gives those of the
    /// envelopes that are new: a message is given to a responder once.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn settle(&self, settlement: Settlement) -> Result<Vec<Envelope>, StoreError> {
        let says = !settlement.notices.is_empty() || settlement.release.is_some();
        let room = settlement.room.clone();
        let fresh = self.write_in(room, move |db| Ok(settle(db, settlement)?)).await?;
        if says {
            self.ring();
        }
        Ok(fresh)
    }

    /// What was decided about a message.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn decision(&self, room: &RoomId, event: &EventId) -> Result<Option<Decision>, StoreError> {
        let (room, event) = (room.clone(), event.clone());
        self.read(move |db| {
            let mut query = db.prepare_cached("SELECT * FROM decisions WHERE room = ?1 AND event = ?2")?;
            Ok(query.query_row([room.as_str(), event.as_str()], read_decision).optional()?)
        })
        .await
    }

    /// The newest `limit` decisions about messages of a conversation, newest first. A thread's root counts as part of
    /// it.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn decisions(&self, conversation: &Conversation, limit: usize) -> Result<Vec<Decision>, StoreError> {
        let Conversation { room, thread } = conversation.clone();
        self.read(move |db| {
            let sql = if thread.is_some() { OF_THREAD } else { OF_MAIN };
            let thread = thread.as_ref().map_or("", EventId::as_str);
            Ok(all(db, sql, params![room.as_str(), thread, rows(limit)], read_decision)?)
        })
        .await
    }

    /// Every message for which the router has yet to pick somebody, in order of arrival.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn unrouted(&self) -> Result<Vec<Decision>, StoreError> {
        self.read(|db| Ok(all(db, UNROUTED, [], read_decision)?)).await
    }
}

pub(super) const UNROUTED: &str = "SELECT * FROM decisions WHERE action = 'route' ORDER BY ordinal";
pub(super) const DUE: &str = "SELECT * FROM events WHERE due = 1 ORDER BY ordinal LIMIT ?1";
/// A root was decided about on the main timeline, before there was a thread. The root's row is the oldest of them.
pub(super) const OF_THREAD: &str = "SELECT * FROM (SELECT * FROM decisions WHERE room = ?1 AND thread = ?2
    UNION ALL SELECT * FROM decisions WHERE room = ?1 AND event = ?2) ORDER BY ordinal DESC LIMIT ?3";
pub(super) const OF_MAIN: &str =
    "SELECT * FROM decisions WHERE room = ?1 AND thread IS NULL AND ?2 = '' ORDER BY ordinal DESC LIMIT ?3";

fn settle(db: &Connection, settlement: Settlement) -> rusqlite::Result<Vec<Envelope>> {
    let Settlement {
        room,
        event,
        standing,
        projection,
        decision,
        also_decided,
        envelopes,
        notices,
        withdrawn,
        again,
        pick,
        release,
        audit,
        at,
    } = settlement;
    messages::project(db, &room, &projection)?;
    for decision in decision.iter().chain(&also_decided) {
        decide(db, decision)?;
    }
    let mut fresh = Vec::with_capacity(envelopes.len());
    for envelope in envelopes {
        if turns::insert_envelope(db, &envelope)? {
            fresh.push(envelope);
        }
    }
    for notice in &notices {
        notices::insert_notice(db, notice, at)?;
    }
    if let Projection::Deletion { of } = &projection {
        memos::forget_from(db, &room, of)?;
        silence::silence(db, &room, of)?;
    }
    if let Some(withdrawn) = &withdrawn {
        turns::cancel_envelopes(db, &room, withdrawn)?;
    }
    for turn in &again {
        turns::ask_again(db, turn)?;
    }
    if let Some(Pick { notice, value, by }) = &pick {
        let is_first = notices::record_answer(db, notice, value, by)?;
        if let Some(release) = release.filter(|_| is_first) {
            held::release(db, &room, release.fate)?;
            notices::reword_notice(db, notice, &release.said)?;
        }
    }
    if let Some(entry) = &audit {
        audit::record(db, entry)?;
    }
    let dealt_with = "UPDATE events SET due = 0
                      WHERE room = ?1 AND event = ?2 AND (standing = 'history' OR standing = ?3)";
    run(db, dealt_with, [room.as_str(), event.as_str(), standing.word()])?;
    Ok(fresh)
}

fn decide(db: &Connection, decision: &Decision) -> rusqlite::Result<()> {
    run(
        db,
        "INSERT OR REPLACE INTO decisions VALUES
         (:ordinal, :room, :event, :thread, :rule, :action, :answering, :candidates, :reason, :decided_at)",
        named_params! {
            ":ordinal": decision.ordinal.0,
            ":room": decision.conversation.room.as_str(),
            ":event": decision.event.as_str(),
            ":thread": decision.conversation.thread.as_ref().map(EventId::as_str),
            ":rule": decision.rule,
            ":action": decision.action.word(),
            ":answering": to_json(&decision.answering),
            ":candidates": to_json(&decision.candidates),
            ":reason": decision.reason,
            ":decided_at": from_millis(decision.decided_at),
        },
    )?;
    Ok(())
}

pub(super) fn read_decision(row: &Row<'_>) -> rusqlite::Result<Decision> {
    Ok(Decision {
        ordinal: Ordinal(row.get("ordinal")?),
        conversation: Conversation { room: id(row, "room")?, thread: optional_id(row, "thread")? },
        event: id(row, "event")?,
        rule: row.get("rule")?,
        action: word(row, "action")?,
        answering: json(row, "answering")?,
        candidates: json(row, "candidates")?,
        reason: row.get("reason")?,
        decided_at: millis(row, "decided_at")?,
    })
}
