//! Envelopes on their way and the turns that answer them: each message once per responder, each turn until it ends.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};

use super::{
    Store, StoreError,
    columns::{Word as _, all, from_millis, id, json, millis, optional_id, optional_millis, run, to_json, word},
    notices::insert_notice,
};
use crate::model::{
    Conversation, Envelope, EventId, Millis, Missing, Notice, Responder, RoomId, Turn, TurnEnd, TurnId, Usage,
};

/// Where a turn stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnState {
    /// It began and has not ended, or the program ended first.
    Running,
    /// Answered.
    Done,
    /// A person stopped it, or deleted the question.
    Stopped,
    /// It failed, and people were told so.
    Failed,
    /// It is to go on: the program stopped, or it begins anew.
    Suspended,
}

impl From<TurnEnd> for TurnState {
    fn from(end: TurnEnd) -> Self {
        match end {
            TurnEnd::Done => Self::Done,
            TurnEnd::Stopped => Self::Stopped,
            TurnEnd::Failed => Self::Failed,
            TurnEnd::Suspended => Self::Suspended,
        }
    }
}

/// A turn as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTurn {
    /// The turn itself.
    pub turn: Turn,
    /// Where it stands.
    pub state: TurnState,
    /// What it said, as far as that was kept.
    pub text: String,
    /// What it cost, all attempts together.
    pub usage: Usage,
    /// When its newest attempt began.
    pub started_at: Millis,
    /// When that ended.
    pub ended_at: Option<Millis>,
}

/// Which messages a turn is to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnStart {
    /// The turn's id.
    pub id: TurnId,
    /// Who answers.
    pub responder: Responder,
    /// The room of the messages.
    pub room: RoomId,
    /// The messages, in the order of arrival.
    pub events: Vec<EventId>,
}

/// What came of a turn's beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It runs.
    Go(Turn),
    /// All its messages were deleted, but something of it may stand in the room and must be closed. It counts as running.
    Withdrawn(Turn),
    /// There is nothing to answer (any more), and nothing of it to be seen.
    Nothing,
}

/// What a new start goes on with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unfinished {
    /// Messages that wait, in the order in which they came.
    pub queued: Vec<Envelope>,
    /// Turns that had begun, or are to be given again; the oldest first.
    pub turns: Vec<Turn>,
    /// How often each of these was begun without coming to an end.
    pub tries: BTreeMap<TurnId, u32>,
}

