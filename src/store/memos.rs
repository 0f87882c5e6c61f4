//! What agents keep: facts and turns, found again by their words, and summaries of what became too long.

use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};

use super::{
    Ordinal, Store, StoreError,
    columns::{Word as _, all, from_millis, id, json, millis, optional_id, rows, run, to_json, word},
};
use crate::model::{Conversation, EntityName, EventId, Millis, RoomId, TurnId, UserId};

/// How many memos of one sort an agent keeps of one room; the oldest go.
const MEMOS_MAX: usize = 2_000;
/// How many memos one question finds at most.
const FOUND_MEMOS_MAX: usize = 100;
/// How many words of a question are looked for.
const WORDS_MAX: usize = 32;

/// Something that an agent keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memo {
    /// Who keeps it.
    pub agent: EntityName,
    /// What sort it is.
    pub sort: MemoSort,
    /// Where it was said. In this room it is found again.
    pub conversation: Conversation,
    /// Whom it is about, if it is about somebody: then it is found wherever they ask, and nowhere else.
    pub person: Option<UserId>,
    /// The turn in which it was kept.
    pub turn: TurnId,
    /// What is kept.
    pub text: String,
    /// The messages that it comes from.
    pub sources: Vec<EventId>,
    /// When.
    pub kept_at: Millis,
}

/// What sort of memo it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoSort {
    /// A fact that the agent was told, or chose, to keep.
    Fact,
    /// A question and its answer.
    Turn,
}

/// Where a memory is looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recollection {
    /// Whose memory.
    pub agent: EntityName,
    /// The room and those that it replaced.
    pub rooms: Vec<RoomId>,
    /// Who asks.
    pub person: UserId,
    /// What to look for: memos that hold any of these words.
    pub words: Vec<String>,
}

/// What an agent made of the beginning of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The last message that it covers.
    pub until: Ordinal,
    /// What it says.
    pub text: String,
}

/// What a summary is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Basis {
    /// The earlier summary that it goes on from.
    pub summary: Option<Summary>,
    /// The messages.
    pub messages: Vec<EventId>,
}

impl Store {
    /// Keeps `memo`. A turn's memo replaces an earlier one of the same turn; a fact is kept once per turn. What comes from a
    /// message that was deleted meanwhile isn't kept.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn remember(&self, memo: Memo) -> Result<(), StoreError> {
        self.write(move |db| Ok(remember(db, &memo)?)).await
    }

    /// Up to `limit` memos, the best match first.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn recall(&self, about: Recollection, limit: usize) -> Result<Vec<Memo>, StoreError> {
        let Some(query) = query(&about.words) else { return Ok(Vec::new()) };
        self.read(move |db| {
            let place = named_params! {
                ":query": query,
                ":agent": about.agent.as_str(),
                ":rooms": to_json(&about.rooms),
                ":person": about.person.as_str(),
                ":limit": rows(limit.min(FOUND_MEMOS_MAX)),
            };
            Ok(all(db, RECALL, place, read_memo)?)
        })
        .await
    }

    /// What `agent` made of the beginning of `conversation`, if it ever had to.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn summary(
        &self,
        agent: &EntityName,
        conversation: &Conversation,
    ) -> Result<Option<Summary>, StoreError> {
        let (agent, conversation) = (agent.clone(), conversation.clone());
        self.read(move |db| {
            let place = [agent.as_str(), conversation.room.as_str(), thread(&conversation)];
            Ok(db.prepare_cached(SUMMARY)?.query_row(place, read_summary).optional()?)
        })
        .await
    }

    /// Keeps a summary in place of the earlier one, unless something of its `basis` was deleted meanwhile.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn save_summary(
        &self,
        agent: &EntityName,
        conversation: &Conversation,
        summary: Summary,
        basis: Basis,
    ) -> Result<(), StoreError> {
        let (agent, conversation) = (agent.clone(), conversation.clone());
        self.write(move |db| {
            let place = [agent.as_str(), conversation.room.as_str(), thread(&conversation)];
            let earlier = db.prepare_cached(SUMMARY)?.query_row(place, read_summary).optional()?;
            let is_gone = basis.summary.is_some() && earlier != basis.summary;
            if is_gone || any_deleted(db, &conversation.room, &basis.messages)? {
                return Ok(());
            }
            let sql = "INSERT OR REPLACE INTO summaries (agent, room, thread, until, text) VALUES (?1, ?2, ?3, ?4, ?5)";
            let room = conversation.room.as_str();
            let row = params![agent.as_str(), room, thread(&conversation), summary.until.0, summary.text];
            run(db, sql, row)?;
            Ok(())
        })
        .await
    }
}

pub(super) const RECALL: &str = "SELECT memos.*,
    (SELECT json_group_array(event) FROM memo_sources WHERE memo = memos.id) AS sources
    FROM memo_words JOIN memos ON memos.id = memo_words.rowid
    WHERE memo_words MATCH :query AND agent = :agent
    AND (person = :person OR (person IS NULL AND room IN (SELECT value FROM json_each(:rooms))))
    ORDER BY memo_words.rank, memos.id DESC LIMIT :limit";
