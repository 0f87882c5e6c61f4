//! What differs between two configurations, in words for people.

use std::fmt::Write as _;

use crate::model::{EntityKind, RoomKey};

use super::{Change, Changes, EntityChange, EntityEdit, RoomChange};

/// The differences, one line each: `+` for what comes, `-` for what goes, `~` for what changes, `!` for what can't.
#[must_use]
pub fn tell(changes: &Changes) -> Vec<String> {
    let refused = changes
        .refused
        .iter()
        .map(|refusal| format!("! {} can't change while Maitre runs: {}", refusal.key, refusal.remedy));
    let entities = changes.entities.iter().map(|(name, change)| entity(name.as_str(), change));
    let rooms = changes.rooms.iter().map(|(key, change)| room(key, change));
    let models = changes.models.iter().map(|(name, change)| format!("{} model {name}{}", sign(*change), fate(*change)));
    let person = changes.person.map(|change| match change {
        Change::Added => "+ user: the account of the person at the keyboard is made".to_owned(),
        Change::Removed => "- user: the account stays, and is no longer looked after".to_owned(),
        Change::Changed => "~ user: the person at the keyboard is signed in anew".to_owned(),
    });
    let space = changes.space.map(|change| match change {
        Change::Added => "+ space: it is made, and every room is put into it".to_owned(),
        Change::Removed => "- space: it stays as it is, and is no longer looked after".to_owned(),
        Change::Changed => "~ space: it is looked after under its new settings".to_owned(),
    });
    let loops = changes.loops.then(|| "~ homeserver: every sync loop begins anew, where it was".to_owned());
    let live = (!changes.live.is_empty()).then(|| format!("~ {}: from the next message on", changes.live.join(", ")));
    refused.chain(entities).chain(rooms).chain(models).chain(person).chain(space).chain(loops).chain(live).collect()
}

fn entity(name: &str, change: &EntityChange) -> String {
    match change {
        EntityChange::Added { kind, rooms } => {
            let place = if rooms.is_empty() {
                "answers".to_owned()
            } else {
                format!("comes into {} and answers", listed(rooms))
            };
            format!("+ {}: gets an account, {place}", called(*kind, name))
        }
        EntityChange::Removed { kind, rooms, retires } => {
            let place = if rooms.is_empty() { String::new() } else { format!("leaves {}, ", listed(rooms)) };
            let fate = if *retires { "its account is deactivated for good" } else { "its account stays" };
            format!("- {}: ends what it is saying, {place}stops; {fate}", called(*kind, name))
        }
        EntityChange::Changed(edit) => format!("~ {}: {}", called(edit.kind, name), edited(edit)),
    }
}

fn edited(edit: &EntityEdit) -> String {
    let mut parts = Vec::new();
    if !edit.live.is_empty() {
        parts.push(format!("{} from its next answer on", edit.live.join(", ")));
    }
    if edit.profile {
        parts.push("another name or picture".to_owned());
    }
    if !edit.joins.is_empty() {
        parts.push(format!("comes into {}", listed(&edit.joins)));
    }
    if !edit.leaves.is_empty() {
        parts.push(format!("leaves {}", listed(&edit.leaves)));
    }
    if edit.restart {
        parts.push("signs in anew".to_owned());
    }
    parts.join("; ")
}

fn room(key: &RoomKey, change: &RoomChange) -> String {
    match change {
        RoomChange::Added => format!("+ room {key}: is managed from now on"),
        RoomChange::Removed => format!("- room {key}: agents and teams leave; the room stays, and the router in it"),
        RoomChange::Changed { live, caption, too_late } => {
            let mut text = format!("~ room {key}:");
            let mut parts = Vec::new();
            if !live.is_empty() {
                parts.push(format!("{} from the next message on", live.join(", ")));
            }
            if *caption {
                parts.push("another name or topic".to_owned());
            }
            if !too_late.is_empty() {
                parts.push(format!("{} only counts when a room is made, and this one is", too_late.join(", ")));
            }
            write!(text, " {}", parts.join("; ")).expect("a String takes everything");
            text
        }
    }
}

fn called(kind: EntityKind, name: &str) -> String {
    match kind {
        EntityKind::Router => "router".to_owned(),
        EntityKind::Agent => format!("agent {name}"),
        EntityKind::Team => format!("team {name}"),
    }
}

fn sign(change: Change) -> char {
    match change {
        Change::Added => '+',
        Change::Removed => '-',
        Change::Changed => '~',
    }
}

fn fate(change: Change) -> &'static str {
    match change {
        Change::Added => "",
        Change::Removed => ": answers that began with it end with it",
        Change::Changed => ": from the next question on",
    }
}

fn listed(keys: &[RoomKey]) -> String {
    keys.iter().map(RoomKey::as_str).collect::<Vec<_>>().join(", ")
}
