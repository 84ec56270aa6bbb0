//! The table of routes: who may call each and what a request of it weighs, collected from what the
//! handlers declare.

use std::collections::HashMap;
use std::sync::LazyLock;

use actix_web::App;
use utoipa_actix_web::AppExt as _;

use super::routes::Route;
use crate::access::role::Who;

/// The table, by the path without the names of its parameters.
static TABLE: LazyLock<HashMap<String, Vec<Route>>> = LazyLock::new(|| {
    let mut declared = Vec::new();
    drop(App::new().into_utoipa_app().configure(|config| declared = super::register(config)));
    let mut table: HashMap<String, Vec<Route>> = HashMap::new();
    for route in declared {
        table.entry(nameless(&route.path)).or_default().push(route);
    }
    table
});

/// A path with the names of its parameters removed.
fn nameless(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// All routes.
pub fn all() -> impl Iterator<Item = &'static Route> {
    TABLE.values().flatten()
}

/// The routes of a path, by its template.
#[must_use]
pub fn of_path(path: &str) -> &'static [Route] {
    TABLE.get(&nameless(path)).map(Vec::as_slice).unwrap_or_default()
}

/// The route of a method and a path, by its template.
#[must_use]
pub fn find(method: &str, path: &str) -> Option<&'static Route> {
    of_path(path).iter().find(|route| route.method == method)
}

/// Collects the table, and checks that no route is declared twice and that each area is for its own
/// people.
///
/// # Errors
/// The routes that are not.
pub fn check() -> Result<(), String> {
    let once = |route: &Route| {
        of_path(&route.path).iter().filter(|other| other.method == route.method).count() == 1
    };
    let wrong = all().filter(|route| !once(route) || !in_its_area(route));
    let wrong: Vec<_> = wrong.map(|route| format!("{} {}", route.method, route.path)).collect();
    if wrong.is_empty() { Ok(()) } else { Err(format!("wrongly declared: {}", wrong.join(", "))) }
}

fn in_its_area(route: &Route) -> bool {
    match route.path.split('/').nth(2) {
        Some("client") => route.who == Who::Client,
        Some("partner") => matches!(route.who, Who::Staff(_)),
        Some("support") => matches!(route.who, Who::Support(_)),
        Some("feed") => route.who == Who::SignedIn,
        _ => matches!(route.who, Who::Open | Who::SignedIn),
    }
}

#[cfg(test)]
mod tests {
    use entity::staff::StaffRole::{Manager, Owner, Viewer};

    use super::*;

    #[test]
    fn the_collected_table_is_right() {
        assert_eq!(check(), Ok(()));
    }

    /// LIM-9: a weight is a power of two up to 32; a route has that of its method, unless its
    /// handler says otherwise.
    #[test]
    fn lim_9_every_route_has_its_weight() {
        assert!(all().all(|route| matches!(route.weight.0, 1 | 2 | 4 | 8 | 16 | 32)));
        for (method, path, weight) in [
            ("GET", "/v1/client/orders/{order_id}", 1),
            ("GET", "/v1/client/orders", 2),
            ("POST", "/v1/partner/orders/{x}/accept", 4),
            ("POST", "/v1/auth/otp", 16),
            ("GET", "/v1/support/proof", 32),
        ] {
            assert_eq!(find(method, path).map(|route| route.weight.0), Some(weight), "{path}");
        }
        assert!(of_path("/v1/nothing").is_empty());
    }

    /// ACC-4.
    #[test]
    fn acc_4_a_viewer_only_reads_and_sees_no_money() {
        for route in all() {
            let Who::Staff(roles) = route.who else { continue };
            let money = route.path.ends_with("balance") || route.path.ends_with("statement");
            let viewer = roles.contains(&Viewer);
            assert!(!viewer || (route.method == "GET" && !money), "{route:?}");
            assert!(roles.contains(&Owner) && roles.contains(&Manager), "{route:?}");
        }
    }
}