pub(super) const SUMMARY: &str = "SELECT until, text FROM summaries WHERE agent = ?1 AND room = ?2 AND thread = ?3";
const INSERT: &str = "INSERT INTO memos (agent, sort, room, thread, person, turn, text, kept_at)
    VALUES (:agent, :sort, :room, :thread, :person, :turn, :text, :kept_at) ON CONFLICT DO NOTHING RETURNING id";
const TRIM: &str = "DELETE FROM memos WHERE id IN (SELECT id FROM memos
    WHERE agent = ?1 AND sort = ?2 AND room = ?3 ORDER BY id DESC LIMIT -1 OFFSET ?4)";
pub(super) const FORGET: &str =
    "DELETE FROM memos WHERE id IN (SELECT memo FROM memo_sources WHERE room = ?1 AND event = ?2)";
/// By its first message alone: an answer that becomes shorter takes back the others itself.
pub(super) const FORGET_ANSWER: &str = "DELETE FROM memos WHERE sort = 'turn'
    AND turn IN (SELECT turn FROM turn_parts WHERE room = ?1 AND event = ?2 AND part = 0)";
const ANY_DELETED: &str =
    "SELECT 1 FROM json_each(?2) AS wanted JOIN deletions ON deletions.room = ?1 AND deletions.event = wanted.value";

/// S8: forgets everything that comes from `event`, a question or an answer, also summaries that may hold it.
pub(super) fn forget_from(db: &Connection, room: &RoomId, event: &EventId) -> rusqlite::Result<()> {
    let place = [room.as_str(), event.as_str()];
    run(db, FORGET, place)?;
    run(db, FORGET_ANSWER, place)?;
    let sql = "DELETE FROM summaries WHERE room = ?1
               AND until >= (SELECT ordinal FROM events WHERE room = ?1 AND event = ?2)";
    run(db, sql, place)?;
    Ok(())
}

fn remember(db: &Connection, memo: &Memo) -> rusqlite::Result<()> {
    let (agent, room) = (memo.agent.as_str(), memo.conversation.room.as_str());
    match memo.sort {
        MemoSort::Turn => {
            let sql = "DELETE FROM memos WHERE agent = ?1 AND turn = ?2 AND sort = 'turn'";
            run(db, sql, [agent, memo.turn.as_str()])?;
        }
        MemoSort::Fact => {}
    }
    if any_deleted(db, &memo.conversation.room, &memo.sources)? {
        return Ok(());
    }
    let row = named_params! {
        ":agent": agent,
        ":sort": memo.sort.word(),
        ":room": room,
        ":thread": memo.conversation.thread.as_ref().map(EventId::as_str),
        ":person": memo.person.as_ref().map(UserId::as_str),
        ":turn": memo.turn.as_str(),
        ":text": memo.text,
        ":kept_at": from_millis(memo.kept_at),
    };
    let kept: Option<i64> = db.prepare_cached(INSERT)?.query_row(row, |row| row.get(0)).optional()?;
    let Some(kept) = kept else { return Ok(()) };
    for source in &memo.sources {
        let sql = "INSERT INTO memo_sources (room, event, memo) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        run(db, sql, params![room, source.as_str(), kept])?;
    }
    run(db, TRIM, params![agent, memo.sort.word(), room, rows(MEMOS_MAX)])?;
    Ok(())
}

/// Whether one of these was deleted.
fn any_deleted(db: &Connection, room: &RoomId, events: &[EventId]) -> rusqlite::Result<bool> {
    db.prepare_cached(ANY_DELETED)?.exists(params![room.as_str(), to_json(&events)])
}

/// The words in the language of the index; none where there is nothing to look for.
fn query(words: &[String]) -> Option<String> {
    let quoted = |word: &String| format!("\"{}\"", word.replace('"', "\"\""));
    let meant = |word: &&String| word.chars().any(char::is_alphanumeric);
    let query: Vec<String> = words.iter().filter(meant).take(WORDS_MAX).map(quoted).collect();
    (!query.is_empty()).then(|| query.join(" OR "))
}

fn thread(conversation: &Conversation) -> &str {
    conversation.thread.as_ref().map_or("", EventId::as_str)
}

fn read_summary(row: &Row<'_>) -> rusqlite::Result<Summary> {
    Ok(Summary { until: Ordinal(row.get("until")?), text: row.get("text")? })
}

fn read_memo(row: &Row<'_>) -> rusqlite::Result<Memo> {
    Ok(Memo {
        agent: id(row, "agent")?,
        sort: word(row, "sort")?,
        conversation: Conversation { room: id(row, "room")?, thread: optional_id(row, "thread")? },
        person: optional_id(row, "person")?,
        turn: id(row, "turn")?,
        text: row.get("text")?,
        sources: json(row, "sources")?,
        kept_at: millis(row, "kept_at")?,
    })
}
