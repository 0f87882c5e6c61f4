//! The outbox: events of answers, written down before they are requested, so that a crash in between only repeats them.

use rusqlite::{Connection, Row, named_params};

use super::{
    Store, StoreError,
    columns::{Word as _, all, from_millis, id, millis, optional_id, optional_json, rows, run, to_json, word},
    turns,
};
use crate::model::{EntityName, EventId, Millis, RoomId, TransactionId, TurnId};

/// An event of an answer, on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The key under which the homeserver recognises it.
    pub transaction: TransactionId,
    /// The turn that says it.
    pub turn: TurnId,
    /// Which part of the answer it is about.
    pub part: u32,
    /// What it does.
    pub sort: LetterSort,
    /// Through whose account it is sent.
    pub speaker: EntityName,
    /// Where.
    pub room: RoomId,
    /// Its content. None: something may have been sent under this transaction, and whatever it was will be edited.
    pub content: Option<serde_json::Value>,
    /// When it was written down.
    pub created_at: Millis,
}

/// What an event of an answer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetterSort {
    /// It is the message in which the answer grows.
    First,
    /// It is a further message of a long answer.
    Part,
    /// It changes a message.
    Edit,
    /// It offers something to tap.
    Reaction,
}

/// A letter and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostedLetter {
    /// The letter.
    pub letter: Letter,
    /// The event it became, if it is known to be in the room.
    pub event: Option<EventId>,
}

impl Store {
    /// Begins an attempt of `turn`: edits that an earlier one left unsent are dropped, and `first` is noted as what may be sent
    /// any moment. Answers what is known of the letters that went before: a message among them may be in the room unnoted.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn outbox_begin(&self, turn: &TurnId, first: Option<Letter>) -> Result<Vec<PostedLetter>, StoreError> {
        let turn = turn.clone();
        self.write(move |db| {
            run(db, "DELETE FROM outbox WHERE turn = ?1 AND state = 'pending' AND sort = 'edit'", [turn.as_str()])?;
            let before = all(db, OF_TURN, [turn.as_str()], read)?;
            first.as_ref().map_or(Ok(()), |letter| put(db, letter))?;
            Ok(before)
        })
        .await
    }

    /// Writes down letters that are about to be sent, all or none. One that is still unsent gets the newer
    /// content; one that was sent stays as it is.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed; then none of them may be sent.
    pub async fn outbox_put(&self, letters: Vec<Letter>) -> Result<(), StoreError> {
        self.write(move |db| Ok(letters.iter().try_for_each(|letter| put(db, letter))?)).await
    }

    /// Remembers that a letter is in the room. A message is known as a part of its answer from then on.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn outbox_sent(&self, letter: &Letter, event: &EventId) -> Result<(), StoreError> {
        let (letter, event) = (letter.clone(), event.clone());
        self.write(move |db| {
            // What is in the room need not be kept twice.
            let sql = "UPDATE outbox SET state = 'sent', event = ?2, content = NULL WHERE transaction_id = ?1";
            run(db, sql, [letter.transaction.as_str(), event.as_str()])?;
            match letter.sort {
                LetterSort::First | LetterSort::Part => turns::note_part(db, &letter.turn, letter.part, &event)?,
                LetterSort::Edit | LetterSort::Reaction => {}
            }
            Ok(())
        })
        .await
    }

    /// Has a letter that is in the room count as unsent again, with its content: there is something left to do about it.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn outbox_again(&self, letter: &Letter) -> Result<(), StoreError> {
        let (transaction, content) = (letter.transaction.clone(), letter.content.as_ref().map(to_json));
        self.write(move |db| {
            let sql = "UPDATE outbox SET state = 'pending', event = NULL, content = ?2 WHERE transaction_id = ?1";
            run(db, sql, rusqlite::params![transaction.as_str(), content])?;
            Ok(())
        })
        .await
    }

    /// Remembers that a letter can't be delivered. It isn't tried again.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn outbox_failed(&self, transaction: &TransactionId) -> Result<(), StoreError> {
        let transaction = transaction.clone();
        self.write(move |db| {
            let sql = "UPDATE outbox SET state = 'failed', event = NULL, content = NULL WHERE transaction_id = ?1";
            run(db, sql, [transaction.as_str()])?;
            Ok(())
        })
        .await
    }

    /// Forgets a letter whose event was taken back.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn outbox_forget(&self, transaction: &TransactionId) -> Result<(), StoreError> {
        let transaction = transaction.clone();
        self.write(move |db| {
            run(db, "DELETE FROM outbox WHERE transaction_id = ?1", [transaction.as_str()])?;
            Ok(())
        })
        .await
    }

    /// The oldest `limit` letters that are unsent though their turn has ended. Those of other turns are the turns' own.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn outbox_pending(&self, limit: usize) -> Result<Vec<Letter>, StoreError> {
        self.read(move |db| Ok(all(db, PENDING, [rows(limit)], |row| Ok(read(row)?.letter))?)).await
    }

    /// What earlier answers of the same responder left unsent in the conversation that `turn` answers in, in order. What they
    /// offered isn't among it.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn outbox_ahead(&self, turn: &TurnId) -> Result<Vec<Letter>, StoreError> {
        let turn = turn.clone();
        self.read(move |db| Ok(all(db, AHEAD, [turn.as_str()], |row| Ok(read(row)?.letter))?)).await
    }

    /// Forgets the letters that were settled before `moment`.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn outbox_prune(&self, moment: Millis) -> Result<(), StoreError> {
        self.write(move |db| {
            let sql = "DELETE FROM outbox WHERE created_at < ?1 AND content IS NULL
                       AND turn NOT IN (SELECT id FROM turns WHERE state IN ('running', 'suspended') OR again = 1)";
            run(db, sql, [from_millis(moment)])?;
            Ok(())
        })
        .await
    }
}

