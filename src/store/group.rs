//! Group commit: many jobs, one transaction, and no answer before it is safe.

use rusqlite::Connection;

use super::{
    StoreError,
    job::{Done, Job, Keeping},
};
use crate::observe::fault_point;

/// Runs `jobs` in one transaction and then answers all of them.
///
/// A job that fails is undone alone. What breaks the transaction itself (a full disk, say) fails the whole group: each
/// caller hears why, and may repeat.
pub(super) fn commit(db: &Connection, jobs: Vec<Job>) {
    let mut done = Vec::with_capacity(jobs.len());
    let for_good = jobs.iter().any(|job| job.keeping() == Keeping::Irreplaceable);
    let flushed = if for_good { synchronous(db, "FULL") } else { Ok(()) };
    let mut whole = flushed.and_then(|()| run(db, "BEGIN IMMEDIATE"));
    for job in jobs {
        match &whole {
            Ok(()) => {
                let (one, still_whole) = run_alone(db, job);
                done.push(one);
                whole = still_whole;
            }
            Err(error) => done.push(job.refuse(error.clone())),
        }
    }
    fault_point("commit.before");
    let whole = whole.and_then(|()| run(db, "COMMIT"));
    fault_point("commit.after");
    if whole.is_err() && !db.is_autocommit() {
        // Nothing to add to the error that is told: a transaction that can't be rolled back fails the next BEGIN.
        drop(run(db, "ROLLBACK"));
    }
    if for_good {
        // Should it fail, commits stay safer than they need be.
        drop(synchronous(db, "NORMAL"));
    }
    for one in done {
        one.tell(whole.as_ref().err());
    }
}

/// How commits reach the disk. With FULL one is there when it returns, and so is everything before it; with NORMAL, which is
/// the rule, it is in the operating system's hands, which the end of our process doesn't touch.
fn synchronous(db: &Connection, level: &str) -> Result<(), StoreError> {
    Ok(db.pragma_update(None, "synchronous", level)?)
}

/// Runs `jobs`, which only read, each on one consistent picture of what is committed.
pub(super) fn look(db: &Connection, jobs: Vec<Job>) {
    for job in jobs {
        let done = match run(db, "BEGIN") {
            Ok(()) => job.run(db),
            Err(error) => job.refuse(error),
        };
        if !db.is_autocommit() {
            // Nothing was changed that could be lost; a picture that can't be let go of fails the next BEGIN.
            drop(run(db, "COMMIT"));
        }
        done.tell(None);
    }
}

/// Runs one job of a group; the second value tells whether the group's transaction still stands.
fn run_alone(db: &Connection, job: Job) -> (Done, Result<(), StoreError>) {
    if let Err(error) = run(db, "SAVEPOINT job") {
        return (job.refuse(error.clone()), Err(error));
    }
    let done = job.run(db);
    let whole = match done.failure() {
        None => run(db, "RELEASE job"),
        // SQLite itself ends the transaction on some failures; what follows would run without one.
        Some(error) if db.is_autocommit() => Err(error.clone()),
        Some(_) => run(db, "ROLLBACK TO job").and_then(|()| run(db, "RELEASE job")),
    };
    (done, whole)
}

fn run(db: &Connection, sql: &str) -> Result<(), StoreError> {
    db.prepare_cached(sql)?.execute([])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, sync_channel};

    use super::*;

    type Heard = Receiver<Result<(), StoreError>>;

    /// A job that runs `sql` and what its caller hears.
    fn job(sql: &'static str) -> (Job, Heard) {
        job_keeping(Keeping::Replayable, sql)
    }

    fn job_keeping(keeping: Keeping, sql: &'static str) -> (Job, Heard) {
        let (sender, heard) = sync_channel(1);
        (Job::new(keeping, move |db| Ok(db.execute_batch(sql)?), move |outcome| sender.send(outcome).unwrap()), heard)
    }

    /// Runs one group on a fresh database; returns what each caller heard and the names that are kept.
    fn check(group: &[&'static str]) -> (Vec<Result<(), StoreError>>, Vec<String>) {
        let db = Connection::open_in_memory().unwrap();
        let tables = "PRAGMA foreign_keys = ON; CREATE TABLE kept (name TEXT UNIQUE);
            CREATE TABLE bound (name TEXT REFERENCES kept (name) DEFERRABLE INITIALLY DEFERRED)";
        db.execute_batch(tables).unwrap();
        let (jobs, heard): (Vec<Job>, Vec<Heard>) = group.iter().map(|sql| job(sql)).unzip();
        commit(&db, jobs);
        assert!(db.is_autocommit(), "no transaction is left open");
        let (last, last_heard) = job("INSERT INTO kept VALUES ('after')");
        commit(&db, vec![last]);
        last_heard.try_recv().unwrap().expect("the next group is not disturbed");
        let mut query = db.prepare("SELECT name FROM kept ORDER BY rowid").unwrap();
        let names = query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        (heard.iter().map(|heard| heard.try_recv().expect("everybody hears, once")).collect(), names)
    }

    #[test]
    fn what_nobody_could_tell_again_is_flushed_with_all_that_it_shares_the_commit_with() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE TABLE kept (level INTEGER); PRAGMA synchronous = NORMAL").unwrap();
        let check = |group: &[Keeping], expected: i64| {
            let note = "INSERT INTO kept SELECT synchronous FROM pragma_synchronous";
            let (jobs, _heard): (Vec<Job>, Vec<Heard>) =
                group.iter().map(|&keeping| job_keeping(keeping, note)).unzip();
            commit(&db, jobs);
            let last = "SELECT level FROM kept ORDER BY rowid DESC LIMIT 1";
            let level: i64 = db.query_row(last, [], |row| row.get(0)).unwrap();
            assert_eq!(level, expected, "{group:?}");
        };
        let (normal, full) = (1, 2);
        check(&[Keeping::Replayable], normal);
        check(&[Keeping::Replayable, Keeping::Irreplaceable], full);
        check(&[Keeping::Replayable], normal);
    }

    #[test]
    fn a_group_is_kept_without_the_job_that_failed() {
        let (heard, names) = check(&[
            "INSERT INTO kept VALUES ('a')",
            "INSERT INTO kept VALUES ('b'), ('a')",
            "INSERT INTO kept VALUES ('c')",
        ]);
        assert!(heard[0].is_ok() && heard[1].is_err() && heard[2].is_ok(), "{heard:?}");
        assert_eq!(names, ["a", "c", "after"]);
    }

    /// N1: nobody is told "kept" before it is.
    #[test]
    fn a_commit_that_fails_is_told_to_everybody() {
        let (heard, names) = check(&["INSERT INTO kept VALUES ('a')", "INSERT INTO bound VALUES ('nobody')"]);
        assert!(heard.iter().all(Result::is_err), "{heard:?}");
        assert_eq!(names, ["after"]);
    }

    #[test]
    fn nothing_runs_on_when_the_transaction_is_gone() {
        let (heard, names) = check(&[
            "INSERT INTO kept VALUES ('a')",
            "ROLLBACK; INSERT INTO nowhere VALUES (1)",
            "INSERT INTO kept VALUES ('c')",
        ]);
        assert!(heard.iter().all(Result::is_err), "{heard:?}");
        assert_eq!(names, ["after"]);
    }
}
