//! The routes: who may call each, and what a request of it weighs (LIM-9). Each handler declares
//! both beside itself; the table is collected from them.

use actix_web::dev::HttpServiceFactory;
use utoipa::Path;
use utoipa::openapi::HttpMethod;
use utoipa_actix_web::OpenApiFactory;
use utoipa_actix_web::service_config::ServiceConfig;

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
        impl $crate::api::http::routes::Access for $handler {
            const WHO: $crate::access::role::Who = $crate::access::role::Who::$who;
        }
    };
    ($handler:ident: $who:ident, weight: $weight:ident) => {
        impl $crate::api::http::routes::Access for $handler {
            const WHO: $crate::access::role::Who = $crate::access::role::Who::$who;
            const WEIGHT: Option<$crate::api::http::routes::Weight> =
                Some($crate::api::http::routes::Weight::$weight);
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

/// The matched route of a request, for the guards.
#[derive(Clone, Copy)]
pub struct Matched(pub &'static Route);

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
