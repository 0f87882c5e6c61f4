//! What a reload does, and in which order: what may fail is tried before anything changes.

use std::{collections::BTreeSet, fmt};

use crate::{
    config::{Change, Changes, Config, EntityChange, RoomChange},
    model::{EntityName, RoomKey},
};

/// A reload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ReloadPlan {
    /// What must work, or nothing happens.
    pub(super) trials: Vec<Trial>,
    /// What is done then, in this order.
    pub(super) steps: Vec<Step>,
}

/// Something that may not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trial {
    /// The models can be asked.
    Models,
    /// Somebody new has an account and can sign in.
    Account(EntityName),
    /// A new room is there, and the router can get in.
    Room(RoomKey),
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Models => f.write_str("models"),
            Self::Account(entity) => write!(f, "signing {entity} in"),
            Self::Room(key) => write!(f, "room {key}"),
        }
    }
}

/// Something that is done once everything was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// The new settings hold for whatever begins from now on.
    Adopt,
    /// An entity's loop begins anew where it was.
    Restart(EntityName),
    /// An entity comes.
    Start(EntityName),
    /// An entity ends what it is saying, leaves, and stops.
    Dismiss(EntityName),
    /// People see an entity's new name and picture.
    Show(EntityName),
    /// A room is brought to what the configuration says.
    Visit(RoomKey),
    /// The space is brought to what the configuration says.
    Space,
    /// The person at the keyboard is signed in, anew, or no longer.
    Person(Change),
}

/// Plans what takes a house from what it runs with to `new`, which differs by `changes`.
pub(super) fn reload_plan(changes: &Changes, new: &Config) -> ReloadPlan {
    let mut plan = ReloadPlan { trials: Vec::new(), steps: vec![Step::Adopt] };
    let mut visits: BTreeSet<RoomKey> = BTreeSet::new();
    if !changes.models.is_empty() {
        plan.trials.push(Trial::Models);
    }
    if changes.loops {
        let staying = new.entities.iter().map(|entity| &entity.name);
        let is_new = |name: &EntityName| {
            changes.entities.iter().any(|(other, change)| other == name && matches!(change, EntityChange::Added { .. }))
        };
        plan.steps.extend(staying.filter(|name| !is_new(name)).cloned().map(Step::Restart));
    }
    for (name, change) in &changes.entities {
        match change {
            EntityChange::Added { .. } => {
                plan.trials.push(Trial::Account(name.clone()));
                plan.steps.push(Step::Start(name.clone()));
            }
            EntityChange::Removed { .. } => plan.steps.push(Step::Dismiss(name.clone())),
            EntityChange::Changed(edit) => {
                visits.extend(edit.joins.iter().chain(&edit.leaves).cloned());
                if edit.restart && !changes.loops {
                    plan.steps.push(Step::Restart(name.clone()));
                }
                // Who signs in anew shows itself then.
                if edit.profile && !edit.restart && !changes.loops {
                    plan.steps.push(Step::Show(name.clone()));
                }
            }
        }
    }
    for (key, change) in &changes.rooms {
        match change {
            RoomChange::Added => {
                plan.trials.push(Trial::Room(key.clone()));
                visits.insert(key.clone());
            }
            RoomChange::Removed | RoomChange::Changed { caption: true, .. } => drop(visits.insert(key.clone())),
            RoomChange::Changed { caption: false, .. } => {}
        }
    }
    if changes.live.contains(&"authorization") {
        // Who may use a room now finds an invitation there.
        visits.extend(new.rooms.keys().cloned());
    }
    plan.steps.extend(visits.into_iter().map(Step::Visit));
    plan.steps.extend(changes.space.is_some_and(|change| change != Change::Removed).then_some(Step::Space));
    plan.steps.extend(changes.person.map(Step::Person));
    plan.steps.sort_by_key(rank);
    plan
}

