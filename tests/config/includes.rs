//! Configurations in several files: what is included, from where, and what is said when that fails.

use std::{collections::BTreeMap, fs, path::Path};

use maitre::config::{Role, load_with};

use super::{environment, errors, show};

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

const HOME: &str = "homeserver: {url: http://localhost}\n";

#[test]
fn includes_are_relative_to_their_file_and_may_include_more() {
    let folder = tempfile::tempdir().unwrap();
    let main = format!("{HOME}agents: !include agents/all.yaml\n");
    write(
        folder.path(),
        &[
            ("config.yaml", &main),
            ("agents/all.yaml", "writer: !include one/writer.yaml\ncoder: {<<: !include one/base.yaml, role: Codes}\n"),
            ("agents/one/writer.yaml", "role: Writes\ninstructions: [!include_text ../writer.md]\n"),
            ("agents/one/base.yaml", "role: Something\nrooms: [lab]\n"),
            ("agents/writer.md", "Be brief.\n"),
        ],
    );
    let path = folder.path().join("config.yaml");
    let loaded = load_with(&path, BTreeMap::new()).unwrap_or_else(|problems| panic!("{}", show(&problems)));
    let [_, writer, coder] = loaded.config.entities.as_slice() else { panic!("{:?}", loaded.config.entities) };
    assert_eq!((writer.purpose.as_str(), coder.purpose.as_str()), ("Writes", "Codes"));
    assert_eq!(coder.rooms[0].as_str(), "lab", "merged from the included file");
    let Role::Agent(agent) = &writer.role else { panic!("{writer:?}") };
    assert_eq!(agent.instructions, ["Be brief."]);
    let mut names: Vec<_> = loaded.files.iter().map(|file| file.file_name().unwrap().to_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["all.yaml", "base.yaml", "config.yaml", "writer.md", "writer.yaml"]);
    assert_eq!(loaded.files[0], path, "the main file comes first");
}

#[test]
fn errors_in_included_files_name_those_files() {
    let folder = tempfile::tempdir().unwrap();
    let main =
        format!("{HOME}agents: !include agents.yaml\nmodels: !include models.yaml\nrooms: !include rooms.yaml\n");
    write(
        folder.path(),
        &[
            ("config.yaml", &main),
            ("agents.yaml", "writer:\n  model: gtp\n"),
            ("models.yaml", "gpt: {provider: openai, id: x}\nbad: [\n"),
            ("rooms.yaml", "\n\nlobby: {version: 99}\nlobby: {}\n"),
        ],
    );
    let problems = errors(load_with(&folder.path().join("config.yaml"), BTreeMap::new()));
    let found: Vec<(&str, usize, &str)> = problems
        .iter()
        .map(|problem| {
            let file = problem.file.file_name().unwrap().to_str().unwrap();
            (file, problem.spot.as_ref().unwrap().line, problem.path.as_str())
        })
        .collect();
    let expected = [
        ("agents.yaml", 2, "agents.writer.model"),
        ("models.yaml", 2, ""),
        ("rooms.yaml", 3, "rooms.lobby.version"),
        ("rooms.yaml", 4, "rooms.lobby"),
    ];
    assert_eq!(found, expected, "{}", show(&problems));
}

#[test]
fn includes_that_cannot_be_followed_are_said() {
    let check = |include: &str, files: &[(&str, &str)], message: &str| {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), files);
        write(folder.path(), &[("config.yaml", &format!("{HOME}agents: {include}\n"))]);
        let problems = errors(load_with(&folder.path().join("config.yaml"), BTreeMap::new()));
        let told = problems.iter().any(|problem| problem.message.contains(message) && problem.hint.is_some());
        assert!(told, "{include}: {message:?} is not in {}", show(&problems));
    };
    check("!include missing.yaml", &[], "no such file");
    check("!include", &[], "needs the path of a file");
    check("!include .", &[], "this is a folder");
    check("!include /dev/zero", &[], "this is a device");
    check("!include config.yaml", &[], "never end");
    check("!include a.yaml", &[("a.yaml", "x: !include b.yaml"), ("b.yaml", "y: !include ./a.yaml")], "never end");
    check("!include a.yaml", &[("a.yaml", "a: {role: [")], "not YAML");
    check("!include_dir_named agents", &[("agents/a.yaml", "{}")], "not known");
    check("!include [a, b]", &[], "not known");
    let many = (0..100).map(|i| format!("a{i}: !include b.yaml")).collect::<Vec<_>>().join("\n");
    check("!include a.yaml", &[("a.yaml", &many), ("b.yaml", "{}")], "more than 64 files");
    let fat = format!("role: {}", "x".repeat(900_000));
    let five = (0..5).map(|i| format!("a{i}: !include b.yaml")).collect::<Vec<_>>().join("\n");
    check("!include a.yaml", &[("a.yaml", &five), ("b.yaml", &fat)], "larger than 4 MiB");
}

#[test]
fn an_empty_include_is_nothing() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("config.yaml", &format!("{HOME}agents: !include a.yaml\n")), ("a.yaml", "# later\n")]);
    let loaded = load_with(&folder.path().join("config.yaml"), BTreeMap::new()).unwrap();
    assert_eq!(loaded.config.entities.len(), 1, "the router alone");
}

#[test]
fn dotenv_stands_beside_the_configuration_and_the_environment_wins() {
    let folder = tempfile::tempdir().unwrap();
    let text = "homeserver: {url: \"http://${HOST}:${PORT}\"}\naccounts: {device_name: \"${NAME:-None}\"}";
    write(folder.path(), &[("config.yaml", text), (".env", "HOST=file.example\nPORT=1\nsome nonsense\n")]);
    let path = folder.path().join("config.yaml");
    let loaded = load_with(&path, environment(&[("PORT", "2")])).unwrap();
    assert_eq!(loaded.config.homeserver.url, "http://file.example:2");
    assert_eq!(loaded.config.accounts.device_name, "None");
    let warning = loaded.warnings.iter().find(|warning| warning.file.ends_with(".env")).unwrap();
    assert!(warning.message.contains("line 3"), "{warning}");
    assert!(loaded.files.iter().any(|file| file.ends_with(".env")), "it is watched, too");
}
