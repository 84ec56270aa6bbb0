//! A branch's own side: profile, services, staff, money.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, get, patch, post};
use entity::partner::AutoConfirm;
use entity::value::ServiceId;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::Edge;
use crate::api::http::guard::Staff;
use crate::api::http::open::{CommissionQuery, CommissionView, calculate};
use crate::api::http::problem::Problem;
use crate::api::http::reply;
use crate::api::http::request::Request;
use crate::api::http::routes::{Routes, access};
use crate::api::http::run::{created, ok, run};
use crate::ledger;
use crate::ledger::read::BalanceView;
use crate::partners::profile::read::{self, BranchView, PriceView, ServiceView};
use crate::partners::profile::services::SaveService;
use crate::partners::profile::settings::{EditBranch, Setting};
use platform::page::Page;

/// Routes.
pub fn configure(routes: &mut Routes) {
    routes
        .service(branch)
        .service(edit_branch)
        .service(services)
        .service(add_service)
        .service(edit_service)
        .service(balance)
        .service(commission);
}

access!(branch: ANY_STAFF);
#[utoipa::path(tag = "partner", responses((status = 200, body = BranchView)), security(("bearer" = [])))]
#[get("/v1/partner/branch")]
async fn branch(edge: Data<Edge>, staff: Staff) -> Result<HttpResponse, Problem> {
    let shared = edge.engine.shared();
    let branch = read::branch(&shared.db.read, staff.partner_id()).await?;
    let branch = BranchView::of(branch, &edge.keys, shared.clock.now())?;
    reply::json(&edge, StatusCode::OK, &branch)
}

/// The settings of a branch.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BranchBody {
    /// Whether it takes orders now.
    taking_orders: Option<bool>,
    /// Minutes added to the route time.
    #[schema(minimum = 0)]
    arrival_buffer_min: Option<i32>,
    /// The slot grid, minutes: 5, 10, 15, 20, 30 or 60; null is the policy's.
    #[serde(default)]
    #[schema(value_type = Option<i32>, minimum = 5, maximum = 60)]
    grid_min: Setting<i16>,
    /// Cancelling a booking is free until so many minutes before; null is the policy's.
    #[serde(default)]
    #[schema(value_type = Option<i32>, minimum = 0)]
    free_cancel_min: Setting<i32>,
    /// Which bookings the branch confirms automatically; null is none.
    #[serde(default)]
    #[schema(value_type = Option<AutoConfirm>)]
    auto_confirm: Setting<AutoConfirm>,
    /// Whether it accepts add-ons automatically.
    auto_add_on: Option<bool>,
    /// Whether it takes quick orders whose client is expected after closing.
    late_arrivals: Option<bool>,
}

access!(edit_branch: RUNNING);
#[utoipa::path(tag = "partner", request_body = BranchBody, responses((status = 200, body = BranchView)), security(("bearer" = [])))]
#[patch("/v1/partner/branch")]
async fn edit_branch(
    edge: Data<Edge>,
    staff: Staff,
    sent: Request<BranchBody>,
) -> Result<HttpResponse, Problem> {
    let command = EditBranch {
        partner_id: staff.partner_id(),
        taking_orders: sent.body.taking_orders,
        arrival_buffer_min: sent.body.arrival_buffer_min,
        grid_min: sent.body.grid_min,
        free_cancel_min: sent.body.free_cancel_min,
        auto_confirm: sent.body.auto_confirm.clone(),
        auto_add_on: sent.body.auto_add_on,
        late_arrivals: sent.body.late_arrivals,
    };
    run(&edge, staff.by(), Some(sent.key()), command, ok).await
}

access!(services: ANY_STAFF);
#[utoipa::path(tag = "partner", responses((status = 200, body = Page<ServiceView>)), security(("bearer" = [])))]
#[get("/v1/partner/services")]
async fn services(edge: Data<Edge>, staff: Staff) -> Result<HttpResponse, Problem> {
    let id = staff.partner_id();
    let page = read::own_services(&edge.engine.shared().db.read, id).await?;
    reply::json(&edge, StatusCode::OK, &page)
}

/// A service.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceBody {
    /// The kind of work, by the same code at every branch (`wash.body`).
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9._-]+$")]
    code: Option<String>,
    /// The name clients see.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// Whether it is offered now.
    active: Option<bool>,
    /// The kind of bay it needs; an empty text is any.
    #[schema(max_length = 64, pattern = "^[a-z0-9._-]*$")]
    bay_kind: Option<String>,
    /// The buffer of the bay after it, minutes.
    #[schema(minimum = 0, maximum = 240, multiple_of = 5)]
    buffer_min: Option<i32>,
    /// Prices by class of car; they replace all earlier ones.
    #[schema(min_items = 1)]
    prices: Option<Vec<PriceView>>,
}

fn save(staff: &Staff, service_id: Option<ServiceId>, body: &ServiceBody) -> SaveService {
    let ServiceBody { code, name, active, bay_kind, buffer_min, prices } = body.clone();
    let partner_id = staff.partner_id();
    SaveService { partner_id, service_id, code, name, active, bay_kind, buffer_min, prices }
}

access!(add_service: RUNNING);
#[utoipa::path(tag = "partner", request_body = ServiceBody, responses((status = 201, body = ServiceView)), security(("bearer" = [])))]
#[post("/v1/partner/services")]
async fn add_service(
    edge: Data<Edge>,
    staff: Staff,
    sent: Request<ServiceBody>,
) -> Result<HttpResponse, Problem> {
    let command = save(&staff, None, &sent.body);
    run(&edge, staff.by(), Some(sent.key()), command, created).await
}

access!(edit_service: RUNNING);
#[utoipa::path(tag = "partner", params(("id" = Uuid, Path)), request_body = ServiceBody, responses((status = 200, body = ServiceView)), security(("bearer" = [])))]
#[patch("/v1/partner/services/{id}")]
async fn edit_service(
    edge: Data<Edge>,
    staff: Staff,
    id: Path<ServiceId>,
    sent: Request<ServiceBody>,
) -> Result<HttpResponse, Problem> {
    let command = save(&staff, Some(*id), &sent.body);
    run(&edge, staff.by(), Some(sent.key()), command, ok).await
}

access!(balance: RUNNING);
#[utoipa::path(tag = "partner", responses((status = 200, body = BalanceView)), security(("bearer" = [])))]
#[get("/v1/partner/balance")]
async fn balance(edge: Data<Edge>, staff: Staff) -> Result<HttpResponse, Problem> {
    let shared = edge.engine.shared();
    let floor = edge.engine.context().policy.at(shared.clock.now())?.keys.balance.floor;
    let balance = ledger::read::balance(&shared.db.read, staff.partner_id(), floor).await?;
    reply::json(&edge, StatusCode::OK, &balance)
}

access!(commission: ANY_STAFF);
#[utoipa::path(tag = "partner", params(CommissionQuery), responses((status = 200, body = CommissionView)), security(("bearer" = [])))]
#[get("/v1/partner/commission")]
async fn commission(
    edge: Data<Edge>,
    _staff: Staff,
    query: Query<CommissionQuery>,
) -> Result<HttpResponse, Problem> {
    reply::json(&edge, StatusCode::OK, &calculate(&edge, &query)?)
}