/// Who comes does so before anybody goes, so that no room stands empty in between.
fn rank(step: &Step) -> u8 {
    match step {
        Step::Adopt => 0,
        Step::Restart(_) => 1,
        Step::Start(_) => 2,
        Step::Visit(_) => 3,
        Step::Dismiss(_) => 4,
        Step::Show(_) => 5,
        Step::Space => 6,
        Step::Person(_) => 7,
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::{BTreeMap, BTreeSet},
        fmt::Write as _,
        path::Path,
    };

    use proptest::prelude::*;

    use super::*;
    use crate::config::{Model, compile_text, diff};

    fn compile(text: &str) -> Config {
        let text = format!("homeserver: {{url: 'http://localhost'}}\n{text}");
        compile_text(&text, Path::new("/"), &BTreeMap::new()).unwrap().config
    }

    fn plan(old: &str, new: &str) -> (Vec<String>, Vec<String>) {
        let (old, new) = (compile(old), compile(new));
        let plan = reload_plan(&diff(&old, &new), &new);
        (
            plan.trials.iter().map(ToString::to_string).collect(),
            plan.steps.iter().map(|step| format!("{step:?}")).collect(),
        )
    }

    /// H2, H3: what may fail is tried first; only what must begins anew.
    #[test]
    fn edits_become_plans() {
        let check = |old: &str, new: &str, trials: &[&str], steps: &[&str]| {
            let (tried, done) = plan(old, new);
            assert_eq!(tried, trials, "{old} → {new}");
            assert_eq!(done, [&["Adopt"], steps].concat(), "{old} → {new}");
        };
        let ada = "agents: {ada: {role: A., rooms: [lobby]}}";
        check(ada, "agents: {ada: {role: B., rooms: [lobby]}}", &[], &[]);
        check(ada, "agents: {ada: {role: A., rooms: [lobby], display_name: A}}", &[], &["Show(ada)"]);
        check(
            ada,
            "agents: {ada: {role: A., rooms: [lobby]}, bob: {role: B., rooms: [lobby]}}",
            &["signing bob in"],
            &["Start(bob)"],
        );
        check(ada, "agents: {bob: {role: B., rooms: [lobby]}}", &["signing bob in"], &["Start(bob)", "Dismiss(ada)"]);
        check(ada, "agents: {ada: {role: A., rooms: [attic]}}", &["room attic"], &["Visit(attic)", "Visit(lobby)"]);
        let with = |more: &str| format!("{ada}\n{more}\n");
        check(ada, &with("accounts: {passwords: {ada: x}}"), &[], &["Restart(ada)"]);
        check(ada, &with("models: {m: {provider: ollama, id: x}}"), &["models"], &[]);
        check(ada, &with("authorization: {default_room_access: true}"), &[], &["Visit(lobby)"]);
        check(ada, &with("rooms: {lobby: {name: Hall}}"), &[], &["Visit(lobby)"]);
        check(ada, &with("rooms: {attic: {}}"), &["room attic"], &["Visit(attic)"]);
        check(&with("rooms: {attic: {}}"), ada, &[], &["Visit(attic)"]);
        check(ada, &with("space: {name: Home}"), &[], &["Space"]);
        check(&with("space: {name: Home}"), ada, &[], &[]);
        check(ada, &with("user: {username: you}"), &[], &["Person(Added)"]);
        check(ada, &with("timezone: Europe/Berlin"), &[], &[]);
    }

    /// A house with something of everything.
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
conversation: {hops_max: 4}
timezone: UTC
";

    #[track_caller]
    fn edit(from: &str, to: &str, trials: &[&str], steps: &[&str]) {
        assert!(HOUSE.contains(from), "{from:?} stands in the file");
        let (tried, done) = plan(HOUSE, &HOUSE.replacen(from, to, 1));
        assert_eq!(tried, trials, "{from:?} becomes {to:?}");
        assert_eq!(done, [&["Adopt"], steps].concat(), "{from:?} becomes {to:?}");
    }

    /// H3: what is said, thought and allowed holds from the next message on: nothing is tried, nobody begins anew.
    #[test]
    fn texts_ask_for_nothing_but_to_be_adopted() {
        for (from, to) in [
            ("role: Writes.", "role: Sings."),
            ("model: gpt, instr", "model: local, instr"),
            ("[Be brief.]", "[Be brief., Be kind.]"),
            ("instructions: [Be brief.], ", ""),
            ("tools: [time]", "tools: [react]"),
            ("tools: [time]", "tools: [time], skills: [minutes]"),
            ("display_name: Ada", "display_name: Ada, streaming: final"),
            ("display_name: Ada", "display_name: Ada, thread_mode: room"),
            ("display_name: Ada", "display_name: Ada, accept_invites: false"),
            ("role: Both.", "role: Two."),
            ("agents: [ada, bob]", "agents: [ada]"),
            ("mode: collaborate", "mode: coordinate"),
            ("mode: collaborate, model: gpt", "mode: collaborate, model: local"),
            ("router: {model: gpt", "router: {model: local"),
            ("timeout: 3s", "timeout: 5s"),
            ("timeout: 3s", "timeout: 3s, handoff: message"),
            ("topic: Hello., model: local", "topic: Hello., model: gpt"),
            ("model: local}\n  attic", "model: local, thread_mode: room}\n  attic"),
            ("attic: {}", "attic: {encrypted: true}"),
            ("[\"@bridge:home\"]", "[]"),
            ("timezone: UTC", "timezone: Europe/Berlin"),
            ("timezone: UTC", "admin_room: lobby"),
            ("hops_max: 4", "hops_max: 5"),
            ("agents:\n", "# A remark.\nagents:\n"),
        ] {
            edit(from, to, &[], &[]);
        }
    }

    /// H2, H3: whoever comes, goes, moves or is another one; rooms, models, the space and the person.
    #[test]
    fn what_comes_and_goes_is_tried_and_done_in_order() {
        edit("id: gpt-5", "id: gpt-6", &["models"], &[]);
        edit("api_key: k1", "api_key: k2", &["models"], &[]);
        edit("agents:\n", "  more: {provider: ollama, id: m}\nagents:\n", &["models"], &[]);
        edit("teams:\n", "  eve: {role: New.}\nteams:\n", &["signing eve in"], &["Start(eve)"]);
        edit(
            "teams:\n",
            "  eve: {role: New., rooms: [cellar]}\nteams:\n",
            &["signing eve in", "room cellar"],
            &["Start(eve)", "Visit(cellar)"],
        );
        let duo = "  duo: {role: Both., agents: [ada, bob], rooms: [attic], mode: collaborate, model: gpt}\n";
        edit(duo, "", &[], &["Dismiss(duo)"]);
        edit("  duo:", "  trio:", &["signing trio in"], &["Start(trio)", "Dismiss(duo)"]);
        edit("rooms: [lobby], model: gpt", "rooms: [lobby, attic], model: gpt", &[], &["Visit(attic)"]);
        edit("rooms: [lobby, attic]", "rooms: [attic]", &[], &["Visit(lobby)"]);
        edit("rooms: [lobby], model: gpt", "rooms: [attic], model: gpt", &[], &["Visit(attic)", "Visit(lobby)"]);
        edit("display_name: Ada", "display_name: Ada L.", &[], &["Show(ada)"]);
        edit("display_name: Ada", "display_name: Ada, avatar: ada.png", &[], &["Show(ada)"]);
        edit("ada: p1", "ada: p2", &[], &["Restart(ada)"]);
        edit("passwords: {ada: p1}", "passwords: {}", &[], &["Restart(ada)"]);
        edit("name: Lobby", "name: Hall", &[], &["Visit(lobby)"]);
        edit("topic: Hello.", "topic: Welcome.", &[], &["Visit(lobby)"]);
        edit("attic: {}", "attic: {}\n  cellar: {}", &["room cellar"], &["Visit(cellar)"]);
        edit("[\"@ada:home\"]", "[\"@eve:home\"]", &[], &["Visit(attic)", "Visit(lobby)"]);
        edit("name: House", "name: Home", &[], &["Space"]);
        edit("space: {name: House, alias: house}\n", "", &[], &[]);
        edit("display_name: You", "display_name: Me", &[], &["Person(Changed)"]);
        edit("user: {username: you, display_name: You}\n", "", &[], &["Person(Removed)"]);
    }

    /// H3: what all loops go by begins all of them anew, those who come left out.
    #[test]
    fn loops_begin_anew_together() {
        let old = "homeserver: {url: http://localhost}\nagents: {ada: {role: A.}}\naccounts: {passwords: {ada: x}}\n";
        let new = "homeserver: {url: http://localhost, sync_timeout: 9s}\nagents: {ada: {role: A., display_name: B}, bob: {role: B.}}\n";
        let compile = |text: &str| compile_text(text, Path::new("/"), &BTreeMap::new()).unwrap().config;
        let (old, new) = (compile(old), compile(new));
        let steps: Vec<String> =
            reload_plan(&diff(&old, &new), &new).steps.iter().map(|step| format!("{step:?}")).collect();
        assert_eq!(steps, ["Adopt", "Restart(router)", "Restart(ada)", "Start(bob)"]);
    }

    /// What a house comes to, as far as plans can change it.
    #[derive(Debug, Clone, PartialEq)]
    struct House {
        settings: Config,
        models: BTreeMap<String, Model>,
        aboard: BTreeSet<EntityName>,
        inside: BTreeSet<(EntityName, RoomKey)>,
        shown: BTreeMap<EntityName, String>,
        captions: BTreeMap<RoomKey, (String, Option<String>)>,
        person: bool,
    }

    impl House {
        fn opened(config: &Config) -> Self {
            let mut house = Self {
                settings: config.clone(),
                models: config.models.clone(),
                aboard: BTreeSet::new(),
                inside: BTreeSet::new(),
                shown: BTreeMap::new(),
                captions: BTreeMap::new(),
                person: config.user.is_some(),
            };
            for entity in &config.entities {
                house.start(&entity.name);
            }
            house.captions = config.rooms.iter().map(|(key, room)| (key.clone(), caption(room))).collect();
            house
        }

        fn start(&mut self, name: &EntityName) {
            let entity = self.settings.entity(name).expect("who starts is configured").clone();
            self.aboard.insert(name.clone());
            self.shown.insert(name.clone(), entity.display_name);
            self.inside.extend(entity.rooms.into_iter().map(|key| (name.clone(), key)));
        }

        fn reload(&mut self, new: &Config) {
            let changes = diff(&self.settings, new);
            let plan = reload_plan(&changes, new);
            let opened = plan.trials.contains(&Trial::Models);
            let models = if opened { new.models.clone() } else { self.models.clone() };
            for step in plan.steps {
                match step {
                    Step::Adopt => {
                        self.settings = new.clone();
                        self.models = models.clone();
                    }
                    Step::Restart(name) => assert!(self.aboard.contains(&name)),
                    Step::Start(name) => {
                        assert!(plan.trials.contains(&Trial::Account(name.clone())));
                        assert!(!self.aboard.contains(&name), "nobody is there twice");
                        self.start(&name);
                    }
                    Step::Dismiss(name) => {
                        assert!(self.aboard.remove(&name));
                        self.shown.remove(&name);
                        self.inside.retain(|(entity, _)| *entity != name);
                    }
                    Step::Show(name) => {
                        let entity = new.entity(&name).expect("who is shown is configured");
                        self.shown.insert(name, entity.display_name.clone());
                    }
                    Step::Visit(key) => {
                        self.inside.retain(|(_, other)| *other != key);
                        let here = new.entities.iter().filter(|entity| entity.rooms.contains(&key));
                        let here = here.filter(|entity| self.aboard.contains(&entity.name));
                        self.inside.extend(here.map(|entity| (entity.name.clone(), key.clone())));
                        match new.rooms.get(&key) {
                            Some(room) => drop(self.captions.insert(key, caption(room))),
                            None => drop(self.captions.remove(&key)),
                        }
                    }
                    Step::Space => {}
                    Step::Person(change) => self.person = change != Change::Removed,
                }
            }
        }
    }

    fn caption(room: &crate::config::Room) -> (String, Option<String>) {
        (room.name.clone(), room.topic.clone())
    }

    /// A configuration out of few pieces, so that two of them have much in common.
    fn some_config() -> impl Strategy<Value = Config> {
        let agent = proptest::option::of((0u8..3, 0u8..8, any::<bool>()));
        let (models, rooms) = (0u8..4, 0u8..8);
        (proptest::collection::vec(agent, 4), models, rooms, any::<bool>(), any::<bool>()).prop_map(
            |(agents, models, rooms, person, zone)| {
                let mut text = "agents:\n  base: {role: Stays.}\n".to_owned();
                let keys = ["lobby", "attic", "cellar"];
                for (index, agent) in agents.iter().enumerate() {
                    let Some((role, inside, named)) = agent else { continue };
                    let inside: Vec<&str> = keys
                        .iter()
                        .enumerate()
                        .filter(|(bit, _)| (inside >> bit) & 1 == 1)
                        .map(|(_, key)| *key)
                        .collect();
                    let name = if *named { format!(", display_name: N{role}") } else { String::new() };
                    writeln!(text, "  a{index}: {{role: R{role}, rooms: [{}]{name}}}", inside.join(", ")).unwrap();
                }
                writeln!(text, "models: {{m: {{provider: ollama, id: \"{models}\"}}}}").unwrap();
                text.push_str("rooms:\n  yard: {}\n");
                for (bit, key) in keys.iter().enumerate().filter(|(bit, _)| (rooms >> bit) & 1 == 1) {
                    writeln!(text, "  {key}: {{name: \"{key} {bit} {models}\"}}").unwrap();
                }
                if person {
                    text.push_str("user: {username: you}\n");
                }
                if zone {
                    text.push_str("timezone: Europe/Berlin\n");
                }
                compile(&text)
            },
        )
    }

    proptest! {
        /// H2: a plan takes any house to what a fresh start would come to, and the way back ends where it began.
        #[test]
        fn a_plan_there_and_one_back_end_where_they_began(a in some_config(), b in some_config()) {
            let mut house = House::opened(&a);
            house.reload(&b);
            prop_assert_eq!(&house, &House::opened(&b));
            house.reload(&a);
            prop_assert_eq!(&house, &House::opened(&a));
            house.reload(&a);
            prop_assert_eq!(&house, &House::opened(&a));
        }
    }
}
