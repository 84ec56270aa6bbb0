//! Penalties: what a client owes and disputes, what support records and decides (PEN-5, PEN-7).

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, get, post};
use entity::penalty::PenaltyState;
use entity::value::{Money, PenaltyId};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::api::Edge;
use crate::api::http::guard::{Client, Support};
use crate::api::http::problem::Problem;
use crate::api::http::reply;
use crate::api::http::request::Request;
use crate::api::http::routes::{Routes, access};
use crate::api::http::run::{created, ok, run};
use crate::billing::penalties::dispute::{Dispute, Reject};
use crate::billing::penalties::pay::Pay;
use crate::billing::penalties::read::{self, PenaltyScope, PenaltyView, PenaltyWhole};
use crate::billing::penalties::waive::{Reinstate, Waive};
use platform::ReadSnapshot;
use platform::page::{Page, PageLimit, PageQuery};

/// Routes.
pub fn configure(routes: &mut Routes) {
    routes
        .service(own)
        .service(own_one)
        .service(dispute)
        .service(list)
        .service(one)
        .service(pay)
        .service(reject)
        .service(waive)
        .service(reinstate);
}

/// The reason for an act.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PenaltyReasonBody {
    /// In 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

async fn page(
    edge: &Edge,
    scope: PenaltyScope,
    query: &PageQuery,
) -> Result<HttpResponse, Problem> {
    let policy = &edge.engine.context().policy;
    let page = read::page(&edge.engine.shared().db.read, policy, scope, query).await?;
    reply::json(edge, StatusCode::OK, &page)
}

access!(own: Client, weight: PAGE);
#[utoipa::path(tag = "client", params(PageQuery), responses((status = 200, body = Page<PenaltyView>)), security(("bearer" = [])))]
#[get("/v1/client/penalties")]
async fn own(
    edge: Data<Edge>,
    client: Client,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    page(&edge, PenaltyScope::Client(client.person_id()), &query).await
}

access!(own_one: Client);
#[utoipa::path(tag = "client", params(("id" = Uuid, Path)), responses((status = 200, body = PenaltyView)), security(("bearer" = [])))]
#[get("/v1/client/penalties/{id}")]
async fn own_one(
    edge: Data<Edge>,
    client: Client,
    id: Path<PenaltyId>,
) -> Result<HttpResponse, Problem> {
    let policy = &edge.engine.context().policy;
    let read = &edge.engine.shared().db.read;
    let penalty = read::own(read, policy, client.person_id(), *id).await?;
    reply::json(&edge, StatusCode::OK, &penalty)
}

access!(dispute: Client);
#[utoipa::path(tag = "client", params(("id" = Uuid, Path)), request_body = PenaltyReasonBody, responses((status = 200, body = PenaltyView)), security(("bearer" = [])))]
#[post("/v1/client/penalties/{id}/dispute")]
async fn dispute(
    edge: Data<Edge>,
    client: Client,
    id: Path<PenaltyId>,
    sent: Request<PenaltyReasonBody>,
) -> Result<HttpResponse, Problem> {
    let reason = sent.body.reason.clone();
    let command = Dispute { client_id: client.person_id(), penalty_id: *id, reason };
    run(&edge, client.by(), Some(sent.key()), command, ok).await
}

/// Filters of the penalties.
#[derive(Deserialize, IntoParams)]
pub struct PenaltiesQuery {
    /// Only those in this state.
    pub state: Option<PenaltyState>,
    /// How many rows at most.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 200)]
    pub limit: Option<PageLimit>,
    /// From the page before.
    pub cursor: Option<uuid::Uuid>,
}

access!(list: CASES, weight: PAGE);
#[utoipa::path(tag = "support", params(PenaltiesQuery), responses((status = 200, body = Page<PenaltyView>)), security(("bearer" = [])))]
#[get("/v1/support/penalties")]
async fn list(
    edge: Data<Edge>,
    _support: Support,
    query: Query<PenaltiesQuery>,
) -> Result<HttpResponse, Problem> {
    let PenaltiesQuery { state, limit, cursor } = query.into_inner();
    page(&edge, PenaltyScope::Support(state), &PageQuery { limit, cursor }).await
}

