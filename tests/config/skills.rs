//! Agents' skills: which an agent has, where they are looked for, and what is said of those that aren't there.

use std::{fs, path::Path};

use maitre::config::{Loaded, Problem, Role, Severity, check_skills, compile_text};

use super::{environment, show};

const BEGIN: &str = "homeserver: {url: http://localhost}\naccounts: {open_registration: true}\nmodels: {default: {provider: ollama, id: x}}\n";

fn write(folder: &Path, skill: &str, text: &str) {
    fs::create_dir_all(folder.join(skill)).unwrap();
    fs::write(folder.join(skill).join("SKILL.md"), text).unwrap();
}

fn skill(name: &str) -> String {
    format!("---\nname: {name}\ndescription: Helps.\n---\nHelp.\n")
}

/// A folder with two skills in `skills` and one that is a skill itself.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["skills/minutes", "skills/release-notes", "style"] {
        write(folder.path(), name, &skill(name.rsplit('/').next().unwrap()));
    }
    folder
}

fn compile(folder: &Path, text: &str) -> Result<Loaded, Vec<Problem>> {
    compile_text(&format!("{BEGIN}{text}"), folder, &environment(&[]))
}

fn good(folder: &Path, text: &str) -> Loaded {
    compile(folder, text).unwrap_or_else(|problems| panic!("{}", show(&problems)))
}

/// S12: an agent's own list counts, else that of the defaults; nobody has a skill that nobody named.
#[test]
fn s12_an_agent_has_the_skills_that_are_named() {
    let folder = folder();
    let check = |text: &str, expected: &[&str]| {
        let loaded = good(folder.path(), text);
        assert!(loaded.warnings.is_empty(), "{}", show(&loaded.warnings));
        let Role::Agent(agent) = &loaded.config.entities[1].role else { panic!("{text}") };
        assert_eq!(agent.skills, expected, "{text}");
    };
    check("agents: {a: {}}", &[]);
    check("agents: {a: {skills: [minutes, release-notes, ' minutes ']}}", &["minutes", "release-notes"]);
    check("agents: {a: {}}\ndefaults: {skills: [minutes]}", &["minutes"]);
    check("agents: {a: {skills: [release-notes]}}\ndefaults: {skills: [minutes]}", &["release-notes"]);
    check("agents: {a: {skills: []}}\ndefaults: {skills: [minutes]}", &[]);
    check("agents: {a: {skills: [style, minutes]}}\nskills: [style, skills]", &["style", "minutes"]);
    check("agents: {a: {skills: [style]}}\nskills: [.]", &["style"]);
}

/// S12: what isn't there is a warning with its place and the nearest name, and may come later.
#[test]
fn s12_a_missing_skill_is_a_warning() {
    let folder = folder();
    let check = |text: &str, expected: &[(&str, &str, &str)]| {
        let loaded = good(folder.path(), text);
        let warning = |warning: &Problem| {
            assert_eq!(warning.severity, Severity::Warning);
            let hint = warning.hint.clone().unwrap_or_default().replace(&folder.path().display().to_string(), "");
            (warning.path.clone(), warning.message.clone(), hint)
        };
        let found: Vec<_> = loaded.warnings.iter().map(warning).collect();
        let expected: Vec<_> =
            expected.iter().map(|(a, b, c)| ((*a).to_owned(), (*b).to_owned(), (*c).to_owned())).collect();
        assert_eq!(found, expected, "{text}");
        assert!(loaded.warnings.iter().all(|warning| warning.spot.is_some()), "{}", show(&loaded.warnings));
    };
    let near = ("agents.a.skills[0]", "there is no skill \"minuets\"", "did you mean \"minutes\"?");
    check("agents: {a: {skills: [minuets]}}", &[near]);
    let elsewhere = "it would be /skills/cooking/SKILL.md; its folder can be named under `skills`";
    check(
        "agents: {a: {skills: [minutes, cooking]}}",
        &[("agents.a.skills[1]", "there is no skill \"cooking\"", elsewhere)],
    );
    let path = "a skill is named by its folder, in at most 64 lower-case letters, digits, `-` and `_`";
    check(
        "agents: {a: {skills: [../style]}}",
        &[("agents.a.skills[0]", "\"../style\" is not the name of a skill", path)],
    );
    check("skills: [skilz]", &[("skills[0]", "there is no folder \"skilz\"", "it would be /skilz")]);
    let default = ("defaults.skills[0]", "there is no skill \"minuets\"", "did you mean \"minutes\"?");
    check("agents: {a: {}, b: {}}\ndefaults: {skills: [minuets]}", &[default]);
}

#[test]
fn too_many_are_an_error() {
    let folder = folder();
    let many = |count: usize, name: &str| (0..count).map(|at| format!("{name}{at}")).collect::<Vec<_>>().join(", ");
    for text in [format!("agents: {{a: {{skills: [{}]}}}}", many(33, "s")), format!("skills: [{}]", many(17, "f"))] {
        let problems = compile(folder.path(), &text).unwrap_err();
        assert_eq!(problems.iter().filter(|problem| problem.severity == Severity::Error).count(), 1, "{text}");
    }
}

/// H9: what is wrong with the skills that agents have is told, with file and line; others don't matter.
#[test]
fn h9_broken_skills_are_told() {
    let folder = folder();
    write(folder.path(), "skills/minutes", "---\nname: minutes\n---\nHelp.\n");
    write(folder.path(), "skills/unused", "broken");
    let config = good(folder.path(), "agents: {a: {skills: [minutes, release-notes]}, b: {skills: [minutes]}}").config;
    let found: Vec<String> = check_skills(&config).iter().map(ToString::to_string).collect();
    let file = folder.path().join("skills/minutes/SKILL.md").display().to_string();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with(&format!("{file}:1:1: description: `description` is missing")), "{found:?}");
}
