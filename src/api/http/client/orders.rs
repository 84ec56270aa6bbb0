//! A client's orders.

use actix_web::http::StatusCode;
use actix_web::http::header::ETAG;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, Utc};
use entity::value::{Money, OrderId, Point};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::api::Edge;
use crate::api::http::guard::Client;
use crate::api::http::money::penalties::PenaltyReasonBody;
use crate::api::http::problem::{Problem, malformed};
use crate::api::http::reply;
use crate::api::http::request::{Body, Nothing, Request};
use crate::api::http::routes::{Routes, access};
use crate::api::http::run::{self, ok, run};
use crate::orders::end::amount::{ConfirmAmount, ContestAmount};
use crate::orders::end::cancel::{CancelByClient, Quote, QuoteCancel};
use crate::orders::place::alternatives::{Alternatives, FindAlternatives};
use crate::orders::place::placing::Place;
use crate::orders::place::request::{OrderRequest, Preview, PreviewOrder};
use crate::orders::read::{self, OrderScope};
use crate::orders::view::{OrderView, Viewer};
use crate::orders::visit::arrive::{self, ArriveByCode};
use crate::orders::visit::contest::{Contest, Leave};
use crate::orders::visit::depart::Depart;
use crate::orders::visit::position::{PositionAnswer, SendPosition};
use platform::Refused;
use platform::page::{Page, PageLimit, PageQuery};

/// Routes.
pub fn configure(routes: &mut Routes) {
    routes
        .service(preview)
        .service(place)
        .service(list)
        .service(one)
        .service(depart)
        .service(positions)
        .service(arrive_by_code)
        .service(quote)
        .service(cancel)
        .service(contest)
        .service(leave)
        .service(confirm_amount)
        .service(contest_amount)
        .service(alternatives);
}

/// Filters of the orders.
#[derive(Deserialize, IntoParams)]
pub struct OrdersQuery {
    /// Only those that are not over.
    #[serde(default)]
    pub open: bool,
    /// How many rows at most.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 200)]
    pub limit: Option<PageLimit>,
    /// From the page before.
    pub cursor: Option<uuid::Uuid>,
}

impl OrdersQuery {
    /// Only the page.
    #[must_use]
    pub fn page(&self) -> PageQuery {
        PageQuery { limit: self.limit, cursor: self.cursor }
    }
}

/// One order with its version.
pub(in crate::api::http) async fn show(
    edge: &Edge,
    scope: OrderScope,
    id: OrderId,
) -> Result<HttpResponse, Problem> {
    let viewer = Viewer::now(&edge.engine)?;
    let order = read::one(&edge.engine.shared().db.read, &viewer, scope, id).await?;
    let mut response = reply::json(edge, StatusCode::OK, &order)?;
    let tag = format!("\"{}\"", order.version).parse().map_err(malformed)?;
    response.headers_mut().insert(ETAG, tag);
    Ok(response)
}

access!(preview: Client);
#[utoipa::path(tag = "client", request_body = OrderRequest, responses((status = 200, body = Preview)), security(("bearer" = [])))]
#[post("/v1/client/orders/preview")]
async fn preview(
    edge: Data<Edge>,
    client: Client,
    body: Body<OrderRequest>,
) -> Result<HttpResponse, Problem> {
    let command = PreviewOrder { client_id: client.person_id(), wish: body.0 };
    run(&edge, client.by(), None, command, ok).await
}

access!(place: Client);
#[utoipa::path(tag = "client", request_body = OrderRequest, responses((status = 201, body = OrderView)), security(("bearer" = [])))]
#[post("/v1/client/orders")]
async fn place(
    edge: Data<Edge>,
    client: Client,
    sent: Request<OrderRequest>,
) -> Result<HttpResponse, Problem> {
    let key = sent.key();
    let command = Place { client_id: client.person_id(), wish: sent.body };
    run(&edge, client.by(), Some(key), command, run::placed).await
}

access!(list: Client, weight: PAGE);
#[utoipa::path(tag = "client", params(OrdersQuery), responses((status = 200, body = Page<OrderView>)), security(("bearer" = [])))]
#[get("/v1/client/orders")]
async fn list(
    edge: Data<Edge>,
    client: Client,
    query: Query<OrdersQuery>,
) -> Result<HttpResponse, Problem> {
    let scope = OrderScope::Client(client.person_id());
    let read = &edge.engine.shared().db.read;
    let viewer = Viewer::now(&edge.engine)?;
    let page = read::page(read, &viewer, scope, query.open, &query.page()).await?;
    reply::json(&edge, StatusCode::OK, &page)
}

