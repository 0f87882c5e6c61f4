//! A configuration that changes while everything runs.

use std::time::Duration;

use maitre::model::{Phase, Reload, ReloadOutcome, Secret};
use serde_json::json;
use tokio::time::sleep;

use crate::house::{Act, DEADLINE, Person, Post, Sort, Stub, View, shared, unique, wait_for};

use super::{
    hall::{Hall, config},
    stage::{Stage, topic},
};

/// What alpha is for in the hall's configuration.
pub(super) const ROLE: &str = "Writes and reviews Rust programs.";

/// A house of its own, and what it is configured with.
async fn hall(more: &str) -> (Hall, String) {
    let stub = Stub::start().await;
    let text = config(&stub) + more;
    (Hall::open(shared(), stub, &text).await, text)
}

impl Hall {
    /// Writes another configuration and waits until that came to something.
    pub(super) async fn reconfigure(&self, text: &str) -> Reload {
        let before = self.reloads().await;
        self.maitre.configure(text);
        self.reload_after(before).await
    }

    pub(super) async fn reloads(&self) -> Vec<Reload> {
        self.maitre.status().await.reloads
    }

    pub(super) async fn reload_after(&self, before: Vec<Reload>) -> Reload {
        wait_for("the configuration to be read", DEADLINE, async || {
            let reloads = self.reloads().await;
            if reloads == before { Err(reloads) } else { Ok(reloads[0].clone()) }
        })
        .await
    }

    /// The value of a metric.
    pub(super) async fn metric(&self, name: &str) -> f64 {
        let (_, text) = self.maitre.get("/metrics").await;
        let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap_or("x 0");
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }
}

/// Conversation 80. H1, H3, H4: another role is there for the next message. Nobody signs in or begins to listen anew for it, and
/// an answer that runs ends as it began.
#[tokio::test]
async fn another_role_is_live_for_the_next_message() {
    const STARTS: &str = "maitre_entity_transitions_total{phase=\"starting\"}";
    let (hall, text) = hall("").await;
    let mut stage = Stage::open_in(&hall, Sort::Open, &["alpha", "beta"]).await;
    let (long, before, after) = (topic(), topic(), topic());
    let (act, gate) = Act::held("It takes", " a while.");
    hall.stub.when_asks("beta", &[&long], act);
    for topic in [&before, &after] {
        hall.stub.when_asks("alpha", &[topic], Act::say(&format!("Yes, {topic}")));
    }
    stage.ask(&["beta"], &long).await;
    stage.growing("beta", "It takes").await;
    stage.ask(&["alpha"], &before).await;
    stage.answer("alpha", &format!("Yes, {before}")).await;
    let starts = hall.metric(STARTS).await;
    let reload = hall.reconfigure(&text.replace(ROLE, "Sings about Rust.")).await;
    assert_eq!(reload.outcome, ReloadOutcome::Applied, "{reload:?}");
    assert_eq!(reload.changes, ["~ agent alpha: role from its next answer on"]);
    stage.ask(&["alpha"], &after).await;
    stage.answer("alpha", &format!("Yes, {after}")).await;
    assert!(hall.stub.asked(&before)[0].system.contains(ROLE));
    assert!(hall.stub.asked(&after)[0].system.contains("Sings about Rust."));
    gate.open();
    stage.answer("beta", "It takes a while.").await;
    assert!((hall.metric(STARTS).await - starts).abs() < 0.5, "nobody signs in anew");
    assert_eq!(hall.stub.asked(&long).len(), 1, "the answer that ran was asked for once");
}

