//! Another process on the same folder, and what is left when it is killed.

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
};

use super::samples::{all_events, batch, entity, event, token};
use crate::store::{Store, StoreError};

/// Tells this test program, started by itself, to be the other process. The test runner takes it for one more filter.
const FOLDER: &str = "store-of-the-other-process=";
/// How many events the other process has kept, at least, when it is killed.
const KEPT_MIN: usize = 40;

/// Ends the other process also when the test fails.
struct Other(Child);

impl Other {
    fn start(folder: &Path) -> Self {
        let (_, this) = module_path!().split_once("::").unwrap();
        let child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "--nocapture", &format!("{this}::the_other_process")])
            .arg(format!("{FOLDER}{}", folder.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn();
        Self(child.unwrap())
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// N1: killed at any instant, what was answered is there, and the lock is free.
#[tokio::test]
async fn what_a_killed_process_was_told_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut other = Other::start(folder.path());
    let mut lines = BufReader::new(other.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut kept = 0;
    while kept < KEPT_MIN {
        let line = lines.next().expect("the other process says what it keeps");
        kept = line.strip_prefix("kept ").map_or(kept, |count| count.parse().unwrap());
    }
    let error = Store::open(folder.path()).await.unwrap_err();
    assert!(matches!(error, StoreError::Locked { pid: Some(pid), .. } if pid == other.0.id()), "{error:?}");

    other.0.kill().unwrap();
    other.0.wait().unwrap();
    // What it said between the look above and its end. The last line may be torn; each one said less than was kept.
    let said = lines.filter_map(|line| line.strip_prefix("kept ")?.parse().ok()).last().unwrap_or(kept);
    let store = Store::open(folder.path()).await.unwrap();
    let events = all_events(&store, "lobby").await;
    assert!(events.len() >= said, "{} of {said}", events.len());
    let expected: Vec<String> = (1..=events.len()).map(|number| format!("$e{number}")).collect();
    assert_eq!(events.iter().map(|event| event.event.as_str()).collect::<Vec<_>>(), expected);
    let last = Some(token(&format!("writer-{}", events.len())));
    assert_eq!(store.position(&entity("writer")).await.unwrap(), last);
    store.close().await;
}

/// Not a test by itself: keeps event after event until it is killed.
#[tokio::test]
async fn the_other_process() {
    let folder = env::args().find_map(|argument| argument.strip_prefix(FOLDER).map(str::to_owned));
    let Some(folder) = folder else { return };
    let store = Store::open(Path::new(&folder)).await.unwrap();
    for number in 1.. {
        let events = vec![event("lobby", &format!("e{number}"))];
        store.admit(vec![batch("writer", number, events, vec![])]).await.unwrap();
        // The test runner has begun a line of its own.
        write!(std::io::stdout(), "\nkept {number}\n").unwrap();
        std::io::stdout().flush().unwrap();
    }
}
