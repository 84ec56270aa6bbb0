//! Support: organisations, branches, credits, and acts on orders.

use actix_web::http::StatusCode;
use actix_web::http::header::ETAG;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, get, post};
use entity::value::{Money, OrderId, OrganisationId, PartnerId, Point, ServiceId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::Edge;
use crate::api::http::guard::Support;
use crate::api::http::problem::{Problem, malformed};
use crate::api::http::reply;
use crate::api::http::request::{IfMatch, Request};
use crate::api::http::routes::{Routes, access};
use crate::api::http::run::{self, created, run};
use crate::ledger::read::BalanceView;
use crate::orders::end::adjust::{Adjust, Adjustment};
use crate::orders::view::{OrderView, Viewer};
use crate::orders::whole::{OrderWhole, whole};
use crate::partners::profile::read::BranchView;
use crate::partners::profile::register::{NewBranch, OrganisationView, RegisterOrganisation};
use crate::proof::finding::Proof;
use crate::proof::prover;
use crate::support::credit::CreditPartner;
use crate::support::outages::{self, OutageView};
use crate::support::register::RegisterPartner;
use crate::{access, ledger, partners};
use platform::ReadSnapshot;
use platform::page::{Page, PageQuery};

/// Routes.
pub fn configure(routes: &mut Routes) {
    routes
        .service(add_organisation)
        .service(add_partner)
        .service(partner)
        .service(credit)
        .service(order)
        .service(adjust)
        .service(prove)
        .service(list_outages);
}

/// A business.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganisationBody {
    /// Its name.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
}

access!(add_organisation: AFFAIRS);
#[utoipa::path(tag = "support", request_body = OrganisationBody, responses((status = 201, body = OrganisationView)), security(("bearer" = [])))]
#[post("/v1/support/organisations")]
async fn add_organisation(
    edge: Data<Edge>,
    support: Support,
    sent: Request<OrganisationBody>,
) -> Result<HttpResponse, Problem> {
    let key = sent.key();
    let command = RegisterOrganisation { name: sent.body.name };
    run(&edge, support.by(), Some(key), command, created).await
}

/// A branch.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PartnerBody {
    /// The business; a new one of the same name where none is given.
    organisation_id: Option<OrganisationId>,
    /// The name clients see.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// The postal address.
    #[schema(min_length = 1, max_length = 200)]
    address: String,
    /// Where it is.
    point: Point,
    /// IANA time zone.
    zone: String,
    /// The phone of the owner, who signs in with it.
    #[schema(pattern = "^[+][0-9](?:[ ()./-]*[0-9]){6,14}$")]
    owner_phone: String,
    /// Minutes added to the route time.
    #[schema(minimum = 0)]
    arrival_buffer_min: Option<i32>,
}

access!(add_partner: AFFAIRS);
#[utoipa::path(tag = "support", request_body = PartnerBody, responses((status = 201, body = BranchView)), security(("bearer" = [])))]
#[post("/v1/support/partners")]
async fn add_partner(
    edge: Data<Edge>,
    support: Support,
    sent: Request<PartnerBody>,
) -> Result<HttpResponse, Problem> {
    let key = sent.key();
    let body = sent.body;
    let owner_phone = access::codes::phone::read(&body.owner_phone, &edge.settings.access)
        .map_err(|refused| refused.at("/owner_phone"))?;
    let command = RegisterPartner(NewBranch {
        organisation_id: body.organisation_id,
        name: body.name,
        address: body.address,
        point: body.point,
        zone: body.zone,
        arrival_buffer_min: body.arrival_buffer_min,
        owner_phone,
    });
    run(&edge, support.by(), Some(key), command, created).await
}

/// A branch and its balance.
#[derive(Serialize, ToSchema)]
pub struct BranchWhole {
    /// The branch.
    #[serde(flatten)]
    branch: BranchView,
    /// Its balance.
    balance: BalanceView,
}

access!(partner: CASES);
#[utoipa::path(tag = "support", params(("id" = Uuid, Path)), responses((status = 200, body = BranchWhole)), security(("bearer" = [])))]
#[get("/v1/support/partners/{id}")]
async fn partner(
    edge: Data<Edge>,
    _support: Support,
    id: Path<PartnerId>,
) -> Result<HttpResponse, Problem> {
    let shared = edge.engine.shared();
    let branch = partners::profile::read::branch(&shared.db.read, *id).await?;
    let branch = BranchView::of(branch, &edge.keys, shared.clock.now())?;
    let floor = edge.engine.context().policy.at(shared.clock.now())?.keys.balance.floor;
    let balance = ledger::read::balance(&shared.db.read, *id, floor).await?;
    reply::json(&edge, StatusCode::OK, &BranchWhole { branch, balance })
}