/// Conversation 81. H3, H4: who is added comes, is in its room and answers, and who is taken out ends what it is saying, leaves
/// and stops; a model comes with it. Nobody else notices.
#[tokio::test]
async fn agents_come_and_go_while_others_speak() {
    let admin = Person::new_admin(shared(), "ada").await;
    let room = "rooms: {\"den-{test}\": {}}\n";
    let (mut hall, text) = hall(room).await;
    let mut stage = Stage::open_in(&hall, Sort::Open, &["alpha", "beta"]).await;
    let (long, hello, last) = (topic(), topic(), topic());
    let (act, gate) = Act::held("It takes", " a while.");
    hall.stub.when_asks("beta", &[&long], act);
    stage.ask(&["beta"], &long).await;
    stage.growing("beta", "It takes").await;

    let delta = "agents:\n  delta: {role: Listens., model: delta, rooms: [\"den-{test}\"]}\n";
    let with = text.replace("agents:\n", delta).replace("models:\n", &format!("models:\n{}", hall.stub.model("delta")));
    let reload = hall.reconfigure(&with).await;
    assert_eq!(reload.outcome, ReloadOutcome::Applied, "{reload:?}");
    let user = hall.maitre.user("delta");
    let den = hall.maitre.room(&format!("den-{}", hall.maitre.test)).await;
    wait_for("delta to be ready", DEADLINE, async || {
        let status = hall.maitre.status().await;
        let delta = status.entities.into_iter().find(|entity| entity.name.as_str() == "delta");
        if delta.as_ref().is_some_and(|delta| delta.phase == Phase::Ready) { Ok(()) } else { Err(delta) }
    })
    .await;
    assert!(admin.inside(&den).await.contains(&user));
    stage.asker.invite(&stage.room.clone(), &user).await;
    hall.stub.when_asks("delta", &[&hello], Act::say("Here I am."));
    wait_for("delta to come in", DEADLINE, async || {
        let inside = admin.inside(&stage.room).await;
        if inside.contains(&user) { Ok(()) } else { Err(inside) }
    })
    .await;
    stage.ask(&["delta"], &hello).await;
    stage.answer("delta", "Here I am.").await;

    let (act, farewell) = Act::held("One more", " thing.");
    hall.stub.when_asks("delta", &[&last], act);
    stage.ask(&["delta"], &last).await;
    stage.growing("delta", "One more").await;
    let reload = hall.reconfigure(&text).await;
    assert_eq!(reload.outcome, ReloadOutcome::Applied, "{reload:?}");
    assert!(hall.maitre.status().await.entities.iter().all(|entity| entity.name.as_str() != "delta"));
    assert!(admin.inside(&den).await.contains(&user), "it stays as long as it speaks");
    farewell.open();
    stage.answer("delta", "One more thing.").await;
    wait_for("delta to leave", DEADLINE, async || {
        let inside = admin.inside(&den).await;
        if inside.contains(&user) { Err(inside) } else { Ok(()) }
    })
    .await;
    gate.open();
    stage.answer("beta", "It takes a while.").await;
    assert_eq!(hall.stub.asked(&long).len(), 1);
    drop(stage);
    assert!(hall.maitre.stop().await.success());
}

/// Conversation 84. H2: the admins' room is told what is wrong, with line and caret, and when it is mended.
#[tokio::test]
async fn admins_are_told_in_their_room() {
    let mut admin = Person::new_admin(shared(), "ada").await;
    let admins = format!(
        "admin_room: \"admins-{{test}}\"\nauthorization: {{global_users: [\"@friend-*:localhost\"], admins: [\"{}\"]}}\n",
        admin.user
    );
    let stub = Stub::start().await;
    let text = config(&stub).lines().filter(|line| !line.starts_with("authorization:")).collect::<Vec<_>>().join("\n");
    let text = format!("{text}\n{admins}");
    let hall = Hall::open(shared(), stub, &text).await;
    let room = hall.maitre.room(&format!("admins-{}", hall.maitre.test)).await;
    admin.join(&room).await.unwrap();
    let router = hall.maitre.user("router");
    let mut told = async |what: &str, words: &[&str]| {
        let is_it = |sender: &str, body: &str| sender == router && words.iter().all(|word| body.contains(word));
        let look = |view: &View| view.texts(&room).into_iter().any(|(sender, body)| is_it(sender, body)).then_some(());
        admin.wait_until(what, DEADLINE, look).await;
    };
    hall.reconfigure(&text.replace("mode: collaborate", "mood: collaborate")).await;
    told("the error", &["can't be used", "mood: collaborate", "^^^^", "config.yaml:"]).await;
    hall.reconfigure(&text).await;
    told("the mending", &["in order again"]).await;
    hall.reconfigure(&text.replace(ROLE, "Sings.")).await;
    told("the change", &["The configuration changed", "~ agent alpha: role"]).await;
}

