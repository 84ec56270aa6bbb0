//! The description of the API as it is published: what the handlers say of themselves, completed
//! with what follows from a route's own properties.
//!
//! A handler names its parameters, its body and its answer. Everything that is the same for all
//! routes of a kind is added here, once: the name of the operation, the headers, the problems it
//! may be answered with, and `server_now`.

#![expect(
    clippy::indexing_slicing,
    reason = "a JSON value answers null for what is missing, and creates what is assigned"
)]

mod answers;
mod directions;
mod problems;
mod route;
mod schemas;

use serde_json::Value;
use utoipa::openapi::OpenApi;

use route::DescribedRoute;
use schemas::{operations, schema};

/// Completes the description that utoipa gathered from the handlers.
///
/// # Errors
/// When it is no JSON.
pub fn complete(api: &OpenApi) -> Result<Value, serde_json::Error> {
    let mut document = serde_json::to_value(api)?;
    directions::split(&mut document);
    problems::declare(&mut document);
    answers::declare(&mut document);
    let schemas = document["components"]["schemas"].clone();
    for (path, method, operation) in operations(&mut document) {
        let Some(route) = DescribedRoute::of(&method, &path, operation) else { continue };
        operation["operationId"] = route.name().into();
        route.parameters(operation);
        body(operation, &schemas);
        answers::complete(operation, &route, &schemas);
        problems::complete(operation, &route);
    }
    Ok(document)
}

/// A body is required where one of its fields is: an empty one reads as `{}`.
fn body(operation: &mut Value, schemas: &Value) {
    let Some(body) = operation.get_mut("requestBody") else { return };
    let json = body.pointer("/content/application~1json/schema/$ref").and_then(Value::as_str);
    let schema = json.and_then(|name| schema(schemas, name));
    let needed = |schema: &Value| schema["required"].as_array().is_some_and(|all| !all.is_empty());
    body["required"] = schema.is_none_or(needed).into();
}
