//! No message, hint or shown line holds a secret, however wrong the configuration is.

use super::{compile, errors, show};

const SECRET: &str = "hunter2";

#[track_caller]
fn check(text: &str, env: &[(&str, &str)]) {
    let problems = errors(compile(text, env));
    assert!(!problems.is_empty());
    let shown = show(&problems);
    assert!(!shown.contains(SECRET) && !format!("{problems:?}").contains(SECRET), "{text}\n{shown}");
    for problem in &problems {
        assert!(!problem.to_string().contains(SECRET), "{problem}");
    }
}

#[test]
fn secrets_in_the_file_are_masked() {
    for text in [
        "models:\n  m: {provider: opnai, id: x, api_key: hunter2}",
        "models:\n  m: {provider: opnai, id: x, api_kee: hunter2}",
        "models:\n  m: {api_key: \"hunter2\", idd: x}",
        "models:\n  m:\n    api_key: [hunter2]",
        "models:\n  m:\n    api_key: {a: hunter2}",
        "models:\n  m: {api_key: &k hunter2, provider: 5}\nhttp: {token: *k, bindd: 5}",
        "key: &k hunter2\naccounts: {passwords: {a: *k}, x: *k}",
        "agents: {a: {api_key: hunter2}}",
        "http: {token: &k hunter2, bind: *k}\ntimezone: *k",
        "homeserver: {url: \"x://a:hunter2@b x://c:hunter2@d\"}",
        "models: {m: {provider: openai, id: x, base_url: \"ftp://a:hunter2@b\"}}",
        "memmory: {config: {api_key: hunter2}}",
        "accounts: {passwords: {nobody: hunter2}}",
        "accounts: {passwords: hunter2}",
        "accounts:\n  registration_token: !secret hunter2",
        "accounts:\n  registration_token: *hunter2",
        "accounts:\n  registration_token: !hunter2",
        "accounts:\n  registration_token: @hunter2",
        "accounts: {registration_token: @hunter2}",
        "accounts:\n  registration_token: \"hunter2",
        "accounts:\n  registration_token: hunter2\n bad: [",
        "accounts:\n  registration_token: |\n    hunter2\n  x: {",
        "accounts:\n  passwords:\n    writer: hunter2: x\n",
        "accounts:\n  passwords:\n    writer: 'hunter2' x\n",
        "accounts:\n  registration_token: ${hunter2-x}\n  registration_token: hunter2",
        "user: {username: \"a b\", password: hunter2}",
        "user:\n  passwort: hunter2",
        "homeserver: {url: \"https://me:hunter2@example.org\"}",
        "http: {bind: x, token: hunter2}",
        "http: {token: hunter2, token: hunter2}",
    ] {
        check(text, &[]);
    }
}

#[test]
fn secrets_from_the_environment_are_never_shown() {
    let env = [("S", SECRET), ("HUNTER_S", SECRET)];
    for text in [
        "homeserver: {url: \"${S}\", sync_timeout: \"${S}\", logins_max: \"${S}\"}",
        "agents: {a: {model: \"${S}\", rooms: [\"#${S}\"], accept_invites: \"${S}\"}}",
        "teams: {a: {agents: [\"${S}\"], mode: \"${S}\"}}",
        "models: {a: {provider: \"${S}\", base_url: \"${S}\", id: x}}",
        "authorization: {global_users: [\"${S}\"], aliases: {\"@a:b\": [\"${S}\"]}, agent_reply_permissions: {a: [\"${S}\"]}}",
        "rooms: {a: {version: \"${S}\"}}\nspace: {alias: \"# ${S}\"}\nuser: {username: \"A ${S}\"}",
        "accounts: {localpart: \"${S}\"}\nhttp: {bind: \"${S}\"}\ntimezone: \"${S}\"",
        "accounts: {localpart: \"${S}{name}\"}\nuser: {username: \"${S}router\"}",
        "room_models: {a: \"${S}\"}\ndefaults: {model: \"${S}\", room_version: \"${S}\"}",
        "agents: \"${S}\"\nteams: [\"${S}\"]",
        "timezone: \"${S:-x}${MISSING}\"",
        "timezone: \"${file:${S}}\"",
    ] {
        check(text, &env);
    }
}

#[test]
fn a_loaded_configuration_does_not_print_its_secrets() {
    let text = "homeserver: {url: http://a}
accounts: {registration_shared_secret: hunter2, passwords: {router: hunter2}}
models: {m: {provider: openai, id: x, api_key: \"${S}\"}}
http: {token: hunter2}
user: {username: you, password: hunter2}";
    let loaded = compile(text, &[("S", SECRET)]).unwrap();
    assert!(!format!("{loaded:?}").contains(SECRET));
    assert_eq!(loaded.config.http.token.unwrap().reveal(), SECRET);
}
