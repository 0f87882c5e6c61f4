//! Values are shown and changed in the files in which they stand.

use std::{
    fs,
    path::{Path, PathBuf},
};

use maitre::config::{Excerpt, NotWritten, Unseen, Unsettable, Watch, excerpt, load, propose};

const MAIN: &str = "\
# A house.
homeserver: {url: 'http://localhost'}
models: {m: {provider: ollama, id: x, api_key: hunter22, base_url: 'http://ada:hunter33@localhost'}}
accounts: {pasword: 'hunter44'}
agents: !include people/agents.yaml
";
const AGENTS: &str = "\
# Everybody.
calc:
  role: Counts. # well
  instructions: [!include_text calc.md]
";

fn house() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("people")).unwrap();
    let file = folder.path().join("config.yaml");
    let usable = MAIN.replace("accounts: {pasword: 'hunter44'}\n", "").replace("ada:hunter33@", "");
    fs::write(&file, usable).unwrap();
    fs::write(agents(&file), AGENTS).unwrap();
    fs::write(file.with_file_name("people").join("calc.md"), "Be exact.\nAlways.\n").unwrap();
    (folder, file)
}

fn agents(file: &Path) -> PathBuf {
    file.with_file_name("people").join("agents.yaml")
}

/// X10: what is shown is what was typed, with what is included, and without secrets; also where the file can't be used.
#[test]
fn secrets_are_not_shown() {
    let (_folder, file) = house();
    let get = |path: &str| excerpt(&file, Some(path));
    fs::write(&file, MAIN).unwrap();
    let Ok(Excerpt::Part(whole)) = excerpt(&file, None) else { panic!("all of it is shown") };
    assert!(!whole.contains("hunter"), "{whole}");
    assert!(
        whole.contains("api_key: •••") && whole.contains("role: Counts.\n") && whole.contains("Be exact."),
        "{whole}"
    );
    assert_eq!(get("models.m.api_key"), Ok(Excerpt::Value("•••".to_owned())));
    assert_eq!(get("accounts.pasword"), Ok(Excerpt::Value("•••".to_owned())));
    assert_eq!(get("agents.calc.role"), Ok(Excerpt::Value("Counts.".to_owned())));
    let whole = "role: Counts.\ninstructions: [\"Be exact.\\nAlways.\"]\n";
    assert_eq!(get("agents.calc"), Ok(Excerpt::Part(whole.to_owned())));
    assert_eq!(get("agents.calc.model"), Err(Unseen::Unset));
    assert_eq!(get("agents.cal.role"), Err(Unseen::Unknown(Some("agents.calc.role".to_owned()))));
    assert_eq!(get("agents..calc"), Err(Unseen::NoPath));
    fs::write(&file, "a: [").unwrap();
    assert!(matches!(get("a"), Err(Unseen::Broken(problems)) if problems.len() == 1));
}

/// X10, H2: before a value is changed it is known where it stands and what the configuration would be, or what would be wrong.
#[test]
fn a_change_is_tried_before_it_is_made() {
    let (_folder, file) = house();
    let proposal = propose(&file, "agents.calc.role", "Sings, and counts.").unwrap();
    assert_eq!((&proposal.file, proposal.old.as_deref()), (&agents(&file), Some("Counts.")));
    assert_eq!((proposal.setting.path.as_str(), proposal.new.as_str()), ("agents.calc.role", "Sings, and counts."));
    let config = proposal.outcome.unwrap().config;
    assert_eq!(config.entities[1].purpose, "Sings, and counts.");
    assert_eq!(fs::read_to_string(agents(&file)).unwrap(), AGENTS, "nothing is changed yet");
    let unknown = propose(&file, "agents.calc.rol", "Sings.").unwrap();
    assert_eq!(unknown.old, None);
    assert_eq!(unknown.outcome.unwrap_err()[0].hint.as_deref(), Some("did you mean `role`?"));
}

/// X10: a chat is no place for secrets, nor for what the environment holds, and what is too clever is left to an editor.
#[test]
fn what_can_not_be_set_is_refused() {
    let (_folder, file) = house();
    let check = |path: &str, typed: &str, expected: fn(&Unsettable) -> bool| {
        let refused = propose(&file, path, typed).unwrap_err();
        assert!(expected(&refused), "{path} := {typed}: {refused}");
    };
    let secret: fn(&Unsettable) -> bool = |refused| matches!(refused, Unsettable::Secret);
    check("models.m.api_key", "hunter55", secret);
    check("models.m.api_key", "${KEY:-hunter55}", secret);
    check("models.m", "{provider: ollama, id: x, api_key: hunter55}", secret);
    check("accounts.passwords.calc", "hunter55", secret);
    check("agents.calc.role", "sk-abcdefghijklmnop", secret);
    check("agents.calc.role", "${HOME}", |refused| matches!(refused, Unsettable::FilledIn));
    check("agents.calc.rooms", "[\"${HOME}\"]", |refused| matches!(refused, Unsettable::FilledIn));
    check("agents", "Sings.", |refused| refused.to_string().contains("another file"));
    check("agents.calc.instructions[0]", "Sings.", |refused| refused.to_string().contains("another file"));
    check("agents.calc", "Sings.", |refused| refused.to_string().contains("one by one"));
    check("agents..calc", "Sings.", |refused| matches!(refused, Unsettable::NoPath));
    check("timezone", "\"UTC", |refused| refused.to_string().contains("on one line"));
    assert!(propose(&file, "models.m.api_key", "${KEY}").is_ok(), "what only names a secret may be set");
    assert!(propose(&file, "agents.calc.role", "Costs $${5}").is_ok());
}

/// X10: a change is made once, in the right file, unless that was changed in the meantime; whoever made it hears of the reading
/// that it is in.
#[test]
fn a_change_is_made_once() {
    let (_folder, file) = house();
    let (mut watch, nudge) = Watch::over(&file, &load(&file).unwrap());
    let setting = propose(&file, "agents.calc.role", "Sings.").unwrap().setting;
    assert_eq!(nudge.settle(&setting, "ada").unwrap(), agents(&file));
    let there = || fs::read_to_string(agents(&file)).unwrap();
    assert_eq!(there(), AGENTS.replace("Counts.", "Sings."));
    let mut next = || std::iter::repeat_with(|| watch.changed()).flatten().next().unwrap();
    let first = next();
    assert_eq!(first.askers, ["ada"]);
    assert_eq!(first.outcome.as_ref().unwrap().config.entities[1].purpose, "Sings.");
    // It was overtaken: the next one tells as well.
    nudge.look();
    let second = next();
    assert_eq!(second.askers, ["ada"]);
    second.told();
    nudge.look();
    assert!(next().askers.is_empty());
    assert!(nudge.settle(&setting, "ada").is_ok(), "made already");
    assert_eq!(next().askers, ["ada"]);
    let elsewhere = there().replace("Everybody", "All");
    fs::write(agents(&file), &elsewhere).unwrap();
    assert!(matches!(nudge.settle(&setting, "ada"), Err(NotWritten::Changed)));
    assert_eq!(there(), elsewhere);
}
