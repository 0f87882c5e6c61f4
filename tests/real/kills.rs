//! Kills at every step of a message's journey and in between, under load: nothing is lost, nothing comes twice.

use std::{collections::BTreeSet, fs, path::Path};

use crate::trials::{Campaign, POINTS, cut_in_the_middle};

/// As many lives end at some other moment.
const MORE: usize = 4;

/// N1, N2, N3, N4, N5: killed at every fault point and at random moments while people write, it answers every question once,
/// in order and to the end. `cargo run --example kills` does the same with hundreds.
#[tokio::test]
async fn kills_at_every_step_lose_and_double_nothing() {
    let mut campaign = Campaign::begin(7).await;
    for _ in 0..POINTS.len() + MORE {
        let place = campaign.live().await;
        println!("killed at {place}");
    }
    let toll = campaign.rest().await;
    println!("{toll}");
    assert!(toll.tally.is_clean() && toll.tally.questions > 0, "{:#?}", toll.tally);
    assert_eq!(toll.kills(), POINTS.len() + MORE);
}

/// N4: twenty answers that are cut off in the middle stay to be seen, and each is completed in its message.
#[tokio::test]
async fn twenty_answers_are_completed_in_place() {
    let cut = cut_in_the_middle().await;
    println!("all were whole {:.1} s after the start", cut.took.as_secs_f64());
    assert_eq!(cut.begun.len(), 20);
    assert_eq!(cut.whole, cut.begun, "in the same messages, and in no others");
}

/// The points at which a program can be told to die, as the sources have them.
fn points_of(text: &str) -> Vec<String> {
    let calls = |name: &str, ends: &[&str]| -> Vec<String> {
        let named = text.split(name).skip(1).filter_map(|rest| rest.split('"').nth(1));
        let stems = named.map(|stem| stem.split('{').next().unwrap_or(stem).to_owned());
        stems.flat_map(|stem| ends.iter().map(move |end| format!("{stem}{end}"))).collect()
    };
    [calls("fault_point(", &[""]), calls("fault_around(", &[".before", ".after"])].concat()
}

fn sources(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: std::path::PathBuf| if path.is_dir() { sources(&path) } else { vec![read_code(&path)] };
    entries.flat_map(read).collect()
}

fn read_code(path: &Path) -> String {
    let is_code = path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("observe/fault.rs");
    if is_code { fs::read_to_string(path).unwrap() } else { String::new() }
}

#[test]
fn every_fault_point_has_its_kill() {
    let found = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let found: BTreeSet<String> = found.iter().flat_map(|text| points_of(text)).collect();
    let mut known: BTreeSet<String> = POINTS.iter().map(|point| point.trim_end_matches("agent0").to_owned()).collect();
    // It dies each time again, which is a conversation of its own (N9).
    known.insert("turn.begun.".to_owned());
    assert_eq!(found, known);
}
