//! `maitre plan` as a person and a script see it.

use std::process::{Command, Output};

const RUNNING: &str = "
homeserver: {url: http://localhost}
accounts: {open_registration: true}
models: {default: {provider: ollama, id: x}}
agents:
  ada: {role: Answers., rooms: [lobby]}
";

/// Plans `new` against what runs.
fn plan(new: &str, args: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.yaml"), RUNNING).unwrap();
    std::fs::write(folder.path().join("new.yaml"), new).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_maitre"));
    command.args(["plan", "new.yaml"]).args(args).env_clear().current_dir(folder.path()).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &*String::from_utf8_lossy(&output.stderr)
}

/// H7: what a reload would do, in words; 2 says that it would do something, 0 that it wouldn't.
#[test]
fn h7_a_plan_says_what_would_change() {
    let new = RUNNING.replace("role: Answers.", "role: Sings.") + "  bob: {role: Asks., rooms: [lobby]}\n";
    let output = plan(&new, &[]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("~ agent ada: role from its next answer on\n"), "{said}");
    assert!(said.contains("+ agent bob: gets an account, comes into lobby and answers\n"), "{said}");
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("config.yaml");
    std::fs::write(&file, RUNNING).unwrap();
    let output = plan(RUNNING, &["--against", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "it would take the other's place: {}", self::said(&output));
    let output = plan(&format!("# A remark.\n{RUNNING}"), &[]);
    assert_eq!((output.status.code(), self::said(&output).lines().count()), (Some(0), 1));
}

/// H6, H7: what would be refused is named, and so is everything that is wrong with a file.
#[test]
fn h7_a_plan_says_what_would_not_go() {
    let output = plan(&RUNNING.replace("http://localhost", "http://elsewhere"), &[]);
    assert_eq!(output.status.code(), Some(65), "{}", said(&output));
    assert!(said(&output).contains("! homeserver.url can't change while Maitre runs"), "{}", said(&output));
    let output = plan(&RUNNING.replace("role:", "rol:"), &[]);
    assert_eq!(output.status.code(), Some(65));
    assert!(said(&output).contains("new.yaml:6:9"), "{}", said(&output));
}

/// H7: for scripts in JSON.
#[test]
fn h7_a_plan_is_there_for_scripts() {
    let output = plan(&RUNNING.replace("role: Answers.", "role: Sings."), &["--json"]);
    assert_eq!(output.status.code(), Some(2));
    let plan: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(plan["changes"][0], "~ agent ada: role from its next answer on");
    assert_eq!((&plan["possible"], plan["changes"].as_array().unwrap().len()), (&true.into(), 1));
}
