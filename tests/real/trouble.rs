//! The machine gives trouble: no room on the disk, a clock that jumps, a process that is stopped, a database that somebody
//! else holds. The program says so, loses nothing, doubles nothing, and goes on by itself.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write as _},
    path::PathBuf,
    process::Command,
    time::Duration,
};

use rusqlite::Connection;
use rustix::process::{Resource, Rlimit, Signal, prlimit};
use tokio::time::sleep;

use crate::{
    house::{Maitre, shared, wait_for},
    trials::{Size, Town},
};

const SIZE: Size = Size { agents: 2, rooms: 1, people: 1 };
/// How long anything may take, with the pauses that trouble brings.
const WITHIN: Duration = Duration::from_mins(5);
/// Longer than two long-polls, after which a loop counts as stalled.
const STANDSTILL: Duration = Duration::from_secs(25);
/// What makes the program's state folder a small disk of its own, in a namespace that nobody else sees.
const SMALL_DISK: [&str; 5] = [
    "unshare",
    "-Urm",
    "sh",
    "-c",
    "mkdir -p state && mount -t tmpfs -o size=64m,mode=0700 maitre state && exec \"$@\"",
];
/// What has the program hear of a file that can't grow, instead of ending it.
const LIMITABLE: [&str; 3] = ["sh", "-c", "trap '' XFSZ; exec \"$@\""];
/// How much a file may still grow where there is no small disk to be had.
const GROWTH_BYTES: u64 = 64 << 10;

/// A disk that can be filled.
enum Disk {
    /// A small one, with the file that fills it.
    Small(PathBuf),
    /// One on which no file may grow, where there is no small one to be had.
    Limited,
}

impl Disk {
    /// What the machine lets us have; the program starts on it.
    fn for_program(maitre: &mut Maitre) -> Self {
        let mount = ["-Urm", "mount", "-t", "tmpfs", "none", "/mnt"];
        if Command::new("unshare").args(mount).output().is_ok_and(|output| output.status.success()) {
            maitre.wrap(&[&SMALL_DISK[..], &["sh"]].concat());
            Self::Small(PathBuf::new())
        } else {
            maitre.wrap(&[&LIMITABLE[..], &["sh"]].concat());
            Self::Limited
        }
    }

    /// Leaves no room. Answers what the program will say about it.
    fn fill(&mut self, maitre: &Maitre) -> &'static str {
        match self {
            Self::Small(filler) => {
                // The disk is there in the program's namespace alone.
                let state = maitre.state();
                let inside = state.strip_prefix("/").unwrap();
                let root = PathBuf::from(format!("/proc/{}/root", maitre.pid().as_raw_nonzero()));
                *filler = root.join(inside).join("filler");
                let mut file = File::create(&*filler).unwrap();
                for bytes in [1 << 16, 1 << 9, 1] {
                    let full =
                        std::iter::repeat_with(|| file.write_all(&vec![0; bytes])).find_map(Result::err).unwrap();
                    assert_eq!(full.kind(), ErrorKind::StorageFull);
                }
                "disk is full"
            }
            Self::Limited => {
                let log = u64::try_from(maitre.said().len()).unwrap();
                limit_files(maitre, Some(log + GROWTH_BYTES));
                "can't be read from or written to its disk"
            }
        }
    }

    /// Makes room.
    fn clear(&self, maitre: &Maitre) {
        match self {
            Self::Small(filler) => fs::remove_file(filler).unwrap(),
            Self::Limited => limit_files(maitre, None),
        }
    }
}

fn limit_files(maitre: &Maitre, bytes: Option<u64>) {
    prlimit(Some(maitre.pid()), Resource::Fsize, Rlimit { current: bytes, maximum: None }).unwrap();
}

/// A house that is up, and how much it has said.
async fn open() -> (Town, usize) {
    let town = Town::settle(shared(), SIZE).await;
    let said = town.maitre.said().len();
    (town, said)
}

/// Waits until the program has said this in its log.
async fn wait_said(maitre: &Maitre, since: usize, words: &str) {
    wait_for(&format!("{words:?} in the log"), WITHIN, async || {
        let said = maitre.said();
        if said[since..].contains(words) { Ok(()) } else { Err(said.len()) }
    })
    .await;
}

/// In the same process everything is answered, once, and what is asked now is answered as well.
async fn assert_well_again(town: &mut Town) {
    town.wait_complete(WITHIN).await;
    town.maitre.wait_ready_within(WITHIN).await;
    town.writers.ask_some(SIZE.agents).await;
    let tally = town.wait_complete(WITHIN).await;
    assert!(tally.is_clean(), "{tally:#?}");
}

