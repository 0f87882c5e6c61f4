//! Broken configurations, and every error that a person is shown for them: line, path, what is wrong, what to do.

use super::{compile, errors, show};

/// The line of the error, its path, a part of its message, a part of its hint.
pub(super) type Expected<'a> = (usize, &'a str, &'a str, &'a str);

/// Each text stands behind one line with the address of the homeserver, so its lines count from 2.
#[track_caller]
pub(super) fn check(text: &str, expected: &[Expected<'_>]) {
    check_whole(&format!("homeserver: {{url: http://localhost}}\n{text}"), expected);
}

#[track_caller]
fn check_whole(text: &str, expected: &[Expected<'_>]) {
    let problems = errors(compile(text, &[]));
    let shown = show(&problems);
    assert_eq!(problems.len(), expected.len(), "{text}\n{shown}");
    for (problem, (line, path, message, hint)) in problems.iter().zip(expected) {
        let spot = problem.spot.as_ref().unwrap_or_else(|| panic!("no line: {problem}"));
        assert_eq!((spot.line, problem.path.as_str()), (*line, *path), "{shown}");
        assert!(problem.message.contains(message), "{message:?} is not in {shown}");
        let told = problem.hint.as_deref().unwrap_or_default();
        assert!(!told.is_empty() && told.contains(hint), "{hint:?} is not in {shown}");
        assert!(problem.file.ends_with("config.yaml"));
        let line_end = spot.source.chars().count() + 1;
        assert!(spot.column + spot.width <= line_end + 1, "the caret is on the line, or right behind it: {shown}");
    }
}

#[test]
fn unknown_keys_get_the_nearest_known_one() {
    check("agentz: {}", &[(2, "agentz", "not known", "did you mean `agents`?")]);
    check("agents:\n  a: {modle: x}", &[(3, "agents.a.modle", "not known", "did you mean `model`?")]);
    check(
        "teams:\n  t: {agent: []}",
        &[
            (3, "teams.t.agents", "needs members", "add `agents:"),
            (3, "teams.t.agent", "not known", "did you mean `agents`?"),
        ],
    );
    check("http: {colour: red}", &[(2, "http.colour", "not known", "known here: bind, token")]);
    check("defaults: {Accept-Invites: true}", &[(2, "defaults.Accept-Invites", "not known", "`accept_invites`")]);
}

#[test]
fn values_of_the_wrong_sort_are_named() {
    check("agents: [a, b]", &[(2, "agents", "should be a section, but it is a list", "key: value")]);
    check("agents:\n  a: {rooms: lobby}", &[(3, "agents.a.rooms", "should be a list", "[one, two]")]);
    check("agents:\n  a: {role: [x]}", &[(3, "agents.a.role", "should be text, but it is a list", "write text")]);
    check(
        "agents:\n  a: {accept_invites: yes}",
        &[(3, "agents.a.accept_invites", "neither true nor false", "true or false")],
    );
    check("agents:\n  a: {accept_invites: \"true\"}", &[(3, "agents.a.accept_invites", "neither", "without quotes")]);
    check(
        "agents:\n  a:\n    rooms:\n      - #lobby:server",
        &[(5, "agents.a.rooms[0]", "nothing stands here", "`#`")],
    );
    check(
        "models:\n  m: {provider: openai, id: x, context_tokens: lots}",
        &[(3, "models.m.context_tokens", "\"lots\" is not a whole number", "number")],
    );
    check("- a\n- b", &[(2, "", "not YAML", "")]);
    check_whole("- a\n- b", &[(1, "", "but this is a list", "config.yaml.example")]);
    check_whole("just text", &[(1, "", "but this is a single value", "config.yaml.example")]);
}

#[test]
fn what_nobody_can_guess_is_explained() {
    let text = "homeserver: {url: \"https://m.org/_matrix/client/v3\"}";
    check_whole(text, &[(1, "homeserver.url", "goes on behind the address", "write https://m.org")]);
    check("agents: {a: {rooms: [#lobby:s]}}", &[(2, "", "not YAML", "begins with `#` must be quoted")]);
    check(
        "agents: {a: {role: \"${file:nowhere}\"}}",
        &[(2, "agents.a.role", "no such file", "relative to the configuration")],
    );
}

#[test]
fn several_errors_come_at_once_in_the_order_of_the_file() {
    let text = "agents:
  writer: {model: gtp-5, rooms: [\"#x\", {a: b}, \"a b\"], colour: red}
  Coder: {}
  router: {}
models:
  gpt-5: {provider: opnai, id: x}
  other: {provider: openai}
teams:
  pair: {agents: [wirter, writer, writer], mode: colaborate}
timezone: Europe/Berln";
    check(
        text,
        &[
            (3, "agents.writer.model", "no model \"gtp-5\"", "did you mean \"gpt-5\"?"),
            (3, "agents.writer.rooms[0]", "\"#x\" is not a room", "#name:server"),
            (3, "agents.writer.rooms[1]", "should be text, but it is a section", "write text"),
            (3, "agents.writer.rooms[2]", "\"a b\" is not a room", "#name:server"),
            (3, "agents.writer.colour", "not known", "known here"),
            (4, "agents.Coder", "lower-case", "write `coder`"),
            (5, "agents.router", "taken by Maitre", "another name"),
            (7, "models.gpt-5.provider", "\"opnai\" is not known", "did you mean \"openai\"?"),
            (8, "models.other.id", "`id` is missing", "add `id:"),
            (10, "teams.pair.agents[0]", "no agent \"wirter\"", "did you mean \"writer\"?"),
            (10, "teams.pair.agents[2]", "\"writer\" is a member twice", "remove one"),
            (10, "teams.pair.mode", "\"colaborate\" is not known", "did you mean `collaborate`?"),
            (11, "timezone", "\"Europe/Berln\" is not a time zone", "did you mean \"Europe/Berlin\"?"),
        ],
    );
}

#[test]
fn an_error_does_not_cause_others() {
    check("teams: {t: {agents: [{a: b}]}}", &[(2, "teams.t.agents[0]", "should be text", "write text")]);
    check(
        "http: {bind: \"0.0.0.0:80\", token: \"${NOWHERE}\"}",
        &[(2, "http.token", "`NOWHERE` is not set", "`.env`")],
    );
    check("http: {bind: \"0.0.0.0:80\", token: \"\"}", &[(2, "http.token", "empty", "fill it in")]);
    check("models: {m: 5}\nagents:\n  a: {model: m}", &[(2, "models.m", "should be a section", "key: value")]);
    check("agents: {a: 5}\nteams:\n  t: {agents: [a]}", &[(2, "agents.a", "should be a section", "key: value")]);
    check_whole("homeserver: {url: [x]}", &[(1, "homeserver.url", "should be text", "write text")]);
    check_whole("homeserver: {url: \"${NOWHERE}\"}", &[(1, "homeserver.url", "`NOWHERE` is not set", "`.env`")]);
    check(
        "agents:\n  a: {model: x}\ndefaults: {model: x}",
        &[(3, "agents.a.model", "no model \"x\"", "`models`"), (4, "defaults.model", "no model \"x\"", "`models`")],
    );
}

#[test]
fn yaml_mistakes_say_what_to_write() {
    check("bot_accounts: [@bot:server]", &[(2, "", "not YAML", "`@` must be quoted")]);
    check(
        "agents:\n  a:\n    rooms:\n      - !room:server",
        &[(5, "agents.a.rooms[0]", "`!` begins a tag", "must be quoted")],
    );
    check("bot_accounts: [*]", &[(2, "", "not YAML", "special character must be quoted")]);
    check("bot_accounts: [*all]", &[(2, "bot_accounts[0]", "refers to an anchor", "must be quoted")]);
    check("agents:\n  a: {}\n  b: {}\n  a: {}", &[(5, "agents.a", "twice, first on line 3", "merge the two")]);
    check(
        "agents: {}\nagents: {}\nrooms: {}\nrooms: {}",
        &[(3, "agents", "twice, first on line 2", "merge"), (5, "rooms", "twice, first on line 4", "merge")],
    );
    check("agents:\n  a: {}\n---\nagents: {}", &[(4, "", "second document", "one document")]);
    check("? [a, b]\n: c", &[(2, "", "a key must be text, but this is a list", "quote")]);
    check("agents:\n  a:\n    <<: 5", &[(4, "agents.a.<<", "merges a section", "<<: *name")]);
    check("agents: !!python/object:os.system x", &[(2, "agents", "not known", "quoted")]);
}

#[test]
fn the_house_is_checked() {
    check_whole("agents: {}", &[(1, "homeserver.url", "address of the homeserver is missing", "MATRIX_HOMESERVER")]);
    check_whole(
        "homeserver: {url: matrix.org}",
        &[(1, "homeserver.url", "\"matrix.org\" is not a web address", "https://")],
    );
    check_whole("homeserver: {url: \"https://a?b\"}", &[(1, "homeserver.url", "more than an address", "`?`")]);
    check_whole(
        "homeserver:\n  url: http://a\n  sync_timeout: 30",
        &[(3, "homeserver.sync_timeout", "\"30\" has no unit", "write 30s for seconds")],
    );
    check_whole(
        "homeserver:\n  url: http://a\n  request_timeout: soon\n  sync_timeout: 1h",
        &[
            (3, "homeserver.request_timeout", "\"soon\" is not a duration", "30s"),
            (4, "homeserver.sync_timeout", "\"1h\" is out of range", "between 1s and 10m"),
        ],
    );
    check_whole(
        "homeserver: {url: http://a, logins_max: 0, gap_pages_max: -1}",
        &[
            (1, "homeserver.logins_max", "\"0\" is out of range", "between 1 and 64"),
            (1, "homeserver.gap_pages_max", "\"-1\" is not a whole number", "number"),
        ],
    );
    check("http: {bind: \"0.0.0.0:8766\"}", &[(2, "http.bind", "reached from other machines", "http.token")]);
    check("http:\n  bind: 0.0.0.0:8766\n  token:\n", &[(3, "http.bind", "reached from other machines", "http.token")]);
    check("http: {bind: localhost}", &[(2, "http.bind", "not an address with a port", "127.0.0.1:8766")]);
    check("http: {token: \"\"}", &[(2, "http.token", "empty", "fill it in")]);
    check("state: {retention: 5h}", &[(2, "state.retention", "out of range", "between 1d and 3650d")]);
    check("state: {folder: \"\"}", &[(2, "state.folder", "must not be empty", "remove the line")]);
}

#[test]
fn accounts_are_checked() {
    check("accounts: {localpart: bot}", &[(2, "accounts.localpart", "the same user id", "bot_{name}")]);
    check(
        "accounts: {localpart: \"Bot {name}\"}",
        &[(2, "accounts.localpart", "can't be part of a user id", "lower-case")],
    );
    check(
        "accounts: {passwords: {wirter: x}}\nagents: {writer: {}}",
        &[(2, "accounts.passwords.wirter", "no agent or team", "did you mean \"writer\"?")],
    );
    check(
        "accounts: {passwords: {router: x}, access_tokens: {router: y}}",
        &[(2, "accounts.access_tokens.router", "a password for this account", "not both")],
    );
    check("user: {username: \"@you:server\"}", &[(2, "user.username", "can't be the local part", "without `:`")]);
    check(
        "user: {username: writer}\nagents: {writer: {}}",
        &[(2, "user.username", "same user id as that of the agent `writer`", "another user name")],
    );
    check("user: {}", &[(2, "user.username", "`username` is missing", "username: you")]);
    check(
        "user: {username: a}\nmindroom_user: {username: b}",
        &[(3, "mindroom_user", "`user` is given, too", "one of the two")],
    );
}

#[test]
fn entities_and_rooms_are_checked() {
    check(
        "agents: {user: {}}\nteams: {router: {agents: [user]}}",
        &[
            (2, "agents.user", "taken by Maitre", "another name"),
            (3, "teams.router", "taken by Maitre", "another name"),
        ],
    );
    check(
        "agents: {a: {}}\nteams: {a: {agents: [a]}}",
        &[(3, "teams.a", "an agent has the same name", "rename the team")],
    );
    check("teams: {t: {}}", &[(2, "teams.t.agents", "needs members", "agents: [")]);
    check("agents: {\"two words\": {}}", &[(2, "agents.\"two words\"", "lower-case", "write `two_words`")]);
    check("agents: {a: {display_name: \" \"}}", &[(2, "agents.a.display_name", "must not be empty", "write a name")]);
    check(
        "rooms: {lobby: {version: 3}, \"a b\": {}}",
        &[
            (2, "rooms.lobby.version", "room version \"3\"", "10, 11 or 12"),
            (2, "rooms.\"a b\"", "not the key of a room", "#name:server"),
        ],
    );
    check(
        "rooms: {lobby: {name: a, display_name: b}}",
        &[(2, "rooms.lobby.display_name", "`name` is given twice", "remove one")],
    );
    check(
        "agents: {a: {rooms: [lobby]}}\nroom_models: {loby: m, lobby: n}\nmodels: {m: {provider: ollama, id: x}}",
        &[
            (3, "room_models.loby", "no room of this key", "did you mean \"lobby\"?"),
            (3, "room_models.lobby", "no model \"n\"", "there are m"),
        ],
    );
    check("rooms: {maitre-space: {}}\nspace: {}", &[(3, "space.alias", "key of a room", "another alias")]);
    check("space: {alias: \"#x:y\"}", &[(2, "space.alias", "can't be the local part of an alias", "without `#`")]);
}

#[test]
fn authorization_is_checked() {
    check(
        "authorization: {global_users: [ada, \"@ada:home\", \"@x y:z\"]}",
        &[
            (2, "authorization.global_users[0]", "\"ada\" is not a user id", "@name:server"),
            (2, "authorization.global_users[2]", "\"@x y:z\" is not a user id", "@name:server"),
        ],
    );
    check(
        "agents: {a: {rooms: [lab]}}\nauthorization:\n  room_permissions: {lbb: [\"@a:b\"], \"#x\": []}",
        &[
            (4, "authorization.room_permissions.lbb", "no room of this key", "did you mean \"lab\"?"),
            (4, "authorization.room_permissions.\"#x\"", "not the key of a room", "in quotes"),
        ],
    );
    check(
        "authorization:\n  aliases: {ada: [], \"@a:b\": [bob, \"@c:d\"], \"@e:f\": [\"@c:d\"]}",
        &[
            (3, "authorization.aliases.ada", "not a user id", "@name:server"),
            (3, "authorization.aliases.\"@a:b\"[0]", "\"bob\" is not a user id", "@name:server"),
            (3, "authorization.aliases.\"@e:f\"[0]", "\"@c:d\" belongs to two people", "one of them"),
        ],
    );
    check(
        "agents: {writer: {}}\nauthorization:\n  agent_reply_permissions: {writter: [\"*\"]}",
        &[(4, "authorization.agent_reply_permissions.writter", "no agent or team", "did you mean \"writer\"?")],
    );
    check("authorization: {admins: [5]}", &[(2, "authorization.admins[0]", "\"5\" is not a user id", "@name:server")]);
    check(
        "authorization: {agent_reply_permissions: {\"*\": {usres: []}}}",
        &[(2, "authorization.agent_reply_permissions.*.usres", "not known", "did you mean `users`?")],
    );
}

#[test]
fn variables_are_checked() {
    check(
        "timezone: ${ZONE}",
        &[(2, "timezone", "the environment variable `ZONE` is not set", "put `ZONE=…` into `.env`")],
    );
    check("timezone: ${ZONE", &[(2, "timezone", "not closed", "$${")]);
    check("timezone: ${Z O}", &[(2, "timezone", "not a variable", "${NAME:-default}")]);
    check("http: {token: \"${file:nothing}\"}", &[(2, "http.token", "there is no such file", "check the path")]);
    check("http: {token: \"${file:/dev/zero}\"}", &[(2, "http.token", "this is a device", "regular file")]);
}

#[test]
fn a_file_full_of_errors_is_cut_short() {
    let agents = (0..500).map(|i| format!("  a{i}: {{nonsense: 1}}")).collect::<Vec<_>>().join("\n");
    let problems = errors(compile(&format!("agents:\n{agents}"), &[]));
    assert_eq!(problems.len(), 101);
    assert!(problems[100].message.contains("more"), "{}", problems[100]);
}

#[test]
fn scripts_and_models_that_stand_by_are_checked() {
    let model = "models:\n  m: {provider: scripted";
    check(&format!("{model}}}"), &[(3, "models.m.say", "needs something to say", "add `say: …`")]);
    check(&format!("{model}, say: ' '}}"), &[(3, "models.m.say", "must not be empty", "write a word")]);
    check(
        &format!("{model}, say: a, id: x, host: http://a, fallback: m}}"),
        &[
            (3, "models.m.id", "doesn't have this", "remove the line"),
            (3, "models.m.host", "doesn't have this", "remove the line"),
            (3, "models.m.fallback", "doesn't have this", "remove the line"),
            (3, "models.m.fallback", "can't stand by for itself", "another model"),
        ],
    );
    check(
        &format!("{model}, rules: [{{when: a, say: b}}, {{when: '', says: b}}]}}"),
        &[
            (3, "models.m.rules[1].say", "a rule has `when` and `say`", "write a word"),
            (3, "models.m.rules[1].when", "must not be empty", "write a word"),
            (3, "models.m.rules[1].says", "not known", "did you mean `say`?"),
        ],
    );
    check(
        &format!("{model}, say: a, words_per_second: 0}}"),
        &[(3, "models.m.words_per_second", "range", "between 1")],
    );
    check(
        "models:\n  m: {provider: ollama, id: x, say: a, fallback: n}",
        &[
            (3, "models.m.say", "only a scripted model", "`provider: scripted`"),
            (3, "models.m.fallback", "no model \"n\"", "`models`"),
        ],
    );
}
