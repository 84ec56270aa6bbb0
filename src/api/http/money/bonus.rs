//! Bonus: an owner's lots and codes, bonus spent by clients, grants by support (BON).

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, get, post, put};
use chrono::{DateTime, Utc};
use entity::bonus_account::OwnerKind;
use entity::value::{CampaignId, Money, OrderId, PartnerId, PersonId};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::Edge;
use crate::api::http::guard::{Client, Staff, Support};
use crate::api::http::problem::Problem;
use crate::api::http::reply;
use crate::api::http::request::Request;
use crate::api::http::routes::{Routes, access};
use crate::api::http::run::{self, created, run};
use crate::bonus::campaign::{
    self, CampaignView, CodeOf, GrantCampaign, MakeCampaign, NewCampaign,
};
use crate::bonus::code::Redeem;
use crate::bonus::grant::GrantBonus;
use crate::bonus::read::{self, BonusView, LotView};
use crate::bonus::{Owner, Refusal};
use crate::orders::place::bonus::PayWithBonus;
use crate::orders::read::OrderScope;
use crate::orders::view::OrderView;
use platform::page::{Page, PageQuery};
use platform::{By, CommandError, Done};

/// Routes.
pub fn configure(routes: &mut Routes) {
    routes
        .service(own)
        .service(own_lots)
        .service(redeem)
        .service(pay_with)
        .service(branch)
        .service(branch_lots)
        .service(branch_redeem)
        .service(grant)
        .service(of_client)
        .service(of_partner)
        .service(campaigns)
        .service(make_campaign)
        .service(grant_campaign);
}

async fn bonus_of(edge: &Edge, owner: Owner) -> Result<HttpResponse, Problem> {
    let shared = edge.engine.shared();
    let bonus = read::bonus(&shared.db.read, owner, shared.clock.now()).await?;
    reply::json(edge, StatusCode::OK, &bonus)
}

async fn lots_of(edge: &Edge, owner: Owner, query: &PageQuery) -> Result<HttpResponse, Problem> {
    let page = read::page(&edge.engine.shared().db.read, owner, query).await?;
    reply::json(edge, StatusCode::OK, &page)
}

/// A code.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CampaignCodeBody {
    /// The code as the person read it.
    code: String,
}

access!(own: Client);
#[utoipa::path(tag = "client", responses((status = 200, body = BonusView)), security(("bearer" = [])))]
#[get("/v1/client/bonus")]
async fn own(edge: Data<Edge>, client: Client) -> Result<HttpResponse, Problem> {
    bonus_of(&edge, Owner::Client(client.person_id())).await
}

access!(own_lots: Client);
#[utoipa::path(tag = "client", params(PageQuery), responses((status = 200, body = Page<LotView>)), security(("bearer" = [])))]
#[get("/v1/client/bonus/lots")]
async fn own_lots(
    edge: Data<Edge>,
    client: Client,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    lots_of(&edge, Owner::Client(client.person_id()), &query).await
}

/// A wrong code is counted, so the command commits; the answer is the refusal all the same (LIM-6).
async fn redeemed(
    edge: &Edge,
    by: By,
    sent: &Request<CampaignCodeBody>,
    command: Redeem,
) -> Result<HttpResponse, Problem> {
    let redeeming = async {
        let key = Some(sent.key().of(by));
        let Done { answer, replayed } = edge.engine.execute(by, key, command).await?;
        Ok::<_, CommandError>(Done { answer: answer.granted()?, replayed })
    };
    run::answer(edge, redeeming.await, created)
}

access!(redeem: Client);
#[utoipa::path(tag = "client", request_body = CampaignCodeBody, responses((status = 201, body = LotView)), security(("bearer" = [])))]
#[post("/v1/client/bonus/codes")]
async fn redeem(
    edge: Data<Edge>,
    client: Client,
    sent: Request<CampaignCodeBody>,
) -> Result<HttpResponse, Problem> {
    let code = sent.body.code.clone();
    let command = Redeem { owner: Owner::Client(client.person_id()), code };
    redeemed(&edge, client.by(), &sent, command).await
}

