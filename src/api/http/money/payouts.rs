//! Money out: what partners are owed for orders paid with bonus, and how they are paid (BON-5,
//! BON-6).

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, get, post, put};
use entity::payable::PayableState;
use entity::payout::PayoutState;
use entity::payout_terms::PayoutTo;
use entity::staff::StaffRole;
use entity::value::{Bp, PartnerId, PayableId, PayoutId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::payments::ReferenceBody;
use super::penalties::PenaltyReasonBody;
use crate::access;
use crate::access::codes::fresh;
use crate::api::Edge;
use crate::api::http::guard::{Staff, Support};
use crate::api::http::problem::Problem;
use crate::api::http::reply;
use crate::api::http::request::Request;
use crate::api::http::routes::{Routes, access};
use crate::api::http::run::{ok, run};
use crate::billing::Refusal;
use crate::billing::payouts::account::PayoutAccount;
use crate::billing::payouts::payable::{Refuse, Release};
use crate::billing::payouts::payout_send::RecordTransfer;
use crate::billing::payouts::payout_terms::{NewAccount, SetTerms, SetVoen, TermsView};
use crate::billing::payouts::payout_view::{self, PayableView, PayoutView};
use platform::Fault;
use platform::page::{Page, PageLimit, PageQuery};

/// Routes.
pub fn configure(routes: &mut Routes) {
    routes
        .service(terms)
        .service(set_terms)
        .service(own)
        .service(owed)
        .service(voen)
        .service(payables)
        .service(release)
        .service(refuse)
        .service(payouts)
        .service(whereto)
        .service(paid);
}

access!(owed: RUNNING, weight: PAGE);
#[utoipa::path(tag = "partner", params(PageQuery), responses((status = 200, body = Page<PayableView>)), security(("bearer" = [])))]
#[get("/v1/partner/payables")]
async fn owed(
    edge: Data<Edge>,
    staff: Staff,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let (read, whose) = (&edge.engine.shared().db.read, Some(staff.partner_id()));
    let page = payout_view::payables(read, whose, None, &query).await?;
    reply::json(&edge, StatusCode::OK, &page)
}

access!(terms: RUNNING);
#[utoipa::path(tag = "partner", responses((status = 200, body = TermsView)), security(("bearer" = [])))]
#[get("/v1/partner/payout")]
async fn terms(edge: Data<Edge>, staff: Staff) -> Result<HttpResponse, Problem> {
    let shared = edge.engine.shared();
    let keys = edge.engine.context().policy.at(shared.clock.now())?.keys;
    let rest_h = keys.payout.account_rest_h;
    let terms = payout_view::terms(&shared.db.read, staff.partner_id(), rest_h).await?;
    reply::json(&edge, StatusCode::OK, &terms)
}

/// To the card or account, or to the balance.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Whereto {
    /// To the card or bank account.
    Card,
    /// To the balance.
    Balance,
}

/// The destination of payouts.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TermsBody {
    /// To the card or account, or to the balance.
    to: Whereto,
    /// For `balance`: basis points that become bonus.
    bonus_bp: Option<Bp>,
    /// The bank account or card; by default the known one stays.
    account: Option<PayoutAccount>,
    /// With another account: a fresh one-time code of the owner who sends this.
    code: Option<String>,
}

access!(set_terms: RUNNING);
#[utoipa::path(tag = "partner", request_body = TermsBody, responses((status = 200, body = TermsView)), security(("bearer" = [])))]
#[put("/v1/partner/payout")]
async fn set_terms(
    edge: Data<Edge>,
    staff: Staff,
    sent: Request<TermsBody>,
) -> Result<HttpResponse, Problem> {
    let TermsBody { to, bonus_bp, account, code } = sent.body.clone();
    let payout_to = match (to, bonus_bp) {
        (Whereto::Card, None) => PayoutTo::Card,
        (Whereto::Card, Some(_)) => return Err(Refusal::TermsInvalid.into()),
        (Whereto::Balance, part) => PayoutTo::Balance { bonus_bp: part.unwrap_or(Bp(0)) },
    };
    let account = match account {
        None => None,
        Some(_) if staff.role() != StaffRole::Owner => {
            return Err(access::Refusal::OwnerRequired.into());
        }
        Some(account) => {
            let code = code.ok_or(Refusal::CodeRequired)?;
            // Counted before the code is compared, so that parallel attempts count too.
            let attempt = fresh::attempt(&edge.engine, staff.by()).await?;
            Some(NewAccount { account, attempt, code })
        }
    };
    let command = SetTerms { partner_id: staff.partner_id(), payout_to, account };
    run(&edge, staff.by(), Some(sent.key()), command, ok).await
}

access!(own: RUNNING, weight: PAGE);
#[utoipa::path(tag = "partner", params(PageQuery), responses((status = 200, body = Page<PayoutView>)), security(("bearer" = [])))]
#[get("/v1/partner/payouts")]
async fn own(
    edge: Data<Edge>,
    staff: Staff,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let (read, id) = (&edge.engine.shared().db.read, Some(staff.partner_id()));
    let page = payout_view::payouts(read, id, None, &query).await?;
    reply::json(&edge, StatusCode::OK, &page)
}

/// A tax number.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoenBody {
    /// Ten digits.
    #[schema(pattern = "^[0-9]{10}$")]
    voen: String,
    /// Whether support has verified that it is the partner's, and the account owner's.
    verified: bool,
    /// The last digits of the account verified with it, as the partner's terms show them.
    account: Option<String>,
    /// How it was verified.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

