//! Each fact's level, message and metric.

use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer, Registry,
    layer::{Context, SubscriberExt as _},
};

use super::{super::recorder::builder, *};
use crate::model::{
    Admitted, Departure, EntityName, EventId, ReloadOutcome, Responder, RoomId, RoomKey, SealedCause, TurnId, UserId,
};

/// One line of the log.
#[derive(Debug, Clone, Default, PartialEq)]
struct Line {
    level: Option<Level>,
    message: String,
    fields: Vec<(String, String)>,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            name => self.fields.push((name.to_owned(), format!("{value:?}"))),
        }
    }
}

#[derive(Clone, Default)]
struct Capture(Arc<Mutex<Vec<Line>>>);

impl<S: Subscriber> Layer<S> for Capture {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line { level: Some(*event.metadata().level()), ..Line::default() };
        event.record(&mut line);
        self.0.lock().unwrap().push(line);
    }
}

/// What `emit` logs, and what it counts, in the words of Prometheus.
fn observed(emit: impl FnOnce()) -> (Vec<Line>, Vec<String>) {
    let capture = Capture::default();
    let recorder = builder().build_recorder();
    let subscriber = Registry::default().with(capture.clone());
    tracing::subscriber::with_default(subscriber, || metrics::with_local_recorder(&recorder, emit));
    let counted = recorder.handle().render().lines().map(str::to_owned).collect();
    let lines = capture.0.lock().unwrap().clone();
    (lines, counted)
}

#[track_caller]
fn check(emit: impl FnOnce(), level: Level, message: &str, counted: &[&str]) {
    let (lines, text) = observed(emit);
    assert_eq!(lines.len(), 1, "one line each: {lines:?}");
    assert_eq!((lines[0].level, lines[0].message.as_str()), (Some(level), message));
    for expected in counted {
        assert!(text.iter().any(|line| line == expected), "{message}: no {expected} in {text:?}");
    }
    if counted.is_empty() {
        assert_eq!(text, [""; 0], "{message} counts nothing");
    }
}

struct Ids {
    entity: EntityName,
    user: UserId,
    room: RoomId,
    key: RoomKey,
    event: EventId,
}

fn ids() -> Ids {
    Ids {
        entity: EntityName::parse("ada").unwrap(),
        user: UserId::parse("@ada:home").unwrap(),
        room: RoomId::parse("!lobby").unwrap(),
        key: RoomKey::parse("lobby").unwrap(),
        event: EventId::parse("$1").unwrap(),
    }
}

#[test]
fn facts_about_entities() {
    let Ids { entity, user, .. } = &ids();
    let (took, delay, reason) = (Duration::from_millis(40), Duration::from_secs(5), "no answer");
    let error = &fmt::Error;
    let to = |phase: &str| format!("maitre_entity_transitions_total{{to=\"{phase}\"}} 1");
    let phase = |emit: &dyn Fn(), level, message, to_phase: &str| check(emit, level, message, &[&to(to_phase)]);
    phase(&|| EntityStarting { entity }.emit(), Level::DEBUG, "entity starting", "starting");
    phase(&|| EntityReady { entity, user, took }.emit(), Level::INFO, "entity ready", "ready");
    let backing_off = || EntityBackingOff { entity, attempt: 1, delay, reason }.emit();
    phase(&backing_off, Level::WARN, "entity backing off", "backing_off");
    phase(&|| EntityDown { entity, reason, retry_in: delay }.emit(), Level::ERROR, "entity down", "down");
    phase(&|| EntityStopped { entity }.emit(), Level::DEBUG, "entity stopped", "stopped");
    let registered = || AccountRegistered { entity, user }.emit();
    check(registered, Level::INFO, "account registered", &["maitre_accounts_registered_total 1"]);
    let deactivated = || AccountDeactivated { entity, user }.emit();
    check(deactivated, Level::INFO, "account deactivated", &["maitre_accounts_deactivated_total 1"]);
    let refreshed = || TokensRefreshed { entity }.emit();
    check(refreshed, Level::DEBUG, "tokens refreshed", &["maitre_tokens_refreshed_total 1"]);
    let foreign = &["maitre_identities_foreign_total 1"];
    check(|| IdentityForeign { entity }.emit(), Level::WARN, "key backup made by another client", foreign);
    let failed = &["maitre_sync_failures_total{kind=\"failed\"} 1"];
    check(|| SyncFailed { entity, error }.emit(), Level::WARN, "sync failed", failed);
    let stalled = &["maitre_sync_failures_total{kind=\"stalled\"} 1"];
    check(|| SyncStalled { entity, silent_for: took }.emit(), Level::WARN, "sync stalled", stalled);
}