/// How much of an order is paid with bonus.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetAsideBody {
    /// The total, qəpik; 0 releases all of it.
    amount: Money,
}

access!(pay_with: Client);
#[utoipa::path(tag = "client", params(("id" = Uuid, Path)), request_body = SetAsideBody, responses((status = 200, body = OrderView)), security(("bearer" = [])))]
#[put("/v1/client/orders/{id}/bonus")]
async fn pay_with(
    edge: Data<Edge>,
    client: Client,
    id: Path<OrderId>,
    sent: Request<SetAsideBody>,
) -> Result<HttpResponse, Problem> {
    let scope = OrderScope::Client(client.person_id());
    let command = PayWithBonus { scope, order_id: *id, amount: sent.body.amount };
    run(&edge, client.by(), Some(sent.key()), command, run::order).await
}

access!(branch: RUNNING);
#[utoipa::path(tag = "partner", responses((status = 200, body = BonusView)), security(("bearer" = [])))]
#[get("/v1/partner/bonus")]
async fn branch(edge: Data<Edge>, staff: Staff) -> Result<HttpResponse, Problem> {
    bonus_of(&edge, Owner::Partner(staff.partner_id())).await
}

access!(branch_lots: RUNNING);
#[utoipa::path(tag = "partner", params(PageQuery), responses((status = 200, body = Page<LotView>)), security(("bearer" = [])))]
#[get("/v1/partner/bonus/lots")]
async fn branch_lots(
    edge: Data<Edge>,
    staff: Staff,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    lots_of(&edge, Owner::Partner(staff.partner_id()), &query).await
}

access!(branch_redeem: RUNNING);
#[utoipa::path(tag = "partner", request_body = CampaignCodeBody, responses((status = 201, body = LotView)), security(("bearer" = [])))]
#[post("/v1/partner/bonus/codes")]
async fn branch_redeem(
    edge: Data<Edge>,
    staff: Staff,
    sent: Request<CampaignCodeBody>,
) -> Result<HttpResponse, Problem> {
    let code = sent.body.code.clone();
    let command = Redeem { owner: Owner::Partner(staff.partner_id()), code };
    redeemed(&edge, staff.by(), &sent, command).await
}

/// A grant by support: to a client or to a branch.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantBody {
    /// To this client …
    client_id: Option<PersonId>,
    /// … or to this branch.
    partner_id: Option<PartnerId>,
    /// Qəpik, above zero.
    amount: Money,
    /// The lifetime once its expiry clock runs, hours; by default the policy's days.
    #[schema(minimum = 1, maximum = 8760)]
    ttl_h: Option<i64>,
    /// Why.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
    /// Confirms that an equal amount granted a moment ago was a different grant.
    #[serde(default)]
    confirm: bool,
}

access!(grant: AFFAIRS);
#[utoipa::path(tag = "support", request_body = GrantBody, responses((status = 201, body = LotView)), security(("bearer" = [])))]
#[post("/v1/support/bonuses")]
async fn grant(
    edge: Data<Edge>,
    support: Support,
    sent: Request<GrantBody>,
) -> Result<HttpResponse, Problem> {
    let GrantBody { client_id, partner_id, amount, ttl_h, reason, confirm } = sent.body.clone();
    let owner = match (client_id, partner_id) {
        (Some(id), None) => Owner::Client(id),
        (None, Some(id)) => Owner::Partner(id),
        (Some(_), Some(_)) | (None, None) => return Err(Refusal::NoSuchOwner.into()),
    };
    let command = GrantBonus { owner, amount, ttl_h, reason, confirm };
    run(&edge, support.by(), Some(sent.key()), command, created).await
}

access!(of_client: CASES);
#[utoipa::path(tag = "support", params(("id" = Uuid, Path)), responses((status = 200, body = BonusView)), security(("bearer" = [])))]
#[get("/v1/support/clients/{id}/bonus")]
async fn of_client(
    edge: Data<Edge>,
    _support: Support,
    id: Path<PersonId>,
) -> Result<HttpResponse, Problem> {
    bonus_of(&edge, Owner::Client(*id)).await
}

