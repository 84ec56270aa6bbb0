//! The policy as support changes it: versions, the check, drafts, rehearsals.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, SubsecRound as _, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::Edge;
use crate::api::http::guard::Support;
use crate::api::http::problem::Problem;
use crate::api::http::reply;
use crate::api::http::request::Request;
use crate::api::http::routes::{Routes, access};
use crate::api::http::run::{created, run};
use crate::policy::check::{self, Finding};
use crate::policy::draft::Changes;
use crate::policy::publish::{Publish, Published};
use crate::policy::read::{self, VersionView, VersionWhole};
use crate::policy::{Policy, watch};
use crate::support::rehearsal::{ORDERS_MAX, Rehearse, Rehearsed, rehearse};
use platform::page::{Page, PageQuery};

/// Routes.
pub fn configure(routes: &mut Routes) {
    routes
        .service(in_force)
        .service(publish)
        .service(list)
        .service(one)
        .service(check_versions)
        .service(check_draft)
        .service(rehearse_draft);
}

/// The policy in force.
#[derive(Serialize, ToSchema)]
pub struct PolicyInForce {
    /// Its version.
    version: i32,
    /// Since when it is in force.
    effective_at: DateTime<Utc>,
    /// `{section: {key: value}}`.
    #[schema(value_type = Object)]
    keys: Policy,
}

access!(in_force: CASES);
#[utoipa::path(tag = "support", responses((status = 200, body = PolicyInForce)), security(("bearer" = [])))]
#[get("/v1/support/policy")]
async fn in_force(edge: Data<Edge>, _support: Support) -> Result<HttpResponse, Problem> {
    let now = edge.engine.shared().clock.now();
    let version = edge.engine.context().policy.at(now)?;
    let answer = PolicyInForce {
        version: version.version,
        effective_at: version.effective_at,
        keys: (*version.keys).clone(),
    };
    reply::json(&edge, StatusCode::OK, &answer)
}

/// A value of the policy.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "values are read as their keys say: this says what they may be")]
enum PolicyValue {
    /// A switch.
    Switch(bool),
    /// A number.
    Number(i64),
    /// A word.
    Word(String),
    /// A list, such as the brackets of a commission.
    List(Vec<BTreeMap<String, i64>>),
}

/// The next version.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishBody {
    /// `{section: {key: value}}`, applied to the newest version.
    #[schema(value_type = BTreeMap<String, BTreeMap<String, PolicyValue>>)]
    changes: Changes,
    /// When it takes effect; at once by default.
    effective_at: Option<DateTime<Utc>>,
    /// Why.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

access!(publish: AFFAIRS);
#[utoipa::path(tag = "support", request_body = PublishBody, responses((status = 201, body = Published)), security(("bearer" = [])))]
#[post("/v1/support/policy")]
async fn publish(
    edge: Data<Edge>,
    support: Support,
    sent: Request<PublishBody>,
) -> Result<HttpResponse, Problem> {
    let PublishBody { changes, effective_at, reason } = sent.body.clone();
    let command = Publish { changes, effective_at, reason };
    let response = run(&edge, support.by(), Some(sent.key()), command, created).await?;
    // This node reads the new version before it answers; other nodes are woken over the bus.
    let shared = edge.engine.shared();
    let policy = &edge.engine.context().policy;
    watch::refresh(policy, &shared.db.read, shared.clock.now()).await;
    Ok(response)
}

access!(list: CASES);
#[utoipa::path(tag = "support", params(PageQuery), responses((status = 200, body = Page<VersionView>)), security(("bearer" = [])))]
#[get("/v1/support/policy/versions")]
async fn list(
    edge: Data<Edge>,
    _support: Support,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let page = read::page(&edge.engine.shared().db.read, &query).await?;
    reply::json(&edge, StatusCode::OK, &page)
}

access!(one: CASES);
#[utoipa::path(tag = "support", params(("version" = i32, Path, minimum = 1)), responses((status = 200, body = VersionWhole)), security(("bearer" = [])))]
#[get("/v1/support/policy/versions/{version}")]
async fn one(
    edge: Data<Edge>,
    _support: Support,
    version: Path<i32>,
) -> Result<HttpResponse, Problem> {
    let whole = read::whole(&edge.engine.shared().db.read, *version).await?;
    reply::json(&edge, StatusCode::OK, &whole)
}

/// The findings of the check for a version or a draft.
#[derive(Serialize, ToSchema)]
pub struct Checked {
    /// The version; for a draft, the one it is applied to.
    version: i32,
    /// Is there no error?
    ok: bool,
    /// Everything found, errors first.
    findings: Vec<Finding>,
}

impl Checked {
    fn of(version: i32, findings: Vec<Finding>) -> Self {
        Self { version, ok: !check::broken(&findings), findings }
    }
}

/// The findings of the check for all versions that apply.
#[derive(Serialize, ToSchema)]
pub struct CheckedAll {
    /// The one in force, then those to come.
    versions: Vec<Checked>,
}

access!(check_versions: CASES);
#[utoipa::path(tag = "support", responses((status = 200, body = CheckedAll)), security(("bearer" = [])))]
#[get("/v1/support/policy/check")]
async fn check_versions(edge: Data<Edge>, _support: Support) -> Result<HttpResponse, Problem> {
    let now = edge.engine.shared().clock.now();
    let versions = edge.engine.context().policy.from(now)?;
    let checked = versions
        .iter()
        .map(|version| Checked::of(version.version, check::check(&version.keys, now.date_naive())));
    let answer = CheckedAll { versions: checked.collect() };
    reply::json(&edge, StatusCode::OK, &answer)
}

/// A draft.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftBody {
    /// `{section: {key: value}}`, applied to the newest version.
    #[schema(value_type = BTreeMap<String, BTreeMap<String, PolicyValue>>)]
    changes: Changes,
}

access!(check_draft: CASES, weight: SEARCH);
#[utoipa::path(tag = "support", request_body = DraftBody, responses((status = 200, body = Checked)), security(("bearer" = [])))]
#[post("/v1/support/policy/check")]
async fn check_draft(
    edge: Data<Edge>,
    _support: Support,
    sent: Request<DraftBody>,
) -> Result<HttpResponse, Problem> {
    let shared = edge.engine.shared();
    let (version, draft) = read::draft(&shared.db.read, &sent.body.changes).await?;
    let findings = check::check(&draft.keys, shared.clock.now().date_naive());
    reply::json(&edge, StatusCode::OK, &Checked::of(version, findings))
}

/// A draft and a past period.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RehearsalBody {
    /// `{section: {key: value}}`, applied to the newest version.
    #[schema(value_type = BTreeMap<String, BTreeMap<String, PolicyValue>>)]
    changes: Changes,
    /// Only orders placed from this instant …
    from: DateTime<Utc>,
    /// … and before this one; 92 days at most.
    until: DateTime<Utc>,
}

access!(rehearse_draft: AFFAIRS, weight: EVERYTHING);
#[utoipa::path(tag = "support", request_body = RehearsalBody, responses((status = 200, body = Rehearsed)), security(("bearer" = [])))]
#[post("/v1/support/policy/rehearsals")]
async fn rehearse_draft(
    edge: Data<Edge>,
    _support: Support,
    sent: Request<RehearsalBody>,
) -> Result<HttpResponse, Problem> {
    let RehearsalBody { changes, from, until } = sent.body;
    let (from, until) = (from.trunc_subsecs(6), until.trunc_subsecs(6));
    let ask = Rehearse { changes, from, until, orders_max: ORDERS_MAX };
    reply::json(&edge, StatusCode::OK, &rehearse(&edge.engine, &ask).await?)
}
