//! Skills: how a model gets at them, and which of them it gets.

use std::{fs, path::Path};

use serde_json::json;

use super::{
    driver::{Script, says, wants},
    stage::{Stage, whole},
};
use crate::config::{Config, Role};

fn write(folder: &Path, name: &str, instructions: &str) {
    fs::create_dir_all(folder.join(name)).unwrap();
    let text = format!("---\nname: {name}\ndescription: Writes {name} of a meeting.\n---\n{instructions}\n");
    fs::write(folder.join(name).join("SKILL.md"), text).unwrap();
}

/// Ada has two skills, of which one isn't there.
fn skilled(config: &mut Config, folder: &Path, tools: &[&str]) {
    config.skill_folders = vec![folder.to_owned()];
    for entity in config.entities.iter_mut().filter(|entity| entity.name.as_str() == "ada") {
        if let Role::Agent(agent) = &mut entity.role {
            agent.skills = vec!["minutes".to_owned(), "hours".to_owned()];
            agent.tools = tools.iter().map(|&tool| tool.to_owned()).collect();
        }
    }
}

/// S12, H9: the model asks for a skill by name and gets what it says now, not what it said an answer ago.
#[tokio::test]
async fn a_skill_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "minutes", "Begin with the date.");
    let ask = || wants("use_skill", json!({ "name": "minutes" }));
    let none = || wants("use_skill", json!({ "name": "hours" }));
    let script = Script::of(vec![ask(), says("One."), ask(), says("Two."), none(), says("Three.")]);
    let stage = Stage::changed(script, |config| skilled(config, folder.path(), &["time"]));
    let outcome = |nth: usize| stage.prompt(nth).messages.last().unwrap().uses[0].outcome.clone();
    stage.write(1, "eve", "The minutes, please.").await;
    let heard = stage.answer(1).await;
    assert_eq!((heard.text.as_str(), heard.lines), ("One.", vec!["🔧 use_skill…".to_owned()]));
    let first = stage.prompt(0);
    let tools: Vec<&str> = first.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(tools, ["time", "use_skill"]);
    assert!(first.system.contains("\n- minutes: Writes minutes of a meeting.\n"), "{}", first.system);
    assert!(!first.system.contains("hours") && !first.system.contains("Begin with"), "{}", first.system);
    assert_eq!(outcome(1), "Instructions of your skill “minutes”:\n\nBegin with the date.");
    write(folder.path(), "minutes", "Begin with who was there.");
    stage.write(2, "eve", "Again.").await;
    assert_eq!(stage.answer(2).await.text, "Two.");
    assert_eq!(outcome(3), "Instructions of your skill “minutes”:\n\nBegin with who was there.");
    stage.write(3, "eve", "And the hours?").await;
    stage.answer(3).await;
    assert_eq!(outcome(5), "The input does not fit: `name` must be one of \"minutes\".");
}

/// S12: a model that may know no tools is shown the skill that fits, and no other one.
#[tokio::test]
async fn without_tools_a_skill_comes_unasked() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "minutes", "Begin with the date.");
    write(folder.path(), "hours", "Count them.");
    let stage = Stage::changed(Script::default(), |config| skilled(config, folder.path(), &[]));
    stage.write(1, "eve", "The minutes, please.").await;
    assert_eq!(stage.answer(1).await, whole("Yes."));
    let asked = stage.prompt(0);
    assert!(asked.tools.is_empty() && asked.system.contains("- hours: Writes hours"), "{}", asked.system);
    assert!(asked.system.contains("Begin with the date.") && !asked.system.contains("Count them."), "{}", asked.system);
}

#[tokio::test]
async fn nobody_without_skills_hears_of_them() {
    let stage = Stage::new(Script::default());
    assert!(!stage.minds.have_skills());
    stage.write(1, "eve", "Hi.").await;
    stage.answer(1).await;
    assert!(!stage.prompt(0).system.contains("skill"));
}