impl Store {
    /// Queues `envelope`, unless its message was given to its responder before (N2). Answers whether it was new.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn queue(&self, envelope: Envelope) -> Result<bool, StoreError> {
        self.write(move |db| Ok(insert_envelope(db, &envelope)?)).await
    }

    /// Begins a turn on those of its messages that still wait. Deleted ones are cancelled first.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed; then nothing has begun, and it may be repeated.
    pub async fn begin_turn(&self, start: TurnStart, now: Millis) -> Result<Begun, StoreError> {
        self.write(move |db| Ok(begin(db, &start, now)?)).await
    }

    /// Begins the next attempt of a turn, in the messages that stand in the room already.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed; then nothing has begun, and it may be repeated.
    pub async fn resume_turn(&self, turn: &TurnId, now: Millis) -> Result<Begun, StoreError> {
        let turn = turn.clone();
        self.write(move |db| Ok(resume(db, &turn, now)?)).await
    }

    /// Ends a turn's attempt. One that is to be given again stays unfinished, however it ended.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn end_turn(&self, turn: &TurnId, end: TurnEnd, text: &str, now: Millis) -> Result<(), StoreError> {
        let (turn, text) = (turn.clone(), text.to_owned());
        self.write(move |db| Ok(finish(db, &turn, end, &text, now)?)).await
    }

    /// Adds to what a turn cost.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn note_usage(&self, turn: &TurnId, usage: Usage) -> Result<(), StoreError> {
        let turn = turn.clone();
        self.write(move |db| {
            let sql =
                "UPDATE turns SET input_tokens = input_tokens + ?2, output_tokens = output_tokens + ?3 WHERE id = ?1";
            run(db, sql, params![turn.as_str(), usage.input_tokens, usage.output_tokens])?;
            Ok(())
        })
        .await
    }

    /// Marks a turn to be given again, in the same messages. Answers whether there is such a turn.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn ask_again(&self, turn: &TurnId) -> Result<bool, StoreError> {
        let turn = turn.clone();
        self.write(move |db| Ok(ask_again(db, &turn)?)).await
    }

    /// Has a turn not given again, nor gone on with. One that had been answered stays so.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn forget(&self, turn: &TurnId, now: Millis) -> Result<(), StoreError> {
        let turn = turn.clone();
        self.write(move |db| {
            run(db, FORGET, params![turn.as_str(), from_millis(now)])?;
            run(db, SETTLE, [turn.as_str()])?;
            Ok(())
        })
        .await
    }

    /// Remembers the message in the room that is part number `part` of an answer.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn note_part(&self, turn: &TurnId, part: u32, event: &EventId) -> Result<(), StoreError> {
        let (turn, event) = (turn.clone(), event.clone());
        self.write(move |db| Ok(note_part(db, &turn, part, &event)?)).await
    }

    /// Forgets the messages of an answer from part number `count` on: they were taken back.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn keep_parts(&self, turn: &TurnId, count: u32) -> Result<(), StoreError> {
        let turn = turn.clone();
        self.write(move |db| {
            run(db, "DELETE FROM turn_parts WHERE turn = ?1 AND part >= ?2", params![turn.as_str(), count])?;
            Ok(())
        })
        .await
    }

    /// Cancels those of `envelopes` that still wait, and answers how many those were.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn cancel(&self, envelopes: Vec<Envelope>) -> Result<usize, StoreError> {
        self.write(move |db| {
            let mut cancelled = 0;
            for envelope in &envelopes {
                cancelled += usize::from(cancel_one(db, envelope)?);
            }
            Ok(cancelled)
        })
        .await
    }

    /// Cancels `envelope`, if it still waits, and has `notice` say why.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn refuse(&self, envelope: Envelope, notice: Notice, now: Millis) -> Result<(), StoreError> {
        self.write(move |db| {
            if cancel_one(db, &envelope)? {
                insert_notice(db, &notice, now)?;
            }
            Ok(())
        })
        .await?;
        self.ring();
        Ok(())
    }

    /// Everything that a new start goes on with.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn unfinished(&self) -> Result<Unfinished, StoreError> {
        self.read(|db| {
            let begun: Vec<(TurnId, u32)> = all(db, UNFINISHED, [], |row| Ok((id(row, "id")?, row.get("tries")?)))?;
            let ids: Vec<TurnId> = begun.iter().map(|(id, _)| id.clone()).collect();
            Ok(Unfinished {
                queued: all(db, QUEUED, [], read_envelope)?,
                turns: stored(db, &ids)?.into_iter().map(|stored| stored.turn).collect(),
                tries: begun.into_iter().collect(),
            })
        })
        .await
    }

    /// The turn with this id.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn turn(&self, turn: &TurnId) -> Result<Option<StoredTurn>, StoreError> {
        let turn = turn.clone();
        self.read(move |db| Ok(read(db, &turn)?)).await
    }

    /// Whether anything of a turn stands in the room, or may: its first message went out, and nobody heard what became of it.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn may_stand(&self, turn: &TurnId) -> Result<bool, StoreError> {
        let turn = turn.clone();
        self.read(move |db| Ok(db.prepare_cached(MAY_STAND)?.exists([turn.as_str()])?)).await
    }

    /// The turn that a message of ours is part of.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn turn_at(&self, room: &RoomId, event: &EventId) -> Result<Option<StoredTurn>, StoreError> {
        let (room, event) = (room.clone(), event.clone());
        self.read(move |db| {
            let turn: Option<TurnId> = db
                .prepare_cached(TURN_AT)?
                .query_row([room.as_str(), event.as_str()], |row| id(row, "turn"))
                .optional()?;
            Ok(turn.map_or(Ok(None), |turn| read(db, &turn))?)
        })
        .await
    }

    /// The turns that answer a message, or answered it.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn turns_of(&self, room: &RoomId, event: &EventId) -> Result<Vec<StoredTurn>, StoreError> {
        let (room, event) = (room.clone(), event.clone());
        self.read(move |db| {
            let ids: Vec<TurnId> = all(db, TURNS_OF, [room.as_str(), event.as_str()], |row| id(row, "turn"))?;
            Ok(stored(db, &ids)?)
        })
        .await
    }
}

const INSERT: &str = "INSERT INTO envelopes
    (room, thread, event, responder, sender, priority, hops, root, missing, received_at) VALUES
    (:room, :thread, :event, :responder, :sender, :priority, :hops, :root, :missing, :received_at)
    ON CONFLICT (room, event, responder) DO NOTHING";
