//! Weights: what a request of each route takes of its caller's rate (LIM-9), and the routes by
//! their path.
//!
//! A weight is 1, 2, 4, 8, 16 or 32, by the work a route causes: a row by its key is 1, a page 2, a
//! command 4, a search over days 8, a read of a month 16, a read of everything 32.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::role::{RouteRule, TABLE};

/// A page, or the feed.
const PAGE: u32 = 2;
/// A command.
const COMMAND: u32 = 4;
/// A search over days or places, or a person's whole state.
const SEARCH: u32 = 8;
/// A month of books, or a code whose sending costs money.
const MONTH: u32 = 16;
/// A read of everything.
const ALL: u32 = 32;

/// Routes whose weight is not the default of their method.
#[rustfmt::skip]
const OTHERS: &[(&str, &str, u32)] = &[
    ("GET",  "/metrics", PAGE),
    ("GET",  "/openapi.json", PAGE),
    ("POST", "/v1/auth/otp", MONTH),
    ("POST", "/v1/auth/sessions", SEARCH),
    ("GET",  "/v1/open/calendars/{token}.ics", SEARCH),
    ("GET",  "/v1/feed", COMMAND),
    ("GET",  "/v1/feed/events", PAGE),
    ("GET",  "/v1/feed/snapshot", SEARCH),
    ("POST", "/v1/feed/ack", PAGE),
    ("POST", "/v1/client/orders/{id}/positions", PAGE),
    ("GET",  "/v1/client/orders", PAGE),
    ("GET",  "/v1/client/partners", SEARCH),
    ("GET",  "/v1/client/partners/{id}/slots", SEARCH),
    ("GET",  "/v1/client/orders/{id}/alternatives", SEARCH),
    ("GET",  "/v1/client/penalties", PAGE),
    ("GET",  "/v1/client/bonus/statement", PAGE),
    ("GET",  "/v1/partner/orders", PAGE),
    ("GET",  "/v1/partner/calendar", SEARCH),
    ("GET",  "/v1/partner/statement", PAGE),
    ("GET",  "/v1/partner/statement.csv", ALL),
    ("GET",  "/v1/partner/statements/{month}", MONTH),
    ("GET",  "/v1/partner/top-ups", PAGE),
    ("GET",  "/v1/partner/payouts", PAGE),
    ("GET",  "/v1/partner/payables", PAGE),
    ("GET",  "/v1/support/orders/{id}", SEARCH),
    ("GET",  "/v1/support/penalties", PAGE),
    ("GET",  "/v1/support/payables", PAGE),
    ("GET",  "/v1/support/payouts", PAGE),
    ("GET",  "/v1/support/proof", ALL),
    ("GET",  "/v1/support/statistics/events", MONTH),
    ("POST", "/v1/support/policy/rehearsals", ALL),
    ("POST", "/v1/support/policy/check", SEARCH),
];

/// A route, with its permission and its weight.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// Who may call it.
    pub rule: &'static RouteRule,
    /// Its weight.
    pub weight: u32,
}

static ROUTES: LazyLock<HashMap<String, Vec<Route>>> = LazyLock::new(|| {
    let mut routes: HashMap<String, Vec<Route>> = HashMap::new();
    for rule in TABLE {
        let route = Route { rule, weight: weight(rule.method, rule.path) };
        routes.entry(nameless(rule.path)).or_default().push(route);
    }
    routes
});

/// A path with the names of its parameters removed.
fn nameless(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// The weight of a request of this route.
fn weight(method: &str, path: &str) -> u32 {
    let path = nameless(path);
    let other = OTHERS.iter().find(|(m, p, _)| *m == method && nameless(p) == path);
    other.map_or(if method == "GET" { 1 } else { COMMAND }, |(.., weight)| *weight)
}

/// The routes of a path, by its template.
#[must_use]
pub fn routes(path: &str) -> &'static [Route] {
    ROUTES.get(&nameless(path)).map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LIM-9: a weight is a power of two up to 32, and belongs to an existing route.
    #[test]
    fn every_weight_is_one_of_a_known_route() {
        for (method, path, weight) in OTHERS {
            assert!(matches!(weight, 1 | 2 | 4 | 8 | 16 | 32), "{method} {path}");
            let known = routes(path).iter().find(|route| route.rule.method == *method);
            assert_eq!(known.map(|route| route.weight), Some(*weight), "{method} {path}");
        }
        for (method, path, weight) in [
            ("GET", "/v1/client/orders/{order_id}", 1),
            ("POST", "/v1/partner/orders/{x}/accept", 4),
            ("GET", "/v1/support/proof", 32),
        ] {
            let route = routes(path).iter().find(|route| route.rule.method == method);
            assert_eq!(route.map(|route| route.weight), Some(weight), "{method} {path}");
        }
        assert!(routes("/v1/nothing").is_empty());
    }
}
