//! A branch's orders.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, get, patch, post};
use entity::value::{CarClass, Money, OrderId, ServiceId};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::Edge;
use crate::api::http::client::orders::{OrdersQuery, show};
use crate::api::http::guard::Staff;
use crate::api::http::money::penalties::PenaltyReasonBody;
use crate::api::http::problem::Problem;
use crate::api::http::reply;
use crate::api::http::request::{IfMatch, Nothing, Request};
use crate::api::http::routes::{Routes, access};
use crate::api::http::run::{self, run};
use crate::orders::end::cancel::CancelByStaff;
use crate::orders::end::complete::{ChangeServices, Complete};
use crate::orders::end::decline::Decline;
use crate::orders::end::lapse::{NoShow, NotHere};
use crate::orders::read::{self, OrderScope};
use crate::orders::view::{OrderView, Viewer};
use crate::orders::visit::accept::Accept;
use crate::orders::visit::admit::Admit;
use crate::orders::visit::extend::Extend;
use platform::page::Page;

/// Routes.
pub fn configure(routes: &mut Routes) {
    routes
        .service(list)
        .service(one)
        .service(accept)
        .service(decline)
        .service(extend)
        .service(admit)
        .service(change_services)
        .service(complete)
        .service(cancel)
        .service(no_show)
        .service(not_here);
}

fn scope(staff: &Staff) -> OrderScope {
    OrderScope::Branch(staff.partner_id())
}

access!(list: ANY_STAFF, weight: PAGE);
#[utoipa::path(tag = "partner", params(OrdersQuery), responses((status = 200, body = Page<OrderView>)), security(("bearer" = [])))]
#[get("/v1/partner/orders")]
async fn list(
    edge: Data<Edge>,
    staff: Staff,
    query: Query<OrdersQuery>,
) -> Result<HttpResponse, Problem> {
    let read = &edge.engine.shared().db.read;
    let viewer = Viewer::now(&edge.engine)?;
    let page = read::page(read, &viewer, scope(&staff), query.open, &query.page()).await?;
    reply::json(&edge, StatusCode::OK, &page)
}

access!(one: ANY_STAFF);
#[utoipa::path(tag = "partner", params(("id" = Uuid, Path)), responses((status = 200, body = OrderView)), security(("bearer" = [])))]
#[get("/v1/partner/orders/{id}")]
async fn one(edge: Data<Edge>, staff: Staff, id: Path<OrderId>) -> Result<HttpResponse, Problem> {
    show(&edge, scope(&staff), *id).await
}

/// How an order is accepted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptBody {
    /// Accepts a quick order although no bay is free.
    #[serde(rename = "override")]
    override_bay: Option<bool>,
}

access!(accept: SERVING);
#[utoipa::path(tag = "partner", params(("id" = Uuid, Path)), request_body = AcceptBody, responses((status = 200, body = OrderView)), security(("bearer" = [])))]
#[post("/v1/partner/orders/{id}/accept")]
async fn accept(
    edge: Data<Edge>,
    staff: Staff,
    id: Path<OrderId>,
    seen: IfMatch,
    sent: Request<AcceptBody>,
) -> Result<HttpResponse, Problem> {
    let override_bay = sent.body.override_bay.unwrap_or(false);
    let command = Accept { scope: scope(&staff), order_id: *id, seen: seen.0, override_bay };
    run(&edge, staff.by(), Some(sent.key()), command, run::order).await
}

access!(decline: SERVING);
#[utoipa::path(tag = "partner", params(("id" = Uuid, Path)), request_body = PenaltyReasonBody, responses((status = 200, body = OrderView)), security(("bearer" = [])))]
#[post("/v1/partner/orders/{id}/decline")]
async fn decline(
    edge: Data<Edge>,
    staff: Staff,
    id: Path<OrderId>,
    sent: Request<PenaltyReasonBody>,
) -> Result<HttpResponse, Problem> {
    let reason = sent.body.reason.clone();
    run(
        &edge,
        staff.by(),
        Some(sent.key()),
        Decline { scope: scope(&staff), order_id: *id, reason },
        run::order,
    )
    .await
}

access!(extend: SERVING);
#[utoipa::path(tag = "partner", params(("id" = Uuid, Path)), request_body = Nothing, responses((status = 200, body = OrderView)), security(("bearer" = [])))]
#[post("/v1/partner/orders/{id}/extend")]
async fn extend(
    edge: Data<Edge>,
    staff: Staff,
    id: Path<OrderId>,
    sent: Request<Nothing>,
) -> Result<HttpResponse, Problem> {
    run(
        &edge,
        staff.by(),
        Some(sent.key()),
        Extend { scope: scope(&staff), order_id: *id },
        run::order,
    )
    .await
}

