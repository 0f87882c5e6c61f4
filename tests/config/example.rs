//! The example shows every setting, and is right.

use std::{collections::BTreeSet, fs, path::Path};

use maitre::config::{load_with, schema};
use serde_json::Value;

use super::{environment, show};

fn example() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config.yaml.example")).unwrap()
}

#[test]
fn the_example_compiles() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.yaml.example");
    let loaded = load_with(&path, environment(&[])).unwrap_or_else(|problems| panic!("{}", show(&problems)));
    assert_eq!(loaded.config.entities.len(), 5, "the router, three agents and a team");
    let paths: Vec<&str> = loaded.warnings.iter().map(|warning| warning.path.as_str()).collect();
    assert_eq!(paths, ["accounts"], "the means of registration are the reader's to choose: {}", show(&loaded.warnings));
}

/// Settings without a sensible default are commented out by a `#` right before the key.
#[test]
fn the_example_compiles_with_everything_switched_on() {
    let text: String = example()
        .lines()
        .map(|line| {
            let rest = line.trim_start();
            let indent = &line[..line.len() - rest.len()];
            match rest.strip_prefix('#') {
                Some(setting) if setting.starts_with(|c: char| c.is_ascii_lowercase()) => {
                    format!("{indent}{setting}\n")
                }
                _ => format!("{line}\n"),
            }
        })
        .collect();
    assert_ne!(text, example() + "\n");
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("registration");
    fs::write(&secret, "s3cret\n").unwrap();
    let path = folder.path().join("config.yaml");
    fs::write(&path, text.replace("/run/secrets/registration", secret.to_str().unwrap())).unwrap();
    for skill in ["meeting-minutes", "house-style"] {
        let skill_folder = folder.path().join("skills").join(skill);
        fs::create_dir_all(&skill_folder).unwrap();
        fs::write(skill_folder.join("SKILL.md"), "").unwrap();
    }
    fs::create_dir(folder.path().join("pictures")).unwrap();
    for picture in ["researcher", "paper", "router"] {
        fs::write(folder.path().join("pictures").join(picture).with_extension("png"), "").unwrap();
    }
    let names =
        ["REGISTRATION_TOKEN", "WRITER_PASSWORD", "CODER_TOKEN", "OPENAI_API_KEY", "YOUR_PASSWORD", "MAITRE_TOKEN"];
    let env: Vec<(&str, &str)> = names.into_iter().map(|name| (name, "x")).collect();
    let loaded = load_with(&path, environment(&env)).unwrap_or_else(|problems| panic!("{}", show(&problems)));
    assert!(loaded.warnings.is_empty(), "{}", show(&loaded.warnings));
    assert_eq!(loaded.config.accounts.registration.len(), 2);
    assert_eq!(loaded.config.models["default"].context_tokens, Some(200_000));
    assert!(loaded.config.user.unwrap().password.is_some());
}

/// Every key of the schema stands in the example, as a key or named in a comment.
#[test]
fn the_example_shows_every_key() {
    let mut keys = BTreeSet::new();
    collect_keys(&schema(), &mut keys);
    assert!(keys.len() > 60, "{keys:?}");
    let example = example();
    for key in keys {
        let shown = example.contains(&format!("{key}:")) || example.contains(&format!("`{key}`"));
        assert!(shown, "`{key}` is not in config.yaml.example");
    }
}

#[test]
fn editors_find_the_schema() {
    assert!(example().starts_with("# yaml-language-server: $schema="));
}

fn collect_keys(schema: &Value, keys: &mut BTreeSet<String>) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Object(properties)) = object.get("properties") {
                keys.extend(properties.keys().cloned());
            }
            object.values().for_each(|value| collect_keys(value, keys));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_keys(item, keys)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
