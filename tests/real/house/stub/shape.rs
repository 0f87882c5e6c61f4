//! An answer in a form that nobody said anything about: the least that the form allows.

use serde_json::{Map, Value, json};

/// What is chosen where it is among the possible ones: the way of working together that needs no plan.
const PREFERRED: &str = "collaborate";

/// A value that `schema` allows. A list of objects that choose something gets one for each choice; other lists are empty.
pub(super) fn sample(schema: &Value) -> Value {
    if let Some(choices) = schema["enum"].as_array() {
        return choices.iter().find(|choice| *choice == PREFERRED).unwrap_or(&choices[0]).clone();
    }
    match schema["type"].as_str() {
        Some("object") => object(schema),
        Some("array") => Value::Array(list(&schema["items"])),
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(false),
        _ => json!("as it stands"),
    }
}

fn object(schema: &Value) -> Value {
    let properties = schema["properties"].as_object();
    let samples = properties.into_iter().flatten().map(|(name, schema)| (name.clone(), sample(schema)));
    Value::Object(samples.collect::<Map<_, _>>())
}

fn list(items: &Value) -> Vec<Value> {
    let properties = items["properties"].as_object();
    let choice = properties.into_iter().flatten().find_map(|(name, schema)| Some((name, schema["enum"].as_array()?)));
    let Some((name, choices)) = choice else { return Vec::new() };
    let one = |choice: &Value| {
        let mut item = sample(items);
        item[name.as_str()] = choice.clone();
        item
    };
    choices.iter().map(one).collect()
}