/// Conversation 85. X11, X4, H1, H2: an admin has the file read, and is told what became of it; others may not. SIGHUP does it,
/// too.
#[tokio::test]
async fn admins_have_the_file_read() {
    let (hall, _) = hall("").await;
    let mut stage = Stage::open_in(&hall, Sort::Open, &["alpha"]).await;
    stage.say("!reload").await;
    stage.notice("router", &["for the admins of this house"]).await;
    let before = hall.reloads().await;
    assert!(before.is_empty(), "{before:?}");
    let mut admin = stage.guest("friend-admin").await;
    stage.post_by(&mut admin, &Post::text("!reload")).await;
    stage.notice("router", &["is being read"]).await;
    assert_eq!(hall.reload_after(before).await.outcome, ReloadOutcome::Unchanged);
    stage.post_by(&mut admin, &Post::text("!status")).await;
    stage.notice("router", &["Configuration: read", "it is what runs"]).await;
    let before = hall.reloads().await;
    hall.maitre.hang_up();
    assert_eq!(hall.reload_after(before).await.outcome, ReloadOutcome::Unchanged);
}

/// Conversation 86. H3, H4: agents are moved between rooms and rooms are renamed while somebody speaks, and all sync loops begin
/// anew where they were: what runs ends as it began, and what is asked meanwhile is answered once.
#[tokio::test]
async fn rooms_and_loops_change_while_somebody_speaks() {
    let admin = Person::new_admin(shared(), "ada").await;
    let rooms = "rooms: {\"den-{test}\": {name: Den}, \"yard-{test}\": {name: Yard}}\n";
    let (hall, text) = hall(rooms).await;
    let beta = "soup.\", model: beta";
    let inside = |key: &str| text.replace(beta, &format!("{beta}, rooms: [\"{key}-{{test}}\"]"));
    assert_ne!(inside("den"), text);
    assert_eq!(hall.reconfigure(&inside("den")).await.outcome, ReloadOutcome::Applied);
    let [den, yard] = ["den", "yard"].map(|key| format!("{key}-{}", hall.maitre.test));
    let (den, yard) = (hall.maitre.room(&den).await, hall.maitre.room(&yard).await);
    let user = hall.maitre.user("beta");
    let is_inside = async |room: &str, wanted: bool| {
        wait_for("beta to be where it belongs", DEADLINE, async || {
            let inside = admin.inside(room).await;
            if inside.contains(&user) == wanted { Ok(()) } else { Err(inside) }
        })
        .await;
    };
    is_inside(&den, true).await;
    let mut stage = Stage::open_in(&hall, Sort::Open, &["alpha", "beta"]).await;
    let (long, meanwhile) = (topic(), topic());
    let (act, gate) = Act::held("It takes", " a while.");
    hall.stub.when_asks("beta", &[&long], act);
    hall.stub.when_asks("alpha", &[&meanwhile], Act::say("At once."));
    stage.ask(&["beta"], &long).await;
    stage.growing("beta", "It takes").await;

    let named = "model: alpha, display_name: \"Al Pha\",";
    let moved = inside("yard").replace("name: Den", "name: Cave").replace("model: alpha,", named);
    assert_eq!(hall.reconfigure(&moved).await.outcome, ReloadOutcome::Applied);
    is_inside(&yard, true).await;
    is_inside(&den, false).await;
    wait_for("the new name", DEADLINE, async || {
        let name = admin.state_in(&den, "m.room.name").await.unwrap_or_default();
        if name["name"] == "Cave" { Ok(()) } else { Err(name) }
    })
    .await;

    wait_for("the new name of alpha", DEADLINE, async || {
        let profile =
            admin.api.get(&format!("/_matrix/client/v3/profile/{}", hall.maitre.user("alpha"))).await.unwrap();
        if profile["displayname"] == "Al Pha" { Ok(()) } else { Err(profile) }
    })
    .await;

    let whole = std::fs::read_to_string(hall.maitre.config()).unwrap();
    let before = hall.reloads().await;
    std::fs::write(hall.maitre.config(), whole.replace("sync_timeout: 30s", "sync_timeout: 20s")).unwrap();
    let reload = hall.reload_after(before).await;
    assert_eq!(reload.changes, ["~ homeserver: every sync loop begins anew, where it was"]);
    stage.ask(&["alpha"], &meanwhile).await;
    stage.answer("alpha", "At once.").await;
    gate.open();
    stage.answer("beta", "It takes a while.").await;
    assert_eq!((hall.stub.asked(&long).len(), hall.stub.asked(&meanwhile).len()), (1, 1));
    for entity in ["router", "alpha", "beta"] {
        assert_eq!(admin.devices_of(&hall.maitre.user(entity)).await.len(), 1, "{entity} is on the same device");
    }
}

