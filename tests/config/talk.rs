//! How entities talk: what the keys mean, what they default to, and what is refused.

use std::time::Duration;

use maitre::{
    config::{Agent, Audience, Config, Conversations, Entity, Handoff, Manners, Role, Streaming, TOOLS, ThreadMode},
    model::RoomKey,
};

use super::{broken::check, good};

fn entity<'a>(config: &'a Config, name: &str) -> &'a Entity {
    config.entities.iter().find(|entity| entity.name.as_str() == name).unwrap()
}

fn tools(text: &str) -> Vec<String> {
    match &entity(&good(text).config, "a").role {
        Role::Agent(Agent { tools, .. }) => tools.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_said_means_the_defaults() {
    let config = good("agents: {a: {}}\nteams: {t: {agents: [a]}}").config;
    assert_eq!(config.conversation, Conversations::default());
    assert!(config.entities.iter().all(|entity| entity.manners == Manners::default()), "{:?}", config.entities);
    let Role::Router(router) = &config.router().role else { panic!("{:?}", config.router()) };
    assert_eq!((router.timeout, router.handoff), (Duration::from_secs(8), Handoff::Silent));
    assert_eq!(tools("agents: {a: {}}"), TOOLS);
}

/// C1: what an entity says itself counts, else what `defaults` says.
#[test]
fn c1_manners_come_from_the_entity_then_from_the_defaults() {
    let own = "{thread_mode: room, streaming: final, placeholder_after: 3s, edits_max: 5, show_tool_calls: false}";
    let theirs = Manners {
        thread_mode: ThreadMode::Room,
        chat_mode: ThreadMode::Room,
        streaming: Streaming::Final,
        placeholder_after: Duration::from_secs(3),
        edits_max: 5,
        show_tool_calls: false,
    };
    let entities = "agents: {a: {}}\nteams: {t: {agents: [a]}}";
    let config = good(&format!("defaults: {own}\n{entities}")).config;
    assert!(config.entities.iter().all(|entity| entity.manners == theirs), "{:?}", config.entities);
    for (text, name) in [
        (format!("agents: {{a: {own}}}"), "a"),
        (format!("router: {own}"), "router"),
        (format!("agents: {{a: {{}}}}\nteams: {{t: {{agents: [a], {}}}", &own[1..]), "t"),
    ] {
        let config = good(&text).config;
        for entity in &config.entities {
            let expected = if entity.name.as_str() == name { theirs.clone() } else { Manners::default() };
            assert_eq!(entity.manners, expected, "{text}: {}", entity.name);
        }
    }
    let config = good("defaults: {edits_max: 5, thread_mode: room}\nagents: {a: {thread_mode: thread}}").config;
    let expected = Manners { edits_max: 5, chat_mode: ThreadMode::Thread, ..Manners::default() };
    assert_eq!(entity(&config, "a").manners, expected, "key by key");
    let config = good("defaults: {thread_mode: thread}\nagents: {a: {}}").config;
    assert_eq!(entity(&config, "a").manners.chat_mode, ThreadMode::Room, "`defaults` is about rooms");
}

/// S1: `enable_streaming` is MindRoom's name for it.
#[test]
fn s1_streaming_goes_by_two_names() {
    let streaming = |text: &str| good(&format!("defaults: {text}")).config.router().manners.streaming;
    assert_eq!(streaming("{enable_streaming: false}"), Streaming::Final);
    assert_eq!(streaming("{enable_streaming: true}"), Streaming::Edits);
    assert_eq!(streaming("{enable_streaming: false, streaming: final}"), Streaming::Final);
    assert_eq!(streaming("{streaming: final}"), Streaming::Final);
}

/// C1: a room has its own, in two places.
#[test]
fn c1_rooms_have_their_own_thread_mode() {
    let config = good(
        "agents: {a: {rooms: [one, two, three, \"#four:home\"]}}
rooms: {one: {thread_mode: room}, two: {thread_mode: thread}}
room_thread_modes: {three: room, two: thread, \"#four:home\": room}",
    )
    .config;
    let mode = |key: &str| config.rooms[&RoomKey::parse(key).unwrap()].thread_mode;
    assert_eq!((mode("one"), mode("two")), (Some(ThreadMode::Room), Some(ThreadMode::Thread)));
    assert_eq!((mode("three"), mode("#four:home")), (Some(ThreadMode::Room), Some(ThreadMode::Room)));
    assert_eq!(good("rooms: {one: {}}").config.rooms[&RoomKey::parse("one").unwrap()].thread_mode, None);
    let loaded = good("room_thread_modes: {\"#nobody:home\": room}");
    assert!(loaded.warnings.iter().any(|warning| warning.message.contains("nobody is configured")));
}

/// R2, R3: how long the router may take, and how it hands on.
#[test]
fn r2_r3_the_router_has_a_deadline_and_a_way_to_hand_on() {
    let config = good("router: {timeout: 500ms, handoff: message}").config;
    let Role::Router(router) = &config.router().role else { panic!("{:?}", config.router()) };
    assert_eq!((router.timeout, router.handoff), (Duration::from_millis(500), Handoff::Message));
}

#[test]
fn tools_are_an_agents_own_and_those_of_the_defaults() {
    let check = |text: &str, expected: &[&str]| assert_eq!(tools(text), expected, "{text}");
    check("agents: {a: {tools: [react, time, react]}}", &["react", "time"]);
    check("agents: {a: {tools: []}}", &[]);
    check("agents: {a: {}}\ndefaults: {tools: [recall]}", &["recall"]);
    check("agents: {a: {}}\ndefaults: {tools: []}", &[]);
    check("agents: {a: {tools: [time]}}\ndefaults: {tools: [recall, time]}", &["time", "recall"]);
    check("agents: {a: {tools: [time], include_default_tools: false}}\ndefaults: {tools: [recall]}", &["time"]);
    check("agents: {a: {include_default_tools: false}}\ndefaults: {tools: [recall]}", &TOOLS);
    check("agents: {a: {tools: [shell]}}", &TOOLS);
    check("agents: {a: {tools: [shell, time]}}", &["time"]);
}

#[test]
fn some_models_can_see() {
    let sees = |model: &str| good(&format!("models: {{m: {model}}}")).config.models["m"].sees;
    for (provider, expected) in [
        ("openai", true),
        ("anthropic", true),
        ("gemini", true),
        ("google", true),
        ("ollama", false),
        ("openrouter", false),
        ("llama_cpp", false),
    ] {
        assert_eq!(sees(&format!("{{provider: {provider}, id: x}}")), expected, "{provider}");
        let other = !expected;
        assert_eq!(sees(&format!("{{provider: {provider}, id: x, vision: {other}}}")), other, "{provider}");
    }
    assert!(!sees("{provider: scripted, say: a}"));
}

/// S6: how long a model may send nothing: its own limit, else that of `defaults`.
#[test]
fn s6_a_models_silence_has_a_limit() {
    let idle = |text: &str| good(text).config.models["m"].idle_timeout.as_secs();
    let model = |more: &str| format!("models: {{m: {{provider: ollama, id: x{more}}}}}");
    assert_eq!(idle(&model("")), 60);
    assert_eq!(idle(&model(", idle_timeout: 5m")), 300);
    assert_eq!(idle(&format!("{}\ndefaults: {{model_idle_timeout: 2m}}", model(""))), 120);
    assert_eq!(idle(&format!("{}\ndefaults: {{model_idle_timeout: 2m}}", model(", idle_timeout: 5s"))), 5);
    check(
        "models: {m: {provider: ollama, id: x, idle_timeout: 0s}}\ndefaults: {model_idle_timeout: never}",
        &[
            (2, "models.m.idle_timeout", "out of range", "between 1s and 1h"),
            (3, "defaults.model_idle_timeout", "not a duration", "500ms"),
        ],
    );
    check(
        "models: {m: {provider: scripted, say: a, idle_timeout: 5s}}",
        &[(2, "models.m.idle_timeout", "doesn't have this", "remove the line")],
    );
}

#[test]
fn every_key_of_the_conversation_counts() {
    let config = good(
        "conversation:
  context: authorized
  agents_mention_agents: false
  hops_max: 2
  agent_messages_max: 3
  edit_window: 5m
  redact_answers: true
  late_after: 6m
  catch_up_max: 16
  attempts_max: 17
  turns_max: 7
  turns_reserved: 0
  turn_timeout: 8m
  steps_max: 9
  tool_calls_max: 10
  same_call_max: 11
  tokens_max: 12000
  lanes_active_max: 13
  lane_idle: 14s
  lane_waiting_max: 15",
    )
    .config;
    let expected = Conversations {
        context: Audience::Authorized,
        agents_mention_agents: false,
        hops_max: 2,
        agent_messages_max: 3,
        edit_window: Duration::from_mins(5),
        redact_answers: true,
        late_after: Duration::from_mins(6),
        catch_up_max: 16.try_into().unwrap(),
        attempts_max: 17,
        turns_max: 7.try_into().unwrap(),
        turns_reserved: 0,
        turn_timeout: Duration::from_mins(8),
        steps_max: 9,
        tool_calls_max: 10,
        same_call_max: 11,
        tokens_max: 12_000,
        lanes_active_max: 13.try_into().unwrap(),
        lane_idle: Duration::from_secs(14),
        lane_waiting_max: 15.try_into().unwrap(),
    };
    assert_eq!(config.conversation, expected);
}

/// Few answers at once must leave some for what agents ask each other.
#[test]
fn reserved_places_shrink_with_all_places() {
    let reserved = |text: &str| good(&format!("conversation: {text}")).config.conversation.turns_reserved;
    assert_eq!(reserved("{turns_max: 8}"), 2);
    assert_eq!(reserved("{turns_max: 1}"), 0);
    assert_eq!(reserved("{turns_max: 500}"), 8);
    assert_eq!(reserved("{turns_max: 8, turns_reserved: 7}"), 7);
}

#[test]
fn absurd_conversations_are_refused() {
    let one = |key: &str, value: &str, hint: &str| {
        let path = format!("conversation.{key}");
        check(&format!("conversation: {{{key}: {value}}}"), &[(2, &path, "out of range", hint)]);
    };
    one("hops_max", "0", "between 1 and 100");
    one("agent_messages_max", "0", "between 1 and 10000");
    one("edit_window", "0s", "between 1s and 30d");
    one("late_after", "31d", "between 1s and 30d");
    one("catch_up_max", "0", "between 1 and 10000");
    one("attempts_max", "0", "between 1 and 100");
    one("turns_max", "0", "between 1 and 1000");
    one("turns_reserved", "32", "between 0 and 31");
    one("turn_timeout", "0s", "between 1s and 1d");
    one("steps_max", "0", "between 1 and 1000");
    one("tool_calls_max", "0", "between 1 and 10000");
    one("same_call_max", "0", "between 1 and 1000");
    one("tokens_max", "999", "between 1000 and 1000000000");
    one("lanes_active_max", "0", "between 1 and 1000000");
    one("lane_idle", "0s", "between 1s and 1d");
    one("lane_waiting_max", "0", "between 1 and 100000");
    check(
        "conversation: {context: everybody, lane_idle: 60, hops: 4}",
        &[
            (2, "conversation.context", "\"everybody\" is not known", "one of: all, authorized"),
            (2, "conversation.lane_idle", "\"60\" has no unit", "write 60s for seconds"),
            (2, "conversation.hops", "not known", "known here"),
        ],
    );
    check(
        "conversation: {turns_max: 4, turns_reserved: 4}",
        &[(2, "conversation.turns_reserved", "out of range", "between 0 and 3")],
    );
}

#[test]
fn absurd_manners_are_refused() {
    check(
        "agents:
  a: {thread_mode: threads, streaming: true, placeholder_after: 1ms, edits_max: 0, show_tool_calls: 1}",
        &[
            (3, "agents.a.thread_mode", "\"threads\" is not known", "did you mean `thread`?"),
            (3, "agents.a.streaming", "\"true\" is not known", "one of: edits, final"),
            (3, "agents.a.placeholder_after", "out of range", "between 100ms and 10m"),
            (3, "agents.a.edits_max", "out of range", "between 1 and 500"),
            (3, "agents.a.show_tool_calls", "neither true nor false", "true or false"),
        ],
    );
    check(
        "defaults: {edits_max: 501, placeholder_after: soon}\nrouter: {timeout: 0s, handoff: loud}",
        &[
            (2, "defaults.edits_max", "out of range", "between 1 and 500"),
            (2, "defaults.placeholder_after", "not a duration", "500ms"),
            (3, "router.timeout", "out of range", "between 100ms and 2m"),
            (3, "router.handoff", "\"loud\" is not known", "one of: silent, message"),
        ],
    );
    check(
        "defaults: {streaming: edits, enable_streaming: false}",
        &[(2, "defaults.enable_streaming", "contradicts `streaming`", "one of the two")],
    );
    check(
        "agents: {a: {rooms: [lab]}}\nrooms: {lab: {thread_mode: room}}\nroom_thread_modes: {lab: thread, lob: room}",
        &[
            (3, "rooms.lab.thread_mode", "`room_thread_modes` says otherwise", "one of the two"),
            (4, "room_thread_modes.lob", "no room of this key", "did you mean \"lab\"?"),
        ],
    );
}

#[test]
fn unknown_tools_and_senses_are_refused() {
    check(
        "agents:
  a: {tools: [reacts, {time: {}}, teleport]}
defaults: {tools: [ask-persn]}",
        &[
            (3, "agents.a.tools[0]", "no tool \"reacts\"", "did you mean \"react\"?"),
            (3, "agents.a.tools[1]", "should be text", "write text"),
            (3, "agents.a.tools[2]", "no tool \"teleport\"", "there are time, read_thread, react"),
            (4, "defaults.tools[0]", "no tool \"ask-persn\"", "did you mean \"ask_person\"?"),
        ],
    );
    check(
        "models:
  m: {provider: scripted, say: a, vision: true}
  n: {provider: ollama, id: x, vision: maybe}",
        &[
            (3, "models.m.vision", "doesn't have this", "remove the line"),
            (4, "models.n.vision", "neither true nor false", "true or false"),
        ],
    );
}