access!(one: CASES);
#[utoipa::path(tag = "support", params(("id" = Uuid, Path)), responses((status = 200, body = PenaltyWhole)), security(("bearer" = [])))]
#[get("/v1/support/penalties/{id}")]
async fn one(
    edge: Data<Edge>,
    _support: Support,
    id: Path<PenaltyId>,
) -> Result<HttpResponse, Problem> {
    let book = Arc::clone(&edge.engine.context().policy);
    // The penalty, its acts and its money are read in one snapshot.
    let id = *id;
    let read = async move |moment: ReadSnapshot| read::whole(&moment, &book, id).await;
    let whole = edge.engine.shared().db.snapshot(read).await?;
    reply::json(&edge, StatusCode::OK, &whole)
}

/// Money received for a penalty.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentBody {
    /// Qəpik, above zero, at most what is left.
    amount: Money,
    /// Where it came from.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
    /// Confirms that an equal amount recorded a moment ago was a different payment.
    #[serde(default)]
    confirm: bool,
}

access!(pay: AFFAIRS);
#[utoipa::path(tag = "support", params(("id" = Uuid, Path)), request_body = PaymentBody, responses((status = 201, body = PenaltyView)), security(("bearer" = [])))]
#[post("/v1/support/penalties/{id}/payments")]
async fn pay(
    edge: Data<Edge>,
    support: Support,
    id: Path<PenaltyId>,
    sent: Request<PaymentBody>,
) -> Result<HttpResponse, Problem> {
    let PaymentBody { amount, reason, confirm } = sent.body.clone();
    let command = Pay { penalty_id: *id, amount, reason, confirm };
    run(&edge, support.by(), Some(sent.key()), command, created).await
}

access!(reject: CASES);
#[utoipa::path(tag = "support", params(("id" = Uuid, Path)), request_body = PenaltyReasonBody, responses((status = 200, body = PenaltyView)), security(("bearer" = [])))]
#[post("/v1/support/penalties/{id}/reject")]
async fn reject(
    edge: Data<Edge>,
    support: Support,
    id: Path<PenaltyId>,
    sent: Request<PenaltyReasonBody>,
) -> Result<HttpResponse, Problem> {
    let command = Reject { penalty_id: *id, reason: sent.body.reason.clone() };
    run(&edge, support.by(), Some(sent.key()), command, ok).await
}

access!(waive: CASES);
#[utoipa::path(tag = "support", params(("id" = Uuid, Path)), request_body = PenaltyReasonBody, responses((status = 200, body = PenaltyView)), security(("bearer" = [])))]
#[post("/v1/support/penalties/{id}/waive")]
async fn waive(
    edge: Data<Edge>,
    support: Support,
    id: Path<PenaltyId>,
    sent: Request<PenaltyReasonBody>,
) -> Result<HttpResponse, Problem> {
    let command = Waive { penalty_id: *id, reason: sent.body.reason.clone() };
    run(&edge, support.by(), Some(sent.key()), command, ok).await
}

access!(reinstate: CASES);
#[utoipa::path(tag = "support", params(("id" = Uuid, Path)), request_body = PenaltyReasonBody, responses((status = 200, body = PenaltyView)), security(("bearer" = [])))]
#[post("/v1/support/penalties/{id}/reinstate")]
async fn reinstate(
    edge: Data<Edge>,
    support: Support,
    id: Path<PenaltyId>,
    sent: Request<PenaltyReasonBody>,
) -> Result<HttpResponse, Problem> {
    let command = Reinstate { penalty_id: *id, reason: sent.body.reason.clone() };
    run(&edge, support.by(), Some(sent.key()), command, ok).await
}
