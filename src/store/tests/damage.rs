//! Broken, full and read-only: what is said, and what is left afterwards.

use std::{error::Error, fs, path::Path};

use futures_util::join;
use rusqlite::Connection;

use super::{
    samples::{all_events, batch, event, names},
    stage::picture_of,
};
use crate::store::{Retry, Store, StoreError, folder};

/// The sentences of an error and its causes.
fn sentences(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

async fn refusal(folder: &Path) -> StoreError {
    let StoreError::Open { file, source } = Store::open(folder).await.unwrap_err() else { panic!("opened otherwise") };
    assert_eq!(file, folder.join(folder::DATABASE));
    *source
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_left_alone() {
    for content in [vec![b'x'; 10], vec![0; 100], vec![b'x'; 100_000]] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(folder::DATABASE);
        fs::write(&file, &content).unwrap();
        let error = Store::open(folder.path()).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::Open { source, .. } if matches!(**source, StoreError::Damaged(_))),
            "{error:?}"
        );
        assert_eq!(error.retry(), Retry::Never);
        let text = sentences(&error);
        assert!(text.contains("damaged or not a database: restore a copy"), "{text}");
        assert!(text.contains(&file.display().to_string()), "{text}");
        assert_eq!(fs::read(&file).unwrap(), content);
    }
}

#[tokio::test]
async fn a_database_with_a_broken_page_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    store.close().await;
    let file = folder.path().join(folder::DATABASE);
    let mut bytes = fs::read(&file).unwrap();
    // The first page holds the list of tables, behind a header of 100 bytes.
    bytes[100..4096].fill(0xff);
    fs::write(&file, bytes).unwrap();
    let error = refusal(folder.path()).await;
    assert!(matches!(error, StoreError::Damaged(_)), "{error:?}");
}

#[tokio::test]
async fn a_row_that_makes_no_sense_is_damage() {
    let (store, _memory) = Store::memory();
    store.write(|db| Ok(db.execute_batch("INSERT INTO rooms VALUES ('lobby', 'no room id', 0)")?)).await.unwrap();
    let error = store.rooms().await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged(_)), "{error:?}");
    assert!(sentences(&error).contains("\"no room id\" is not a room id"), "{}", sentences(&error));
}

#[tokio::test]
async fn a_folder_that_can_not_be_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "").unwrap();
    for folder in [file.clone(), file.join("below")] {
        let error = Store::open(&folder).await.unwrap_err();
        assert!(matches!(&error, StoreError::Folder { path, .. } if *path == folder), "{error:?}");
        assert!(error.to_string().contains(&folder.display().to_string()));
    }
    let taken = parent.path().join("taken");
    fs::create_dir_all(taken.join(folder::DATABASE)).unwrap();
    let error = Store::open(&taken).await.unwrap_err();
    assert!(matches!(error, StoreError::Folder { .. }), "{error:?}");
}

/// N1: a full disk admits nothing by halves, and goes on when there is room again.
#[tokio::test]
async fn a_full_disk_is_said_and_survived() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let limit = |pages: i64| {
        move |db: &Connection| {
            let now: i64 = db.query_row("PRAGMA page_count", [], |row| row.get(0))?;
            db.query_row(&format!("PRAGMA max_page_count = {}", now + pages), [], |_| Ok(()))?;
            Ok(())
        }
    };
    store.write(limit(2)).await.unwrap();
    let large = || {
        let events = (0..500).map(|n| event("lobby", &format!("e{n}"))).collect();
        vec![batch("writer", 1, events, vec![])]
    };
    let (small, failed) = join!(store.save_fact("small", ""), store.admit(large()));
    let error = failed.unwrap_err();
    assert!(matches!(error, StoreError::Full(_)), "{error:?}");
    assert_eq!(error.retry(), Retry::Later);
    // A neighbour in the same commit is either kept or told.
    assert_eq!(small.is_ok(), store.fact("small").await.unwrap().is_some());
    assert_eq!(all_events(&store, "lobby").await, []);
    assert_eq!(store.counts().await.unwrap().live, 0);

    store.write(limit(100_000)).await.unwrap();
    assert_eq!(store.admit(large()).await.unwrap().fresh, 500);
    store.close().await;
}

#[tokio::test]
async fn a_read_only_database_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    store.write(|db| Ok(db.pragma_update(None, "query_only", true)?)).await.unwrap();
    let error = store.save_fact("a", "b").await.unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly(_)), "{error:?}");
    assert_eq!(error.retry(), Retry::Never);
    assert_eq!(store.fact("a").await.unwrap(), None, "what is there can still be read");
    store.close().await;
}

/// N1: wherever the log breaks off, what is left is a beginning of what was committed, position and events together.
#[tokio::test]
async fn a_torn_log_leaves_whole_commits() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    for number in 0..12 {
        let name = format!("e{number}");
        store.admit(vec![batch("writer", number, vec![event("lobby", &name)], vec![])]).await.unwrap();
    }
    let length = fs::metadata(folder.path().join("maitre.db-wal")).unwrap().len();
    let mut lengths = Vec::new();
    for cut in (0..=24).map(|part| length * part / 24) {
        let picture = picture_of(folder.path());
        fs::OpenOptions::new().write(true).open(picture.path().join("maitre.db-wal")).unwrap().set_len(cut).unwrap();
        let torn = Store::open(picture.path()).await.unwrap();
        let events = all_events(&torn, "lobby").await;
        let expected: Vec<String> = (0..events.len()).map(|number| format!("e{number}")).collect();
        assert_eq!(names(&events), expected, "cut at {cut} of {length}");
        let position = torn.position(&super::samples::entity("writer")).await.unwrap();
        let last = events.len().checked_sub(1).map(|number| super::samples::token(&format!("writer-{number}")));
        assert_eq!(position, last, "cut at {cut} of {length}");
        lengths.push(events.len());
        torn.close().await;
    }
    assert!(lengths.is_sorted() && lengths.first() < lengths.last(), "{lengths:?}");
    assert_eq!(lengths.last(), Some(&12), "the whole log holds what was answered");
    store.close().await;
}
