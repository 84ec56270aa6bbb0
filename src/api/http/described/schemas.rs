//! The operations and schemas of the document.

use serde_json::{Value, json};

/// Each operation with its path and its method.
pub fn operations(document: &mut Value) -> impl Iterator<Item = (String, String, &mut Value)> {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let operations = item.as_object_mut().into_iter().flatten();
        operations.map(|(method, operation)| (path.clone(), method.to_uppercase(), operation))
    })
}

/// A schema by its reference.
pub fn schema<'s>(schemas: &'s Value, reference: &str) -> Option<&'s Value> {
    schemas.get(reference.strip_prefix(SCHEMAS)?)
}

/// Where schemas stand.
pub const SCHEMAS: &str = "#/components/schemas/";

/// A reference to a schema.
pub fn reference(name: &str) -> Value {
    json!({"$ref": format!("{SCHEMAS}{name}")})
}
