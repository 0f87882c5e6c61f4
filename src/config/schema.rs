//! The JSON Schema of the configuration, for editors.

use serde_json::{Map, Value};

use super::raw::Raw;

/// Keys with a second name: the section's type, the key, its other name.
const OTHER_NAMES: &[(&str, &str, &str)] = &[
    ("Model", "base_url", "host"),
    ("Model", "context_tokens", "context_window"),
    ("Room", "name", "display_name"),
    ("Room", "topic", "description"),
];

/// The JSON Schema of a configuration file.
#[must_use]
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Raw).to_value();
    for (section, key, other) in OTHER_NAMES {
        if let Some(properties) = properties(&mut schema, section)
            && let Some(property) = properties.get(*key).cloned()
        {
            properties.insert((*other).to_owned(), property);
        }
    }
    if let Some(top) = schema.as_object_mut() {
        top.insert("title".to_owned(), "Maitre".into());
    }
    schema
}

fn properties<'a>(schema: &'a mut Value, section: &str) -> Option<&'a mut Map<String, Value>> {
    schema.get_mut("$defs")?.get_mut(section)?.get_mut("properties")?.as_object_mut()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_knows_every_name_and_refuses_others() {
        let schema = schema();
        assert_eq!(schema["additionalProperties"], Value::Bool(false));
        assert_eq!(schema["title"], "Maitre");
        for (section, key, other) in OTHER_NAMES {
            let properties = &schema["$defs"][section]["properties"];
            assert!(properties[key].is_object(), "{section}.{key}");
            assert_eq!(properties[key], properties[other], "{section}.{other}");
        }
        let team_mode = &schema["$defs"]["TeamMode"];
        assert!(team_mode.to_string().contains("collaborate"), "{team_mode}");
    }
}
