//! The published description holds together: every name in it leads somewhere and is used once,
//! every answer says what it is.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not foresee")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

fn description() -> Value {
    serde_json::from_str(&yumo::app::openapi().unwrap()).unwrap()
}

/// Each operation as `GET /path`.
fn operations(api: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(METHODS.contains(&method.as_str()), "{method} {path}");
            found.push((format!("{} {path}", method.to_uppercase()), operation));
        }
    }
    found
}

fn references<'v>(value: &'v Value, found: &mut BTreeSet<&'v str>) {
    found.extend(value["$ref"].as_str());
    match value {
        Value::Object(members) => members.values().for_each(|inside| references(inside, found)),
        Value::Array(items) => items.iter().for_each(|inside| references(inside, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let api = description();
    let mut found = BTreeSet::new();
    references(&api, &mut found);
    assert!(found.len() > 100, "only {} references", found.len());
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(api.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

#[test]
fn no_two_operations_share_a_name() {
    let api = description();
    let mut names = BTreeMap::new();
    for (route, operation) in operations(&api) {
        let name = operation["operationId"].as_str().unwrap_or_else(|| panic!("{route}: no name"));
        let other = names.insert(name, route.clone());
        assert_eq!(other, None, "{route} and {other:?} are both {name}");
    }
}

#[test]
fn every_answer_says_what_it_is() {
    let api = description();
    for (route, operation) in operations(&api) {
        for (status, answer) in operation["responses"].as_object().unwrap() {
            let shared = answer["$ref"].as_str().and_then(|name| api.pointer(&name[1..]));
            let answer = shared.unwrap_or(answer);
            let said = answer["description"].as_str().unwrap_or_default();
            assert!(!said.is_empty(), "{route} {status} has no description");
            let shown = answer["content"].as_object();
            let problem = shown.is_some_and(|kinds| kinds.contains_key("application/problem+json"));
            let no = status.starts_with('4') || (status == "503" && !route.contains("/health/"));
            assert_eq!(no, problem, "{route} {status}: {answer}");
        }
    }
}

/// Files below a folder, as text.
fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// The names of the types of a file that derive a schema.
fn schemas(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut derives = false;
    let mut renamed = None;
    for line in text.lines().map(str::trim) {
        derives |= line.contains("ToSchema)]") || line.contains("ToSchema,");
        let given = line.strip_prefix("#[schema(as = ").and_then(|rest| rest.split(')').next());
        renamed = given.map(ToOwned::to_owned).or(renamed);
        let words: Vec<&str> = line.split([' ', '<', '(', '{']).collect();
        let kind = words.iter().position(|word| ["struct", "enum"].contains(word));
        let head =
            line.starts_with("pub") || line.starts_with("struct") || line.starts_with("enum");
        if let Some(name) = kind.filter(|_| head).and_then(|at| words.get(at + 1)) {
            if derives {
                names.push(renamed.take().unwrap_or_else(|| (*name).to_owned()));
            }
            (derives, renamed) = (false, None);
        }
    }
    names
}

/// Two types of one name would be one schema in the description, and one of them would be wrong.
#[test]
fn no_two_types_share_a_schema() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = Vec::new();
    sources(&root.join("src"), &mut texts);
    sources(&root.join("entity/src"), &mut texts);
    let mut seen = BTreeSet::new();
    for name in texts.iter().flat_map(|text| schemas(text)) {
        assert!(seen.insert(name.clone()), "two types are published as the schema {name}");
    }
    assert!(seen.len() > 150, "only {} types were found", seen.len());
}