const CANCEL_ONE: &str = "UPDATE envelopes SET state = 'cancelled'
    WHERE room = ?1 AND event = ?2 AND responder = ?3 AND state = 'queued'";
const FORGET: &str = "UPDATE turns SET again = 0, ended_at = coalesce(ended_at, ?2),
    state = CASE WHEN state IN ('running', 'suspended') THEN 'stopped' ELSE state END WHERE id = ?1";
pub(super) const SETTLE: &str = "UPDATE envelopes SET state = 'done' WHERE turn = ?1 AND state = 'taken'
    AND EXISTS (SELECT 1 FROM turns WHERE id = ?1 AND state <> 'suspended')";
const TAKE: &str = "UPDATE envelopes SET state = 'taken', turn = ?4
    WHERE room = ?1 AND event = ?2 AND responder = ?3 AND (state = 'queued' OR (state = 'taken' AND turn = ?4))";
const WITHDRAW: &str = "UPDATE envelopes SET state = 'cancelled'
    WHERE turn = ?1 AND state <> 'cancelled' AND EXISTS
    (SELECT 1 FROM deletions WHERE deletions.room = envelopes.room AND deletions.event = envelopes.event)";
const BEGIN: &str = "INSERT INTO turns (id, room, state, tries, started_at) VALUES (?1, ?2, 'running', 1, ?3)
    ON CONFLICT (id) DO UPDATE SET attempt = attempt + 1, state = 'running', again = 0, tries = tries + 1,
    started_at = excluded.started_at, ended_at = NULL";
/// S8: what answers something that was taken back leaves no words.
const FINISH: &str =
    "UPDATE turns SET state = CASE again WHEN 1 THEN 'suspended' ELSE ?2 END, ended_at = ?4, tries = 0,
    text = CASE WHEN EXISTS (SELECT 1 FROM envelopes AS e JOIN deletions AS d ON d.room = e.room AND d.event = e.event
        WHERE e.turn = ?1) THEN '' ELSE ?3 END WHERE id = ?1";
const LEAVE_DELETED: &str = "DELETE FROM turn_parts WHERE turn = ?1 AND EXISTS
    (SELECT 1 FROM deletions WHERE deletions.room = turn_parts.room AND deletions.event = turn_parts.event)";
const MAY_STAND: &str = "SELECT 1 FROM turn_parts WHERE turn = ?1
    UNION ALL SELECT 1 FROM outbox WHERE turn = ?1 AND sort = 'first' AND state = 'pending'";
pub(super) const UNFINISHED: &str =
    "SELECT id, tries FROM turns WHERE state IN ('running', 'suspended') OR again = 1 ORDER BY started_at";
pub(super) const QUEUED: &str = "SELECT * FROM envelopes WHERE state = 'queued' ORDER BY serial";
pub(super) const TURN_AT: &str = "SELECT turn FROM turn_parts WHERE room = ?1 AND event = ?2";
pub(super) const TURNS_OF: &str = "SELECT turn FROM envelopes WHERE room = ?1 AND event = ?2 AND turn IS NOT NULL";
pub(super) const ENVELOPES_OF: &str = "SELECT * FROM envelopes WHERE turn = ?1";

/// N2: keeps `envelope` unless its message was given to its responder before. Answers whether it was new.
pub(super) fn insert_envelope(db: &Connection, envelope: &Envelope) -> rusqlite::Result<bool> {
    let inserted = run(
        db,
        INSERT,
        named_params! {
            ":room": envelope.conversation.room.as_str(),
            ":thread": envelope.conversation.thread.as_ref().map(EventId::as_str),
            ":event": envelope.event.as_str(),
            ":responder": envelope.responder.to_string(),
            ":sender": envelope.sender.as_str(),
            ":priority": envelope.priority.word(),
            ":hops": envelope.hops,
            ":root": envelope.root.as_str(),
            ":missing": to_json(&envelope.missing),
            ":received_at": from_millis(envelope.received_at),
        },
    )?;
    Ok(inserted == 1)
}

fn cancel_one(db: &Connection, envelope: &Envelope) -> rusqlite::Result<bool> {
    let (room, event) = (envelope.conversation.room.as_str(), envelope.event.as_str());
    Ok(run(db, CANCEL_ONE, params![room, event, envelope.responder.to_string()])? == 1)
}

