//! Public routes: health, metrics, the description of the API, the commission calculator.

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Data, Query};
use actix_web::{HttpResponse, get};
use entity::value::{Bp, Money};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::problem::Problem;
use super::reply;
use super::routes::{Routes, access};
use crate::api::Edge;
use crate::ledger::Refusal;
use crate::ledger::commission::commission;
use crate::policy::keys::CommissionMode;
use platform::db::ping;
use platform::scheduler::serving::Pause;
use platform::telemetry;

/// Routes.
pub fn configure(routes: &mut Routes) {
    routes.service(live).service(ready).service(scrape).service(asyncapi).service(calculator);
}

/// The process is there.
#[derive(Serialize, ToSchema)]
pub struct Live {
    /// Always true.
    live: bool,
}

access!(live: Open);
#[utoipa::path(tag = "open", responses((status = 200, body = Live)))]
#[get("/health/live")]
async fn live() -> HttpResponse {
    HttpResponse::Ok().json(Live { live: true })
}

/// May this node be sent requests, and if not, what is wrong?
#[expect(clippy::struct_excessive_bools, reason = "each says one thing for whoever watches")]
#[derive(Serialize, ToSchema)]
pub struct Readiness {
    /// All that is needed is there.
    ready: bool,
    /// The database answers.
    database: bool,
    /// It takes writes.
    writable: bool,
    /// Wake-ups travel between nodes; without them the feeds are looked at.
    bus: bool,
    /// The clock is right.
    clock: bool,
    /// The deadlines of an outage were moved.
    recovered: bool,
    /// Its lock on the database is held, and no other node excludes it.
    place: bool,
}

access!(ready: Open);
#[utoipa::path(tag = "open", responses((status = 200, body = Readiness), (status = 503, description = "It may not: what is false is wrong", body = Readiness)))]
#[get("/health/ready")]
async fn ready(edge: Data<Edge>) -> HttpResponse {
    let shared = edge.engine.shared();
    let database = ping(&shared.db).await;
    let writable = shared.db.storage.writable();
    let bus = shared.bus.healthy();
    let serving = shared.serving.now(shared.clock.now());
    let (clock, recovered) = (serving != Err(Pause::ClockOff), serving.is_ok());
    let place = shared.serving.has_its_place();
    let ready = database && writable && recovered && place;
    let body = Readiness { ready, database, writable, bus, clock, recovered, place };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    HttpResponse::build(status).json(body)
}

access!(scrape: Open, weight: PAGE);
#[utoipa::path(tag = "open", responses((status = 200, description = "Prometheus' text format", body = String, content_type = "text/plain; version=0.0.4")))]
#[get("/metrics")]
async fn scrape(edge: Data<Edge>) -> HttpResponse {
    let near = u32::try_from(edge.engine.shared().timers.count()).unwrap_or(u32::MAX);
    metrics::gauge!("yumo_timers_near").set(f64::from(near));
    let handle = telemetry::metrics();
    handle.run_upkeep();
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/plain; version=0.0.4"))
        .body(handle.render())
}

access!(asyncapi: Open);
#[utoipa::path(tag = "open", responses((status = 200, description = "AsyncAPI 3: the frames of the feed", body = String, content_type = "application/yaml")))]
#[get("/asyncapi.yaml")]
async fn asyncapi() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/yaml"))
        .body(include_str!("../../../docs/asyncapi.yaml"))
}

/// The amount to calculate the commission of.
#[derive(Deserialize, IntoParams)]
pub struct CommissionQuery {
    /// Qəpik.
    #[param(minimum = 0, maximum = 1_000_000_000)]
    amount: i64,
}

/// A bracket of the commission (COM-2).
#[derive(Serialize, Deserialize, ToSchema)]
pub struct BracketView {
    /// The upper bound, inclusive; the last bracket has none.
    up_to: Option<Money>,
    /// Basis points.
    rate_bp: Bp,
}

/// The commission of an amount.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct CommissionView {
    /// The amount.
    amount: Money,
    /// Its commission.
    commission: Money,
    /// How brackets are applied.
    mode: CommissionMode,
    /// The brackets in force.
    brackets: Vec<BracketView>,
}

/// Calculates the commission under the policy in force (COM-2).
pub(super) fn calculate(edge: &Edge, query: &CommissionQuery) -> Result<CommissionView, Problem> {
    let amount = Money(query.amount);
    if amount < Money::ZERO || Money::ZERO.plus(amount).is_none() {
        return Err(Refusal::AmountInvalid.into());
    }
    let now = edge.engine.shared().clock.now();
    let keys = edge.engine.context().policy.at(now)?.keys;
    let brackets = keys.commission.brackets.iter();
    Ok(CommissionView {
        amount,
        commission: commission(amount, &keys.commission),
        mode: keys.commission.mode,
        brackets: brackets
            .map(|b| BracketView { up_to: b.up_to.map(Money), rate_bp: b.rate_bp })
            .collect(),
    })
}

access!(calculator: Open);
#[utoipa::path(tag = "open", params(CommissionQuery), responses((status = 200, body = CommissionView)))]
#[get("/v1/open/commission")]
async fn calculator(
    edge: Data<Edge>,
    query: Query<CommissionQuery>,
) -> Result<HttpResponse, Problem> {
    reply::json(&edge, StatusCode::OK, &calculate(&edge, &query)?)
}