/// How a car is admitted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdmitBody {
    /// The car's real class, if the order named a wrong one.
    car_class: Option<CarClass>,
}

access!(admit: SERVING);
#[utoipa::path(tag = "partner", params(("id" = Uuid, Path)), request_body = AdmitBody, responses((status = 200, body = OrderView)), security(("bearer" = [])))]
#[post("/v1/partner/orders/{id}/admit")]
async fn admit(
    edge: Data<Edge>,
    staff: Staff,
    id: Path<OrderId>,
    sent: Request<AdmitBody>,
) -> Result<HttpResponse, Problem> {
    let car_class = sent.body.car_class;
    let command = Admit { scope: scope(&staff), order_id: *id, car_class };
    run(&edge, staff.by(), Some(sent.key()), command, run::order).await
}

/// The services from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServicesBody {
    /// All services, including those that stay.
    #[schema(min_items = 1, max_items = 20)]
    service_ids: Vec<ServiceId>,
    /// An amount that differs from their sum.
    amount: Option<Money>,
}

access!(change_services: SERVING);
#[utoipa::path(tag = "partner", params(("id" = Uuid, Path)), request_body = ServicesBody, responses((status = 200, body = OrderView)), security(("bearer" = [])))]
#[patch("/v1/partner/orders/{id}/services")]
async fn change_services(
    edge: Data<Edge>,
    staff: Staff,
    id: Path<OrderId>,
    seen: IfMatch,
    sent: Request<ServicesBody>,
) -> Result<HttpResponse, Problem> {
    let command = ChangeServices {
        scope: scope(&staff),
        order_id: *id,
        seen: seen.0,
        service_ids: sent.body.service_ids.clone(),
        amount: sent.body.amount,
        reason: None,
    };
    run(&edge, staff.by(), Some(sent.key()), command, run::order).await
}

/// How the order was completed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompleteBody {
    /// What the client paid.
    final_amount: Money,
    /// Why it is below the agreed total, if it is.
    #[schema(min_length = 1, max_length = 500)]
    reason: Option<String>,
}

access!(complete: SERVING);
#[utoipa::path(tag = "partner", params(("id" = Uuid, Path)), request_body = CompleteBody, responses((status = 200, body = OrderView)), security(("bearer" = [])))]
#[post("/v1/partner/orders/{id}/complete")]
async fn complete(
    edge: Data<Edge>,
    staff: Staff,
    id: Path<OrderId>,
    seen: IfMatch,
    sent: Request<CompleteBody>,
) -> Result<HttpResponse, Problem> {
    let command = Complete {
        scope: scope(&staff),
        order_id: *id,
        seen: seen.0,
        final_amount: sent.body.final_amount,
        reason: sent.body.reason.clone(),
    };
    run(&edge, staff.by(), Some(sent.key()), command, run::order).await
}

access!(cancel: SERVING);
#[utoipa::path(tag = "partner", params(("id" = Uuid, Path)), request_body = PenaltyReasonBody, responses((status = 200, body = OrderView)), security(("bearer" = [])))]
#[post("/v1/partner/orders/{id}/cancel")]
async fn cancel(
    edge: Data<Edge>,
    staff: Staff,
    id: Path<OrderId>,
    sent: Request<PenaltyReasonBody>,
) -> Result<HttpResponse, Problem> {
    let reason = sent.body.reason.clone();
    let command = CancelByStaff { scope: scope(&staff), order_id: *id, reason };
    run(&edge, staff.by(), Some(sent.key()), command, run::order).await
}

access!(no_show: SERVING);
#[utoipa::path(tag = "partner", params(("id" = Uuid, Path)), request_body = Nothing, responses((status = 200, body = OrderView)), security(("bearer" = [])))]
#[post("/v1/partner/orders/{id}/no-show")]
async fn no_show(
    edge: Data<Edge>,
    staff: Staff,
    id: Path<OrderId>,
    sent: Request<Nothing>,
) -> Result<HttpResponse, Problem> {
    run(
        &edge,
        staff.by(),
        Some(sent.key()),
        NoShow { scope: scope(&staff), order_id: *id },
        run::order,
    )
    .await
}

access!(not_here: SERVING);
#[utoipa::path(tag = "partner", params(("id" = Uuid, Path)), request_body = Nothing, responses((status = 200, body = OrderView)), security(("bearer" = [])))]
#[post("/v1/partner/orders/{id}/not-here")]
async fn not_here(
    edge: Data<Edge>,
    staff: Staff,
    id: Path<OrderId>,
    sent: Request<Nothing>,
) -> Result<HttpResponse, Problem> {
    run(
        &edge,
        staff.by(),
        Some(sent.key()),
        NotHere { scope: scope(&staff), order_id: *id },
        run::order,
    )
    .await
}
