//! What only a file can show: privacy, the lock, and who waits for whom.

use std::{
    fs::{self, Permissions},
    iter,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::mpsc,
};

use futures_util::{FutureExt as _, StreamExt as _, future, stream::FuturesUnordered};
use tempfile::TempDir;

use super::samples::entity;
use crate::{
    model::{Account, DeviceId, Secret, Tokens},
    nursery,
    store::{Retry, Store, StoreError},
};

async fn open() -> (Store, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (Store::open(folder.path()).await.unwrap(), folder)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// The files of a folder with their modes.
fn modes(folder: &Path) -> Vec<(String, u32)> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut modes: Vec<_> =
        files.map(|file| (file.file_name().unwrap().to_str().unwrap().to_owned(), mode(&file))).collect();
    modes.sort();
    modes
}

#[tokio::test]
async fn nobody_else_can_read_the_state() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("deep/state");
    let store = Store::open(&folder).await.unwrap();
    store.save_fact("a", "b").await.unwrap();
    let private = ["maitre.db", "maitre.db-shm", "maitre.db-wal", "maitre.lock"].map(|name| (name.to_owned(), 0o600));
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(modes(&folder), private);

    // What a careless copy left open is closed again, also the log of a process that was killed.
    let copy = parent.path().join("copy");
    fs::create_dir(&copy).unwrap();
    for (name, _) in &private {
        fs::copy(folder.join(name), copy.join(name)).unwrap();
        fs::set_permissions(copy.join(name), Permissions::from_mode(0o644)).unwrap();
    }
    fs::set_permissions(&copy, Permissions::from_mode(0o755)).unwrap();
    let reopened = Store::open(&copy).await.unwrap();
    assert_eq!(reopened.fact("a").await.unwrap().as_deref(), Some("b"));
    assert_eq!(mode(&copy), 0o700);
    assert_eq!(modes(&copy), private);
    store.close().await;
    reopened.close().await;
}

#[tokio::test]
async fn one_folder_has_one_store() {
    let (store, folder) = open().await;
    let error = Store::open(folder.path()).await.unwrap_err();
    let own = std::process::id();
    assert!(matches!(&error, StoreError::Locked { folder: at, pid } if at == folder.path() && *pid == Some(own)));
    assert_eq!(error.retry(), Retry::Never);
    let text = error.to_string();
    assert!(text.contains(&format!("in use by process {own}")), "{text}");
    assert!(text.contains(&folder.path().display().to_string()), "{text}");
    store.save_fact("a", "the first one is not disturbed").await.unwrap();
    store.close().await;
    let store = Store::open(folder.path()).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn closing_leaves_one_file_with_everything_in_it() {
    let (store, folder) = open().await;
    store.save_fact("a", "b").await.unwrap();
    store.close().await;
    let names: Vec<String> = modes(folder.path()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["maitre.db", "maitre.lock"]);
}

#[tokio::test]
async fn a_slow_question_holds_up_no_commit() {
    let (store, folder) = open().await;
    let (release, gate) = mpsc::sync_channel::<()>(1);
    let slow = store.read(move |db| {
        let before: u32 = db.query_row("SELECT count(*) FROM facts", [], |row| row.get(0))?;
        // Waits for the commit below: were that held up by this, neither would ever end.
        assert!(gate.recv().is_err(), "released by letting go");
        let after: u32 = db.query_row("SELECT count(*) FROM facts", [], |row| row.get(0))?;
        Ok((before, after))
    });
    let commit = async {
        store.save_fact("a", "b").await.unwrap();
        drop(release);
    };
    let (seen, ()) = future::join(slow, commit).await;
    let (before, after) = seen.unwrap();
    assert!(before <= 1);
    assert_eq!(before, after, "one question sees one picture");
    store.close().await;
    drop(folder);
}

/// I1: a refresh is kept even when the queue is full and those ahead wait for the thread that stands still.
#[tokio::test]
async fn a_full_queue_makes_callers_wait_and_loses_nobody() {
    let (store, folder) = open().await;
    let account = Account {
        entity: entity("writer"),
        localpart: "writer".to_owned(),
        user: None,
        device: DeviceId::parse("D").unwrap(),
        password: None,
        tokens: None,
        recovery_key: None,
        store_key: Secret::new("00"),
    };
    store.save_account(account).await.unwrap();
    let (release, gate) = mpsc::sync_channel::<()>(1);
    let stuck = store.write(move |_| {
        assert!(gate.recv().is_err(), "released by letting go");
        Ok(())
    });
    let facts = (0..1_000).map(|n| {
        let store = store.clone();
        async move { store.save_fact(&format!("fact {n}"), "").await }.boxed()
    });
    // First in the queue: whoever comes before it could be served before everybody has asked.
    let mut callers: FuturesUnordered<_> = iter::once(stuck.boxed()).chain(facts).collect();
    assert!(callers.next().now_or_never().is_none(), "everybody waits");

    nursery::thread("release", move || drop(release)).unwrap();
    let tokens = Tokens { access: Secret::new("a"), refresh: None };
    store.save_tokens_blocking(&entity("writer"), tokens.clone()).unwrap();
    assert_eq!(callers.filter(|outcome| future::ready(outcome.is_ok())).count().await, 1_001);
    assert_eq!(store.account(&entity("writer")).await.unwrap().unwrap().tokens, Some(tokens));
    store.close().await;
    drop(folder);
}

#[tokio::test]
async fn a_mistake_in_a_job_closes_the_store_and_frees_the_folder() {
    let (store, folder) = open().await;
    store.save_fact("kept", "").await.unwrap();
    let outcome = store.write(|_| -> Result<(), StoreError> { panic!("a mistake") }).await;
    assert!(matches!(outcome, Err(StoreError::Closed)), "{outcome:?}");
    assert!(matches!(store.save_fact("later", "").await, Err(StoreError::Closed)));
    store.close().await;
    let store = Store::open(folder.path()).await.unwrap();
    assert!(store.fact("kept").await.unwrap().is_some());
    store.close().await;
}
