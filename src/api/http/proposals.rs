//! Proposals of one side of an order to the other, and the answers (ADD-1, BK-8).

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, post};
use chrono::{DateTime, Utc};
use entity::value::{Money, OrderId, ProposalId, ServiceId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::guard::{Client, Staff};
use super::problem::Problem;
use super::request::{IfMatch, Nothing, Request};
use super::routes::{Routes, access};
use super::run::{self, run};
use crate::api::Edge;
use crate::orders::proposals::proposal::{DeclineProposal, ProposalAnswer};
use crate::orders::proposals::{add_on, reschedule};
use crate::orders::read::OrderScope;
use crate::orders::view::OrderView;

/// Routes.
pub fn configure(routes: &mut Routes) {
    routes
        .service(propose_add_on)
        .service(take_back_add_on)
        .service(accept_add_on)
        .service(decline_add_on)
        .service(propose_move)
        .service(propose_move_to_client)
        .service(accept_move)
        .service(accept_move_of_client)
        .service(decline_move)
        .service(decline_move_of_client);
}

fn of_client(client: &Client) -> OrderScope {
    OrderScope::Client(client.person_id())
}

fn of_staff(staff: &Staff) -> OrderScope {
    OrderScope::Branch(staff.partner_id())
}

fn answer(scope: OrderScope, id: &(OrderId, ProposalId), seen: &IfMatch) -> ProposalAnswer {
    ProposalAnswer { scope, order_id: id.0, proposal_id: id.1, seen: seen.0 }
}

/// More services.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddOnBody {
    /// The services to add.
    #[schema(min_items = 1, max_items = 20)]
    service_ids: Vec<ServiceId>,
    /// The total including them, as it was shown.
    shown_total: Option<Money>,
}

access!(propose_add_on: Client);
#[utoipa::path(tag = "client", params(("id" = Uuid, Path)), request_body = AddOnBody, responses((status = 200, body = OrderView)), security(("bearer" = [])))]
#[post("/v1/client/orders/{id}/add-ons")]
async fn propose_add_on(
    edge: Data<Edge>,
    client: Client,
    id: Path<OrderId>,
    sent: Request<AddOnBody>,
) -> Result<HttpResponse, Problem> {
    let command = add_on::ProposeAddOn {
        scope: of_client(&client),
        order_id: *id,
        service_ids: sent.body.service_ids.clone(),
        shown_total: sent.body.shown_total,
    };
    run(&edge, client.by(), Some(sent.key()), command, run::order).await
}

access!(take_back_add_on: Client);
#[utoipa::path(tag = "client", params(("id" = Uuid, Path), ("proposal" = Uuid, Path)), request_body = Nothing, responses((status = 200, body = OrderView)), security(("bearer" = [])))]
#[post("/v1/client/orders/{id}/add-ons/{proposal}/decline")]
async fn take_back_add_on(
    edge: Data<Edge>,
    client: Client,
    id: Path<(OrderId, ProposalId)>,
    seen: IfMatch,
    sent: Request<Nothing>,
) -> Result<HttpResponse, Problem> {
    let command = DeclineProposal { answer: answer(of_client(&client), &id, &seen), add_on: true };
    run(&edge, client.by(), Some(sent.key()), command, run::order).await
}

access!(accept_add_on: SERVING);
#[utoipa::path(tag = "partner", params(("id" = Uuid, Path), ("proposal" = Uuid, Path)), request_body = Nothing, responses((status = 200, body = OrderView)), security(("bearer" = [])))]
#[post("/v1/partner/orders/{id}/add-ons/{proposal}/accept")]
async fn accept_add_on(
    edge: Data<Edge>,
    staff: Staff,
    id: Path<(OrderId, ProposalId)>,
    seen: IfMatch,
    sent: Request<Nothing>,
) -> Result<HttpResponse, Problem> {
    let command = add_on::AcceptAddOn(answer(of_staff(&staff), &id, &seen));
    run(&edge, staff.by(), Some(sent.key()), command, run::order).await
}

access!(decline_add_on: SERVING);
#[utoipa::path(tag = "partner", params(("id" = Uuid, Path), ("proposal" = Uuid, Path)), request_body = Nothing, responses((status = 200, body = OrderView)), security(("bearer" = [])))]
#[post("/v1/partner/orders/{id}/add-ons/{proposal}/decline")]
async fn decline_add_on(
    edge: Data<Edge>,
    staff: Staff,
    id: Path<(OrderId, ProposalId)>,
    seen: IfMatch,
    sent: Request<Nothing>,
) -> Result<HttpResponse, Problem> {
    let command = DeclineProposal { answer: answer(of_staff(&staff), &id, &seen), add_on: true };
    run(&edge, staff.by(), Some(sent.key()), command, run::order).await
}

