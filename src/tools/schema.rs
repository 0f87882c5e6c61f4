//! Whether an input fits a JSON Schema, as far as tools use it, and if not, what a model should change.

use serde_json::{Map, Value};

/// How deep an input is looked into.
const DEPTH_MAX: usize = 16;

/// Holds `input` against `schema`. What the schema says in keywords that aren't known here is not held against the input.
///
/// # Errors
/// The first misfit, in words that name its place.
pub(super) fn check(schema: &Value, input: &Value) -> Result<(), String> {
    check_at("the input", schema, input, 0)
}

fn check_at(place: &str, schema: &Value, input: &Value, depth: usize) -> Result<(), String> {
    if depth > DEPTH_MAX {
        return Err(format!("{place} is nested too deeply"));
    }
    check_type(place, schema, input)?;
    check_choice(place, schema, input)?;
    match input {
        Value::Object(fields) => check_fields(place, schema, fields, depth),
        Value::Array(items) => check_items(place, schema, items, depth),
        Value::String(text) => {
            check_size(place, schema, ["minLength", "maxLength"], text.chars().count(), "characters")
        }
        Value::Number(number) => check_range(place, schema, number.as_f64().unwrap_or_default()),
        Value::Bool(_) | Value::Null => Ok(()),
    }
}

fn check_type(place: &str, schema: &Value, input: &Value) -> Result<(), String> {
    let fits = |kind: &str| match kind {
        "object" => input.is_object(),
        "array" => input.is_array(),
        "string" => input.is_string(),
        "integer" => input.is_i64() || input.is_u64(),
        "number" => input.is_number(),
        "boolean" => input.is_boolean(),
        "null" => input.is_null(),
        _ => true,
    };
    let (fine, wanted) = match &schema["type"] {
        Value::String(kind) => (fits(kind), kind.clone()),
        Value::Array(kinds) => {
            let kinds: Vec<&str> = kinds.iter().filter_map(Value::as_str).collect();
            (kinds.iter().any(|kind| fits(kind)), kinds.join(" or "))
        }
        _ => return Ok(()),
    };
    if fine { Ok(()) } else { Err(format!("{place} must be of type {wanted}")) }
}

fn check_choice(place: &str, schema: &Value, input: &Value) -> Result<(), String> {
    let Some(choices) = schema["enum"].as_array() else { return Ok(()) };
    if choices.contains(input) {
        return Ok(());
    }
    let choices: Vec<String> = choices.iter().map(Value::to_string).collect();
    Err(format!("{place} must be one of {}", choices.join(", ")))
}

fn check_fields(place: &str, schema: &Value, fields: &Map<String, Value>, depth: usize) -> Result<(), String> {
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    if let Some(missing) = required.iter().filter_map(Value::as_str).find(|name| !fields.contains_key(*name)) {
        return Err(format!("`{missing}` is missing"));
    }
    let known = schema["properties"].as_object();
    for (name, value) in fields {
        match known.and_then(|known| known.get(name)) {
            Some(schema) => check_at(&format!("`{name}`"), schema, value, depth + 1)?,
            None if schema["additionalProperties"] == Value::Bool(false) => {
                return Err(format!("{place} has no field `{name}`"));
            }
            None => {}
        }
    }
    Ok(())
}

fn check_items(place: &str, schema: &Value, items: &[Value], depth: usize) -> Result<(), String> {
    check_size(place, schema, ["minItems", "maxItems"], items.len(), "items")?;
    match &schema["items"] {
        Value::Null => Ok(()),
        schema => items
            .iter()
            .enumerate()
            .try_for_each(|(index, item)| check_at(&format!("item {} of {place}", index + 1), schema, item, depth + 1)),
    }
}

fn check_size(place: &str, schema: &Value, [min, max]: [&str; 2], size: usize, unit: &str) -> Result<(), String> {
    let bound = |key: &str| schema[key].as_u64().and_then(|bound| usize::try_from(bound).ok());
    if let Some(min) = bound(min).filter(|min| size < *min) {
        return Err(format!("{place} must have at least {min} {unit}"));
    }
    match bound(max).filter(|max| size > *max) {
        Some(max) => Err(format!("{place} may have at most {max} {unit}")),
        None => Ok(()),
    }
}

fn check_range(place: &str, schema: &Value, number: f64) -> Result<(), String> {
    if let Some(min) = schema["minimum"].as_f64().filter(|min| number < *min) {
        return Err(format!("{place} must be at least {min}"));
    }
    match schema["maximum"].as_f64().filter(|max| number > *max) {
        Some(max) => Err(format!("{place} may be at most {max}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_misfit_is_named_with_its_place() {
        let schema = json!({
            "type": "object",
            "properties": {
                "name": { "type": "string", "minLength": 1, "maxLength": 5 },
                "count": { "type": "integer", "minimum": 1, "maximum": 9 },
                "tags": { "type": "array", "items": { "type": "string" }, "minItems": 1, "maxItems": 2 },
                "mode": { "enum": ["a", "b"] },
                "any": { "type": ["string", "null"] },
            },
            "required": ["name"],
            "additionalProperties": false,
        });
        let expect = |input: Value, expected: Result<(), &str>| {
            assert_eq!(check(&schema, &input), expected.map_err(str::to_owned), "{input}");
        };
        expect(json!({ "name": "Ada", "count": 3, "tags": ["x"], "mode": "b", "any": null }), Ok(()));
        expect(json!("Ada"), Err("the input must be of type object"));
        expect(json!({}), Err("`name` is missing"));
        expect(json!({ "name": 1 }), Err("`name` must be of type string"));
        expect(json!({ "name": "" }), Err("`name` must have at least 1 characters"));
        expect(json!({ "name": "Ada Lovelace" }), Err("`name` may have at most 5 characters"));
        expect(json!({ "name": "Ada", "count": 1.5 }), Err("`count` must be of type integer"));
        expect(json!({ "name": "Ada", "count": 0 }), Err("`count` must be at least 1"));
        expect(json!({ "name": "Ada", "count": 10 }), Err("`count` may be at most 9"));
        expect(json!({ "name": "Ada", "tags": [] }), Err("`tags` must have at least 1 items"));
        expect(json!({ "name": "Ada", "tags": ["a", "b", "c"] }), Err("`tags` may have at most 2 items"));
        expect(json!({ "name": "Ada", "tags": ["a", 1] }), Err("item 2 of `tags` must be of type string"));
        expect(json!({ "name": "Ada", "mode": "c" }), Err("`mode` must be one of \"a\", \"b\""));
        expect(json!({ "name": "Ada", "any": 1 }), Err("`any` must be of type string or null"));
        expect(json!({ "name": "Ada", "nmae": "x" }), Err("the input has no field `nmae`"));
    }

    #[test]
    fn what_a_schema_does_not_say_is_allowed() {
        assert_eq!(check(&json!({}), &json!({ "a": [1, { "b": null }] })), Ok(()));
        let mut deep = json!(1);
        let mut schema = json!({});
        for _ in 0..=DEPTH_MAX {
            deep = json!([deep]);
            schema = json!({ "items": schema });
        }
        assert!(check(&schema, &deep).is_err_and(|problem| problem.ends_with("nested too deeply")));
    }
}