access!(voen: AFFAIRS);
#[utoipa::path(tag = "support", params(("id" = Uuid, Path)), request_body = VoenBody, responses((status = 200, body = TermsView)), security(("bearer" = [])))]
#[post("/v1/support/partners/{id}/voen")]
async fn voen(
    edge: Data<Edge>,
    support: Support,
    id: Path<PartnerId>,
    sent: Request<VoenBody>,
) -> Result<HttpResponse, Problem> {
    let VoenBody { voen, verified, account, reason } = sent.body.clone();
    let command = SetVoen { partner_id: *id, voen, verified, account, reason };
    run(&edge, support.by(), Some(sent.key()), command, ok).await
}

/// Filters of the payables.
#[derive(Deserialize, IntoParams)]
pub struct PayablesQuery {
    /// Only those in this state.
    pub state: Option<PayableState>,
    /// How many rows at most.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 200)]
    pub limit: Option<PageLimit>,
    /// From the page before.
    pub cursor: Option<uuid::Uuid>,
}

access!(payables: CASES, weight: PAGE);
#[utoipa::path(tag = "support", params(PayablesQuery), responses((status = 200, body = Page<PayableView>)), security(("bearer" = [])))]
#[get("/v1/support/payables")]
async fn payables(
    edge: Data<Edge>,
    _support: Support,
    query: Query<PayablesQuery>,
) -> Result<HttpResponse, Problem> {
    let PayablesQuery { state, limit, cursor } = query.into_inner();
    let read = &edge.engine.shared().db.read;
    let page = payout_view::payables(read, None, state, &PageQuery { limit, cursor }).await?;
    reply::json(&edge, StatusCode::OK, &page)
}

access!(release: AFFAIRS);
#[utoipa::path(tag = "support", params(("id" = Uuid, Path)), request_body = PenaltyReasonBody, responses((status = 200, body = PayableView)), security(("bearer" = [])))]
#[post("/v1/support/payables/{id}/release")]
async fn release(
    edge: Data<Edge>,
    support: Support,
    id: Path<PayableId>,
    sent: Request<PenaltyReasonBody>,
) -> Result<HttpResponse, Problem> {
    let command = Release { payable_id: *id, reason: sent.body.reason.clone() };
    run(&edge, support.by(), Some(sent.key()), command, ok).await
}

access!(refuse: AFFAIRS);
#[utoipa::path(tag = "support", params(("id" = Uuid, Path)), request_body = PenaltyReasonBody, responses((status = 200, body = PayableView)), security(("bearer" = [])))]
#[post("/v1/support/payables/{id}/refuse")]
async fn refuse(
    edge: Data<Edge>,
    support: Support,
    id: Path<PayableId>,
    sent: Request<PenaltyReasonBody>,
) -> Result<HttpResponse, Problem> {
    let command = Refuse { payable_id: *id, reason: sent.body.reason.clone() };
    run(&edge, support.by(), Some(sent.key()), command, ok).await
}

/// Filters of the payouts.
#[derive(Deserialize, IntoParams)]
pub struct PayoutsQuery {
    /// Only those in this state.
    pub state: Option<PayoutState>,
    /// How many rows at most.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 200)]
    pub limit: Option<PageLimit>,
    /// From the page before.
    pub cursor: Option<uuid::Uuid>,
}

access!(payouts: CASES, weight: PAGE);
#[utoipa::path(tag = "support", params(PayoutsQuery), responses((status = 200, body = Page<PayoutView>)), security(("bearer" = [])))]
#[get("/v1/support/payouts")]
async fn payouts(
    edge: Data<Edge>,
    _support: Support,
    query: Query<PayoutsQuery>,
) -> Result<HttpResponse, Problem> {
    let PayoutsQuery { state, limit, cursor } = query.into_inner();
    let read = &edge.engine.shared().db.read;
    let page = payout_view::payouts(read, None, state, &PageQuery { limit, cursor }).await?;
    reply::json(&edge, StatusCode::OK, &page)
}

/// The destination of a payout.
#[derive(Serialize, ToSchema)]
pub struct WheretoView {
    /// The payout.
    payout: PayoutView,
    /// The bank account or card, in full.
    account: PayoutAccount,
    /// The tax number it goes out under.
    voen: Option<String>,
}

access!(whereto: AFFAIRS);
#[utoipa::path(tag = "support", params(("id" = Uuid, Path)), responses((status = 200, body = WheretoView)), security(("bearer" = [])))]
#[get("/v1/support/payouts/{id}/account")]
async fn whereto(
    edge: Data<Edge>,
    _support: Support,
    id: Path<PayoutId>,
) -> Result<HttpResponse, Problem> {
    let found = payout_view::whereto(&edge.engine.shared().db.read, *id).await?;
    let (payout, sealed, number) = found;
    let opened = edge.keys.open_field(&sealed);
    let account = opened.and_then(|text| serde_json::from_str(&text).ok());
    let account = account.ok_or_else(|| Fault::Other("an account nobody can read".to_owned()))?;
    let number = number.and_then(|number| edge.keys.open_field(&number));
    reply::json(&edge, StatusCode::OK, &WheretoView { payout, account, voen: number })
}

access!(paid: AFFAIRS);
#[utoipa::path(tag = "support", params(("id" = Uuid, Path)), request_body = ReferenceBody, responses((status = 200, body = PayoutView)), security(("bearer" = [])))]
#[post("/v1/support/payouts/{id}/paid")]
async fn paid(
    edge: Data<Edge>,
    support: Support,
    id: Path<PayoutId>,
    sent: Request<ReferenceBody>,
) -> Result<HttpResponse, Problem> {
    let command = RecordTransfer { payout_id: *id, reference: sent.body.reference.clone() };
    run(&edge, support.by(), Some(sent.key()), command, ok).await
}
