//! Which keys there are in a configuration, typed or not.

use serde_json::Value;

use super::{
    key_path::{KeyPath, Step},
    nearest::nearest,
    node::{self, Node},
    schema::schema,
};

/// What is known of a path under which nothing was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Missing {
    /// Something may stand there; as nothing does, its default counts.
    Unset,
    /// Nothing can. This is the nearest path that there is, if one is near.
    Unknown(Option<KeyPath>),
}

/// What is known of `path`, under which nothing stands in `tree`.
pub(super) fn missing(tree: &Node, path: &KeyPath) -> Missing {
    let schema = schema();
    let (mut here, mut places) = (KeyPath::default(), vec![&schema]);
    for (depth, step) in path.0.iter().enumerate() {
        let typed = tree.at(&here).map(|(node, _)| node.keys()).unwrap_or_default();
        let below = places.iter().flat_map(|place| below(&schema, place, step)).collect::<Vec<_>>();
        let is_there = match step {
            // What has a name of the operator's choice is there only if it was typed.
            Step::Key(key) => typed.contains(&key.as_str()) || has_key(&schema, &places, key),
            Step::Index(_) => !below.is_empty(),
        };
        if !is_there {
            let Step::Key(key) = step else { return Missing::Unknown(None) };
            let known = places.iter().flat_map(|place| keys(&schema, place));
            let near = nearest(key, typed.into_iter().chain(known));
            return Missing::Unknown(near.map(|near| further(here.key(near), &path.0[depth + 1..])));
        }
        here.0.push(step.clone());
        places = below;
    }
    match tree.at(&here) {
        Some((Node { value: node::Value::Gone, .. }, _)) => Missing::Unknown(None),
        Some(_) | None => Missing::Unset,
    }
}

fn further(mut path: KeyPath, rest: &[Step]) -> KeyPath {
    path.0.extend_from_slice(rest);
    path
}

/// What a place in the schema may be: itself, what it refers to, or one of several.
fn shapes<'s>(schema: &'s Value, place: &'s Value) -> Vec<&'s Value> {
    let target = place["$ref"].as_str().and_then(|to| schema.pointer(to.trim_start_matches('#')));
    let choices = ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|key| place[key].as_array()).flatten();
    let more: Vec<&Value> = target.into_iter().chain(choices).collect();
    std::iter::once(place).chain(more.into_iter().flat_map(|place| shapes(schema, place))).collect()
}

fn keys<'s>(schema: &'s Value, place: &'s Value) -> Vec<&'s str> {
    let objects = shapes(schema, place).into_iter().filter_map(|shape| shape["properties"].as_object());
    objects.flat_map(|properties| properties.keys().map(String::as_str)).collect()
}

fn has_key(schema: &Value, places: &[&Value], key: &str) -> bool {
    places.iter().any(|place| keys(schema, place).contains(&key))
}

/// The places that a step leads to.
fn below<'s>(schema: &'s Value, place: &'s Value, step: &Step) -> Vec<&'s Value> {
    let shapes = shapes(schema, place).into_iter();
    let found = shapes.filter_map(|shape| match step {
        Step::Key(key) => {
            shape["properties"].get(key).or_else(|| shape.get("additionalProperties").filter(|more| more.is_object()))
        }
        Step::Index(_) => shape.get("items"),
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{
        budget::Budget,
        node::FileId,
        parse::{Origin, parse},
    };

    /// X10: what isn't there is either left to its default, or nothing that could be; then the nearest is named.
    #[test]
    fn what_is_not_typed_may_be_known() {
        let text = "agents:\n  calc: {role: Counts., rooms: [lobby]}\n";
        let origin = Origin { file: FileId(0), path: &KeyPath::default() };
        let tree = parse(text, &origin, &mut Budget::full()).root.unwrap();
        let check = |path: &str, expected: Missing| {
            assert_eq!(missing(&tree, &KeyPath::parse(path).unwrap()), expected, "{path}");
        };
        let near = |path: &str| Missing::Unknown(KeyPath::parse(path));
        check("agents.calc.model", Missing::Unset);
        check("agents.calc.rooms[1]", Missing::Unset);
        check("conversation.turns_max", Missing::Unset);
        check("authorization.aliases", Missing::Unset);
        check("agents.calk.role", near("agents.calc.role"));
        check("agents.calc.rol", near("agents.calc.role"));
        check("agents.calc.rolle[0]", near("agents.calc.role[0]"));
        check("agent.calc.role", near("agents.calc.role"));
        check("agents.calc.role.x", Missing::Unknown(None));
        check("agents.zzz", Missing::Unknown(None));
        check("timezone[0]", Missing::Unknown(None));
    }
}
