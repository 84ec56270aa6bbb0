//! Sanctions: those of a client or a branch, and support's decisions about them (SAN).

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, get, post};
use entity::sanction::SanctionKind;
use entity::value::SanctionId;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::api::Edge;
use crate::api::http::guard::{Client, Staff, Support};
use crate::api::http::money::penalties::PenaltyReasonBody;
use crate::api::http::problem::Problem;
use crate::api::http::reply;
use crate::api::http::request::Request;
use crate::api::http::routes::{Routes, access};
use crate::api::http::run::{created, ok, run};
use crate::reputation::acts::{Impose, Lift, LiftAddress};
use crate::reputation::read::{self, SanctionView};
use platform::page::{Page, PageLimit, PageQuery};

/// Routes.
pub fn configure(routes: &mut Routes) {
    routes
        .service(of_client)
        .service(of_branch)
        .service(list)
        .service(impose)
        .service(lift)
        .service(lift_address);
}

async fn page(
    edge: &Edge,
    subject: Option<Uuid>,
    to_support: bool,
    query: &PageQuery,
) -> Result<HttpResponse, Problem> {
    let read = &edge.engine.shared().db.read;
    let page = read::page(read, subject, to_support, query).await?;
    reply::json(edge, StatusCode::OK, &page)
}

access!(of_client: Client);
#[utoipa::path(tag = "client", params(PageQuery), responses((status = 200, body = Page<SanctionView>)), security(("bearer" = [])))]
#[get("/v1/client/sanctions")]
async fn of_client(
    edge: Data<Edge>,
    client: Client,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    page(&edge, Some(client.person_id().0), false, &query).await
}

access!(of_branch: ANY_STAFF);
#[utoipa::path(tag = "partner", params(PageQuery), responses((status = 200, body = Page<SanctionView>)), security(("bearer" = [])))]
#[get("/v1/partner/sanctions")]
async fn of_branch(
    edge: Data<Edge>,
    staff: Staff,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    page(&edge, Some(staff.partner_id().0), false, &query).await
}

/// Filters of the sanctions.
#[derive(Deserialize, IntoParams)]
pub struct SanctionsQuery {
    /// Only those of this client or branch.
    pub subject: Option<Uuid>,
    /// How many rows at most.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 200)]
    pub limit: Option<PageLimit>,
    /// From the page before.
    pub cursor: Option<Uuid>,
}

access!(list: CASES);
#[utoipa::path(tag = "support", params(SanctionsQuery), responses((status = 200, body = Page<SanctionView>)), security(("bearer" = [])))]
#[get("/v1/support/sanctions")]
async fn list(
    edge: Data<Edge>,
    _support: Support,
    query: Query<SanctionsQuery>,
) -> Result<HttpResponse, Problem> {
    let SanctionsQuery { subject, limit, cursor } = query.into_inner();
    page(&edge, subject, true, &PageQuery { limit, cursor }).await
}

/// A sanction to be imposed.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SanctionBody {
    /// The client or the branch.
    subject: Uuid,
    /// The kind of sanction.
    kind: SanctionKind,
    /// How long, hours.
    #[schema(minimum = 1, maximum = 8760)]
    hours: i64,
    /// Why.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

access!(impose: AFFAIRS);
#[utoipa::path(tag = "support", request_body = SanctionBody, responses((status = 201, body = SanctionView)), security(("bearer" = [])))]
#[post("/v1/support/sanctions")]
async fn impose(
    edge: Data<Edge>,
    support: Support,
    sent: Request<SanctionBody>,
) -> Result<HttpResponse, Problem> {
    let SanctionBody { subject, kind, hours, reason } = sent.body.clone();
    let command = Impose { subject, kind, hours, reason };
    run(&edge, support.by(), Some(sent.key()), command, created).await
}

access!(lift: AFFAIRS);
#[utoipa::path(tag = "support", params(("id" = Uuid, Path)), request_body = PenaltyReasonBody, responses((status = 200, body = SanctionView)), security(("bearer" = [])))]
#[post("/v1/support/sanctions/{id}/lift")]
async fn lift(
    edge: Data<Edge>,
    support: Support,
    id: Path<SanctionId>,
    sent: Request<PenaltyReasonBody>,
) -> Result<HttpResponse, Problem> {
    let command = Lift { sanction_id: *id, reason: sent.body.reason.clone() };
    run(&edge, support.by(), Some(sent.key()), command, ok).await
}

access!(lift_address: AFFAIRS);
#[utoipa::path(tag = "support", params(("id" = Uuid, Path)), request_body = PenaltyReasonBody, responses((status = 200, body = SanctionView)), security(("bearer" = [])))]
#[post("/v1/support/sanctions/{id}/lift-address")]
async fn lift_address(
    edge: Data<Edge>,
    support: Support,
    id: Path<SanctionId>,
    sent: Request<PenaltyReasonBody>,
) -> Result<HttpResponse, Problem> {
    let command = LiftAddress { sanction_id: *id, reason: sent.body.reason.clone() };
    run(&edge, support.by(), Some(sent.key()), command, ok).await
}
