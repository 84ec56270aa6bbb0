//! Support's records: the audit log, balances locked by a charge-back, and stray payments, which a
//! provider has and this engine does not know (SUP-2, LIM-11).

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, Utc};
use entity::value::{PartnerId, StrayId};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::Edge;
use crate::api::http::guard::Support;
use crate::api::http::money::penalties::PenaltyReasonBody;
use crate::api::http::problem::Problem;
use crate::api::http::reply;
use crate::api::http::request::Request;
use crate::api::http::routes::{Routes, access};
use crate::api::http::run::{ok, run};
use crate::billing::payments::stray::{self, Close, StrayView};
use crate::support::acts::{self, ActView, ActsFilter};
use crate::support::unlock::{UnlockBalance, UnlockedView};
use platform::page::{Page, PageLimit, PageQuery};

/// Routes.
pub fn configure(routes: &mut Routes) {
    routes.service(list).service(unlock).service(strays).service(close);
}

/// Filters of the audit log.
#[derive(Deserialize, IntoParams)]
pub struct ActsQuery {
    /// Only this person's.
    actor: Option<uuid::Uuid>,
    /// Only of this kind, such as `grant_bonus`.
    act: Option<String>,
    /// Only about this partner, client, payment, order …
    subject_id: Option<uuid::Uuid>,
    /// Not before then.
    from: Option<DateTime<Utc>>,
    /// Before then.
    until: Option<DateTime<Utc>>,
    /// How many rows at most.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 200)]
    limit: Option<PageLimit>,
    /// From the page before.
    cursor: Option<uuid::Uuid>,
}

access!(list: AFFAIRS);
#[utoipa::path(tag = "support", params(ActsQuery), responses((status = 200, body = Page<ActView>)), security(("bearer" = [])))]
#[get("/v1/support/acts")]
async fn list(
    edge: Data<Edge>,
    _support: Support,
    query: Query<ActsQuery>,
) -> Result<HttpResponse, Problem> {
    let ActsQuery { actor, act, subject_id, from, until, limit, cursor } = query.into_inner();
    let wanted = ActsFilter { actor, act, subject_id, from, until };
    let read = &edge.engine.shared().db.read;
    let page = acts::page(read, &wanted, &PageQuery { limit, cursor }).await?;
    reply::json(&edge, StatusCode::OK, &page)
}

access!(unlock: AFFAIRS);
#[utoipa::path(tag = "support", params(("id" = Uuid, Path)), request_body = PenaltyReasonBody, responses((status = 200, body = UnlockedView)), security(("bearer" = [])))]
#[post("/v1/support/partners/{id}/unlock")]
async fn unlock(
    edge: Data<Edge>,
    support: Support,
    id: Path<PartnerId>,
    sent: Request<PenaltyReasonBody>,
) -> Result<HttpResponse, Problem> {
    let command = UnlockBalance { partner_id: *id, reason: sent.body.reason.clone() };
    run(&edge, support.by(), Some(sent.key()), command, ok).await
}

/// Filters of the stray payments.
#[derive(Deserialize, IntoParams)]
pub struct StraysQuery {
    /// Only those that are not closed.
    open: Option<bool>,
    /// How many rows at most.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 200)]
    limit: Option<PageLimit>,
    /// From the page before.
    cursor: Option<uuid::Uuid>,
}

access!(strays: CASES);
#[utoipa::path(tag = "support", params(StraysQuery), responses((status = 200, body = Page<StrayView>)), security(("bearer" = [])))]
#[get("/v1/support/stray-payments")]
async fn strays(
    edge: Data<Edge>,
    _support: Support,
    query: Query<StraysQuery>,
) -> Result<HttpResponse, Problem> {
    let StraysQuery { open, limit, cursor } = query.into_inner();
    let read = &edge.engine.shared().db.read;
    let query = PageQuery { limit, cursor };
    let page = stray::page(read, open.unwrap_or(false), &query).await?;
    reply::json(&edge, StatusCode::OK, &page)
}

access!(close: AFFAIRS);
#[utoipa::path(tag = "support", params(("id" = Uuid, Path)), request_body = PenaltyReasonBody, responses((status = 200, body = StrayView)), security(("bearer" = [])))]
#[post("/v1/support/stray-payments/{id}/close")]
async fn close(
    edge: Data<Edge>,
    support: Support,
    id: Path<StrayId>,
    sent: Request<PenaltyReasonBody>,
) -> Result<HttpResponse, Problem> {
    let command = Close { stray_id: *id, reason: sent.body.reason.clone() };
    run(&edge, support.by(), Some(sent.key()), command, ok).await
}
