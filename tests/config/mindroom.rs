//! H8: a MindRoom configuration means the same here; what we don't have is named in a warning, never an error.

use std::{collections::BTreeMap, path::Path, time::Duration};

use maitre::{
    config::{Entity, Loaded, Provider, Role, Severity, Streaming, TOOLS, TeamMode, ThreadMode, load_with},
    model::{EntityName, RoomKey, Secret, UserId},
};

use super::{compile, environment, show};

fn loaded() -> Loaded {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/mindroom/config.yaml");
    let env = environment(&[
        ("MATRIX_HOMESERVER", "https://matrix.example.com/"),
        ("MATRIX_REGISTRATION_TOKEN", "let-me-in"),
        ("ANTHROPIC_API_KEY", "sk-ant"),
    ]);
    load_with(&path, env).unwrap_or_else(|problems| panic!("{}", show(&problems)))
}

fn room(key: &str) -> RoomKey {
    RoomKey::parse(key).unwrap()
}

/// H8: warnings only, each setting named once.
#[test]
fn h8_what_is_not_supported_is_a_warning() {
    let loaded = loaded();
    assert!(loaded.warnings.iter().all(|warning| warning.severity == Severity::Warning));
    let named: Vec<&str> = loaded.warnings.iter().map(|warning| warning.path.as_str()).collect();
    for path in [
        "memory",
        "knowledge_bases",
        "mcp_servers",
        "tool_approval",
        "voice",
        "plugins",
        "debug",
        "event_journal",
        "matrix_sync",
        "cultures",
        "agents.*.tools",
        "agents.researcher.skills[0]",
        "agents.*.room_thread_modes",
        "agents.*.delegate_to",
        "teams.*.compaction",
        "models.*.extra_kwargs",
        "models.cloud.provider",
        "defaults.tools",
        "defaults.streaming",
        "matrix_room_access.mode",
        "authorization.config_command_enabled",
        "authorization.agent_reply_permissions.*.joined_rooms",
    ] {
        assert_eq!(named.iter().filter(|name| **name == path).count(), 1, "{path} in {named:?}");
    }
    assert!(!show(&loaded.warnings).contains("literal-embedder-key"));
}

/// H8: agents, teams, router, rooms, models and includes.
#[test]
fn h8_the_house_means_the_same() {
    let config = loaded().config;
    assert_eq!(config.homeserver.url, "https://matrix.example.com");
    assert_eq!(config.homeserver.sync_timeout, Duration::from_secs(30));
    assert_eq!(config.accounts.registration.len(), 1);
    let names: Vec<&str> = config.entities.iter().map(|entity| entity.name.as_str()).collect();
    assert_eq!(names, ["router", "researcher", "writer", "newsroom"]);
    let [router, researcher, writer, newsroom] = config.entities.as_slice() else { panic!("{names:?}") };
    assert!(matches!(&router.role, Role::Router(router) if router.model.as_deref() == Some("haiku")));
    assert!(matches!(&researcher.role, Role::Agent(agent) if agent.model.as_deref() == Some("default")));
    let Role::Agent(agent) = &writer.role else { panic!("{writer:?}") };
    assert_eq!(agent.model, None, "its model's provider isn't supported");
    assert_eq!(agent.instructions, ["Write plainly.\nSay it once."]);
    assert!(researcher.accept_invites && !writer.accept_invites);
    let Role::Team(team) = &newsroom.role else { panic!("{newsroom:?}") };
    assert_eq!((team.mode, team.members.len(), team.model.as_deref()), (TeamMode::Collaborate, 2, Some("opus")));
    let keys: Vec<&str> = config.rooms.keys().map(RoomKey::as_str).collect();
    assert_eq!(keys, ["!abc123:example.com", "lobby", "press"]);
    assert_eq!(router.rooms.len(), 3, "the router is in every room");
    let lobby = &config.rooms[&room("lobby")];
    assert_eq!((lobby.name.as_str(), lobby.topic.as_deref()), ("The Lobby", Some("Where everybody meets")));
    assert!(lobby.encrypted, "as `matrix_room_access` says");
    assert_eq!(config.rooms[&room("press")].model.as_deref(), Some("opus"));
    let model = |name: &str| &config.models[name];
    assert_eq!(model("default").context_tokens, Some(1_050_000));
    assert_eq!(model("local").base_url.as_deref(), Some("http://localhost:11434"));
    assert_eq!(model("many").provider, Provider::OpenAi);
    assert_eq!(model("opus").api_key.as_ref().map(Secret::reveal), Some("sk-ant"), "from its usual variable");
}

