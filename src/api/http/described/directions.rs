//! What is sent and what is answered are read by different rules: a body with a field nobody knows
//! is refused, while an answer may gain one; money is sent as a number or as an object, and always
//! answered as an object. A schema that both directions use is published twice, and the one for
//! bodies is called `…Input`.

use std::collections::BTreeSet;

use entity::value::money::MAX_QEPIK;
use serde_json::{Value, json};

use super::schemas::{SCHEMAS, operations};

/// What the name of a schema ends with that only bodies use, where answers have one of their own.
const SENT: &str = "Input";
/// Money: the one schema whose forms differ by more than being closed.
const MONEY: &str = "Money";
/// Any text that can be stored: PostgreSQL keeps no U+0000.
const NO_NUL: &str = "^[^\\u0000]*$";

/// Splits the schemas that bodies and answers share, and opens those of the answers.
pub(super) fn split(document: &mut Value) {
    let before = document["components"]["schemas"].clone();
    let sent = reached(&before, references_of(document, "requestBody"));
    let shown = reached(&before, references_of(document, "responses"));
    let both = |name: &&String| shown.contains(*name) && differs(&before, name);
    let twice: BTreeSet<String> = sent.iter().filter(both).cloned().collect();
    let schemas = &mut document["components"]["schemas"];
    for name in sent.iter().filter(|name| !shown.contains(*name) || twice.contains(*name)) {
        let mut schema = if name == MONEY { money() } else { before[name].clone() };
        storable(&mut schema);
        rename(&mut schema, &twice);
        let published = if twice.contains(name) { format!("{name}{SENT}") } else { name.clone() };
        schemas[published] = schema;
    }
    for name in &shown {
        open(&mut schemas[name]);
    }
    for (_, _, operation) in operations(document) {
        if let Some(body) = operation.get_mut("requestBody") {
            rename(body, &twice);
        }
        let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
        for parameter in parameters.into_iter().flatten() {
            storable(&mut parameter["schema"]);
            never_null(&mut parameter["schema"]);
        }
    }
}

/// The schemas that a part of any operation names.
fn references_of(document: &mut Value, part: &str) -> Vec<String> {
    let parts = operations(document).filter_map(|(.., operation)| operation.get(part));
    parts.flat_map(references).collect()
}

/// Those schemas, and all they lead to.
fn reached(schemas: &Value, mut waiting: Vec<String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    while let Some(name) = waiting.pop() {
        if found.insert(name.clone()) {
            waiting.extend(schemas.get(&name).into_iter().flat_map(references));
        }
    }
    found
}

/// The names of the schemas a value refers to.
fn references(value: &Value) -> Vec<String> {
    let named = value["$ref"].as_str().and_then(|name| name.strip_prefix(SCHEMAS));
    let inside: Vec<&Value> = match value {
        Value::Object(members) => members.values().collect(),
        Value::Array(items) => items.iter().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    let inside = inside.into_iter().flat_map(references);
    named.map(ToOwned::to_owned).into_iter().chain(inside).collect()
}

/// Is a schema, or one it leads to, read otherwise than it is answered?
fn differs(schemas: &Value, name: &str) -> bool {
    let all = reached(schemas, vec![name.to_owned()]);
    all.iter().any(|name| schemas[name]["additionalProperties"] == false)
}

/// Money as it is sent.
fn money() -> Value {
    let amount = json!({
        "type": "integer", "format": "int64",
        "minimum": 0, "maximum": MAX_QEPIK,
        "description": "Whole qəpik.",
    });
    let whole = json!({
        "type": "object", "required": ["amount", "currency"], "additionalProperties": false,
        "properties": {"amount": amount, "currency": {"type": "string", "const": "AZN"}},
    });
    json!({
        "description": "Whole qəpik: the number alone, or with its currency.",
        "anyOf": [amount, whole],
    })
}

/// Names the schemas for bodies where a schema for bodies refers to one.
fn rename(value: &mut Value, twice: &BTreeSet<String>) {
    each(value, &mut |inside| {
        let name = inside["$ref"].as_str().and_then(|name| name.strip_prefix(SCHEMAS));
        if let Some(name) = name.filter(|name| twice.contains(*name)) {
            inside["$ref"] = format!("{SCHEMAS}{name}{SENT}").into();
        }
    });
}

/// Answers may gain fields, and carry `server_now`.
fn open(schema: &mut Value) {
    each(schema, &mut |inside| {
        if let Some(members) = inside.as_object_mut() {
            members.retain(|name, value| name != "additionalProperties" || value != false);
        }
    });
}

/// No text of a body holds U+0000, and a number fits its type.
fn storable(schema: &mut Value) {
    each(schema, &mut |inside| {
        let text = inside["type"] == "string" || inside["type"] == json!(["string", "null"]);
        let bounded = ["pattern", "format", "enum", "const"];
        let range = match inside["format"].as_str() {
            Some("int32") => Some((i64::from(i32::MIN), i64::from(i32::MAX))),
            Some("int64") => Some((i64::MIN, i64::MAX)),
            _ => None,
        };
        if let Some((least, most)) = range {
            for (bound, value) in [("minimum", least), ("maximum", most)] {
                if inside.get(bound).is_none() {
                    inside[bound] = value.into();
                }
            }
        }
        if text && !bounded.iter().any(|key| inside.get(key).is_some()) {
            inside["pattern"] = NO_NUL.into();
        }
    });
}

/// What stands in a path or a query is there or is left out, and never null.
fn never_null(schema: &mut Value) {
    if let Some(named) = schema["type"].as_array().and_then(|types| types.first()).cloned() {
        schema["type"] = named;
    }
    if let Some(named) = schema.pointer("/oneOf/0").cloned() {
        *schema = named;
    }
}

/// Does something with every object of a document.
fn each(value: &mut Value, act: &mut impl FnMut(&mut Value)) {
    if value.is_object() {
        act(value);
    }
    match value {
        Value::Object(members) => members.values_mut().for_each(|inside| each(inside, act)),
        Value::Array(items) => items.iter_mut().for_each(|inside| each(inside, act)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
