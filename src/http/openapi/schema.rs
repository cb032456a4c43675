//! How does a schema of a tool (JSON Schema 2020-12) look in OpenAPI 3.0, whose schemas are an older dialect?

use serde_json::{Map, Value, json};

/// The same schema in the dialect of OpenAPI 3.0.3. It allows what the original allows; what the dialect cannot say is left out.
pub(super) fn of_openapi(schema: &Value) -> Value {
    let Some(members) = schema.as_object() else { return json!({}) };
    if let Some(words) = words(members) {
        return words;
    }
    let mut dialect = Map::new();
    for (name, value) in members {
        match name.as_str() {
            "type" => {}
            "const" => insert(&mut dialect, "enum", json!([value])),
            "examples" => {
                if let Some(first) = value.get(0) {
                    insert(&mut dialect, "example", first.clone());
                }
            }
            "exclusiveMinimum" if value.is_number() => bound(&mut dialect, "minimum", name, value),
            "exclusiveMaximum" if value.is_number() => bound(&mut dialect, "maximum", name, value),
            "properties" => {
                let properties = value.as_object().into_iter().flatten();
                let properties: Map<_, _> = properties.map(|(name, schema)| (name.clone(), of_openapi(schema))).collect();
                insert(&mut dialect, name, properties.into());
            }
            "oneOf" | "anyOf" | "allOf" => {
                insert(&mut dialect, name, value.as_array().into_iter().flatten().map(of_openapi).collect());
            }
            "items" | "additionalProperties" | "not" if value.is_object() => insert(&mut dialect, name, of_openapi(value)),
            "$schema" | "$defs" | "title" => {}
            // That nothing is required is said by saying nothing.
            "required" if value.as_array().is_some_and(Vec::is_empty) => {}
            _ => insert(&mut dialect, name, value.clone()),
        }
    }
    typed(dialect, members.get("type"))
}

/// A choice of words, each with what it means, is an enumeration whose description says what they mean.
fn words(members: &Map<String, Value>) -> Option<Value> {
    let choices = members.get("oneOf")?.as_array()?;
    let word =
        |choice: &Value| Some((choice.get("const")?.as_str()?.to_owned(), choice["description"].as_str().map(ToOwned::to_owned)));
    let choices: Vec<_> = choices.iter().map(word).collect::<Option<_>>()?;
    let meanings = choices.iter().filter_map(|(word, meaning)| Some(format!("{word}: {}", meaning.as_deref()?)));
    let help = members.get("description").and_then(Value::as_str).map(ToOwned::to_owned);
    let description: Vec<_> = help.into_iter().chain(meanings).collect();
    let words: Vec<_> = choices.iter().map(|(word, _)| word).collect();
    Some(json!({"type": "string", "enum": words, "description": description.join("\n")}))
}

/// Adds the type: the dialect knows one, and whether it may be null.
fn typed(mut dialect: Map<String, Value>, kind: Option<&Value>) -> Value {
    let kinds: Vec<&str> = match kind {
        Some(Value::String(kind)) => vec![kind.as_str()],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return dialect.into(),
    };
    if kinds.contains(&"null") {
        insert(&mut dialect, "nullable", true.into());
    }
    match kinds.iter().filter(|kind| **kind != "null").collect::<Vec<_>>()[..] {
        [] => {}
        [kind] => insert(&mut dialect, "type", json!(kind)),
        ref several => insert(&mut dialect, "anyOf", several.iter().map(|kind| json!({ "type": kind })).collect()),
    }
    dialect.into()
}

fn bound(dialect: &mut Map<String, Value>, inclusive: &str, exclusive: &str, value: &Value) {
    insert(dialect, inclusive, value.clone());
    insert(dialect, exclusive, true.into());
}

fn insert(dialect: &mut Map<String, Value>, name: &str, value: Value) {
    dialect.insert(name.to_owned(), value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Registry;

    #[test]
    fn what_the_older_dialect_says_otherwise_is_said_its_way() {
        for (ours, theirs) in [
            (json!({"type": ["string", "null"], "minLength": 1}), json!({"type": "string", "nullable": true, "minLength": 1})),
            (json!({"type": ["string", "integer"]}), json!({"anyOf": [{"type": "string"}, {"type": "integer"}]})),
            (json!({"const": 5, "title": "Five"}), json!({"enum": [5]})),
            (json!({"type": "string", "examples": ["AAPL", "TSLA"]}), json!({"type": "string", "example": "AAPL"})),
            (json!({"type": "number", "exclusiveMinimum": 0}), json!({"type": "number", "minimum": 0, "exclusiveMinimum": true})),
            (
                json!({"description": "When.", "oneOf": [{"const": "a", "description": "At."}, {"const": "b", "type": "string"}]}),
                json!({"type": "string", "enum": ["a", "b"], "description": "When.\na: At."}),
            ),
            (
                json!({"type": "object", "additionalProperties": false, "properties": {"type": {"const": "x"}}}),
                json!({"type": "object", "additionalProperties": false, "properties": {"type": {"enum": ["x"]}}}),
            ),
            (json!({"type": "object", "required": []}), json!({"type": "object"})),
            (json!(true), json!({})),
        ] {
            assert_eq!(of_openapi(&ours), theirs, "{ours}");
        }
    }

    fn keywords(schema: &Value, found: &mut Vec<String>) {
        for (name, value) in schema.as_object().into_iter().flatten() {
            found.push(name.clone());
            assert!(name != "type" || value.is_string(), "{schema}");
            match name.as_str() {
                "properties" => value.as_object().unwrap().values().for_each(|schema| keywords(schema, found)),
                "items" | "additionalProperties" => keywords(value, found),
                "anyOf" | "oneOf" => value.as_array().unwrap().iter().for_each(|schema| keywords(schema, found)),
                _ => {}
            }
        }
    }

    #[test]
    fn every_tools_schemas_are_of_the_dialect() {
        let known = [
            "type",
            "description",
            "minimum",
            "maximum",
            "properties",
            "required",
            "minLength",
            "maxLength",
            "default",
            "items",
            "format",
            "anyOf",
            "oneOf",
            "enum",
            "maxItems",
            "minItems",
            "example",
            "additionalProperties",
            "pattern",
            "nullable",
            "exclusiveMinimum",
            "exclusiveMaximum",
            "uniqueItems",
        ];
        for tool in Registry::standard().tools() {
            for schema in [Some(&tool.input_schema), tool.output_schema.as_ref()].into_iter().flatten() {
                let mut found = Vec::new();
                keywords(&of_openapi(schema), &mut found);
                let strange: Vec<_> = found.iter().filter(|name| !known.contains(&name.as_str())).collect();
                assert!(strange.is_empty(), "{}: {strange:?}", tool.name);
            }
        }
    }
}
