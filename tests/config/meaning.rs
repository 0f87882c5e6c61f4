//! What is meant by what was typed: defaults, orders, derived names.

use std::{path::Path, time::Duration};

use maitre::{
    config::{Credential, Problem, Provider, Registration, Role, ScriptRule},
    model::{EntityKind, EntityName, RoomKey, Secret, UserId},
};

use super::{compile, good, show};

#[test]
fn everything_but_the_address_has_a_default() {
    let config = good("").config;
    assert_eq!(
        (config.homeserver.sync_timeout, config.homeserver.request_timeout),
        (Duration::from_secs(30), Duration::from_secs(30))
    );
    assert_eq!((config.homeserver.logins_max.get(), config.homeserver.gap_pages_max), (8, 50));
    assert_eq!((config.accounts.device_name.as_str(), config.accounts.registration.len()), ("Maitre", 0));
    assert_eq!(config.state.folder, Path::new("/nonexistent/state"), "relative to the configuration");
    assert_eq!(config.state.retention, Duration::from_hours(90 * 24));
    assert_eq!(config.http.bind.unwrap().to_string(), "127.0.0.1:8766");
    assert_eq!(config.timezone.name(), "UTC");
    assert!(config.space.is_none() && config.user.is_none() && config.rooms.is_empty());
    assert!(!config.authorization.default_room_access);
    let router = config.router();
    assert_eq!(
        (router.name.as_str(), router.localpart.as_str(), router.display_name.as_str()),
        ("router", "router", "Router")
    );
    assert!(router.accept_invites && matches!(&router.role, Role::Router(router) if router.model.is_none()));
}

#[test]
fn entities_keep_the_order_of_the_file() {
    let config = good("teams: {z: {agents: [b]}}\nagents: {c: {}, b: {}, a: {}}").config;
    let names: Vec<(&str, EntityKind)> =
        config.entities.iter().map(|entity| (entity.name.as_str(), entity.kind())).collect();
    let expected = [
        ("router", EntityKind::Router),
        ("c", EntityKind::Agent),
        ("b", EntityKind::Agent),
        ("a", EntityKind::Agent),
        ("z", EntityKind::Team),
    ];
    assert_eq!(names, expected);
    assert!(config.entity(&EntityName::parse("b").unwrap()).is_some());
    assert!(config.entity(&EntityName::parse("nobody").unwrap()).is_none());
}

/// I1: local parts come from `accounts.localpart`.
#[test]
fn i1_names_are_derived() {
    let config = good("accounts: {localpart: \"bot_{name}\"}\nagents: {deep_research: {rooms: [dev_talk]}}").config;
    let agent = &config.entities[1];
    assert_eq!((agent.localpart.as_str(), agent.display_name.as_str()), ("bot_deep_research", "Deep research"));
    assert_eq!(config.router().localpart, "bot_router");
    assert_eq!(config.rooms[&RoomKey::parse("dev_talk").unwrap()].name, "Dev talk");
}

/// I2: shared secret, token, open registration, in this order.
#[test]
fn i2_means_of_registration_are_tried_in_order() {
    let config =
        good("accounts: {open_registration: true, registration_token: t, registration_shared_secret: s}").config;
    let expected =
        [Registration::SharedSecret(Secret::new("s")), Registration::Token(Secret::new("t")), Registration::Open];
    assert_eq!(config.accounts.registration, expected);
    let config = good("agents: {a: {}, b: {}}\naccounts: {passwords: {a: p}, access_tokens: {b: t}}").config;
    assert_eq!(config.entities[1].credential, Some(Credential::Password(Secret::new("p"))));
    assert_eq!(config.entities[2].credential, Some(Credential::AccessToken(Secret::new("t"))));
    assert_eq!(config.router().credential, None);
}

