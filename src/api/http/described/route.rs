//! A route and what follows from it: who may call it, whether it takes a key or a version.

use serde_json::{Value, json};

use crate::access::role::Who;
use crate::api::http::route_table;

/// Below these everything that is not read is a command, and takes a key (ORD-4).
const COMMANDS: [&str; 4] =
    ["/v1/client/", "/v1/partner/", "/v1/support/", "/v1/auth/invitations/"];
/// Those that change nothing take none.
const NO_COMMANDS: &[&str] = &["/v1/client/orders/preview"];

/// Those whose answers are not kept under it.
const UNKEPT: [&str; 2] = ["/v1/support/policy/check", "/v1/support/policy/rehearsals"];

/// Commands that answer what their sender saw: they demand the version of it (ORD-3).
const SEEN: &[(&str, &str)] = &[
    ("POST", "/v1/client/orders/{id}/add-ons/{proposal}/decline"),
    ("POST", "/v1/client/orders/{id}/reschedule/{proposal}/accept"),
    ("POST", "/v1/client/orders/{id}/reschedule/{proposal}/decline"),
    ("POST", "/v1/partner/orders/{id}/accept"),
    ("PATCH", "/v1/partner/orders/{id}/services"),
    ("POST", "/v1/partner/orders/{id}/complete"),
    ("POST", "/v1/partner/orders/{id}/add-ons/{proposal}/accept"),
    ("POST", "/v1/partner/orders/{id}/add-ons/{proposal}/decline"),
    ("POST", "/v1/partner/orders/{id}/reschedule/{proposal}/accept"),
    ("POST", "/v1/partner/orders/{id}/reschedule/{proposal}/decline"),
    ("POST", "/v1/support/orders/{id}/adjust"),
];

/// A route of the API.
pub(super) struct DescribedRoute {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) who: Who,
    /// Its path or its query has parameters.
    pub(super) asks: bool,
    /// It takes a body.
    pub(super) body: bool,
}

impl DescribedRoute {
    /// The route an operation describes, if a handler declared it.
    pub(super) fn of(method: &str, path: &str, operation: &Value) -> Option<Self> {
        Some(Self {
            method: method.to_owned(),
            path: path.to_owned(),
            who: route_table::find(method, path)?.who,
            asks: operation["parameters"].as_array().is_some_and(|all| !all.is_empty()),
            body: operation.get("requestBody").is_some(),
        })
    }

    /// A name no other operation has: the method and the words of the path.
    pub(super) fn name(&self) -> String {
        let path = self.path.trim_start_matches("/v1");
        let words = path.split(['/', '.', '-']).filter(|word| !word.is_empty()).map(|word| {
            let parameter = word.strip_prefix('{').and_then(|word| word.strip_suffix('}'));
            parameter.map_or_else(|| word.to_owned(), |word| format!("by_{word}"))
        });
        let words: Vec<String> = words.collect();
        format!("{}_{}", self.method.to_lowercase(), words.join("_"))
    }

    /// Is it this one?
    pub(super) fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path == path
    }

    /// Does it answer to whoever is signed in, and to nobody else?
    pub(super) fn signed_in(&self) -> bool {
        self.who != Who::Open
    }

    /// Does it stand for one thing, named in its path?
    pub(super) fn names_one(&self) -> bool {
        self.path.contains('{')
    }

    /// Does it change something, under a key?
    pub(super) fn command(&self) -> bool {
        let below = COMMANDS.iter().any(|area| self.path.starts_with(area));
        below && self.method != "GET" && !NO_COMMANDS.contains(&self.path.as_str())
    }

    /// Is its answer kept, to be given again under its key?
    pub(super) fn kept(&self) -> bool {
        self.command() && !UNKEPT.contains(&self.path.as_str())
    }

    /// Does it demand the version its sender saw?
    pub(super) fn seen(&self) -> bool {
        SEEN.iter().any(|(method, path)| self.is(method, path))
    }

    /// Adds the headers it takes, and the branch staff act for.
    pub(super) fn parameters(&self, operation: &mut Value) {
        let mut more = Vec::new();
        if matches!(self.who, Who::Staff(_)) {
            more.push(json!({"$ref": "#/components/parameters/BranchId"}));
        }
        if self.command() {
            more.push(json!({"$ref": "#/components/parameters/IdempotencyKey"}));
        }
        if self.seen() {
            more.push(json!({"$ref": "#/components/parameters/IfMatch"}));
        }
        if more.is_empty() {
            return;
        }
        let mut all = operation["parameters"].as_array().cloned().unwrap_or_default();
        all.extend(more);
        operation["parameters"] = all.into();
    }
}
