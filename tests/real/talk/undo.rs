//! A configuration that asks for something that doesn't work: wherever it fails, everything is as it was.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use maitre::model::ReloadOutcome;
use rusqlite::Connection;
use serde_json::json;

use crate::house::{Act, DEADLINE, Person, Proxy, Sort, Stub, shared, unique, wait_for};

use super::{
    hall::{Hall, config},
    reload::ROLE,
    stage::{Stage, topic},
};

/// What a house is, as far as a reload could change it.
#[derive(Debug, PartialEq)]
struct Picture {
    /// Who is up, and how.
    entities: BTreeMap<String, String>,
    /// The rooms that each of them is in.
    inside: BTreeMap<String, BTreeSet<String>>,
    /// The rooms that the configuration names, as the status has them.
    rooms: Vec<String>,
    /// The same as the program has written them down.
    written: Vec<(String, String)>,
}

impl Picture {
    async fn of(hall: &Hall, admin: &Person) -> Self {
        let status = hall.maitre.status().await;
        let mut inside = BTreeMap::new();
        for name in ["router", "alpha", "beta"] {
            inside.insert(name.to_owned(), admin.rooms_of(&hall.maitre.user(name)).await);
        }
        let entities = status.entities.iter().map(|entity| (entity.name.to_string(), format!("{:?}", entity.phase)));
        let rooms = status.rooms.iter().map(|room| room.key.clone());
        Self { entities: entities.collect(), inside, rooms: rooms.collect(), written: hall.maitre.journal().managed() }
    }
}

impl Hall {
    /// Has the program fail to write down what this condition is true of, in a table of its database.
    fn lock_table(&self, event: &str, condition: &str) {
        self.database(&format!(
            "CREATE TRIGGER told_so BEFORE {event} WHEN {condition} BEGIN SELECT RAISE(ABORT, 'told so by a test'); END"
        ));
    }

    fn database(&self, sql: &str) {
        let database = Connection::open(self.maitre.state().join("maitre.db")).unwrap();
        database.busy_timeout(DEADLINE).unwrap();
        database.execute_batch(sql).unwrap();
    }
}

impl Stage<'_> {
    /// Has alpha answer something. Gives what it was told about itself.
    async fn role(&mut self) -> String {
        let question = topic();
        let answer = format!("Yes, {question}");
        self.stub().when_asks("alpha", &[&question], Act::say(&answer));
        self.ask(&["alpha"], &question).await;
        self.answer("alpha", &answer).await;
        self.stub().asked(&question)[0].system.clone()
    }
}

/// What fails: requests of this sort, or what is to be written into the database.
#[derive(Debug)]
enum Failing {
    Requests(Method, String),
    Writing(&'static str, String),
}

/// What is asked for all at once, and nothing of it is there: an agent, a model, and rooms.
struct Wanted {
    /// An open room of somebody else, by its id.
    yard: String,
    /// Another one, by its alias.
    plaza: String,
    /// One that is to be made.
    den: String,
}

impl Wanted {
    async fn new(hall: &Hall, admin: &Person) -> Self {
        let (name, den) = (unique("plaza"), format!("den-{}", hall.maitre.test));
        admin.create_room(json!({ "preset": "public_chat", "room_alias_name": name })).await;
        let yard = admin.create_room(json!({ "preset": "public_chat" })).await;
        Self { yard, plaza: format!("#{name}:localhost"), den }
    }

    /// The configuration `text` with all of it, and one more room.
    fn text(&self, text: &str, hall: &Hall, more: &str) -> String {
        let Self { yard, plaza, den } = self;
        let eve = format!("agents:\n  eve: {{role: Is new., model: alpha, rooms: [\"{den}\"]}}\n");
        let models = format!("models:\n{}", hall.stub.model("fresh"));
        let text = text.replace(ROLE, "Sings.").replace("agents:\n", &eve).replace("models:\n", &models);
        format!("{text}rooms: {{\"{yard}\": {{}}, \"{plaza}\": {{}}, \"{den}\": {{}}{more}}}\n")
    }

