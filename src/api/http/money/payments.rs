//! Money in: top-ups, penalties paid through a provider, and the providers' callbacks (BAL-5,
//! PEN-5).

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, get, post};
use entity::payment::Driver;
use entity::value::{Money, PaymentId, PenaltyId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::Edge;
use crate::api::http::guard::{Client, Staff, Support};
use crate::api::http::problem::Problem;
use crate::api::http::reply;
use crate::api::http::request::{Nothing, Raw, Request};
use crate::api::http::routes::{Routes, access};
use crate::api::http::run::{answer, created, ok, run};
use crate::billing::payments::payment_view::{self, PaymentView};
use crate::billing::payments::refund::RecordByHand;
use crate::billing::payments::top_up::{CreateTopUp, RefundTopUp};
use crate::billing::payments::{callback, checkout};
use crate::billing::penalties::penalty_payment::CreatePenaltyPayment;
use crate::context::{Context, Engine};
use platform::engine::idempotency::Key;
use platform::page::{Page, PageQuery};
use platform::{By, Command, CommandError, Done, Fault};

/// Routes.
pub fn configure(routes: &mut Routes) {
    routes
        .service(epoint)
        .service(payriff)
        .service(top_ups)
        .service(top_up)
        .service(add_top_up)
        .service(refund_top_up)
        .service(penalty_payments)
        .service(penalty_payment)
        .service(pay_penalty)
        .service(manual_loops);
}

/// The outcome of a callback.
#[derive(Serialize, ToSchema)]
pub struct HeardView {
    /// `credited`, `known`, `pending`, `failed`, `amount_wrong` or `unclear`.
    outcome: &'static str,
}

/// A form of Epoint: what happened to a payment.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the raw bytes are signed: this says what stands in them")]
struct EpointCallback {
    /// What happened: JSON in base64.
    data: String,
    /// Base64 of the SHA-1 of key, data and key.
    signature: String,
}

/// A message of Payriff: something happened to a payment.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the raw bytes are kept: this says what is read of them")]
struct PayriffCallback {
    /// What it is about.
    payload: PayriffPayment,
}

/// A payment in a message of Payriff. Its state is asked for, and never read here.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "the raw bytes are kept: this says what is read of them")]
struct PayriffPayment {
    /// Payriff's name of it.
    order_id: String,
}

async fn heard(edge: &Data<Edge>, driver: Driver, raw: Raw) -> Result<HttpResponse, Problem> {
    let engine = edge.engine.clone();
    // Spawned, so that it is processed to its end even if the caller disconnects.
    let taking = tokio::spawn(async move { callback::take(&engine, driver, &raw.0).await });
    let outcome = taking.await.map_err(|error| broke(&error))??;
    reply::json(edge, StatusCode::OK, &HeardView { outcome: outcome.name() })
}

fn broke(error: &tokio::task::JoinError) -> CommandError {
    Fault::Other(format!("a provider's question broke: {error}")).into()
}

access!(epoint: Open);
#[utoipa::path(tag = "open", request_body(content = EpointCallback, content_type = "application/x-www-form-urlencoded"), responses((status = 200, body = HeardView)))]
#[post("/v1/open/payments/epoint")]
async fn epoint(edge: Data<Edge>, raw: Raw) -> Result<HttpResponse, Problem> {
    heard(&edge, Driver::Epoint, raw).await
}

access!(payriff: Open);
#[utoipa::path(tag = "open", request_body(content = PayriffCallback, content_type = "application/json"), responses((status = 200, body = HeardView)))]
#[post("/v1/open/payments/payriff")]
async fn payriff(edge: Data<Edge>, raw: Raw) -> Result<HttpResponse, Problem> {
    heard(&edge, Driver::Payriff, raw).await
}

fn refund_h(edge: &Edge) -> Result<i64, CommandError> {
    let now = edge.engine.shared().clock.now();
    Ok(edge.engine.context().policy.at(now)?.keys.topup.refund_h)
}

access!(top_ups: RUNNING, weight: PAGE);
#[utoipa::path(tag = "partner", params(PageQuery), responses((status = 200, body = Page<PaymentView>)), security(("bearer" = [])))]
#[get("/v1/partner/top-ups")]
async fn top_ups(
    edge: Data<Edge>,
    staff: Staff,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let (read, hours) = (&edge.engine.shared().db.read, refund_h(&edge)?);
    let page = payment_view::top_ups(read, staff.partner_id(), hours, &query).await?;
    reply::json(&edge, StatusCode::OK, &page)
}

access!(top_up: RUNNING);
#[utoipa::path(tag = "partner", params(("id" = Uuid, Path)), responses((status = 200, body = PaymentView)), security(("bearer" = [])))]
#[get("/v1/partner/top-ups/{id}")]
async fn top_up(
    edge: Data<Edge>,
    staff: Staff,
    id: Path<PaymentId>,
) -> Result<HttpResponse, Problem> {
    let (read, hours) = (&edge.engine.shared().db.read, refund_h(&edge)?);
    let one = payment_view::top_up(read, staff.partner_id(), hours, *id).await?;
    reply::json(&edge, StatusCode::OK, &one)
}

/// A top-up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TopUpBody {
    /// Qəpik, within the policy's bounds.
    amount: Money,
    /// Confirms that this is another top-up than the open one of the same amount.
    #[serde(default)]
    confirm: bool,
}

