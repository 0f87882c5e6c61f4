//! Invitations that wait for an answer.

use rusqlite::{Connection, Row, params};

use super::{
    Store, StoreError,
    columns::{all, from_millis, id, run},
    rooms::LINEAGE,
};
use crate::model::{EntityName, Millis, RoomId, UserId};

/// An invitation that waits for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// Tells this invitation from an earlier or later one to the same room.
    pub serial: u64,
    /// Who is invited.
    pub entity: EntityName,
    /// Into which room.
    pub room: RoomId,
    /// By whom.
    pub by: UserId,
    /// Whether the inviter meant it as a direct chat.
    pub direct: bool,
    /// How often answering it was tried.
    pub attempts: u32,
    /// Not to be tried before this moment.
    pub next_try_at: Option<Millis>,
}

/// What became of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InviteVerdict {
    /// The entity joined.
    Accepted,
    /// The entity won't join.
    Declined,
}

impl Store {
    /// Every invitation that waits for an answer, in order of arrival, also those to be tried later.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn invites(&self) -> Result<Vec<Invite>, StoreError> {
        self.read(|db| Ok(all(db, "SELECT * FROM invites WHERE state = 'pending' ORDER BY serial", [], read_invite)?))
            .await
    }

    /// Remembers what became of `invite`. A newer invitation to the same room stays as it is.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn settle_invite(&self, invite: &Invite, verdict: InviteVerdict) -> Result<(), StoreError> {
        let serial = invite.serial;
        let state = match verdict {
            InviteVerdict::Accepted => "accepted",
            InviteVerdict::Declined => "declined",
        };
        self.write(move |db| {
            let sql = "UPDATE invites SET state = ?2 WHERE serial = ?1";
            run(db, sql, params![serial, state])?;
            Ok(())
        })
        .await
    }

    /// Remembers that answering `invite` was tried `attempts` times and is to be tried again at `next_try_at`.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn defer_invite(&self, invite: &Invite, attempts: u32, next_try_at: Millis) -> Result<(), StoreError> {
        let serial = invite.serial;
        self.write(move |db| {
            let sql = "UPDATE invites SET attempts = ?2, next_try_at = ?3 WHERE serial = ?1";
            run(db, sql, params![serial, attempts, from_millis(next_try_at)])?;
            Ok(())
        })
        .await
    }
}

/// Whether somebody asked one of ours into `room`, or into one that it replaced, for a direct chat, and wasn't declined.
pub(super) fn is_direct(db: &Connection, room: &RoomId) -> rusqlite::Result<bool> {
    let sql =
        format!("SELECT 1 FROM invites WHERE room IN ({LINEAGE}) AND direct = 1 AND state IN ('pending', 'accepted')");
    db.prepare_cached(&sql)?.exists([room.as_str()])
}

fn read_invite(row: &Row<'_>) -> rusqlite::Result<Invite> {
    Ok(Invite {
        serial: row.get("serial")?,
        entity: id(row, "entity")?,
        room: id(row, "room")?,
        by: id(row, "inviter")?,
        direct: row.get("direct")?,
        attempts: row.get("attempts")?,
        next_try_at: row.get::<_, Option<u64>>("next_try_at")?.map(Millis),
    })
}