/// The same, and all is as if nothing had been.
async fn assert_recovered(mut town: Town) {
    assert_well_again(&mut town).await;
    assert!(town.maitre.stop().await.success());
    // The next start has nothing to make up for.
    town.wake().await;
    assert!(town.maitre.stop().await.success());
    assert!(town.tally().await.is_clean());
    assert_eq!(town.maitre.journal().unfinished(), [0; 3]);
    town.assert_admitted().await;
}

/// N1, N2, N3: a full disk is said and waited for; once there is room everything is answered, once, by the same process.
#[tokio::test]
async fn a_full_disk_is_waited_for() {
    let mut town = Town::found(shared(), shared(), SIZE).await;
    let mut disk = Disk::for_program(&mut town.maitre);
    town.open().await;
    town.writers.ask_some(SIZE.agents).await;
    town.wait_complete(WITHIN).await;
    let said = town.maitre.said().len();
    let words = disk.fill(&town.maitre);
    town.writers.ask_some(SIZE.agents).await;
    wait_said(&town.maitre, said, words).await;
    town.maitre
        .wait_status("the trouble to be seen", |status| {
            status.entities.iter().any(|entity| entity.reason.is_some()).then_some(())
        })
        .await;
    town.writers.ask_some(SIZE.agents).await;
    disk.clear(&town.maitre);
    assert_well_again(&mut town).await;
    assert!(town.maitre.stop().await.success());
}

/// N2, N4: a disk that fills up in the middle of answers leaves none of them without an end.
#[tokio::test]
async fn a_disk_that_fills_up_during_answers_leaves_no_answer_open() {
    let mut town = Town::found(shared(), shared(), SIZE).await;
    let mut disk = Disk::for_program(&mut town.maitre);
    town.open().await;
    let gates = town.hold();
    town.writers.ask_some(SIZE.agents).await;
    town.wait_begun(SIZE.agents, WITHIN).await;
    let said = town.maitre.said().len();
    let words = disk.fill(&town.maitre);
    gates.open();
    wait_said(&town.maitre, said, words).await;
    disk.clear(&town.maitre);
    town.recite();
    assert_well_again(&mut town).await;
    assert!(town.maitre.stop().await.success());
}

/// N2, N7: a clock that jumps an hour forward, and two back, in the middle of answers, changes nothing.
#[tokio::test]
async fn a_clock_may_jump() {
    let mut town = Town::found(shared(), shared(), SIZE).await;
    let clock = town.maitre.config().with_file_name("clock");
    town.maitre.set("MAITRE_CLOCK", &clock.to_string_lossy());
    town.open().await;
    for by in ["3600000", "-3600000", "0"] {
        let gates = town.hold();
        let begun = town.writers.asked();
        town.writers.ask_some(SIZE.agents).await;
        town.wait_begun(begun + SIZE.agents, WITHIN).await;
        fs::write(&clock, by).unwrap();
        gates.open();
        town.recite();
        town.writers.ask_some(SIZE.agents).await;
        town.wait_complete(WITHIN).await;
    }
    let status = town.maitre.status().await;
    assert!(status.ready && status.entities.iter().all(|entity| entity.restarts == 0), "{status:#?}");
    assert_recovered(town).await;
}

/// N2, N4: a process that is stopped for longer than a loop may be silent, and goes on, answers what came meanwhile.
#[tokio::test]
async fn a_standstill_is_made_up_for() {
    let (mut town, _) = open().await;
    let gates = town.hold();
    town.writers.ask_some(SIZE.agents).await;
    town.wait_begun(SIZE.agents, WITHIN).await;
    town.maitre.signal(Signal::STOP);
    gates.open();
    town.recite();
    town.writers.ask_some(SIZE.agents).await;
    sleep(STANDSTILL).await;
    town.maitre.signal(Signal::CONT);
    assert_recovered(town).await;
}

/// N1, N2: a database that another program holds is said and waited for.
#[tokio::test]
async fn a_database_that_somebody_else_holds_is_waited_for() {
    let (mut town, said) = open().await;
    let other = Connection::open(town.maitre.state().join("maitre.db")).unwrap();
    let gates = town.hold();
    town.writers.ask_some(SIZE.agents).await;
    town.wait_begun(SIZE.agents, WITHIN).await;
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    gates.open();
    town.recite();
    town.writers.ask_some(SIZE.agents).await;
    wait_said(&town.maitre, said, "the database is busy").await;
    other.execute_batch("ROLLBACK").unwrap();
    drop(other);
    assert_recovered(town).await;
}