/// Cancels what still waits of a message, whoever was to answer it. Answers how many that were.
pub(super) fn cancel_envelopes(db: &Connection, room: &RoomId, event: &EventId) -> rusqlite::Result<usize> {
    let sql = "UPDATE envelopes SET state = 'cancelled' WHERE room = ?1 AND event = ?2 AND state = 'queued'";
    run(db, sql, [room.as_str(), event.as_str()])
}

/// Marks a turn to be given again. Answers whether there is such a turn.
pub(super) fn ask_again(db: &Connection, turn: &TurnId) -> rusqlite::Result<bool> {
    Ok(run(db, "UPDATE turns SET again = 1, tries = 0 WHERE id = ?1", [turn.as_str()])? == 1)
}

/// Remembers a message in the room as a part of an answer. A part that was replaced belongs to the answer no more.
pub(super) fn note_part(db: &Connection, turn: &TurnId, part: u32, event: &EventId) -> rusqlite::Result<()> {
    let sql =
        "INSERT OR REPLACE INTO turn_parts (turn, part, room, event) SELECT id, ?2, room, ?3 FROM turns WHERE id = ?1";
    run(db, sql, params![turn.as_str(), part, event.as_str()])?;
    Ok(())
}

fn begin(db: &Connection, start: &TurnStart, now: Millis) -> rusqlite::Result<Begun> {
    let responder = start.responder.to_string();
    let mut taken = 0;
    for event in &start.events {
        taken += run(db, TAKE, params![start.room.as_str(), event.as_str(), responder, start.id.as_str()])?;
    }
    if taken == 0 {
        return Ok(Begun::Nothing);
    }
    run(db, BEGIN, params![start.id.as_str(), start.room.as_str(), from_millis(now)])?;
    begun(db, &start.id, TurnState::Stopped, now)
}

fn resume(db: &Connection, turn: &TurnId, now: Millis) -> rusqlite::Result<Begun> {
    let Some(before) = read(db, turn)? else { return Ok(Begun::Nothing) };
    run(db, "UPDATE envelopes SET state = 'taken' WHERE turn = ?1 AND state = 'done'", [turn.as_str()])?;
    run(db, BEGIN, params![turn.as_str(), before.turn.conversation.room.as_str(), from_millis(now)])?;
    leave_deleted(db, turn)?;
    begun(db, turn, before.state, now)
}

/// Messages of an answer that people took back are no part of it any more. What is left of it goes on; without any it begins in
/// a new message, and what was under way to the old ones is for nobody.
fn leave_deleted(db: &Connection, turn: &TurnId) -> rusqlite::Result<()> {
    if run(db, LEAVE_DELETED, [turn.as_str()])? == 0 {
        return Ok(());
    }
    let left = parts(db, turn)?;
    if left.is_empty() {
        run(db, "DELETE FROM outbox WHERE turn = ?1", [turn.as_str()])?;
        run(db, "UPDATE turns SET withdrawals = withdrawals + 1 WHERE id = ?1", [turn.as_str()])?;
        return Ok(());
    }
    run(db, "DELETE FROM outbox WHERE turn = ?1 AND state = 'pending'", [turn.as_str()])?;
    run(db, "DELETE FROM turn_parts WHERE turn = ?1", [turn.as_str()])?;
    (0..).zip(&left).try_for_each(|(part, event)| note_part(db, turn, part, event))
}

/// The messages in the room that an answer consists of, in order.
fn parts(db: &Connection, turn: &TurnId) -> rusqlite::Result<Vec<EventId>> {
    all(db, "SELECT event FROM turn_parts WHERE turn = ?1 ORDER BY part", [turn.as_str()], |row| id(row, "event"))
}

