//! REST over HTTP: routes, thin handlers, problems, the OpenAPI description.

pub mod auth;
pub mod client;
pub mod dates;
pub mod described;
pub mod feed;
pub mod guard;
pub mod middleware;
pub mod money;
pub mod open;
pub mod partner;
pub mod support;

pub mod pointers;
pub mod problem;
pub mod proposals;
pub mod redact;
pub mod reply;
pub mod request;
pub mod route_table;
pub mod routes;
pub mod run;

use actix_web::web;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_swagger_ui::SwaggerUi;

use routes::{Route, Routes, Weight};

/// Adds all routes.
pub fn configure(config: &mut ServiceConfig) {
    register(config);
}

/// Adds all routes; returns what their handlers declare.
fn register(config: &mut ServiceConfig) -> Vec<Route> {
    let mut routes = Routes::of(config);
    open::configure(&mut routes);
    auth::sessions::configure(&mut routes);
    client::profile::configure(&mut routes);
    client::orders::configure(&mut routes);
    client::slots::configure(&mut routes);
    partner::branch::configure(&mut routes);
    partner::staff::configure(&mut routes);
    partner::calendar::configure(&mut routes);
    partner::hours::configure(&mut routes);
    partner::orders::configure(&mut routes);
    proposals::configure(&mut routes);
    support::desk::configure(&mut routes);
    support::acts::configure(&mut routes);
    money::bonus::configure(&mut routes);
    money::statements::configure(&mut routes);
    support::policy::configure(&mut routes);
    money::penalties::configure(&mut routes);
    money::payments::configure(&mut routes);
    money::payouts::configure(&mut routes);
    support::sanctions::configure(&mut routes);
    support::statistics::configure(&mut routes);
    feed::configure(&mut routes);
    super::ws::configure(&mut routes);
    routes.declared().into_iter().chain(docs_routes()).collect()
}

/// The answers to paths and queries that cannot be parsed.
#[must_use]
pub fn strict() -> (web::PathConfig, web::QueryConfig) {
    let path = web::PathConfig::default()
        .error_handler(|error, _| problem::malformed(format!("The path: {error}")).into());
    let query = web::QueryConfig::default()
        .error_handler(|error, _| problem::malformed(format!("The query: {error}")).into());
    (path, query)
}

#[derive(utoipa::OpenApi)]
#[openapi(info(title = "Yumo", description = "A real-time booking engine for car care."))]
struct Description;

/// The head of the OpenAPI description; the routes are added to it.
#[must_use]
pub fn description() -> OpenApi {
    let mut api = Description::openapi();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    api.components
        .get_or_insert_with(Default::default)
        .add_security_scheme("bearer", SecurityScheme::Http(bearer));
    api
}

/// The routes of [`docs`].
fn docs_routes() -> [Route; 2] {
    [Route::open("/openapi.json", Weight::PAGE), Route::open("/docs/{tail}", Weight::ROW)]
}

/// The description and its viewer, which needs no internet.
pub fn docs(document: serde_json::Value) -> SwaggerUi {
    SwaggerUi::new("/docs/{_:.*}").external_url_unchecked("/openapi.json", document)
}
