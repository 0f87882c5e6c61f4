//! What an edit of the file asks of a house that runs.

use maitre::config::{diff, tell};

use super::good;

/// The house before the edit, with something of everything.
const HOUSE: &str = "
models:
  gpt: {provider: openai, id: gpt-5, api_key: k1}
  local: {provider: ollama, id: llama3.2}
agents:
  ada: {role: Writes., rooms: [lobby], model: gpt, instructions: [Be brief.], tools: [time], display_name: Ada}
  bob: {role: Reads., rooms: [lobby, attic], model: local}
teams:
  duo: {role: Both., agents: [ada, bob], rooms: [attic], mode: collaborate, model: gpt}
router: {model: gpt, timeout: 3s}
rooms:
  lobby: {name: Lobby, topic: Hello., model: local}
  attic: {}
space: {name: House, alias: house}
user: {username: you, display_name: You}
authorization: {global_users: [\"@ada:home\"]}
bot_accounts: [\"@bridge:home\"]
accounts: {registration_token: t, passwords: {ada: p1}}
conversation: {hops_max: 4, turns_max: 32, turns_reserved: 8, lane_idle: 1m}
state: {folder: state, retention: 90d}
http: {bind: \"127.0.0.1:8766\", token: x}
timezone: UTC
";

#[track_caller]
fn check(from: &str, to: &str, expected: &[&str]) {
    assert!(HOUSE.contains(from), "{from:?} stands in the file");
    let (old, new) = (good(HOUSE).config, good(&HOUSE.replacen(from, to, 1)).config);
    assert_eq!(tell(&diff(&old, &new)), expected, "{from:?} becomes {to:?}");
}

/// H3: what is said and thought changes without a login and without a new sync loop.
#[test]
fn h3_texts_and_models_hold_from_the_next_answer_on() {
    let check = |from: &str, to: &str, part: &str| {
        check(from, to, &[&format!("~ agent ada: {part} from its next answer on")]);
    };
    check("role: Writes.", "role: Sings.", "role");
    check("model: gpt, instr", "model: local, instr", "model");
    check("[Be brief.]", "[Be brief., Be kind.]", "instructions");
    check("instructions: [Be brief.], ", "", "instructions");
    check("tools: [time]", "tools: [react]", "tools");
    check("tools: [time]", "tools: [time], skills: [minutes]", "skills");
    check("display_name: Ada", "display_name: Ada, streaming: final", "the way it talks");
    check("display_name: Ada", "display_name: Ada, thread_mode: room", "the way it talks");
    check("display_name: Ada", "display_name: Ada, edits_max: 3", "the way it talks");
    check("display_name: Ada", "display_name: Ada, show_tool_calls: false", "the way it talks");
    check("display_name: Ada", "display_name: Ada, accept_invites: false", "accept_invites");
    check("role: Writes., rooms: [lobby], model: gpt", "role: Sings., rooms: [lobby], model: local", "model, role");
}

/// H3: teams and the router.
#[test]
fn h3_teams_and_the_router_change_as_agents_do() {
    let team = |from: &str, to: &str, part: &str| {
        check(from, to, &[&format!("~ team duo: {part} from its next answer on")]);
    };
    team("role: Both.", "role: Two.", "role");
    team("agents: [ada, bob]", "agents: [ada]", "members");
    team("mode: collaborate", "mode: coordinate", "mode");
    team("mode: collaborate, model: gpt", "mode: collaborate, model: local", "model");
    let router = |to: &str, part: &str| {
        check("router: {model: gpt, timeout: 3s}", to, &[&format!("~ router: {part} from its next answer on")]);
    };
    router("router: {model: local, timeout: 3s}", "model");
    router("router: {model: gpt, timeout: 5s}", "timeout");
    router("router: {model: gpt, timeout: 3s, handoff: message}", "handoff");
}

/// H3: who comes, goes, moves, or is another one.
#[test]
fn h3_entities_come_go_and_move() {
    check(
        "teams:\n",
        "  eve: {role: Listens., rooms: [attic]}\nteams:\n",
        &["+ agent eve: gets an account, comes into attic and answers"],
    );
    check("teams:\n", "  eve: {role: Listens.}\nteams:\n", &["+ agent eve: gets an account, answers"]);
    check(
        "  duo: {role: Both., agents: [ada, bob], rooms: [attic], mode: collaborate, model: gpt}\n",
        "",
        &["- team duo: ends what it is saying, leaves attic, stops; its account stays"],
    );
    check("rooms: [lobby], model: gpt", "rooms: [lobby, attic], model: gpt", &["~ agent ada: comes into attic"]);
    check("rooms: [lobby, attic]", "rooms: [attic]", &["~ agent bob: leaves lobby"]);
    check("rooms: [lobby], model: gpt", "rooms: [attic], model: gpt", &["~ agent ada: comes into attic; leaves lobby"]);
    check("display_name: Ada", "display_name: Ada L.", &["~ agent ada: another name or picture"]);
    check("display_name: Ada", "display_name: Ada, avatar: ada.png", &["~ agent ada: another name or picture"]);
    check("ada: p1", "ada: p2", &["~ agent ada: signs in anew"]);
    check(
        "rooms: [lobby], model: gpt",
        "rooms: [lobby, cellar], model: gpt",
        &["~ agent ada: comes into cellar", "+ room cellar: is managed from now on"],
    );
}

/// H3: rooms, the space and the person at the keyboard.
#[test]
fn h3_rooms_are_made_changed_and_let_go() {
    check("  attic: {}\n", "  attic: {}\n  cellar: {}\n", &["+ room cellar: is managed from now on"]);
    check("name: Lobby", "name: Hall", &["~ room lobby: another name or topic"]);
    check("topic: Hello.", "topic: Welcome.", &["~ room lobby: another name or topic"]);
    check(
        "topic: Hello., model: local",
        "topic: Hello., model: gpt",
        &["~ room lobby: model from the next message on"],
    );
    check(
        "model: local}\n  attic",
        "model: local, thread_mode: room}\n  attic",
        &["~ room lobby: thread_mode from the next message on"],
    );
    check(
        "  attic: {}",
        "  attic: {encrypted: true}",
        &["~ room attic: encrypted only counts when a room is made, and this one is"],
    );
    check(
        "  attic: {}",
        "  attic: {version: \"11\"}",
        &["~ room attic: version only counts when a room is made, and this one is"],
    );
    check("space: {name: House, alias: house}\n", "", &["- space: it stays as it is, and is no longer looked after"]);
    check("name: House", "name: Home", &["~ space: it is looked after under its new settings"]);
    check("display_name: You", "display_name: Me", &["~ user: the person at the keyboard is signed in anew"]);
    check(
        "user: {username: you, display_name: You}\n",
        "",
        &["- user: the account stays, and is no longer looked after"],
    );
}

/// H3: the rooms that go are left by those who stay.
#[test]
fn h3_a_room_that_goes_is_left() {
    let old = good(HOUSE).config;
    let new = HOUSE.replace("rooms: [lobby, attic]", "rooms: [lobby]").replace(", rooms: [attic]", "");
    let changes = diff(&old, &good(&new.replace("  attic: {}\n", "")).config);
    let expected = [
        "~ agent bob: leaves attic",
        "~ team duo: leaves attic",
        "- room attic: agents and teams leave; the room stays, and the router in it",
    ];
    assert_eq!(tell(&changes), expected);
}

/// H10: the accounts that we made end with their entities where that is wanted; those that the operator gave stay.
#[test]
fn h10_accounts_end_where_that_is_wanted() {
    let house = HOUSE.replace("accounts: {", "accounts: {deactivate_removed: true, ");
    let old = good(&house).config;
    let told = |new: &str| tell(&diff(&old, &good(new).config));
    let duo = "  duo: {role: Both., agents: [ada, bob], rooms: [attic], mode: collaborate, model: gpt}\n";
    let end = "- team duo: ends what it is saying, leaves attic, stops; its account is deactivated for good";
    assert_eq!(told(&house.replace(duo, "")), [end]);
    let ada = "  ada: {role: Writes., rooms: [lobby], model: gpt, instructions: [Be brief.], tools: [time], display_name: Ada}\n";
    let without =
        house.replace(ada, "").replace("agents: [ada, bob]", "agents: [bob]").replace(", passwords: {ada: p1}", "");
    let told = told(&without);
    assert!(
        told.contains(&"- agent ada: ends what it is saying, leaves lobby, stops; its account stays".to_owned()),
        "{told:?}"
    );
    let switch = ("accounts: {", "accounts: {deactivate_removed: true, ");
    check(switch.0, switch.1, &["~ accounts.deactivate_removed: from the next message on"]);
}

/// H3: models and what holds for all.
#[test]
fn h3_models_and_what_holds_for_all_are_live() {
    check("id: gpt-5, api_key: k1", "id: gpt-6, api_key: k1", &["~ model gpt: from the next question on"]);
    check("api_key: k1", "api_key: k2", &["~ model gpt: from the next question on"]);
    check("agents:\n", "  more: {provider: ollama, id: m}\nagents:\n", &["+ model more"]);
    check(
        "global_users: [\"@ada:home\"]",
        "global_users: [\"@eve:home\"]",
        &["~ authorization: from the next message on"],
    );
    check("[\"@bridge:home\"]", "[]", &["~ bot_accounts: from the next message on"]);
    check("timezone: UTC", "timezone: Europe/Berlin", &["~ timezone: from the next message on"]);
    check("timezone: UTC", "admin_room: lobby", &["~ admin_room: from the next message on"]);
    check("timezone: UTC", "skills: [lore]", &["~ skills: from the next message on"]);
    check("hops_max: 4", "hops_max: 5", &["~ conversation: from the next message on"]);
    check("retention: 90d", "retention: 30d", &["~ state.retention: from the next message on"]);
    let loops = "~ homeserver: every sync loop begins anew, where it was";
    let timing = format!("{HOUSE}homeserver: {{url: http://localhost, sync_timeout: 20s}}\n");
    let timing = super::compile(&timing, &[]).unwrap().config;
    assert_eq!(tell(&diff(&good(HOUSE).config, &timing)), [loops]);
    check("  lobby: {", "  # A remark.\n  lobby: {", &[]);
}

/// H6: what can't change is refused by its key, and says what is there to do.
#[test]
fn h6_what_cannot_change_is_refused_by_name() {
    let check = |from: &str, to: &str, key: &str| {
        let (old, new) = (good(HOUSE).config, good(&HOUSE.replacen(from, to, 1)).config);
        let changes = diff(&old, &new);
        assert_eq!(changes.refused.iter().map(|refusal| refusal.key).collect::<Vec<_>>(), [key], "{to}");
        let told = tell(&changes);
        assert!(told[0].starts_with(&format!("! {key} can't change while Maitre runs: ")), "{told:?}");
        assert_ne!(from, to);
    };
    check("username: you", "username: me", "user.username");
    check("registration_token: t", "registration_token: u", "accounts (the means of registration)");
    check("registration_token: t", "registration_token: t, device_name: Butler", "accounts.device_name");
    check("registration_token: t", "registration_token: t, localpart: \"bot-{name}\"", "accounts.localpart");
    check("turns_max: 32", "turns_max: 16", "conversation.turns_max");
    check("turns_reserved: 8", "turns_reserved: 4", "conversation.turns_reserved");
    check("lane_idle: 1m", "lane_idle: 2m", "conversation.lane_idle");
    check("folder: state", "folder: elsewhere", "state.folder");
    check("127.0.0.1:8766", "127.0.0.1:8767", "http.bind");
    check("token: x", "token: y", "http.token");
    for (typed, key) in [
        ("{url: http://elsewhere}", "homeserver.url"),
        ("{url: http://localhost, request_timeout: 20s}", "homeserver.request_timeout"),
        ("{url: http://localhost, logins_max: 2}", "homeserver.logins_max"),
    ] {
        let new = super::compile(&format!("{HOUSE}homeserver: {typed}\n"), &[]).unwrap().config;
        let changes = diff(&good(HOUSE).config, &new);
        assert_eq!(changes.refused.iter().map(|refusal| refusal.key).collect::<Vec<_>>(), [key]);
    }
}

/// H2: no difference says a secret.
#[test]
fn h2_differences_hold_no_secret() {
    let new = HOUSE.replace("api_key: k1", "api_key: s3cret-key").replace("ada: p1", "ada: s3cret-word");
    let changes = diff(&good(HOUSE).config, &good(&new.replace("token: x", "token: s3cret-token")).config);
    let all = format!("{changes:?}{:?}", tell(&changes));
    assert!(!all.contains("s3cret"), "{all}");
}
