//! N9: answers that break down again and again are given up, until somebody has them given again.

use rusqlite::params;

use super::{
    Store, StoreError,
    columns::{from_millis, run},
    notices::insert_notice,
    turns::SETTLE,
};
use crate::model::{Millis, Notice, TurnId};

impl Store {
    /// N9: gives a turn up that breaks down again and again, until somebody has it given again; `notice` says so. What of
    /// it is unsent stays so: it may be what breaks. Only what offers to stop it is still taken back.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed.
    pub async fn park(&self, turn: &TurnId, notice: Notice, now: Millis) -> Result<(), StoreError> {
        let turn = turn.clone();
        self.write(move |db| {
            run(db, PARK, params![turn.as_str(), from_millis(now)])?;
            run(db, SETTLE, [turn.as_str()])?;
            run(db, UNSENT, [turn.as_str()])?;
            insert_notice(db, &notice, now)?;
            Ok(())
        })
        .await?;
        self.ring();
        Ok(())
    }

    /// Counts that somebody begins anew to give an answer, to be awaited before they do. Answers how often that makes.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be committed, or when there is no such turn.
    pub async fn count_try(&self, turn: &TurnId) -> Result<u32, StoreError> {
        let turn = turn.clone();
        self.write(move |db| {
            let sql = "UPDATE turns SET tries = tries + 1 WHERE id = ?1 RETURNING tries";
            Ok(db.prepare_cached(sql)?.query_row([turn.as_str()], |row| row.get("tries"))?)
        })
        .await
    }

    /// How many turns failed and were not tried again.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn failed_count(&self) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) AS failed FROM turns WHERE state = 'failed'";
        self.read(move |db| Ok(db.prepare_cached(sql)?.query_row([], |row| row.get("failed"))?)).await
    }
}

const PARK: &str = "UPDATE turns SET state = 'failed', again = 0, ended_at = ?2 WHERE id = ?1";
const UNSENT: &str =
    "DELETE FROM outbox WHERE turn = ?1 AND state = 'pending' AND content IS NOT NULL AND sort <> 'reaction'";
