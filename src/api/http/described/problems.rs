//! Answers that are a no: which of them a route may give follows from what it takes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::route::DescribedRoute;
use super::schemas::reference;
use crate::access::role::Who;

/// The problems any route may have, by status: the name of the answer and what happened.
const PROBLEMS: &[(u16, &str, &str)] = &[
    (400, "Malformed", "The request is not what this description says"),
    (401, "Unauthenticated", "Nobody is signed in, or no longer"),
    (403, "Forbidden", "This caller may not do that"),
    (404, "NotFound", "There is no such thing for this caller"),
    (408, "Slow", "The body did not come in time"),
    (
        409,
        "Conflict",
        "Things have moved on, or stand in the way; of an order, `order` shows it now",
    ),
    (412, "Stale", "The order has changed since the version in `If-Match`; `order` shows it now"),
    (413, "TooLarge", "The body is larger than 64 KiB"),
    (422, "Unprocessable", "Well formed, but makes no sense; `errors` names the fields at fault"),
    (428, "VersionMissing", "The command needs `If-Match`"),
    (429, "TooMany", "Too often"),
    (503, "Unavailable", "Nothing is decided here now; the same request may be sent again"),
];

/// Problems of single routes, beside those that follow from what a route takes.
const OWN: &[(&str, &str, &[u16])] = &[
    ("GET", "/v1/client/orders/{id}/cancellation-quote", &[409, 422]),
    ("GET", "/v1/client/orders/{id}/alternatives", &[409, 422]),
    ("GET", "/v1/client/partners/{id}/slots", &[409, 422]),
    ("GET", "/v1/partner/calendar", &[404]),
    ("POST", "/v1/client/orders/preview", &[403, 404, 409]),
    ("GET", "/v1/open/commission", &[422]),
    ("GET", "/v1/partner/commission", &[422]),
    ("GET", "/v1/partner/statement.csv", &[422]),
    ("POST", "/v1/open/payments/epoint", &[400, 403, 404, 409]),
    ("POST", "/v1/open/payments/payriff", &[400, 403, 404, 409]),
    ("POST", "/v1/auth/sessions", &[401]),
    ("POST", "/v1/auth/refresh", &[401]),
    ("POST", "/v1/auth/tickets", &[403]),
];

/// Routes that ask neither the database nor anybody else.
const ALONE: [&str; 4] = ["/health/live", "/health/ready", "/metrics", "/asyncapi.yaml"];

/// Declares what a problem is, and the answers that are one.
pub(super) fn declare(document: &mut Value) {
    let components = &mut document["components"];
    components["schemas"]["Problem"] = problem();
    components["schemas"]["FieldError"] = field_error();
    for (status, name, happened) in PROBLEMS {
        let mut answer = json!({"description": happened, "content": content()});
        for (header, declared) in headers(*status) {
            answer["headers"][header] = json!({"$ref": format!("#/components/headers/{declared}")});
        }
        components["responses"][name] = answer;
    }
}

fn content() -> Value {
    json!({"application/problem+json": {"schema": reference("Problem")}})
}

/// The headers of a problem: as they are sent, and as they are declared.
fn headers(status: u16) -> &'static [(&'static str, &'static str)] {
    match status {
        401 => &[("WWW-Authenticate", "Challenge")],
        429 => &[
            ("Retry-After", "RetryAfter"),
            ("RateLimit", "RateLimit"),
            ("RateLimit-Policy", "RateLimitPolicy"),
        ],
        503 => &[("Retry-After", "RetryAfter")],
        _ => &[],
    }
}

fn problem() -> Value {
    json!({
        "type": "object",
        "description": "A problem (RFC 9457). Its code may add members, such as `order`, `limit` or `until`.",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": {"type": "string", "format": "uri", "description": "Names the code."},
            "title": {"type": "string", "description": "What happened, for people."},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "code": {
                "type": "string", "pattern": "^[a-z0-9_]+$",
                "description": "Stable, for programs: docs/protocol.md lists all of them.",
            },
            "detail": {"type": "string", "description": "What to do, for people."},
            "errors": {
                "type": "array", "minItems": 1, "items": reference("FieldError"),
                "description": "The fields at fault (422), where it is about fields.",
            },
            "order": {
                "description": "The order as it is now, as this caller may see it (ORD-3).",
                "allOf": [reference("OrderView")],
            },
            "retry_after_s": {"type": "integer", "minimum": 0},
        },
    })
}

fn field_error() -> Value {
    json!({
        "type": "object",
        "description": "A field of the body that is at fault.",
        "required": ["pointer", "code", "detail"],
        "properties": {
            "pointer": {
                "type": "string", "format": "json-pointer",
                "description": "Where it stands in the body that was sent (RFC 6901).",
                "examples": ["/service_ids/0"],
            },
            "code": {"type": "string", "description": "The code of the problem."},
            "detail": {"type": "string", "description": "What to do, for people."},
        },
    })
}

/// Adds what an operation may be refused with, and completes what its handler says of it.
pub(super) fn complete(operation: &mut Value, route: &DescribedRoute) {
    let own = OWN.iter().find(|(method, path, _)| route.is(method, path));
    let mut expected: BTreeSet<u16> = statuses(route);
    expected.extend(own.into_iter().flat_map(|(.., own)| *own));
    for (status, name, _) in PROBLEMS {
        let key = status.to_string();
        let told = operation["responses"].get(&key).cloned();
        if let Some(mut told) = told.filter(|_| !ALONE.contains(&route.path.as_str())) {
            told["content"] = content();
            for (header, declared) in headers(*status) {
                told["headers"][header] =
                    json!({"$ref": format!("#/components/headers/{declared}")});
            }
            operation["responses"][&key] = told;
        } else if expected.contains(status) {
            let shared = json!({"$ref": format!("#/components/responses/{name}")});
            operation["responses"][&key] = shared;
        }
    }
}

/// What follows from the kind of a route.
fn statuses(route: &DescribedRoute) -> BTreeSet<u16> {
    let mut found = BTreeSet::from([429]);
    let mut when = |holds: bool, statuses: &[u16]| {
        if holds {
            found.extend(statuses);
        }
    };
    when(!ALONE.contains(&route.path.as_str()), &[503]);
    when(route.signed_in(), &[400, 401]);
    when(route.asks || route.body, &[400]);
    when(matches!(route.who, Who::Staff(_) | Who::Support(_)), &[403]);
    when(route.names_one(), &[404]);
    when(route.body, &[408, 413, 422]);
    when(route.command(), &[403, 404, 409, 422]);
    when(route.command(), &[408, 413]);
    when(route.seen(), &[412, 428]);
    found
}