    /// Every step that can fail, each with what is said then.
    fn faults(&self) -> [(Failing, String); 11] {
        let Self { yard, plaza, den } = self;
        // As it stands in a path.
        let local = |id: &str| id[1..].split(':').next().unwrap_or_default().to_owned();
        let requests = |method: Method, part: &str| Failing::Requests(method, part.to_owned());
        let saved = |key: &str| Failing::Writing("INSERT ON rooms", format!("NEW.key = '{key}'"));
        let (eve, room) = (|| "signing eve in".to_owned(), |key: &str| format!("room {key}"));
        [
            (Failing::Writing("INSERT ON accounts", "NEW.entity = 'eve'".to_owned()), eve()),
            (requests(Method::POST, "/register"), eve()),
            (requests(Method::POST, "/v3/login"), eve()),
            (Failing::Writing("INSERT ON accounts", "NEW.access_token IS NOT NULL".to_owned()), eve()),
            (requests(Method::POST, &local(yard)), room(yard)),
            (saved(yard), room(yard)),
            (requests(Method::GET, &local(plaza)), room(plaza)),
            (requests(Method::POST, &local(plaza)), room(plaza)),
            (saved(plaza), room(plaza)),
            (requests(Method::GET, den), room(den)),
            (requests(Method::POST, "/createRoom"), room(den)),
        ]
    }
}

/// H2, H5: a fault at each step of what is tried before anything changes: an account is made and logged in, other people's rooms
/// are found, entered and written down, one of ours is looked for and made. Each time everything is as it was: who is up, who is
/// in which room, also where the router had been asked in before, what is written down, how many tasks there are, and what
/// agents are for. Once nothing fails any more, the same file counts; and taken back, the old one.
#[tokio::test]
async fn wherever_it_fails_everything_is_as_it_was() {
    let admin = Person::new_admin(shared(), "ada").await;
    let proxy = Proxy::start(shared()).await;
    let stub = Stub::start().await;
    let text = config(&stub);
    let hall = Hall::open(&proxy.site, stub, &text).await;
    let mut stage = Stage::open_in(&hall, Sort::Open, &["alpha"]).await;
    let wanted = Wanted::new(&hall, &admin).await;
    // The router is in there since somebody asked it in.
    let with_guests = wanted.text(&text, &hall, &format!(", \"{}\": {{}}", stage.room));
    // Some tasks begin with the first answer, and last.
    assert!(stage.role().await.contains(ROLE));
    let (was, tasks) = (Picture::of(&hall, &admin).await, hall.metric("maitre_tasks").await);
    for (failing, step) in &wanted.faults() {
        match failing {
            Failing::Requests(method, part) => proxy.forbid(method.clone(), part),
            Failing::Writing(event, condition) => hall.lock_table(event, condition),
        }
        let reload = hall.reconfigure(&with_guests).await;
        assert_eq!(reload.outcome, ReloadOutcome::RolledBack, "{failing:?}: {reload:?}");
        assert!(reload.reasons[0].starts_with(&format!("{step} failed: ")), "{failing:?}: {reload:?}");
        match failing {
            Failing::Requests(..) => assert!(proxy.refused() > 0, "{failing:?}"),
            Failing::Writing(..) => hall.database("DROP TRIGGER told_so"),
        }
        proxy.heal();
        wait_for(&format!("everything to be as it was, {failing:?}"), DEADLINE, async || {
            let now = (Picture::of(&hall, &admin).await, hall.metric("maitre_tasks").await);
            if now.0 == was && now.1 < tasks + 0.5 { Ok(()) } else { Err(now) }
        })
        .await;
        assert!(stage.role().await.contains(ROLE), "{failing:?}");
        assert_eq!(hall.reconfigure(&text).await.outcome, ReloadOutcome::Unchanged, "{failing:?}");
    }

    let reload = hall.reconfigure(&wanted.text(&text, &hall, "")).await;
    assert_eq!(reload.outcome, ReloadOutcome::Applied, "{reload:?}");
    let den = hall.maitre.journal().managed().into_iter().find(|(key, _)| *key == wanted.den).unwrap().1;
    let user = hall.maitre.user("eve");
    let is_inside = async |expected: bool| {
        wait_for("eve to come or go", DEADLINE, async || {
            let inside = admin.inside(&den).await;
            if inside.contains(&user) == expected { Ok(()) } else { Err(inside) }
        })
        .await;
    };
    is_inside(true).await;
    assert!(admin.inside(&wanted.yard).await.contains(&hall.maitre.user("router")));
    assert_eq!(hall.reconfigure(&text).await.outcome, ReloadOutcome::Applied);
    is_inside(false).await;
    let now = Picture::of(&hall, &admin).await;
    assert_eq!((now.entities, now.rooms), (was.entities, was.rooms));
}

/// H3: what is done after everything was tried, and needs the homeserver, is done again until it works: a room's new name, and
/// an agent's.
#[tokio::test]
async fn names_are_shown_once_the_homeserver_is_back() {
    let admin = Person::new_admin(shared(), "ada").await;
    let proxy = Proxy::start(shared()).await;
    let stub = Stub::start().await;
    let text = config(&stub) + "rooms: {\"den-{test}\": {name: Den}}\n";
    let hall = Hall::open(&proxy.site, stub, &text).await;
    let den = hall.maitre.room(&format!("den-{}", hall.maitre.test)).await;
    let failing = async |part: &str, text: &str| {
        proxy.lose(Method::PUT, part);
        let before = hall.reloads().await;
        hall.maitre.configure(text);
        wait_for("the homeserver to be asked", DEADLINE, async || match proxy.refused() {
            0 => Err(hall.reloads().await),
            _ => Ok(()),
        })
        .await;
        proxy.heal();
        assert_eq!(hall.reload_after(before).await.outcome, ReloadOutcome::Applied);
    };
    let cave = text.replace("name: Den", "name: Cave");
    failing("/state/m.room.name", &cave).await;
    wait_for("the new name", DEADLINE, async || {
        let name = admin.state_in(&den, "m.room.name").await.unwrap_or_default();
        if name["name"] == "Cave" { Ok(()) } else { Err(name) }
    })
    .await;
    failing("/displayname", &cave.replace("model: alpha,", "model: alpha, display_name: \"Al Pha\",")).await;
    wait_for("the new name of alpha", DEADLINE, async || {
        let path = format!("/_matrix/client/v3/profile/{}", hall.maitre.user("alpha"));
        let profile = admin.api.get(&path).await.unwrap();
        if profile["displayname"] == "Al Pha" { Ok(()) } else { Err(profile) }
    })
    .await;
}