/// What there is to answer once deleted messages are left out. Without any the turn is `over`, unless some of it is shown.
fn begun(db: &Connection, id: &TurnId, over: TurnState, now: Millis) -> rusqlite::Result<Begun> {
    run(db, WITHDRAW, [id.as_str()])?;
    let left = "SELECT EXISTS (SELECT 1 FROM envelopes WHERE turn = ?1 AND state = 'taken')";
    let left: bool = db.prepare_cached(left)?.query_row([id.as_str()], |row| row.get(0))?;
    let turn = read(db, id)?.map(|stored| stored.turn);
    // What went out last may have got there, and nobody heard of it.
    let half_shown = match over {
        TurnState::Running | TurnState::Suspended => db.prepare_cached(MAY_STAND)?.exists([id.as_str()])?,
        TurnState::Done | TurnState::Stopped | TurnState::Failed => false,
    };
    Ok(match turn {
        Some(turn) if left => Begun::Go(turn),
        Some(turn) if half_shown => Begun::Withdrawn(turn),
        Some(_) | None => {
            let state = match over {
                TurnState::Running | TurnState::Suspended => TurnState::Stopped,
                TurnState::Done | TurnState::Stopped | TurnState::Failed => over,
            };
            let sql = "UPDATE turns SET state = ?2, ended_at = ?3 WHERE id = ?1";
            run(db, sql, params![id.as_str(), state.word(), from_millis(now)])?;
            Begun::Nothing
        }
    })
}

fn finish(db: &Connection, turn: &TurnId, end: TurnEnd, text: &str, now: Millis) -> rusqlite::Result<()> {
    run(db, FINISH, params![turn.as_str(), TurnState::from(end).word(), text, from_millis(now)])?;
    run(db, SETTLE, [turn.as_str()])?;
    Ok(())
}

/// The turns with these ids.
pub(super) fn stored(db: &Connection, ids: &[TurnId]) -> rusqlite::Result<Vec<StoredTurn>> {
    ids.iter().filter_map(|id| read(db, id).transpose()).collect()
}

fn read(db: &Connection, turn: &TurnId) -> rusqlite::Result<Option<StoredTurn>> {
    let mut envelopes: Vec<(u64, bool, Envelope)> = all(db, ENVELOPES_OF, [turn.as_str()], |row| {
        let state: String = row.get("state")?;
        Ok((row.get("serial")?, state == "cancelled", read_envelope(row)?))
    })?;
    envelopes.sort_by_key(|(serial, ..)| *serial);
    // Of a turn whose messages were all deleted, they still tell where it stands.
    if envelopes.iter().any(|(_, cancelled, _)| !cancelled) {
        envelopes.retain(|(_, cancelled, _)| !cancelled);
    }
    let envelopes: Vec<Envelope> = envelopes.into_iter().map(|(.., envelope)| envelope).collect();
    let parts = parts(db, turn)?;
    db.prepare_cached("SELECT * FROM turns WHERE id = ?1")?
        .query_row([turn.as_str()], |row| Ok(read_turn(row, &envelopes, parts)))
        .optional()?
        .transpose()
        .map(Option::flatten)
}

/// A turn from its row and what it answers; none without anything to answer.
fn read_turn(row: &Row<'_>, envelopes: &[Envelope], parts: Vec<EventId>) -> rusqlite::Result<Option<StoredTurn>> {
    let Some((first, last)) = envelopes.first().zip(envelopes.last()) else { return Ok(None) };
    let mut missing: Vec<Missing> = Vec::new();
    for one in envelopes.iter().flat_map(|envelope| &envelope.missing) {
        if !missing.contains(one) {
            missing.push(one.clone());
        }
    }
    let turn = Turn {
        id: id(row, "id")?,
        attempt: row.get("attempt")?,
        conversation: last.conversation.clone(),
        responder: last.responder.clone(),
        messages: envelopes.iter().map(|envelope| envelope.event.clone()).collect(),
        asker: last.sender.clone(),
        priority: last.priority,
        hops: envelopes.iter().map(|envelope| envelope.hops).max().unwrap_or(last.hops),
        root: last.root.clone(),
        missing,
        received_at: first.received_at,
        parts,
        withdrawals: row.get("withdrawals")?,
    };
    Ok(Some(StoredTurn {
        turn,
        state: word(row, "state")?,
        text: row.get("text")?,
        usage: Usage { input_tokens: row.get("input_tokens")?, output_tokens: row.get("output_tokens")? },
        started_at: millis(row, "started_at")?,
        ended_at: optional_millis(row, "ended_at")?,
    }))
}

fn read_envelope(row: &Row<'_>) -> rusqlite::Result<Envelope> {
    Ok(Envelope {
        conversation: Conversation { room: id(row, "room")?, thread: optional_id(row, "thread")? },
        event: id(row, "event")?,
        sender: id(row, "sender")?,
        responder: id(row, "responder")?,
        priority: word(row, "priority")?,
        hops: row.get("hops")?,
        root: id(row, "root")?,
        missing: json(row, "missing")?,
        received_at: millis(row, "received_at")?,
    })
}