/// Requests the provider's payment page and shows the payment. A repeat opens no second page.
async fn opened<C: Command<Context, Answer = PaymentId>>(
    engine: &Engine,
    by: By,
    key: Key,
    command: C,
) -> Result<Done<PaymentView>, CommandError> {
    let Done { answer: id, replayed } = engine.execute(by, Some(key), command).await?;
    let engine = engine.clone();
    let opening = tokio::spawn(async move { checkout::open(&engine, id).await });
    let answer = opening.await.map_err(|error| broke(&error))??;
    Ok(Done { answer, replayed })
}

access!(add_top_up: RUNNING);
#[utoipa::path(tag = "partner", request_body = TopUpBody, responses((status = 201, body = PaymentView)), security(("bearer" = [])))]
#[post("/v1/partner/top-ups")]
async fn add_top_up(
    edge: Data<Edge>,
    staff: Staff,
    sent: Request<TopUpBody>,
) -> Result<HttpResponse, Problem> {
    let key = sent.key();
    let TopUpBody { amount, confirm } = sent.body;
    let command = CreateTopUp { partner_id: staff.partner_id(), amount, confirm };
    let by = staff.by();
    answer(&edge, opened(&edge.engine, by, key.of(by), command).await, created)
}

access!(refund_top_up: RUNNING);
#[utoipa::path(tag = "partner", params(("id" = Uuid, Path)), request_body = Nothing, responses((status = 200, body = PaymentView)), security(("bearer" = [])))]
#[post("/v1/partner/top-ups/{id}/refund")]
async fn refund_top_up(
    edge: Data<Edge>,
    staff: Staff,
    id: Path<PaymentId>,
    sent: Request<Nothing>,
) -> Result<HttpResponse, Problem> {
    let command = RefundTopUp { partner_id: staff.partner_id(), payment_id: *id };
    run(&edge, staff.by(), Some(sent.key()), command, ok).await
}

/// A penalty paid through a provider.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PenaltyPaymentBody {
    /// Qəpik, at most what is left; by default all of it.
    amount: Option<Money>,
    /// Confirms that this is another payment than the open one of the same amount.
    #[serde(default)]
    confirm: bool,
}

access!(pay_penalty: Client);
#[utoipa::path(tag = "client", params(("id" = Uuid, Path)), request_body = PenaltyPaymentBody, responses((status = 201, body = PaymentView)), security(("bearer" = [])))]
#[post("/v1/client/penalties/{id}/payments")]
async fn pay_penalty(
    edge: Data<Edge>,
    client: Client,
    id: Path<PenaltyId>,
    sent: Request<PenaltyPaymentBody>,
) -> Result<HttpResponse, Problem> {
    let key = sent.key();
    let PenaltyPaymentBody { amount, confirm } = sent.body;
    let client_id = client.person_id();
    let command = CreatePenaltyPayment { client_id, penalty_id: *id, amount, confirm };
    let by = client.by();
    answer(&edge, opened(&edge.engine, by, key.of(by), command).await, created)
}

access!(penalty_payments: Client);
#[utoipa::path(tag = "client", params(("id" = Uuid, Path), PageQuery), responses((status = 200, body = Page<PaymentView>)), security(("bearer" = [])))]
#[get("/v1/client/penalties/{id}/payments")]
async fn penalty_payments(
    edge: Data<Edge>,
    client: Client,
    id: Path<PenaltyId>,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let read = &edge.engine.shared().db.read;
    let page = payment_view::of_penalty(read, client.person_id(), *id, &query).await?;
    reply::json(&edge, StatusCode::OK, &page)
}

access!(penalty_payment: Client);
#[utoipa::path(tag = "client", params(("id" = Uuid, Path), ("payment_id" = Uuid, Path)), responses((status = 200, body = PaymentView)), security(("bearer" = [])))]
#[get("/v1/client/penalties/{id}/payments/{payment_id}")]
async fn penalty_payment(
    edge: Data<Edge>,
    client: Client,
    path: Path<(PenaltyId, PaymentId)>,
) -> Result<HttpResponse, Problem> {
    let (penalty_id, id) = path.into_inner();
    let read = &edge.engine.shared().db.read;
    let one = payment_view::for_penalty(read, client.person_id(), penalty_id, id).await?;
    reply::json(&edge, StatusCode::OK, &one)
}

/// The receipt of what support did outside the app.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReferenceBody {
    /// In 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub(in crate::api::http) reference: String,
}

access!(manual_loops: AFFAIRS);
#[utoipa::path(tag = "support", params(("id" = Uuid, Path)), request_body = ReferenceBody, responses((status = 200, body = PaymentView)), security(("bearer" = [])))]
#[post("/v1/support/payments/{id}/refunded")]
async fn manual_loops(
    edge: Data<Edge>,
    support: Support,
    id: Path<PaymentId>,
    sent: Request<ReferenceBody>,
) -> Result<HttpResponse, Problem> {
    let command = RecordByHand { payment_id: *id, reference: sent.body.reference.clone() };
    run(&edge, support.by(), Some(sent.key()), command, ok).await
}