access!(one: Client);
#[utoipa::path(tag = "client", params(("id" = Uuid, Path)), responses((status = 200, body = OrderView)), security(("bearer" = [])))]
#[get("/v1/client/orders/{id}")]
async fn one(edge: Data<Edge>, client: Client, id: Path<OrderId>) -> Result<HttpResponse, Problem> {
    show(&edge, OrderScope::Client(client.person_id()), *id).await
}

access!(depart: Client);
#[utoipa::path(tag = "client", params(("id" = Uuid, Path)), request_body = Nothing, responses((status = 200, body = OrderView)), security(("bearer" = [])))]
#[post("/v1/client/orders/{id}/depart")]
async fn depart(
    edge: Data<Edge>,
    client: Client,
    id: Path<OrderId>,
    sent: Request<Nothing>,
) -> Result<HttpResponse, Problem> {
    let scope = OrderScope::Client(client.person_id());
    run(&edge, client.by(), Some(sent.key()), Depart { scope, order_id: *id }, run::order).await
}

/// The position of the device.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PositionBody {
    /// Latitude.
    #[schema(minimum = -90, maximum = 90)]
    lat: f64,
    /// Longitude.
    #[schema(minimum = -180, maximum = 180)]
    lon: f64,
    /// The accuracy, metres.
    #[schema(minimum = 0, maximum = 10000)]
    accuracy_m: i32,
    /// When the device took this fix; distinguishes two fixes at the same place.
    fixed_at: Option<DateTime<Utc>>,
}

access!(positions: Client, weight: PAGE);
#[utoipa::path(tag = "client", params(("id" = Uuid, Path)), request_body = PositionBody, responses((status = 200, body = PositionAnswer)), security(("bearer" = [])))]
#[post("/v1/client/orders/{id}/positions")]
async fn positions(
    edge: Data<Edge>,
    client: Client,
    id: Path<OrderId>,
    sent: Request<PositionBody>,
) -> Result<HttpResponse, Problem> {
    let body = &sent.body;
    let point = Point::new(body.lat, body.lon);
    let command = SendPosition {
        scope: OrderScope::Client(client.person_id()),
        order_id: *id,
        point: point.ok_or_else(|| out_of_range(body))?,
        accuracy_m: body.accuracy_m,
        fixed_at: body.fixed_at,
    };
    run(&edge, client.by(), Some(sent.key()), command, ok).await
}

/// No such point is on the earth.
fn out_of_range(body: &PositionBody) -> Refused {
    let latitude = Point::new(body.lat, 0.0).is_some();
    let field = if latitude { "/lon" } else { "/lat" };
    crate::orders::Refusal::PositionInvalid.refused().at(field)
}

/// The code the client read at the branch.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ArrivalCodeBody {
    /// The code shown there.
    code: String,
}

access!(arrive_by_code: Client);
#[utoipa::path(tag = "client", params(("id" = Uuid, Path)), request_body = ArrivalCodeBody, responses((status = 200, body = OrderView)), security(("bearer" = [])))]
#[post("/v1/client/orders/{id}/arrive")]
async fn arrive_by_code(
    edge: Data<Edge>,
    client: Client,
    id: Path<OrderId>,
    sent: Request<ArrivalCodeBody>,
) -> Result<HttpResponse, Problem> {
    let scope = OrderScope::Client(client.person_id());
    let key = sent.key();
    let command = ArriveByCode { scope, order_id: *id, code: sent.body.code, claimed: false };
    let by = client.by();
    run::answer(&edge, arrive::by_code(&edge.engine, by, key.of(by), command).await, run::order)
}

access!(quote: Client);
#[utoipa::path(tag = "client", params(("id" = Uuid, Path)), responses((status = 200, body = Quote)), security(("bearer" = [])))]
#[get("/v1/client/orders/{id}/cancellation-quote")]
async fn quote(
    edge: Data<Edge>,
    client: Client,
    id: Path<OrderId>,
) -> Result<HttpResponse, Problem> {
    let scope = OrderScope::Client(client.person_id());
    let command = QuoteCancel { scope, order_id: *id };
    run(&edge, client.by(), None, command, ok).await
}