#[test]
fn facts_about_intake() {
    let Ids { entity, room, event, .. } = &ids();
    let admitted = Admitted { fresh: 3, known: 2, healed: 1, due: 3 };
    check(
        || BatchAdmitted { entity, admitted, took: Duration::from_millis(7) }.emit(),
        Level::DEBUG,
        "batch admitted",
        &[
            "maitre_batches_admitted_total 1",
            "maitre_events_admitted_total{kind=\"fresh\"} 3",
            "maitre_events_admitted_total{kind=\"known\"} 2",
            "maitre_events_admitted_total{kind=\"healed\"} 1",
            "maitre_admission_seconds_bucket{le=\"0.005\"} 0",
            "maitre_admission_seconds_bucket{le=\"0.01\"} 1",
        ],
    );
    let failed = &["maitre_admission_failures_total 1"];
    check(|| AdmissionFailed { entity, error: &fmt::Error }.emit(), Level::ERROR, "admission failed", failed);
    let closed = &["maitre_gaps_total{outcome=\"closed\"} 1"];
    check(|| GapClosed { entity, room, pages: 2 }.emit(), Level::INFO, "gap closed", closed);
    let given_up = &["maitre_gaps_total{outcome=\"given_up\"} 1"];
    check(|| GapBeyondBounds { entity, room, pages: 50 }.emit(), Level::ERROR, "gap beyond bounds", given_up);
    for (cause, word) in [
        (SealedCause::KeyMissing, "key_missing"),
        (SealedCause::KeyWithheld, "key_withheld"),
        (SealedCause::Broken, "broken"),
    ] {
        let counted = format!("maitre_events_sealed_total{{cause=\"{word}\"}} 1");
        check(|| EventSealed { entity, room, event, cause }.emit(), Level::WARN, "event sealed", &[&counted]);
    }
    check(|| EventHealed { entity, room, event }.emit(), Level::INFO, "event healed", &[]);
}

#[test]
fn facts_about_rooms() {
    let Ids { entity, user, room, key, .. } = &ids();
    let error = &fmt::Error;
    let action = |emit: &dyn Fn(), level, message, action: &str| {
        check(emit, level, message, &[&format!("maitre_room_actions_total{{action=\"{action}\"}} 1")]);
    };
    action(&|| RoomCreated { entity, key, room }.emit(), Level::INFO, "room created", "created");
    action(&|| RoomJoined { entity, room }.emit(), Level::INFO, "room joined", "joined");
    action(&|| RoomLeft { entity, room }.emit(), Level::INFO, "room left", "left");
    action(&|| MemberInvited { entity, user, room }.emit(), Level::INFO, "member invited", "member_invited");
    action(&|| RoomWelcomed { entity, room }.emit(), Level::INFO, "room welcomed", "welcomed");
    action(&|| RoomUpgraded { room, successor: room }.emit(), Level::INFO, "room upgraded", "upgraded");
    action(&|| RoomTroubled { key: key.as_str(), error }.emit(), Level::WARN, "room troubled", "troubled");
    action(&|| ErrandFailed { errand: "follow", error }.emit(), Level::WARN, "errand failed", "errand_failed");
    for (how, level, word) in [
        (Departure::Left, Level::INFO, "left"),
        (Departure::Kicked, Level::WARN, "kicked"),
        (Departure::Banned, Level::WARN, "banned"),
    ] {
        let counted = format!("maitre_departures_total{{how=\"{word}\"}} 1");
        check(|| EntityDeparted { entity, room, how, by: Some(user) }.emit(), level, "entity departed", &[&counted]);
    }
    let refused = &["maitre_plaintext_refused_total 1"];
    check(|| PlaintextRefused { entity, room }.emit(), Level::WARN, "plaintext refused", refused);
}

#[test]
fn facts_about_invites() {
    let Ids { entity, user: by, room, .. } = &ids();
    let (delay, error, reason) = (Duration::from_secs(1), &fmt::Error, "not authorized");
    let outcome = |emit: &dyn Fn(), level, message, outcome: &str| {
        check(emit, level, message, &[&format!("maitre_invites_total{{outcome=\"{outcome}\"}} 1")]);
    };
    outcome(&|| InviteAccepted { entity, room, by }.emit(), Level::INFO, "invite accepted", "accepted");
    outcome(&|| InviteDeclined { entity, room, by, reason }.emit(), Level::INFO, "invite declined", "declined");
    let retried = || InviteRetried { entity, room, attempt: 1, delay, error }.emit();
    outcome(&retried, Level::WARN, "invite retried", "retried");
}

