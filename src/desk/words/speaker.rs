//! W15: who speaks for the house in a room.
#![expect(unreachable_pub, reason = "mod.rs hands these up to the desk, and there is no visibility in between")]

use std::collections::BTreeSet;

use crate::{config::Config, model::EntityName};

/// The router, where it is in the room; else the first of ours that is, in the configuration's order. Those who are `up`
/// go before those who aren't.
#[must_use]
pub fn speaker(config: &Config, present: &BTreeSet<EntityName>, up: &BTreeSet<EntityName>) -> Option<EntityName> {
    let here = || config.entities.iter().map(|entity| &entity.name).filter(|name| present.contains(*name));
    here().find(|name| up.contains(*name)).or_else(|| here().next()).cloned()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, path::Path};

    use super::*;
    use crate::config::compile_text;

    fn names(names: &[&str]) -> BTreeSet<EntityName> {
        names.iter().map(|&name| EntityName::parse(name).unwrap()).collect()
    }

    /// W15: the router, or in a room without it the entity that is there.
    #[test]
    fn the_router_speaks_or_whoever_is_there() {
        let text = "
homeserver: {url: \"http://localhost:1\"}
agents: {ada: {role: Answers.}, bob: {role: Answers.}}
";
        let config = compile_text(text, Path::new("/"), &BTreeMap::new()).unwrap().config;
        let check = |present: &[&str], up: &[&str], expected: Option<&str>| {
            let expected = expected.map(|name| EntityName::parse(name).unwrap());
            assert_eq!(speaker(&config, &names(present), &names(up)), expected, "{present:?} {up:?}");
        };
        let all = ["ada", "bob", "router"];
        check(&all, &all, Some("router"));
        check(&["bob", "ada"], &all, Some("ada"));
        check(&all, &["bob"], Some("bob"));
        check(&["bob"], &[], Some("bob"));
        check(&[], &all, None);
    }
}
