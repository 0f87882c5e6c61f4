//! Gathers who can be mentioned in a room: every entity of ours, and the room's members by the names that people see.

use std::collections::BTreeMap;

use crate::{
    bot::{Mentionable, Roster},
    config::Config,
    matrix::Lines,
    model::{EntityName, UserId},
};

/// Whether a text may mention somebody at all: without an `@`, also in a link, nobody need be known.
pub(super) fn may_mention(text: &str) -> bool {
    text.contains('@') || text.contains("%40")
}

/// Everybody whom `speaker` can mention. `names` are those of the room's members, as far as they are known.
pub(super) fn roster(
    config: &Config,
    lines: &Lines,
    (speaker, own): (&EntityName, &UserId),
    names: &BTreeMap<UserId, String>,
) -> Roster {
    let users = lines.users();
    let mut everybody: BTreeMap<UserId, Mentionable> = names
        .iter()
        .map(|(user, name)| {
            let somebody = Mentionable { user: user.clone(), display_name: name.clone(), handles: Vec::new() };
            (user.clone(), somebody)
        })
        .collect();
    for entity in &config.entities {
        let Some(user) = users.get(&entity.name) else { continue };
        let handles = vec![entity.name.as_str().to_owned()];
        let entity = Mentionable { user: user.clone(), display_name: entity.display_name.clone(), handles };
        everybody.insert(user.clone(), entity);
    }
    let own = everybody.remove(own).unwrap_or_else(|| Mentionable {
        user: own.clone(),
        display_name: speaker.as_str().to_owned(),
        handles: vec![speaker.as_str().to_owned()],
    });
    Roster::new(&own, everybody.into_values().collect())
}
