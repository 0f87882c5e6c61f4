//! In which order entities come up.

use crate::{
    config::{Config, Entity, Role},
    model::EntityName,
};

/// Who comes up when: the router alone, then everybody else in this order, as many at a time as may log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BootPlan {
    /// Tried until it is up; nobody else begins before.
    pub(super) first: EntityName,
    /// Agents, then teams, each in the order of the file.
    pub(super) then: Vec<EntityName>,
}

/// Plans the boot.
pub(super) fn boot_plan(config: &Config) -> BootPlan {
    let names = |wanted: fn(&Role) -> bool| {
        let entities = config.entities.iter().filter(move |entity: &&Entity| wanted(&entity.role));
        entities.map(|entity| entity.name.clone())
    };
    let agents = names(|role| matches!(role, Role::Agent(_)));
    let teams = names(|role| matches!(role, Role::Team(_)));
    BootPlan { first: config.router().name.clone(), then: agents.chain(teams).collect() }
}

/// What to say when the person's user name was changed after the account was made; nothing if it was not.
pub(super) fn person_refusal(wanted: &str, made: &str) -> Option<String> {
    (wanted != made).then(|| {
        format!(
            "user.username: it was {made:?} when the account was made and can't become {wanted:?}: set it back to {made:?} \
             (the display name can change)"
        )
    })
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, path::Path};

    use super::*;
    use crate::config::compile_text;

    /// I3: the router first, then agents, then teams.
    #[test]
    fn the_router_comes_first_and_teams_last() {
        let text = "
homeserver: {url: \"http://localhost:1\"}
teams: {duo: {role: Both., agents: [zoe, ada]}}
agents: {zoe: {role: Last letter.}, ada: {role: First letter.}}
";
        let loaded = compile_text(text, Path::new("/"), &BTreeMap::new()).unwrap();
        let plan = boot_plan(&loaded.config);
        let names: Vec<&str> = plan.then.iter().map(EntityName::as_str).collect();
        assert_eq!((plan.first.as_str(), names), ("router", vec!["zoe", "ada", "duo"]));
    }

    /// H6, I12: the person's user name is refused by its key; an unchanged one is fine.
    #[test]
    fn a_changed_user_name_is_refused_by_name() {
        assert_eq!(person_refusal("ada", "ada"), None);
        let refusal = person_refusal("bob", "ada").unwrap();
        assert!(refusal.starts_with("user.username:") && refusal.contains("\"ada\""), "{refusal}");
    }
}
