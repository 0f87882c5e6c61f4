//! Which model thinks: the one chosen in the thread, in the room, configured for the room, or the agent's own.

use crate::config::{Agent, Config};
use crate::model::{EntityName, RoomKey};

/// What people chose by command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Chosen {
    /// For the thread.
    pub(super) thread: Option<String>,
    /// For the room.
    pub(super) room: Option<String>,
}

/// Chooses. A choice of a model that is configured no longer counts for nothing.
///
/// # Errors
/// What is missing and how to mend it, for people, when there is no model at all.
pub(super) fn model(
    chosen: &Chosen,
    config: &Config,
    room: &[RoomKey],
    (name, agent): (&EntityName, &Agent),
) -> Result<String, String> {
    let of_room = room.iter().find_map(|key| config.rooms.get(key)?.model.as_ref());
    let wishes = [chosen.thread.as_ref(), chosen.room.as_ref(), of_room, agent.model.as_ref()];
    let known = wishes.into_iter().flatten().find(|model| config.models.contains_key(*model));
    known.cloned().ok_or_else(|| missing(name))
}

fn missing(name: &EntityName) -> String {
    format!(
        "I have no model to think with: name one in `agents.{name}.model` or `defaults.model`, and describe it under `models`."
    )
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, path::Path};

    use super::*;
    use crate::config::{Role, compile_text};

    const CONFIG: &str = "
homeserver: { url: 'http://localhost' }
models:
  a: { provider: openai, id: gpt-4o }
  b: { provider: openai, id: gpt-4o }
  c: { provider: openai, id: gpt-4o }
agents:
  ada: { role: Thinks., rooms: [lobby, den], model: a }
  bob: { role: Has none., rooms: [lobby] }
rooms:
  den: { model: b }
";

    #[test]
    fn the_nearest_choice_counts() {
        let config = compile_text(CONFIG, Path::new("/"), &BTreeMap::new()).unwrap().config;
        let check = |thread: Option<&str>, room: Option<&str>, key: &str, agent: &str, expected: Result<&str, &str>| {
            let chosen = Chosen { thread: thread.map(str::to_owned), room: room.map(str::to_owned) };
            let name = EntityName::parse(agent).unwrap();
            let Some(Role::Agent(agent)) = config.entity(&name).map(|entity| &entity.role) else { panic!("no agent") };
            let found = model(&chosen, &config, &[RoomKey::parse(key).unwrap()], (&name, agent));
            assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned));
        };
        check(None, None, "lobby", "ada", Ok("a"));
        check(None, None, "den", "ada", Ok("b"));
        check(None, Some("c"), "den", "ada", Ok("c"));
        check(Some("a"), Some("c"), "den", "ada", Ok("a"));
        check(Some("gone"), None, "den", "ada", Ok("b"));
        check(None, None, "den", "bob", Ok("b"));
        let missing = "I have no model to think with: name one in `agents.bob.model` or `defaults.model`, and describe it \
                       under `models`.";
        check(None, None, "lobby", "bob", Err(missing));
    }
}
