//! Answers that are a yes: what they are, their headers, and `server_now` in each of them.

use serde_json::{Value, json};

use super::route::DescribedRoute;
use super::schemas::{SCHEMAS, reference, schema};

/// The view of an order: its version travels as `ETag`.
const ORDERS: [&str; 2] = ["OrderView", "OrderWhole"];

/// Declares the headers, the parameters and the part of a body that every route shares.
pub(super) fn declare(document: &mut Value) {
    let components = &mut document["components"];
    components["schemas"]["ServerNow"] = json!({
        "type": "object",
        "description": "What every JSON answer carries beside its own.",
        "required": ["server_now"],
        "properties": {"server_now": {
            "type": "string",
            "format": "date-time",
            "description": "The server's clock when it answered: deadlines are counted from it.",
        }},
    });
    components["parameters"] = parameters();
    components["headers"] = headers();
}

fn parameters() -> Value {
    json!({
        "BranchId": {
            "name": "branch_id", "in": "query", "required": false,
            "description": "For which branch; only whoever works for several names it.",
            "schema": {"type": "string", "format": "uuid"},
        },
        "IdempotencyKey": {
            "name": "Idempotency-Key", "in": "header", "required": true,
            "description": "Fresh for each command, the same when it is repeated; kept for 48 hours.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[!-~]{1,64}$"},
        },
        "IfMatch": {
            "name": "If-Match", "in": "header", "required": true,
            "description": "The ETag of the order as its sender saw it.",
            "schema": {
                "type": "string",
                "pattern": "^(W/)?(\"[0-9]{1,18}\"|[0-9]{1,18})$",
                "examples": ["\"3\""],
            },
        },
    })
}

fn headers() -> Value {
    let text = |description: &str, required: bool, pattern: &str| {
        let schema = json!({"type": "string", "pattern": pattern});
        json!({"description": description, "required": required, "schema": schema})
    };
    json!({
        "ETag": text("The version, for `If-Match`.", true, "^\"[^\"]+\"$"),
        "IdempotencyReplayed": text(
            "`true` where this is what was answered under the key before.", false, "^true$",
        ),
        "RetryAfter": text("Seconds to wait before it is sent again.", true, "^[0-9]+$"),
        "RateLimit": text(
            "The limit that was reached (draft-ietf-httpapi-ratelimit-headers).", false, "^\"",
        ),
        "RateLimitPolicy": text("Its quota and window.", false, "^\""),
        "Challenge": text("How to sign in.", true, "^Bearer$"),
    })
}

/// Completes every yes of an operation.
pub(super) fn complete(operation: &mut Value, route: &DescribedRoute, schemas: &Value) {
    let answers = operation["responses"].as_object_mut().into_iter().flatten();
    for (status, answer) in answers.filter(|(status, _)| status.starts_with(['1', '2', '3'])) {
        let shown = answer.pointer("/content/application~1json/schema").cloned();
        let named = shown.as_ref().and_then(|s| s["$ref"].as_str()).map(ToOwned::to_owned);
        let schema = named.as_deref().and_then(|name| schema(schemas, name));
        if answer["description"].as_str().is_none_or(str::is_empty) {
            answer["description"] = said(status, schema).into();
        }
        // What is no JSON has no schema: its content type says what it is.
        if let Some(content) = answer.get_mut("content").and_then(Value::as_object_mut) {
            for (_, shown) in content.iter_mut().filter(|(kind, _)| !kind.contains("json")) {
                *shown = json!({});
            }
        }
        if let Some(shown) = shown.filter(|_| route.path.starts_with("/v1/")) {
            let both = json!({"allOf": [shown, reference("ServerNow")]});
            answer["content"]["application/json"]["schema"] = both;
        }
        let order = named.and_then(|name| name.strip_prefix(SCHEMAS).map(ToOwned::to_owned));
        if order.is_some_and(|name| ORDERS.contains(&name.as_str())) {
            answer["headers"]["ETag"] = json!({"$ref": "#/components/headers/ETag"});
        }
        if route.kept() {
            let replayed = json!({"$ref": "#/components/headers/IdempotencyReplayed"});
            answer["headers"]["Idempotency-Replayed"] = replayed;
        }
    }
}

/// What an answer is, where its handler says nothing of its own.
fn said(status: &str, schema: Option<&Value>) -> String {
    let described = schema.and_then(|schema| schema["description"].as_str());
    match (described, status) {
        (Some(text), _) => text.to_owned(),
        (None, "201") => "It was made".to_owned(),
        (None, "204") => "It was done; there is nothing to show".to_owned(),
        (None, "304") => "Nothing has changed since".to_owned(),
        (None, _) => "What was asked for".to_owned(),
    }
}