#[test]
fn facts_about_models() {
    let counted = |outcome: &str| format!("maitre_model_troubles_total{{model=\"fast\",outcome=\"{outcome}\"}} 1");
    let retried = || ModelRetried { model: "fast", error: &fmt::Error, pause: Duration::from_secs(1) }.emit();
    check(retried, Level::WARN, "model retried", &[&counted("retried")]);
    let fell_back = || ModelFellBack { model: "fast", to: "local", error: &fmt::Error }.emit();
    check(fell_back, Level::WARN, "model fell back", &[&counted("fell_back")]);
    let paused = || ModelPaused { model: "fast", pause: Duration::from_secs(10) }.emit();
    check(paused, Level::WARN, "model paused", &[&counted("paused")]);
}

#[test]
fn facts_about_the_house() {
    let loaded = || ConfigLoaded { file: "config.yaml".as_ref(), entities: 3, rooms: 2, warnings: 0 }.emit();
    check(loaded, Level::INFO, "config loaded", &["maitre_config_loads_total 1"]);
    let warned = || ConfigWarned { warning: "config.yaml:3:1: voice: not supported" }.emit();
    check(warned, Level::WARN, "config warned", &["maitre_config_warnings_total 1"]);
    let changes = ["~ timezone: from the next message on".to_owned()];
    let applied = || ConfigReloaded { outcome: ReloadOutcome::Applied, changes: &changes, reasons: &[] }.emit();
    check(applied, Level::INFO, "config reloaded", &["maitre_config_reloads_total{outcome=\"applied\"} 1"]);
    let reasons = ["config.yaml:3:1: wrong".to_owned()];
    let invalid = || ConfigReloaded { outcome: ReloadOutcome::Invalid, changes: &[], reasons: &reasons }.emit();
    check(invalid, Level::WARN, "config kept", &["maitre_config_reloads_total{outcome=\"invalid\"} 1"]);
    let address = ([127, 0, 0, 1], 8765).into();
    check(|| HttpListening { address, guarded: false }.emit(), Level::INFO, "http listening", &[]);
    check(|| LimitKept { error: &fmt::Error }.emit(), Level::WARN, "limit kept", &[]);
    check(|| StatusIncomplete { error: &fmt::Error }.emit(), Level::WARN, "status incomplete", &[]);
    let url = "http://localhost:8008";
    let waiting = || HomeserverWaiting { url, reason: "connection refused" }.emit();
    check(waiting, Level::WARN, "homeserver waiting", &["maitre_homeserver_up 0"]);
    let back = || HomeserverBack { url, waited: Duration::from_secs(3) }.emit();
    check(back, Level::INFO, "homeserver back", &["maitre_homeserver_up 1"]);
    check(|| SignalReceived { signal: "SIGTERM" }.emit(), Level::INFO, "signal received", &[]);
    check(|| ShutdownBegan { cause: "SIGTERM" }.emit(), Level::INFO, "shutdown began", &[]);
    check(|| ShutdownForced { cause: "grace over" }.emit(), Level::WARN, "shutdown forced", &[]);
    check(|| ShutdownDone { uptime: Duration::from_mins(1) }.emit(), Level::INFO, "shutdown done", &[]);
    let died = || TaskDied { name: "desk", panic: Some("broke") }.emit();
    check(died, Level::ERROR, "task died", &["maitre_task_deaths_total 1"]);
}

#[test]
fn ids_are_fields_and_an_absent_one_is_left_out() {
    let Ids { entity, user, room, .. } = &ids();
    let fields = |by| {
        let (lines, _) = observed(|| EntityDeparted { entity, room, how: Departure::Kicked, by }.emit());
        lines[0].fields.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
    };
    assert_eq!(fields(None), ["entity=ada", "room=!lobby", "how=\"kicked\""]);
    assert_eq!(fields(Some(user)), ["entity=ada", "room=!lobby", "how=\"kicked\"", "by=@ada:home"]);
}