/// Another start.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveBody {
    /// One of the partner's slots.
    starts_at: DateTime<Utc>,
}

access!(propose_move: Client);
#[utoipa::path(tag = "client", params(("id" = Uuid, Path)), request_body = MoveBody, responses((status = 200, body = OrderView)), security(("bearer" = [])))]
#[post("/v1/client/orders/{id}/reschedule")]
async fn propose_move(
    edge: Data<Edge>,
    client: Client,
    id: Path<OrderId>,
    sent: Request<MoveBody>,
) -> Result<HttpResponse, Problem> {
    let (scope, starts_at) = (of_client(&client), sent.body.starts_at);
    let command = reschedule::ProposeReschedule { scope, order_id: *id, starts_at };
    run(&edge, client.by(), Some(sent.key()), command, run::order).await
}

access!(propose_move_to_client: SERVING);
#[utoipa::path(tag = "partner", params(("id" = Uuid, Path)), request_body = MoveBody, responses((status = 200, body = OrderView)), security(("bearer" = [])))]
#[post("/v1/partner/orders/{id}/reschedule")]
async fn propose_move_to_client(
    edge: Data<Edge>,
    staff: Staff,
    id: Path<OrderId>,
    sent: Request<MoveBody>,
) -> Result<HttpResponse, Problem> {
    let (scope, starts_at) = (of_staff(&staff), sent.body.starts_at);
    let command = reschedule::ProposeReschedule { scope, order_id: *id, starts_at };
    run(&edge, staff.by(), Some(sent.key()), command, run::order).await
}

access!(accept_move: Client);
#[utoipa::path(tag = "client", params(("id" = Uuid, Path), ("proposal" = Uuid, Path)), request_body = Nothing, responses((status = 200, body = OrderView)), security(("bearer" = [])))]
#[post("/v1/client/orders/{id}/reschedule/{proposal}/accept")]
async fn accept_move(
    edge: Data<Edge>,
    client: Client,
    id: Path<(OrderId, ProposalId)>,
    seen: IfMatch,
    sent: Request<Nothing>,
) -> Result<HttpResponse, Problem> {
    let command = reschedule::AcceptReschedule(answer(of_client(&client), &id, &seen));
    run(&edge, client.by(), Some(sent.key()), command, run::order).await
}

access!(accept_move_of_client: SERVING);
#[utoipa::path(tag = "partner", params(("id" = Uuid, Path), ("proposal" = Uuid, Path)), request_body = Nothing, responses((status = 200, body = OrderView)), security(("bearer" = [])))]
#[post("/v1/partner/orders/{id}/reschedule/{proposal}/accept")]
async fn accept_move_of_client(
    edge: Data<Edge>,
    staff: Staff,
    id: Path<(OrderId, ProposalId)>,
    seen: IfMatch,
    sent: Request<Nothing>,
) -> Result<HttpResponse, Problem> {
    let command = reschedule::AcceptReschedule(answer(of_staff(&staff), &id, &seen));
    run(&edge, staff.by(), Some(sent.key()), command, run::order).await
}

access!(decline_move: Client);
#[utoipa::path(tag = "client", params(("id" = Uuid, Path), ("proposal" = Uuid, Path)), request_body = Nothing, responses((status = 200, body = OrderView)), security(("bearer" = [])))]
#[post("/v1/client/orders/{id}/reschedule/{proposal}/decline")]
async fn decline_move(
    edge: Data<Edge>,
    client: Client,
    id: Path<(OrderId, ProposalId)>,
    seen: IfMatch,
    sent: Request<Nothing>,
) -> Result<HttpResponse, Problem> {
    let command = DeclineProposal { answer: answer(of_client(&client), &id, &seen), add_on: false };
    run(&edge, client.by(), Some(sent.key()), command, run::order).await
}

access!(decline_move_of_client: SERVING);
#[utoipa::path(tag = "partner", params(("id" = Uuid, Path), ("proposal" = Uuid, Path)), request_body = Nothing, responses((status = 200, body = OrderView)), security(("bearer" = [])))]
#[post("/v1/partner/orders/{id}/reschedule/{proposal}/decline")]
async fn decline_move_of_client(
    edge: Data<Edge>,
    staff: Staff,
    id: Path<(OrderId, ProposalId)>,
    seen: IfMatch,
    sent: Request<Nothing>,
) -> Result<HttpResponse, Problem> {
    let command = DeclineProposal { answer: answer(of_staff(&staff), &id, &seen), add_on: false };
    run(&edge, staff.by(), Some(sent.key()), command, run::order).await
}
