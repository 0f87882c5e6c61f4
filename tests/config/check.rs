//! `maitre check` as a person and a script see it.

use std::process::{Command, Output};

fn check(args: &[&str], config: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("house.yaml");
    std::fs::write(&file, config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_maitre"));
    command.arg("check").arg(&file).args(args).env_clear().current_dir(folder.path()).output().unwrap()
}

const BROKEN: &str = "
homeserver: {url: http://localhost}
agents:
  ada: {rol: Answers., rooms: [lobby]}
  bob: {role: Asks., model: gtp}
models: {gpt: {provider: openai, id: gpt-5}}
";

/// H7: every error at once, with file, line, column, the line itself and the nearest known name; the exit code tells.
#[test]
fn h7_a_broken_configuration_is_told_in_full() {
    let output = check(&[], BROKEN);
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(65), "{said}");
    for word in ["house.yaml:4:9", "rol: Answers.", "role", "house.yaml:5:", "agents.bob.model", "gpt", "2 errors"] {
        assert!(said.contains(word), "{word} is missing from\n{said}");
    }
}

/// H7: one that can be used is said to be so, and the exit code tells; for scripts in JSON.
#[test]
fn h7_a_usable_configuration_is_said_to_be_so() {
    let good = BROKEN.replace("rol:", "role:").replace("gtp", "gpt");
    let output = check(&[], &good);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let output = check(&["--json"], &good);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let findings: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(findings["usable"], true, "{findings}");
}

/// H7, H9: a skill that is broken is named with file, line and remedy; the house would run all the same.
#[test]
fn h7_broken_skills_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let skill = folder.path().join("skills/minutes");
    std::fs::create_dir_all(&skill).unwrap();
    std::fs::write(skill.join("SKILL.md"), "---\nname: hours\ndescription: Helps.\n---\nHelp.\n").unwrap();
    let text = "homeserver: {url: http://localhost}\nagents: {ada: {role: Answers., skills: [minutes]}}\n";
    std::fs::write(folder.path().join("house.yaml"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_maitre"));
    let output = command.args(["check", "house.yaml"]).env_clear().current_dir(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    for word in ["SKILL.md:2:7", "name: hours", "but its folder `minutes`", "give both the same name"] {
        assert!(said.contains(word), "{word} is missing from\n{said}");
    }
}
