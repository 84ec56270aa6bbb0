//! The routes: who may call each, and what a request of it weighs (LIM-9). Each handler declares
//! both beside itself; the table is collected from them.

use std::collections::HashMap;
use std::sync::LazyLock;

use actix_web::App;
use actix_web::dev::HttpServiceFactory;
use utoipa::Path;
use utoipa::openapi::HttpMethod;
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_actix_web::{AppExt as _, OpenApiFactory};

use crate::access::role::Who;

/// What a request takes of its caller's rate, by the work its route causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight(pub u32);

impl Weight {
    /// A row by its key.
    pub const ROW: Self = Self(1);
    /// A page, or the feed.
    pub const PAGE: Self = Self(2);
    /// A command.
    pub const COMMAND: Self = Self(4);
    /// A search over days or places, or a person's whole state.
    pub const SEARCH: Self = Self(8);
    /// A month of books, or a code whose sending costs money.
    pub const MONTH: Self = Self(16);
    /// A read of everything.
    pub const EVERYTHING: Self = Self(32);
}

/// What a handler declares beside itself, with [`access!`].
pub trait Access {
    /// Who may call it.
    const WHO: Who;
    /// What a request weighs, where it is not the weight of its method.
    const WEIGHT: Option<Weight> = None;
}

/// Declares who may call a handler: a variant or a constant of [`Who`]; and a constant of
/// [`Weight`] where a request weighs something else than others of its method.
macro_rules! access {
    ($handler:ident: $who:ident) => {
        impl $crate::edge::http::routes::Access for $handler {
            const WHO: $crate::access::role::Who = $crate::access::role::Who::$who;
        }
    };
    ($handler:ident: $who:ident, weight: $weight:ident) => {
        impl $crate::edge::http::routes::Access for $handler {
            const WHO: $crate::access::role::Who = $crate::access::role::Who::$who;
            const WEIGHT: Option<$crate::edge::http::routes::Weight> =
                Some($crate::edge::http::routes::Weight::$weight);
        }
    };
}
pub(crate) use access;

/// A route.
#[derive(Clone, Debug)]
pub struct Route {
    /// The HTTP method.
    pub method: &'static str,
    /// The template of its path.
    pub path: String,
    /// Who may call it.
    pub who: Who,
    /// What a request of it weighs.
    pub weight: Weight,
}

impl Route {
    /// A route that is served without a handler of ours: open to all, and read.
    #[must_use]
    pub fn open(path: &str, weight: Weight) -> Self {
        Self { method: "GET", path: path.to_owned(), who: Who::Open, weight }
    }
}

/// The routes of the application, while they are added to it. Only a handler that declares who may
/// call it can be added.
pub struct Routes<'r, 's> {
    config: &'r mut ServiceConfig<'s>,
    declared: Vec<Route>,
}

impl<'r, 's> Routes<'r, 's> {
    /// None yet.
    pub fn of(config: &'r mut ServiceConfig<'s>) -> Self {
        Self { config, declared: Vec::new() }
    }

    /// Adds a handler.
    pub fn service<H>(&mut self, handler: H) -> &mut Self
    where
        H: HttpServiceFactory + OpenApiFactory + Path + Access + 'static,
    {
        for method in H::methods() {
            let method = name(&method);
            let usual = if method == "GET" { Weight::ROW } else { Weight::COMMAND };
            let weight = H::WEIGHT.unwrap_or(usual);
            self.declared.push(Route { method, path: H::path(), who: H::WHO, weight });
        }
        self.config.service(handler);
        self
    }

    /// What their handlers declared.
    #[must_use]
    pub fn declared(self) -> Vec<Route> {
        self.declared
    }
}

fn name(method: &HttpMethod) -> &'static str {
    match method {
        HttpMethod::Get => "GET",
        HttpMethod::Post => "POST",
        HttpMethod::Put => "PUT",
        HttpMethod::Delete => "DELETE",
        HttpMethod::Options => "OPTIONS",
        HttpMethod::Head => "HEAD",
        HttpMethod::Patch => "PATCH",
        HttpMethod::Trace => "TRACE",
    }
}

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
