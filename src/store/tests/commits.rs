//! Conformance: when a change is made, for whom, and what is left of it after a crash.

use futures_util::{FutureExt as _, StreamExt as _, join, stream};
use rusqlite::Connection;

use super::{
    samples::{all_events, batch, entity, event, names, token},
    stage::Stage,
};
use crate::store::{Retry, StoreError, columns::run};

/// How many callers come at once: more than may wait.
const CALLERS: usize = 400;

/// N1: what was answered is on the disk, position and events together.
pub(super) async fn what_was_answered_outlives_a_crash(stage: &mut Stage) {
    for number in 0..10 {
        let name = format!("e{number}");
        stage.store.admit(vec![batch("writer", number, vec![event("lobby", &name)], vec![])]).await.unwrap();
    }
    stage.crash().await;
    assert_eq!(names(&all_events(&stage.store, "lobby").await).len(), 10);
    assert_eq!(stage.store.position(&entity("writer")).await.unwrap(), Some(token("writer-9")));
    assert_eq!(stage.store.counts().await.unwrap().live, 10);
}

pub(super) async fn what_was_closed_opens_again(stage: &mut Stage) {
    stage.store.save_fact("homeserver", "https://home.org").await.unwrap();
    stage.reopen().await;
    assert_eq!(stage.store.fact("homeserver").await.unwrap().as_deref(), Some("https://home.org"));
}

pub(super) async fn a_closed_store_says_so(stage: &mut Stage) {
    let old = stage.store.clone();
    stage.reopen().await;
    let written = old.save_fact("a", "b").await.unwrap_err();
    assert!(matches!(written, StoreError::Closed), "{written:?}");
    assert_eq!(written.retry(), Retry::Never);
    assert!(matches!(old.fact("a").await, Err(StoreError::Closed)));
    old.close().await;
    assert_eq!(stage.store.fact("a").await.unwrap(), None, "the new handle works");
}

/// I8: closing keeps what was handed over before, and nobody is left without an answer.
pub(super) async fn many_at_once_are_all_kept(stage: &mut Stage) {
    let store = &stage.store;
    let saved = stream::iter(0..CALLERS)
        .map(|n| async move { store.save_fact(&format!("fact {n}"), "kept").await })
        .buffer_unordered(CALLERS)
        .filter(|outcome| std::future::ready(outcome.is_ok()))
        .count()
        .await;
    assert_eq!(saved, CALLERS);
    stage.crash().await;
    let kept: usize = stage
        .store
        .read(|db| Ok(db.query_row("SELECT count(*) FROM facts WHERE value = 'kept'", [], |row| row.get(0))?))
        .await
        .unwrap();
    assert_eq!(kept, CALLERS);
}

pub(super) async fn a_failing_job_is_undone_alone(stage: &mut Stage) {
    let store = &stage.store;
    let half = |db: &Connection| -> Result<(), StoreError> {
        run(db, "INSERT INTO facts VALUES ('half', '')", [])?;
        run(db, "INSERT INTO facts VALUES ('half', '')", [])?;
        Ok(())
    };
    let (before, failed, after) = join!(store.save_fact("before", ""), store.write(half), store.save_fact("after", ""));
    before.unwrap();
    after.unwrap();
    assert!(matches!(failed, Err(StoreError::Failed(_))), "{failed:?}");
    assert!(store.fact("before").await.unwrap().is_some() && store.fact("after").await.unwrap().is_some());
    assert_eq!(store.fact("half").await.unwrap(), None);
}

pub(super) async fn what_nobody_waits_for_is_made_all_the_same(stage: &mut Stage) {
    // It is handed over, and whoever asked goes; on a busy machine the commit may be faster.
    drop(stage.store.save_fact("first", "").now_or_never());
    stage.store.save_fact("second", "").await.unwrap();
    assert!(stage.store.fact("first").await.unwrap().is_some());
}