/// Conversation 82. H2, H5, H6: what is broken, can't change or doesn't work changes nothing, and it is told what it was; once it
/// is mended, it counts.
#[tokio::test]
async fn what_does_not_work_changes_nothing() {
    let (hall, text) = hall("").await;
    let mut stage = Stage::open_in(&hall, Sort::Open, &["alpha"]).await;
    let sings = text.replace(ROLE, "Sings.");
    let broken = hall.reconfigure(&sings.replace("mode: collaborate", "mood: collaborate")).await;
    assert_eq!((broken.outcome, broken.reasons.len()), (ReloadOutcome::Invalid, 1), "{broken:?}");
    assert!(broken.reasons[0].contains("mood"), "{broken:?}");
    let refused = hall.reconfigure(&format!("{sings}conversation: {{turns_max: 3}}\n")).await;
    assert_eq!(refused.outcome, ReloadOutcome::Refused);
    assert!(refused.reasons[0].starts_with("conversation.turns_max "), "{refused:?}");
    // Somebody else has that name, with a password that nobody told us.
    let name = format!("eve-{}", hall.maitre.test);
    shared().registrar().register(&name, &Secret::new("nobody knows")).await.unwrap();
    let eve = sings.replace("agents:\n", "agents:\n  eve: {role: Is somebody else., model: alpha}\n");
    let undone = hall.reconfigure(&eve).await;
    assert_eq!(undone.outcome, ReloadOutcome::RolledBack, "{undone:?}");
    assert!(undone.reasons[0].starts_with("signing eve in failed"), "{undone:?}");
    let first = topic();
    hall.stub.when_asks("alpha", &[&first], Act::say("Yes."));
    stage.ask(&["alpha"], &first).await;
    stage.answer("alpha", "Yes.").await;
    assert!(hall.stub.asked(&first)[0].system.contains(ROLE), "it is as it was");
    assert!(hall.maitre.status().await.entities.iter().all(|entity| entity.name.as_str() != "eve"));
    let said = String::from_utf8(hall.maitre.say(&["status"]).await.stdout).unwrap();
    assert!(said.contains("configuration: rolled back") && said.contains("signing eve in failed"), "{said}");
    assert_eq!(hall.reconfigure(&text).await.outcome, ReloadOutcome::Unchanged);
    assert_eq!(hall.reconfigure(&sings).await.outcome, ReloadOutcome::Applied);
}

/// Conversation 87. H5: where one of two new rooms can't be entered, the other one is left again; once that is mended, it is
/// entered.
#[tokio::test]
async fn what_was_done_for_nothing_is_undone() {
    let ada = Person::new_admin(shared(), "ada").await;
    let (hall, text) = hall("").await;
    let (alias, router) = (unique("plaza"), hall.maitre.user("router"));
    let plaza = ada.create_room(json!({ "preset": "public_chat", "room_alias_name": alias })).await;
    let rooms = |more: &str| format!("{text}rooms: {{\"#{alias}:localhost\": {{}}{more}}}\n");
    let undone = hall.reconfigure(&rooms(", \"#zzz-nowhere:localhost\": {}")).await;
    assert_eq!(undone.outcome, ReloadOutcome::RolledBack, "{undone:?}");
    assert!(undone.reasons[0].starts_with("room #zzz-nowhere:localhost failed"), "{undone:?}");
    let members = ada.memberships_in(&plaza).await;
    assert_eq!(members.get(&router).map(String::as_str), Some("leave"), "it was there, and left: {members:?}");
    assert!(hall.maitre.status().await.rooms.is_empty());
    assert_eq!(hall.reconfigure(&rooms("")).await.outcome, ReloadOutcome::Applied);
    assert!(ada.inside(&plaza).await.contains(&router));
}