access!(of_partner: CASES);
#[utoipa::path(tag = "support", params(("id" = Uuid, Path)), responses((status = 200, body = BonusView)), security(("bearer" = [])))]
#[get("/v1/support/partners/{id}/bonus")]
async fn of_partner(
    edge: Data<Edge>,
    _support: Support,
    id: Path<PartnerId>,
) -> Result<HttpResponse, Problem> {
    bonus_of(&edge, Owner::Partner(*id)).await
}

access!(campaigns: CASES);
#[utoipa::path(tag = "support", params(PageQuery), responses((status = 200, body = Page<CampaignView>)), security(("bearer" = [])))]
#[get("/v1/support/campaigns")]
async fn campaigns(
    edge: Data<Edge>,
    _support: Support,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let page = campaign::page(&edge.engine.shared().db.read, &query).await?;
    reply::json(&edge, StatusCode::OK, &page)
}

/// A campaign.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CampaignBody {
    /// The name people read.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// The kind of owner it is for.
    audience: OwnerKind,
    /// The amount one owner gets, once.
    amount: Money,
    /// The lifetime of a granted lot, hours.
    #[schema(minimum = 1, maximum = 8760)]
    ttl_h: i64,
    /// The most that all its grants may add up to.
    budget: Money,
    /// The code an owner enters, for a public campaign; without one only support grants it.
    code: Option<String>,
    /// The code may become public: only the budget limits the grants.
    #[serde(default)]
    public: bool,
    /// Whether the engine generates a code that cannot be guessed.
    #[serde(default)]
    random_code: bool,
    /// When it starts; by default now.
    starts_at: Option<DateTime<Utc>>,
    /// When it ends.
    ends_at: DateTime<Utc>,
    /// Why.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

access!(make_campaign: AFFAIRS);
#[utoipa::path(tag = "support", request_body = CampaignBody, responses((status = 201, body = CampaignView)), security(("bearer" = [])))]
#[post("/v1/support/campaigns")]
async fn make_campaign(
    edge: Data<Edge>,
    support: Support,
    sent: Request<CampaignBody>,
) -> Result<HttpResponse, Problem> {
    let body = sent.body.clone();
    let code = match (body.code, body.public, body.random_code) {
        (None, false, false) => CodeOf::None,
        (None, false, true) => CodeOf::Random,
        (Some(code), true, false) => CodeOf::Public(code),
        (Some(_), false, false) => return Err(Refusal::CodeGuessable.into()),
        _ => return Err(Refusal::CampaignInvalid.refused().at("/code").into()),
    };
    let command = MakeCampaign(NewCampaign {
        name: body.name,
        audience: body.audience,
        amount: body.amount,
        ttl_h: body.ttl_h,
        budget: body.budget,
        code,
        starts_at: body.starts_at,
        ends_at: body.ends_at,
        reason: body.reason,
    });
    run(&edge, support.by(), Some(sent.key()), command, created).await
}

/// The owner that is granted a campaign's bonus.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CampaignGrantBody {
    /// The id of a client or a branch, depending on the campaign's audience.
    owner_id: Uuid,
}

access!(grant_campaign: AFFAIRS);
#[utoipa::path(tag = "support", params(("id" = Uuid, Path)), request_body = CampaignGrantBody, responses((status = 201, body = LotView)), security(("bearer" = [])))]
#[post("/v1/support/campaigns/{id}/grants")]
async fn grant_campaign(
    edge: Data<Edge>,
    support: Support,
    id: Path<CampaignId>,
    sent: Request<CampaignGrantBody>,
) -> Result<HttpResponse, Problem> {
    let command = GrantCampaign { campaign_id: *id, owner: sent.body.owner_id };
    run(&edge, support.by(), Some(sent.key()), command, created).await
}