/// H8: `thread_mode`, `show_tool_calls`, `enable_streaming`; MindRoom's tools are named, ours are kept.
#[test]
fn h8_talk_means_the_same() {
    let loaded = loaded();
    let [router, researcher, ..] = loaded.config.entities.as_slice() else { panic!("{:?}", loaded.config.entities) };
    let seen = |entity: &Entity| (entity.manners.thread_mode, entity.manners.streaming, entity.manners.show_tool_calls);
    assert_eq!(seen(researcher), (ThreadMode::Room, Streaming::Final, true), "its own word, else the defaults");
    assert_eq!(seen(router), (ThreadMode::Thread, Streaming::Final, false));
    assert!(matches!(&researcher.role, Role::Agent(agent) if agent.tools == TOOLS), "{researcher:?}");
    let tools = loaded.warnings.iter().find(|warning| warning.path == "agents.*.tools").unwrap();
    assert!(tools.message.ends_with("duckduckgo, shell"), "{tools}");
}

/// H8: plugins and servers of tools bring tools of their own; elsewhere an unknown tool is an error.
#[test]
fn h8_tools_that_were_brought_along_are_set_aside() {
    let tools = "agents: {a: {tools: [weather_station, {my_plugin: {a: b}}, time]}}";
    let text = format!("homeserver: {{url: http://a}}\nplugins: [./one]\n{tools}");
    let loaded = compile(&text, &[]).unwrap_or_else(|problems| panic!("{}", show(&problems)));
    assert!(matches!(&loaded.config.entities[1].role, Role::Agent(agent) if agent.tools == ["time"]));
    assert!(compile(&format!("homeserver: {{url: http://a}}\n{tools}"), &[]).is_err());
}

/// H8: authorization, `bot_accounts`, `mindroom_user`, `matrix_space`, timezone.
#[test]
fn h8_people_mean_the_same() {
    let config = loaded().config;
    let user = |id: &str| UserId::parse(id).unwrap();
    let rules = &config.authorization;
    assert!(rules.may_use(&user("@telegram_1:example.com"), Some(&room("press"))), "an alias of the admin");
    assert!(rules.may_use(&user("@three:example.com"), Some(&room("press"))));
    assert!(!rules.may_use(&user("@one:example.com"), Some(&room("press"))));
    assert!(rules.is_admin(&user("@admin:example.com")) && !rules.is_admin(&user("@one:example.com")));
    let writer = EntityName::parse("writer").unwrap();
    assert!(rules.exists_for(&writer, &user("@three:example.com")));
    assert!(!rules.exists_for(&writer, &user("@admin:example.com")), "its own entry decides");
    assert!(config.is_bot(&user("@telegrambot:example.com")));
    let people: Vec<UserId> = config.people_of(&room("press")).into_iter().collect();
    assert_eq!(people, [user("@admin:example.com"), user("@three:example.com")]);
    let person = config.user.as_ref().unwrap();
    assert_eq!((person.localpart.as_str(), person.display_name.as_str()), ("mindroom_user", "Ada"));
    assert_eq!(config.space.as_ref().unwrap().name, "The House");
    assert_eq!(config.timezone.name(), "America/New_York");
}

/// H8: any other unknown key is an error.
#[test]
fn h8_other_unknown_keys_are_errors() {
    let problems = compile("homeserver: {url: http://a}\nmemmory: {}\nmemory: {}", &[]).unwrap_err();
    assert_eq!(problems.iter().filter(|problem| problem.severity == Severity::Error).count(), 1, "{}", show(&problems));
    assert!(problems.iter().any(|problem| problem.path == "memmory"));
    let bare = load_with(Path::new("/nonexistent/config.yaml"), BTreeMap::new());
    assert!(bare.is_err());
}
