//! Admission: what the loops bring is kept, each event once, together with their positions, or not at all.

use rusqlite::{Connection, named_params, params};

use super::{
    Store, StoreError, changes,
    columns::{Word as _, from_millis, run, to_json},
    positions,
};
use crate::model::{Admitted, Batch, Content, Incoming, Sealed, Standing};

/// The types of events that somebody looks at. Everything else is only kept.
const DUE_KINDS: [&str; 4] = ["m.room.message", "m.sticker", "m.reaction", "m.room.redaction"];

impl Store {
    /// Admits all of `batches` in one step: events, changes and positions.
    ///
    /// An event that is known already is only ever improved: sealed becomes clear, history becomes live, never the
    /// reverse. It keeps its place. Of each event exactly one of the first three figures of [`Admitted`] tells.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed; then nothing of it is kept, and it may be repeated.
    pub async fn admit(&self, batches: Vec<Batch>) -> Result<Admitted, StoreError> {
        self.write(move |db| {
            let mut admitted = Admitted::default();
            for batch in &batches {
                admit(db, batch, &mut admitted)?;
            }
            Ok(admitted)
        })
        .await
    }
}

fn admit(db: &Connection, batch: &Batch, admitted: &mut Admitted) -> rusqlite::Result<()> {
    for event in &batch.events {
        admit_event(db, batch, event, admitted)?;
    }
    for change in &batch.changes {
        changes::apply(db, batch, change)?;
    }
    batch.token.as_ref().map_or(Ok(()), |token| positions::save(db, &batch.entity, token))
}

fn admit_event(db: &Connection, batch: &Batch, event: &Incoming, admitted: &mut Admitted) -> rusqlite::Result<()> {
    let clear = match &event.content {
        Content::Clear { kind, json } => Some((kind, json)),
        Content::Sealed(_) => None,
    };
    let is_due = clear.is_some_and(|(kind, _)| is_due(kind));
    if insert(db, batch, event)? {
        admitted.fresh += 1;
        admitted.due += u64::from(is_due);
        return Ok(());
    }
    let became_live = event.standing == Standing::Live && make_live(db, event)?;
    let healed = match clear {
        Some((kind, json)) => heal(db, event, kind, json)?,
        None => false,
    };
    admitted.healed += u64::from(healed);
    admitted.known += u64::from(!healed);
    admitted.due += u64::from(became_live || healed && is_due);
    Ok(())
}

fn insert(db: &Connection, batch: &Batch, event: &Incoming) -> rusqlite::Result<bool> {
    let (clear, sealed) = match &event.content {
        Content::Clear { kind, json } => (Some((kind, json)), None),
        Content::Sealed(sealed) => (None, Some(sealed)),
    };
    let inserted = run(
        db,
        "INSERT INTO events
         (room, event, sender, sent_at, standing, sealed, kind, json, raw, session, cause, entity, admitted_at, due, missed)
         VALUES
         (:room, :event, :sender, :sent_at, :standing, :sealed, :kind, :json, :raw, :session, :cause, :entity, :admitted_at, :due,
          :missed)
         ON CONFLICT (room, event) DO NOTHING",
        named_params! {
            ":room": event.room.as_str(),
            ":event": event.event.as_str(),
            ":sender": event.sender.as_str(),
            ":sent_at": from_millis(event.sent_at),
            ":standing": event.standing.word(),
            ":sealed": sealed.is_some(),
            ":kind": clear.map(|(kind, _)| kind),
            ":json": clear.map(|(_, json)| json),
            ":raw": sealed.map(|sealed| &sealed.raw),
            ":session": sealed.and_then(session),
            ":cause": sealed.map(|sealed| sealed.cause.word()),
            ":entity": batch.entity.as_str(),
            ":admitted_at": from_millis(batch.received_at),
            ":due": clear.is_some_and(|(kind, _)| is_due(kind)),
            ":missed": batch.after_absence,
        },
    )?;
    Ok(inserted == 1)
}

fn make_live(db: &Connection, event: &Incoming) -> rusqlite::Result<bool> {
    // Whoever looked at it took it for history.
    let sql =
        "UPDATE events SET standing = 'live', due = (kind IS NOT NULL AND kind IN (SELECT value FROM json_each(?3)))
               WHERE room = ?1 AND event = ?2 AND standing = 'history'";
    Ok(run(db, sql, [event.room.as_str(), event.event.as_str(), &to_json(&DUE_KINDS)])? == 1)
}

fn heal(db: &Connection, event: &Incoming, kind: &str, json: &str) -> rusqlite::Result<bool> {
    let sql =
        "UPDATE events SET sealed = 0, healed = 1, kind = ?3, json = ?4, raw = NULL, session = NULL, cause = NULL,
               due = ?5 WHERE room = ?1 AND event = ?2 AND sealed = 1";
    Ok(run(db, sql, params![event.room.as_str(), event.event.as_str(), kind, json, is_due(kind)])? == 1)
}

fn is_due(kind: &str) -> bool {
    DUE_KINDS.contains(&kind)
}

fn session(sealed: &Sealed) -> Option<&str> {
    sealed.session.as_deref()
}
