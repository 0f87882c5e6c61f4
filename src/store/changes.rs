//! Changes beside the timeline, as they are kept: memberships, invitations, encryption, upgrades.

use rusqlite::{Connection, params};

use super::{
    AuditEntry, Membership, audit,
    columns::{Word as _, run},
    rooms,
};
use crate::model::{Batch, Change, Departure, EntityName, RoomId, UserId};

/// Applies one change of `batch`.
pub(super) fn apply(db: &Connection, batch: &Batch, change: &Change) -> rusqlite::Result<()> {
    let entity = &batch.entity;
    match change {
        Change::Invited { room, by, direct } => invited(db, entity, room, by, *direct),
        Change::Joined { room } => {
            settle_pending(db, entity, room, "accepted")?;
            become_member(db, entity, room, Membership::Joined).map(drop)
        }
        Change::Departed { room, by, how } => {
            settle_pending(db, entity, room, "withdrawn")?;
            // A stream that begins anew tells it again.
            match (become_member(db, entity, room, departed(*how))?, put_out(batch, room, by.as_ref(), *how)) {
                (true, Some(entry)) => audit::record(db, &entry),
                (_, _) => Ok(()),
            }
        }
        Change::Encrypted { room } => rooms::encrypt(db, room),
        Change::Upgraded { room, successor, by } => {
            let sql = "INSERT INTO upgrades (room, successor, upgrader) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
            run(db, sql, [room.as_str(), successor.as_str(), by.as_str()])?;
            Ok(())
        }
        Change::Missed { room, pages } => audit::record(db, &missed(batch, room, *pages)),
        // It matters to key sharing at this moment, and to nobody after a restart.
        Change::MembersChanged { room: _ } => Ok(()),
    }
}

/// An invitation is the one that is known as long as the entity stays invited by the same user: a stream that begins
/// anew repeats it, settled or not. After a departure, or from another user, it is a new one.
fn invited(db: &Connection, entity: &EntityName, room: &RoomId, by: &UserId, direct: bool) -> rusqlite::Result<()> {
    let known = db
        .prepare_cached(
            "SELECT 1 FROM invites JOIN memberships USING (entity, room)
             WHERE entity = ?1 AND room = ?2 AND memberships.state = 'invited' AND inviter = ?3",
        )?
        .exists([entity.as_str(), room.as_str(), by.as_str()])?;
    if known {
        return Ok(());
    }
    // Replaced rather than updated, so that it gets a new serial.
    run(db, "DELETE FROM invites WHERE entity = ?1 AND room = ?2", [entity.as_str(), room.as_str()])?;
    let sql = "INSERT INTO invites (entity, room, inviter, direct) VALUES (?1, ?2, ?3, ?4)";
    run(db, sql, params![entity.as_str(), room.as_str(), by.as_str(), direct])?;
    become_member(db, entity, room, Membership::Invited).map(drop)
}

fn settle_pending(db: &Connection, entity: &EntityName, room: &RoomId, state: &str) -> rusqlite::Result<()> {
    let sql = "UPDATE invites SET state = ?3 WHERE entity = ?1 AND room = ?2 AND state = 'pending'";
    run(db, sql, [entity.as_str(), room.as_str(), state])?;
    Ok(())
}

/// Tells whether that is news.
fn become_member(db: &Connection, entity: &EntityName, room: &RoomId, state: Membership) -> rusqlite::Result<bool> {
    let sql = "INSERT INTO memberships VALUES (?1, ?2, ?3)
               ON CONFLICT DO UPDATE SET state = excluded.state WHERE state <> excluded.state";
    Ok(run(db, sql, [entity.as_str(), room.as_str(), state.word()])? > 0)
}

/// What the audit says of an entity that somebody put out of a room.
fn put_out(batch: &Batch, room: &RoomId, by: Option<&UserId>, how: Departure) -> Option<AuditEntry> {
    let (kind, text) = match how {
        Departure::Left => return None,
        Departure::Kicked => ("kicked", "it stays away until somebody invites it"),
        Departure::Banned => ("banned", "it stays away until the ban is lifted and somebody invites it"),
    };
    Some(AuditEntry {
        at: batch.received_at,
        kind: kind.to_owned(),
        entity: Some(batch.entity.clone()),
        room: Some(room.clone()),
        who: by.cloned(),
        text: text.to_owned(),
    })
}

fn missed(batch: &Batch, room: &RoomId, pages: usize) -> AuditEntry {
    AuditEntry {
        at: batch.received_at,
        kind: "gap_given_up".to_owned(),
        entity: Some(batch.entity.clone()),
        room: Some(room.clone()),
        who: None,
        text: format!("a gap was not filled after {pages} pages; what lies beyond stays unread"),
    }
}

fn departed(how: Departure) -> Membership {
    match how {
        Departure::Left => Membership::Left,
        Departure::Kicked => Membership::Kicked,
        Departure::Banned => Membership::Banned,
    }
}