pub(super) const OF_TURN: &str = "SELECT * FROM outbox WHERE turn = ?1 AND state <> 'failed' ORDER BY serial";
pub(super) const PENDING: &str = "SELECT outbox.* FROM outbox WHERE outbox.state = 'pending' AND content IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM turns WHERE turns.id = turn AND (turns.state IN ('running', 'suspended') OR again = 1))
    ORDER BY serial LIMIT ?1";

pub(super) const AHEAD: &str = "SELECT outbox.* FROM outbox WHERE outbox.state = 'pending' AND content IS NOT NULL
    AND sort <> 'reaction' AND turn <> ?1
    AND NOT EXISTS (SELECT 1 FROM turns WHERE turns.id = turn AND (turns.state IN ('running', 'suspended') OR again = 1))
    AND EXISTS (SELECT 1 FROM envelopes AS old JOIN envelopes AS new USING (room, responder)
        WHERE old.turn = outbox.turn AND new.turn = ?1 AND old.thread IS new.thread) ORDER BY serial";

fn put(db: &Connection, letter: &Letter) -> rusqlite::Result<()> {
    run(
        db,
        "INSERT INTO outbox (transaction_id, turn, part, sort, entity, room, content, created_at) VALUES
         (:transaction, :turn, :part, :sort, :entity, :room, :content, :created_at)
         ON CONFLICT (transaction_id) DO UPDATE SET content = excluded.content WHERE state = 'pending'",
        named_params! {
            ":transaction": letter.transaction.as_str(),
            ":turn": letter.turn.as_str(),
            ":part": letter.part,
            ":sort": letter.sort.word(),
            ":entity": letter.speaker.as_str(),
            ":room": letter.room.as_str(),
            ":content": letter.content.as_ref().map(to_json),
            ":created_at": from_millis(letter.created_at),
        },
    )?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<PostedLetter> {
    let letter = Letter {
        transaction: id(row, "transaction_id")?,
        turn: id(row, "turn")?,
        part: row.get("part")?,
        sort: word(row, "sort")?,
        speaker: id(row, "entity")?,
        room: id(row, "room")?,
        content: optional_json(row, "content")?,
        created_at: millis(row, "created_at")?,
    };
    Ok(PostedLetter { letter, event: optional_id(row, "event")? })
}
