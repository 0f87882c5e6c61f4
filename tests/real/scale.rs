//! A large house comes up, again and again, and nothing in it is made twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    time::Duration,
};

use crate::house::{Maitre, Person, shared};

const AGENTS: usize = 25;
const ROOMS: usize = 21;
const RESTARTS: usize = 3;
/// How long so many may take to come up, on a machine that has other things to do.
const DEADLINE: Duration = Duration::from_mins(5);

/// Every responder with the numbers of its rooms.
fn residents() -> BTreeMap<String, BTreeSet<usize>> {
    let agents = (0..AGENTS).map(|n| (format!("agent{n}"), [n % ROOMS, (5 * n + 1) % ROOMS, (n * n) % ROOMS].into()));
    let teams = [("early", [0, 7]), ("late", [7, 20])].map(|(name, rooms)| (name.to_owned(), rooms.into()));
    agents.chain(teams).collect()
}

fn config(residents: &BTreeMap<String, BTreeSet<usize>>) -> String {
    let mut sections = [String::from("agents:\n"), String::from("teams:\n")];
    for (name, rooms) in residents {
        let rooms = rooms.iter().map(|n| format!("\"{{test}}.r{n}\"")).collect::<Vec<_>>().join(", ");
        if name.starts_with("agent") {
            writeln!(sections[0], "  {name}: {{role: \"Number {name}.\", rooms: [{rooms}]}}").unwrap();
        } else {
            writeln!(sections[1], "  {name}: {{role: \"Several.\", agents: [agent0, agent24], rooms: [{rooms}]}}")
                .unwrap();
        }
    }
    sections.concat()
}

/// What the homeserver has of us: our users with their devices, and our rooms with who is in them.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    devices: BTreeMap<String, BTreeSet<String>>,
    rooms: BTreeMap<String, BTreeSet<String>>,
}

async fn find(admin: &Person, maitre: &Maitre) -> Found {
    let (mut devices, mut rooms) = (BTreeMap::new(), BTreeMap::new());
    for user in admin.users_ending_with(&format!("-{}:localhost", maitre.test)).await {
        for room in admin.rooms_of(&user).await {
            if !rooms.contains_key(&room) {
                rooms.insert(room.clone(), admin.inside(&room).await);
            }
        }
        devices.insert(user.clone(), admin.devices_of(&user).await);
    }
    Found { devices, rooms }
}

/// I1, I3, I4: a router, 25 agents and two teams in 21 rooms are where the configuration says, and three restarts make no
/// account, no device and no room twice.
#[tokio::test]
async fn a_large_house_is_built_once() {
    let ada = Person::new_admin(shared(), "ada").await;
    let residents = residents();
    let mut maitre = Maitre::new(shared(), &config(&residents));
    maitre.start();
    maitre.wait_ready_within(DEADLINE).await;

    let first = find(&ada, &maitre).await;
    let users: BTreeSet<String> =
        residents.keys().map(|name| maitre.user(name)).chain([maitre.user("router")]).collect();
    assert_eq!(first.devices.keys().cloned().collect::<BTreeSet<_>>(), users, "everybody, and nobody else");
    assert!(first.devices.values().all(|devices| devices.len() == 1), "one device each: {:#?}", first.devices);
    assert_eq!(first.rooms.len(), ROOMS, "{:#?}", first.rooms);
    for number in 0..ROOMS {
        let room = ada.resolve(&format!("#{}.r{number}:localhost", maitre.test)).await.unwrap();
        let here = residents.iter().filter(|(_, rooms)| rooms.contains(&number)).map(|(name, _)| maitre.user(name));
        let expected: BTreeSet<String> = here.chain([maitre.user("router")]).collect();
        assert_eq!(first.rooms[&room], expected, "room {number}");
    }

    for _ in 0..RESTARTS {
        assert!(maitre.stop().await.success());
        maitre.start();
        maitre.wait_ready_within(DEADLINE).await;
        assert_eq!(find(&ada, &maitre).await, first, "nothing has changed");
    }
    assert!(maitre.stop().await.success());
}