#[test]
fn minds_at_work() {
    let turn = &TurnId::parse("0123").unwrap();
    let agent = &ids().entity;
    let failed = || AnswerFailed { turn, agent, model: Some("big"), told: "No.", error: Some(&fmt::Error) }.emit();
    check(failed, Level::WARN, "answer failed", &["maitre_answers_failed_total{agent=\"ada\"} 1"]);
    let used = || ToolUsed { turn, agent, tool: "time", took: Duration::from_millis(5) }.emit();
    check(used, Level::DEBUG, "tool used", &["maitre_tools_used_total{tool=\"time\"} 1"]);
    let summarised = || ConversationSummarised { turn, agent, messages: 9 }.emit();
    check(summarised, Level::INFO, "conversation summarised", &[]);
    let lessened = || AnswerLessened { turn, agent, what: "its memory", error: &fmt::Error }.emit();
    check(lessened, Level::WARN, "answer lessened", &[]);
}

#[test]
fn facts_about_skills() {
    let skill = "minutes";
    let read = || SkillRead { skill, file: Path::new("/skills/minutes/SKILL.md") }.emit();
    check(read, Level::DEBUG, "skill read", &["maitre_skills_read_total{outcome=\"read\"} 1"]);
    let broken = || SkillBroken { skill, problems: "SKILL.md:2:1: no", kept: true }.emit();
    check(broken, Level::WARN, "skill broken", &["maitre_skills_read_total{outcome=\"broken\"} 1"]);
    check(|| SkillGone { skill }.emit(), Level::WARN, "skill gone", &[]);
    check(|| SkillsUnseen { error: &fmt::Error }.emit(), Level::WARN, "skills unseen", &[]);
}

#[test]
fn deliveries_that_fail() {
    let (entity, room) = (&ids().entity, &RoomId::parse("!lobby").unwrap());
    let again = || DeliveryRetried { entity, room, tries: 2, pause: Duration::from_secs(1), error: &fmt::Error }.emit();
    check(again, Level::WARN, "delivery retried", &["maitre_delivery_troubles_total{outcome=\"retried\"} 1"]);
    let failed = || DeliveryFailed { entity, room, what: "turn 0123", error: &fmt::Error }.emit();
    check(failed, Level::ERROR, "delivery failed", &["maitre_delivery_troubles_total{outcome=\"failed\"} 1"]);
    let lost = || OutboxFailed { error: &fmt::Error }.emit();
    check(lost, Level::ERROR, "outbox failed", &["maitre_outbox_failures_total 1"]);
}

#[test]
fn facts_about_lanes() {
    let Ids { entity, room, event, .. } = &ids();
    let error = &fmt::Error;
    let responder = &Responder::One(entity.clone());
    let refused = || MessageRefused { room, event, responder }.emit();
    check(refused, Level::WARN, "message refused", &["maitre_lane_troubles_total{what=\"refused\"} 1"]);
    let unsaved = || TurnUnsaved { what: "t", step: "end", error }.emit();
    check(unsaved, Level::ERROR, "turn not saved", &["maitre_lane_troubles_total{what=\"unsaved\"} 1"]);
    let routed = || MessageRouted { room, event, by: "words" }.emit();
    check(routed, Level::INFO, "message routed", &["maitre_messages_routed_total{by=\"words\"} 1"]);
    let failed = || RoutingFailed { model: "m", error }.emit();
    check(failed, Level::WARN, "routing model failed", &["maitre_routing_failures_total 1"]);
    let troubled = || TeamTroubled { turn: "t", step: "plan", error }.emit();
    check(troubled, Level::WARN, "team troubled", &["maitre_team_troubles_total{step=\"plan\"} 1"]);
}

#[test]
fn facts_about_the_store() {
    check(|| StoreSwept { rows: 7 }.emit(), Level::INFO, "store swept", &[]);
    check(|| SweepFailed { error: &fmt::Error }.emit(), Level::WARN, "sweep failed", &[]);
}

#[test]
fn facts_about_the_desk() {
    let Ids { room, event, .. } = &ids();
    let decided = || MessageDecided { room, event, rule: "W3" }.emit();
    check(decided, Level::DEBUG, "message decided", &["maitre_messages_decided_total{rule=\"W3\"} 1"]);
    let failed = || SettlementFailed { error: &fmt::Error }.emit();
    check(failed, Level::WARN, "settlement failed", &["maitre_desk_troubles_total{outcome=\"retried\"} 1"]);
    let broken = || EventBroken { room, event, panic: "oh" }.emit();
    check(broken, Level::ERROR, "event put aside", &["maitre_desk_troubles_total{outcome=\"put_aside\"} 1"]);
}
