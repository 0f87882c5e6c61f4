//! The table of conversations in `docs/behaviour.md`, held against the conversations themselves.

use std::{collections::BTreeSet, fs, path::Path};

/// The numbers in the first column of the table.
fn listed() -> BTreeSet<u32> {
    let document = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/behaviour.md")).unwrap();
    let (_, table) = document.split_once("\n## Conversations\n").expect("the document lists the conversations");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" |"));
    rows.filter_map(|(number, _)| number.parse().ok()).collect()
}

/// The numbers that conversations bear: `/// Conversation 1. …`.
fn held() -> Vec<u32> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/talk");
    let files = fs::read_dir(folder).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
    let numbers = |file: String| {
        let lines = file.lines().filter_map(|line| line.strip_prefix("/// Conversation ")?.split_once(". "));
        lines.filter_map(|(number, _)| number.parse().ok()).collect::<Vec<u32>>()
    };
    files.flat_map(numbers).collect()
}

#[test]
fn every_conversation_is_listed_once() {
    let held = held();
    let numbers: BTreeSet<u32> = held.iter().copied().collect();
    assert_eq!(numbers.len(), held.len(), "a number is borne twice: {held:?}");
    assert_eq!(numbers, listed());
}