/// A fee quote to be honoured.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelBody {
    /// The quote's token.
    quote: Option<String>,
}

access!(cancel: Client);
#[utoipa::path(tag = "client", params(("id" = Uuid, Path)), request_body = CancelBody, responses((status = 200, body = OrderView)), security(("bearer" = [])))]
#[post("/v1/client/orders/{id}/cancel")]
async fn cancel(
    edge: Data<Edge>,
    client: Client,
    id: Path<OrderId>,
    sent: Request<CancelBody>,
) -> Result<HttpResponse, Problem> {
    let scope = OrderScope::Client(client.person_id());
    let command = CancelByClient { scope, order_id: *id, quote: sent.body.quote.clone() };
    run(&edge, client.by(), Some(sent.key()), command, run::order).await
}

access!(contest: Client);
#[utoipa::path(tag = "client", params(("id" = Uuid, Path)), request_body = Nothing, responses((status = 200, body = OrderView)), security(("bearer" = [])))]
#[post("/v1/client/orders/{id}/contest")]
async fn contest(
    edge: Data<Edge>,
    client: Client,
    id: Path<OrderId>,
    sent: Request<Nothing>,
) -> Result<HttpResponse, Problem> {
    let scope = OrderScope::Client(client.person_id());
    run(&edge, client.by(), Some(sent.key()), Contest { scope, order_id: *id }, run::order).await
}

access!(leave: Client);
#[utoipa::path(tag = "client", params(("id" = Uuid, Path)), request_body = Nothing, responses((status = 200, body = OrderView)), security(("bearer" = [])))]
#[post("/v1/client/orders/{id}/leave")]
async fn leave(
    edge: Data<Edge>,
    client: Client,
    id: Path<OrderId>,
    sent: Request<Nothing>,
) -> Result<HttpResponse, Problem> {
    let scope = OrderScope::Client(client.person_id());
    run(&edge, client.by(), Some(sent.key()), Leave { scope, order_id: *id }, run::order).await
}

/// The amount the client was shown.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmBody {
    /// Qəpik: the final amount, or the total while the car is served.
    amount: Money,
}

access!(confirm_amount: Client);
#[utoipa::path(tag = "client", params(("id" = Uuid, Path)), request_body = ConfirmBody, responses((status = 200, body = OrderView)), security(("bearer" = [])))]
#[post("/v1/client/orders/{id}/confirm-amount")]
async fn confirm_amount(
    edge: Data<Edge>,
    client: Client,
    id: Path<OrderId>,
    sent: Request<ConfirmBody>,
) -> Result<HttpResponse, Problem> {
    let scope = OrderScope::Client(client.person_id());
    let command = ConfirmAmount { scope, order_id: *id, amount: sent.body.amount };
    run(&edge, client.by(), Some(sent.key()), command, run::order).await
}

access!(contest_amount: Client);
#[utoipa::path(tag = "client", params(("id" = Uuid, Path)), request_body = PenaltyReasonBody, responses((status = 200, body = OrderView)), security(("bearer" = [])))]
#[post("/v1/client/orders/{id}/contest-amount")]
async fn contest_amount(
    edge: Data<Edge>,
    client: Client,
    id: Path<OrderId>,
    sent: Request<PenaltyReasonBody>,
) -> Result<HttpResponse, Problem> {
    let scope = OrderScope::Client(client.person_id());
    let reason = sent.body.reason.clone();
    run(
        &edge,
        client.by(),
        Some(sent.key()),
        ContestAmount { scope, order_id: *id, reason },
        run::order,
    )
    .await
}

access!(alternatives: Client, weight: SEARCH);
#[utoipa::path(tag = "client", params(("id" = Uuid, Path)), responses((status = 200, body = Alternatives)), security(("bearer" = [])))]
#[get("/v1/client/orders/{id}/alternatives")]
async fn alternatives(
    edge: Data<Edge>,
    client: Client,
    id: Path<OrderId>,
) -> Result<HttpResponse, Problem> {
    let command = FindAlternatives { client_id: client.person_id(), order_id: *id };
    run(&edge, client.by(), None, command, ok).await
}