/// Money received outside the app, or goodwill.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreditBody {
    /// Qəpik, above zero.
    amount: Money,
    /// Why.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
    /// The receipt of received money: the credit is then a top-up, which may be refunded. Without
    /// one it is goodwill and is never refunded.
    #[schema(min_length = 1, max_length = 500)]
    receipt: Option<String>,
    /// Whether a top-up paid in cash brings the gift of a top-up; false by default.
    #[serde(default)]
    gift: bool,
    /// Confirms that an equal amount credited a moment ago was a different credit.
    #[serde(default)]
    confirm: bool,
}

access!(credit: AFFAIRS);
#[utoipa::path(tag = "support", params(("id" = Uuid, Path)), request_body = CreditBody, responses((status = 201, body = BalanceView)), security(("bearer" = [])))]
#[post("/v1/support/partners/{id}/credits")]
async fn credit(
    edge: Data<Edge>,
    support: Support,
    id: Path<PartnerId>,
    sent: Request<CreditBody>,
) -> Result<HttpResponse, Problem> {
    let key = sent.key();
    let CreditBody { amount, reason, receipt, gift, confirm } = sent.body;
    let command = CreditPartner { partner_id: *id, amount, reason, receipt, gift, confirm };
    run(&edge, support.by(), Some(key), command, created).await
}

access!(order: CASES, weight: SEARCH);
#[utoipa::path(tag = "support", params(("id" = Uuid, Path)), responses((status = 200, body = OrderWhole)), security(("bearer" = [])))]
#[get("/v1/support/orders/{id}")]
async fn order(
    edge: Data<Edge>,
    _support: Support,
    id: Path<OrderId>,
) -> Result<HttpResponse, Problem> {
    // State, history, timers and money are read in one snapshot.
    let id = *id;
    let viewer = Viewer::now(&edge.engine)?;
    let read = async move |moment: ReadSnapshot| whole(&moment, &viewer, id).await;
    let whole = edge.engine.shared().db.snapshot(read).await?;
    let mut response = reply::json(&edge, StatusCode::OK, &whole)?;
    let tag = format!("\"{}\"", whole.order.version).parse().map_err(malformed)?;
    response.headers_mut().insert(ETAG, tag);
    Ok(response)
}

/// An act of support on an order.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdjustBody {
    /// The act.
    act: Adjustment,
    /// Why.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
    /// The corrected final amount.
    final_amount: Option<Money>,
    /// All services after the act, for `change_services`.
    #[schema(min_items = 1, max_items = 20)]
    service_ids: Option<Vec<ServiceId>>,
}

access!(adjust: CASES);
#[utoipa::path(tag = "support", params(("id" = Uuid, Path)), request_body = AdjustBody, responses((status = 200, body = OrderView)), security(("bearer" = [])))]
#[post("/v1/support/orders/{id}/adjust")]
async fn adjust(
    edge: Data<Edge>,
    support: Support,
    id: Path<OrderId>,
    seen: IfMatch,
    sent: Request<AdjustBody>,
) -> Result<HttpResponse, Problem> {
    let command = Adjust {
        order_id: *id,
        seen: seen.0,
        act: sent.body.act,
        reason: sent.body.reason.clone(),
        final_amount: sent.body.final_amount,
        service_ids: sent.body.service_ids.clone(),
    };
    run(&edge, support.by(), Some(sent.key()), command, run::order).await
}

access!(prove: CASES, weight: EVERYTHING);
#[utoipa::path(tag = "support", responses((status = 200, body = Proof)), security(("bearer" = [])))]
#[get("/v1/support/proof")]
async fn prove(edge: Data<Edge>, _support: Support) -> Result<HttpResponse, Problem> {
    reply::json(&edge, StatusCode::OK, &prover::on_demand(&edge.engine).await?)
}

access!(list_outages: CASES);
#[utoipa::path(tag = "support", params(PageQuery), responses((status = 200, body = Page<OutageView>)), security(("bearer" = [])))]
#[get("/v1/support/outages")]
async fn list_outages(
    edge: Data<Edge>,
    _support: Support,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let page = outages::page(&edge.engine.shared().db.read, &query).await?;
    reply::json(&edge, StatusCode::OK, &page)
}