/// What a program holds.
#[derive(Debug)]
struct Held {
    tasks: f64,
    descriptors: f64,
    connections: usize,
    processes: usize,
}

impl Held {
    async fn by(hall: &Hall) -> Self {
        let folder = format!("/proc/{}", hall.maitre.pid().as_raw_nonzero());
        let open = std::fs::read_dir(format!("{folder}/fd")).unwrap();
        let leads_out = |entry: std::io::Result<std::fs::DirEntry>| {
            let target = std::fs::read_link(entry.ok()?.path()).ok()?;
            target.to_str()?.starts_with("socket:").then_some(())
        };
        let children =
            std::fs::read_to_string(format!("{folder}/task/{}/children", hall.maitre.pid().as_raw_nonzero()));
        Self {
            tasks: hall.metric("maitre_tasks").await,
            descriptors: hall.metric("process_open_fds").await,
            connections: open.filter_map(leads_out).count(),
            processes: 1 + children.unwrap().split_whitespace().count(),
        }
    }

    /// Whether it is no more than `before`. A pool keeps some connections for whoever asks next.
    fn is_within(&self, before: &Self) -> bool {
        self.tasks < before.tasks + 0.5
            && self.descriptors < before.descriptors + 4.5
            && self.connections <= before.connections + 4
            && self.processes == before.processes
    }
}

/// Conversation 83. H1, H2: saved again and again, right and wrong, the house ends with what was saved last, and nothing grows.
#[tokio::test]
async fn many_saves_end_with_the_last_one() {
    const MEMORY: &str = "process_resident_memory_bytes";
    let (hall, text) = hall("").await;
    let mut stage = Stage::open_in(&hall, Sort::Open, &["alpha"]).await;
    let role = |number: usize| text.replace(ROLE, &format!("Counts to {number}."));
    hall.reconfigure(&role(0)).await;
    let first = topic();
    stage.ask(&["alpha"], &first).await;
    stage.answer("alpha", "(no rule)").await;
    let (before, pid) = (Held::by(&hall).await, hall.maitre.pid());
    let mut memory = 0.0;
    for number in 1..=200 {
        let text = role(number);
        // The last one is right.
        let text = if number % 2 == 1 { text.replace("mode: coordinate", "mode: nonsense") } else { text };
        hall.maitre.configure(&text);
        if number == 50 {
            memory = hall.metric(MEMORY).await;
        }
        // The pace at which somebody saves.
        sleep(Duration::from_millis(50)).await;
    }
    wait_for("the last role to be in use", DEADLINE, async || {
        let topic = topic();
        stage.ask(&["alpha"], &topic).await;
        let system = hall.stub.wait_asked(&topic, 1).await[0].system.clone();
        if system.contains("Counts to 200.") { Ok(()) } else { Err(system) }
    })
    .await;
    // It is in use a moment before it is told.
    wait_for("that to be told", DEADLINE, async || {
        let newest = hall.reloads().await[0].clone();
        if newest.outcome == ReloadOutcome::Applied { Ok(()) } else { Err(newest) }
    })
    .await;
    wait_for("nothing to be left over", DEADLINE, async || {
        let held = Held::by(&hall).await;
        if held.is_within(&before) { Ok(()) } else { Err(held) }
    })
    .await;
    let grown = hall.metric(MEMORY).await / memory;
    println!("{before:?}, then {:?}; memory {grown:.3} of the fiftieth save", Held::by(&hall).await);
    assert!(grown <= 1.05, "{grown} of the memory at the fiftieth save");
    assert_eq!(hall.maitre.pid(), pid);
}
