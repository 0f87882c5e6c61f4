//! The house as a test: who stands on which floor, who may know whom, who may wait, and which crate belongs to which door.
//!
//! The rules are pure functions over parsed sources (in `architecture/`), each with its own tests that feed it a source
//! which breaks it. Here they meet the real sources. There is no list of exceptions: where a rule is wrong, change the
//! rule and `ARCHITECTURE.md` together and say why.

mod architecture {
    pub(crate) mod doors;
    pub(crate) mod facts;
    pub(crate) mod imports;
    pub(crate) mod purity;
    pub(crate) mod shape;
    pub(crate) mod source;
}

use std::{fmt::Display, fs, path::Path};

use architecture::{
    doors::{self, Door},
    imports::{self, Floor},
    purity, shape,
    source::{Source, load},
};

/// From the top down. A folder may name what stands on lower floors; neighbours don't know each other.
const FLOORS: &[Floor] = &[
    (7, &["cli"]),
    (6, &["http"]),
    (5, &["orchestrator"]),
    (4, &["desk", "bot", "agent", "team"]),
    (3, &["routing", "broker"]),
    (2, &["matrix", "llm", "tools", "store", "homeserver"]),
    (1, &["config", "observe", "nursery"]),
    (0, &["model"]),
];

/// The folders whose files, apart from their tasks, only decide.
const DECIDING: &[&str] = &["config", "routing", "broker", "desk", "bot", "agent", "team", "orchestrator"];

/// Those of them that may read files outside their task: an included file is part of what is compiled.
const READING: &[&str] = &["config"];

/// The folders that are doors: one trait, private adapters behind it.
const DOOR_FOLDERS: &[&str] = &["matrix", "llm", "tools", "store", "homeserver"];

/// Foreign crates and the folders that may name them.
const DOORS: &[Door] = &[
    ("ammonia", &["bot"]),
    ("anyhow", &["cli"]),
    ("axum", &["http"]),
    ("backon", &["bot", "llm", "orchestrator"]),
    ("base64", &["llm"]),
    ("chrono", &["config", "observe"]),
    ("chrono_tz", &["config"]),
    ("clap", &["cli"]),
    ("crossterm", &["cli"]),
    ("genai", &["llm"]),
    ("granit_parser", &["config"]),
    ("hmac", &["matrix", "homeserver"]),
    ("lopdf", &["agent"]),
    ("matrix_sdk", &["matrix"]),
    ("matrix_sdk_base", &["matrix"]),
    ("metrics", &["observe"]),
    ("metrics_exporter_prometheus", &["observe"]),
    ("notify", &["config"]),
    ("pulldown_cmark", &["bot"]),
    ("rand", &["matrix", "orchestrator", "homeserver"]),
    ("ratatui", &["cli"]),
    ("reqwest", &["matrix", "homeserver", "cli"]),
    ("rusqlite", &["store"]),
    ("rusqlite_migration", &["store"]),
    ("rustix", &["config", "homeserver", "cli"]),
    ("schemars", &["model", "config"]),
    ("secrecy", &["model"]),
    ("sha1", &["matrix", "homeserver", "broker"]),
    ("tracing_subscriber", &["observe"]),
    ("url", &["config"]),
];

/// Crates that every folder may name; what decisions may not do with them is another rule.
const COMMON: &[&str] = &["futures_util", "serde", "serde_json", "thiserror", "tokio", "tokio_util", "tracing"];

fn manifest() -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).expect("the manifest can be read")
}

fn sources() -> Vec<Source> {
    load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
}

#[track_caller]
fn none<T: Display>(violations: &[T]) {
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{} to mend:\n{}", lines.len(), lines.join("\n"));
}

#[test]
fn every_folder_stands_on_a_floor() {
    none(&imports::unplaced(&sources(), FLOORS));
}

#[test]
fn imports_point_to_lower_floors_and_front_doors() {
    none(&imports::upward(&sources(), FLOORS));
}

#[test]
fn every_dependency_has_its_place() {
    let dependencies = doors::dependencies(&manifest());
    none(&doors::unlisted(&dependencies, DOORS, COMMON));
    none(&doors::unused(&sources(), &dependencies));
}

#[test]
fn foreign_crates_stay_in_their_doors() {
    none(&doors::outside(&sources(), &doors::dependencies(&manifest()), DOORS, COMMON));
}

#[test]
fn decisions_never_wait() {
    none(&purity::waits(&sources(), DECIDING));
}

#[test]
fn decisions_never_log_look_at_clocks_lock_or_roll_dice() {
    none(&purity::noises(&sources(), DECIDING, READING));
}

#[test]
fn only_the_nursery_spawns() {
    none(&purity::spawns(&sources(), "nursery.rs"));
}

#[test]
fn nothing_is_left_to_chance() {
    none(&purity::left_to_chance(&sources()));
}

#[test]
fn every_file_begins_with_what_it_is() {
    none(&shape::first_lines(&sources()));
    none(&shape::first_lines(&load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"))));
}

#[test]
fn front_doors_hold_docs_modules_and_re_exports() {
    none(&shape::front_doors(&sources(), DOOR_FOLDERS));
}

#[test]
fn submodules_are_private_and_visibilities_two() {
    none(&shape::visibilities(&sources()));
}

#[test]
fn a_folder_is_entered_by_its_mod_rs() {
    none(&shape::entrances(&sources()));
}