#[test]
fn models_fall_back_to_the_default_one() {
    let models = "models: {default: {provider: openai, id: a}, fast: {provider: google, id: b}}\n";
    let model = |text: &str| {
        let config = good(&format!("{models}{text}")).config;
        match &config.entities[1].role {
            Role::Agent(agent) => agent.model.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(model("agents: {a: {}}").as_deref(), Some("default"));
    assert_eq!(model("agents: {a: {model: fast}}").as_deref(), Some("fast"));
    assert_eq!(model("agents: {a: {}}\ndefaults: {model: fast}").as_deref(), Some("fast"));
    assert_eq!(good(models).config.models["fast"].provider, Provider::Gemini);
    let env = [("OPENAI_API_KEY", "key"), ("OPENAI_BASE_URL", "http://other")];
    let text = format!("homeserver: {{url: http://a}}\n{models}");
    let config = compile(&text, &env).unwrap_or_else(|problems| panic!("{}", show(&problems))).config;
    let model = &config.models["default"];
    assert_eq!((model.api_key.clone(), model.base_url.as_deref()), (Some(Secret::new("key")), Some("http://other")));
}

#[test]
fn the_key_of_gemini_goes_by_two_names() {
    let text = "homeserver: {url: http://a}\nmodels: {m: {provider: gemini, id: x}}";
    let key = |env: &[(&str, &str)]| {
        let config = compile(text, env).unwrap_or_else(|problems| panic!("{}", show(&problems))).config;
        config.models["m"].api_key.as_ref().map(|key| key.reveal().to_owned())
    };
    assert_eq!(key(&[]), None);
    assert_eq!(key(&[("GEMINI_API_KEY", "one")]).as_deref(), Some("one"));
    assert_eq!(key(&[("GEMINI_API_KEY", "one"), ("GOOGLE_API_KEY", "two")]).as_deref(), Some("two"));
}

#[test]
fn a_model_may_have_another_one_standing_by() {
    let config = good("models: {a: {provider: ollama, id: x, fallback: b}, b: {provider: openai, id: y}}").config;
    assert_eq!(config.models["a"].fallback.as_deref(), Some("b"), "also one that is defined later");
    assert_eq!(config.models["b"].fallback, None);
    let unsupported = good("models: {a: {provider: ollama, id: x, fallback: b}, b: {provider: azure, id: y}}");
    assert_eq!(unsupported.config.models["a"].fallback, None, "{}", show(&unsupported.warnings));
}

#[test]
fn a_scripted_model_has_its_answers_from_the_file() {
    let config = good(
        "models:
  parrot: {provider: scripted, rules: [{when: ' Hello ', say: 'Hi, {name}!'}], say: What?, words_per_second: 7}
  quiet: {provider: scripted, say: No.}
  strict: {provider: scripted, rules: [{when: a, say: b}]}",
    )
    .config;
    let script = |name: &str| match &config.models[name].provider {
        Provider::Scripted(script) => script.clone(),
        other => panic!("{other:?}"),
    };
    let rule = ScriptRule { when: "Hello".to_owned(), say: "Hi, {name}!".to_owned() };
    assert_eq!((script("parrot").rules, script("parrot").say.as_str()), (vec![rule], "What?"));
    assert_eq!(script("parrot").words_per_second.get(), 7);
    assert_eq!((script("quiet").rules.len(), script("quiet").words_per_second.get()), (0, 20));
    assert_eq!(script("strict").say, "My script has no answer to that.");
}

#[test]
fn rooms_come_from_everywhere_and_take_the_defaults() {
    let config = good(
        "agents: {a: {rooms: [lab, \"#door:home\", lab]}}
rooms: {lab: {encrypted: false, version: 12}, hall: {topic: Come in}}
defaults: {encrypted: true, room_version: 11, accept_invites: false}",
    )
    .config;
    let room = |key: &str| &config.rooms[&RoomKey::parse(key).unwrap()];
    assert_eq!((room("lab").encrypted, room("lab").version.as_deref()), (false, Some("12")));
    assert_eq!((room("hall").encrypted, room("hall").version.as_deref()), (true, Some("11")));
    assert_eq!(room("hall").topic.as_deref(), Some("Come in"));
    assert_eq!(room("#door:home").name, "#door:home");
    assert_eq!(config.entities[1].rooms.len(), 2, "named twice is named once");
    assert_eq!(config.router().rooms.len(), 3);
    assert!(config.entities.iter().all(|entity| !entity.accept_invites));
}

#[test]
fn yaml_aliases_and_merges_work() {
    let config = good("agents:\n  a: &base {role: Base, rooms: [lab], accept_invites: false}\n  b: {<<: *base, role: Own}\n  c: *base").config;
    let [_, a, b, c] = config.entities.as_slice() else { panic!("{:?}", config.entities) };
    assert_eq!((a.purpose.as_str(), b.purpose.as_str(), c.purpose.as_str()), ("Base", "Own", "Base"));
    assert_eq!((a.rooms.len(), b.rooms.len(), c.rooms.len()), (1, 1, 1));
    assert!(!b.accept_invites);
}

/// A4: verified devices are required where that is wanted.
#[test]
fn a4_verified_devices_are_required_on_request() {
    let required = |text: &str| good(text).config.authorization.require_verified;
    assert!(!required("") && !required("authorization: {require_verified: false}"));
    assert!(required("authorization: {require_verified: true}"));
}

/// Whoever may use everything is an admin, unless admins are named.
#[test]
fn a4_admins_default_to_global_users() {
    let ada = UserId::parse("@ada:home").unwrap();
    let admin = |text: &str| {
        good(&format!("authorization: {{global_users: [\"@ada:home\"]{text}}}")).config.authorization.is_admin(&ada)
    };
    assert!(admin(""));
    assert!(!admin(", admins: [\"@bob:home\"]"));
    assert!(!admin(", admins: []"), "an empty list means nobody");
    let loaded = good("authorization: {global_users: [\"*\"]}");
    assert!(loaded.warnings.iter().any(|warning| warning.message.contains("everybody an admin")));
}

#[test]
fn the_status_server_can_be_off_or_elsewhere() {
    assert_eq!(good("http: {bind: off}").config.http.bind, None);
    let http = good("http: {bind: \"[::]:9000\", token: t}").config.http;
    assert_eq!((http.bind.unwrap().to_string(), http.token), ("[::]:9000".to_owned(), Some(Secret::new("t"))));
}

#[test]
fn the_homeserver_can_come_from_the_environment() {
    let loaded = compile("agents: {}", &[("MATRIX_HOMESERVER", "https://home.example/")]).unwrap();
    assert_eq!(loaded.config.homeserver.url, "https://home.example");
    let problems = compile("agents: {}", &[("MATRIX_HOMESERVER", "home.example")]).unwrap_err();
    assert!(problems[0].message.contains("`MATRIX_HOMESERVER` is not a web address"), "{}", show(&problems));
}

/// What a new user forgets keeps nobody from starting, but is said.
#[test]
fn what_would_surprise_is_warned_of() {
    let warned = |text: &str, path: &str, part: &str| {
        let loaded = good(text);
        loaded.warnings.iter().any(|warning| warning.path == path && warning.message.contains(part))
    };
    let model = |text: &str| warned(text, "models", "no model called `default`");
    assert!(model("agents: {a: {}}"));
    assert!(model("agents: {a: {}}\nmodels: {m: {provider: ollama, id: x}}"));
    assert!(!model("agents: {a: {model: m}}\nmodels: {m: {provider: ollama, id: x}}"));
    assert!(!model("agents: {a: {}}\nmodels: {m: {provider: ollama, id: x}}\ndefaults: {model: m}"));
    assert!(!model("agents: {a: {}}\nmodels: {default: {provider: ollama, id: x}}"));
    assert!(!model("router: {role: Greets.}"));
    let person = |users: &str| {
        let text = format!("user: {{username: you}}\nauthorization: {{{users}}}");
        warned(&text, "user", "`you` may not use anybody")
    };
    assert!(person("") && person("global_users: [\"@ada:home.org\"]"));
    for users in [
        "global_users: [\"@you:home.org\"]",
        "global_users: [\"@*:home.org\"]",
        "global_users: [\"*\"], admins: []",
        "default_room_access: true",
        "global_users: [\"@me:home.org\"], aliases: {\"@me:home.org\": [\"@you:home.org\"]}",
    ] {
        assert!(!person(users), "{users}");
    }
    assert!(warned("agents: {a: {avatar: nowhere.png}}", "agents.a.avatar", "there is no picture \"nowhere.png\""));
}

#[test]
fn entities_without_a_way_to_an_account_are_warned_of() {
    let warned = |text: &str| good(text).warnings.iter().any(|warning| warning.message.contains("no way to register"));
    assert!(warned(""));
    let of_accounts = |warning: &Problem| warning.path == "accounts";
    let told = |text: &str| {
        good(text).warnings.into_iter().filter(of_accounts).map(|warning| warning.message).collect::<String>()
    };
    assert!(told("").ends_with("and one entity has no password or token"), "{}", told(""));
    let two = told("agents: {a: {}}");
    assert!(two.ends_with("and 2 entities have no password or token"), "{two}");
    assert!(!warned("accounts: {open_registration: true}"));
    assert!(!warned("accounts: {passwords: {router: x}}"));
}
