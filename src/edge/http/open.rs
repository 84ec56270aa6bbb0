//! Public routes: health, metrics, the description of the API, the commission calculator.

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Data, Query};
use actix_web::{HttpResponse, get};
use entity::value::{Bp, Money};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::problem::Problem;
use super::reply;
use crate::edge::Edge;
use crate::ledger::Refusal;
use crate::ledger::commission::commission;
use crate::platform::db::ping;
use crate::platform::serving::Pause;
use crate::platform::telemetry;
use crate::policy::Book;
use crate::policy::keys::CommissionMode;

/// Routes.
pub fn configure(config: &mut ServiceConfig) {
    config.service(live).service(ready).service(scrape).service(asyncapi).service(calculator);
}

#[utoipa::path(tag = "open", responses((status = 200)))]
#[get("/health/live")]
async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({"live": true}))
}

#[utoipa::path(tag = "open", responses((status = 200), (status = 503)))]
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
    let body = json!({
        "ready": ready, "database": database, "writable": writable, "bus": bus, "clock": clock, "recovered": recovered,
        "place": place,
    });
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    HttpResponse::build(status).json(body)
}

#[utoipa::path(tag = "open", responses((status = 200, content_type = "text/plain")))]
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

#[utoipa::path(tag = "open", responses((status = 200, content_type = "application/yaml")))]
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
    let keys = edge.engine.extension::<Book>()?.at(now)?.keys;
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

#[utoipa::path(tag = "open", params(CommissionQuery), responses((status = 200, body = CommissionView)))]
#[get("/v1/open/commission")]
async fn calculator(
    edge: Data<Edge>,
    query: Query<CommissionQuery>,
) -> Result<HttpResponse, Problem> {
    reply::json(&edge, StatusCode::OK, &calculate(&edge, &query)?)
}
