//! Statistics for support.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Query};
use actix_web::{HttpResponse, get};
use chrono::TimeDelta;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::Edge;
use crate::api::http::dates::Date;
use crate::api::http::guard::Support;
use crate::api::http::problem::{Problem, malformed};
use crate::api::http::reply;
use crate::api::http::routes::{Routes, access};
use crate::statistics::events::{self, EventCounts};

/// Most days of one answer.
const DAYS_MAX: i64 = 31;

/// Routes.
pub fn configure(routes: &mut Routes) {
    routes.service(event_counts);
}

/// The days that are asked for.
#[derive(Deserialize, IntoParams)]
pub struct DaysQuery {
    /// The first day, in UTC.
    #[param(value_type = String, format = Date)]
    from: Date,
    /// The last day, at most 30 days later.
    #[param(value_type = String, format = Date)]
    to: Date,
}

access!(event_counts: CASES, weight: MONTH);
#[utoipa::path(tag = "support", params(DaysQuery), responses((status = 200, body = EventCounts)), security(("bearer" = [])))]
#[get("/v1/support/statistics/events")]
async fn event_counts(
    edge: Data<Edge>,
    _support: Support,
    query: Query<DaysQuery>,
) -> Result<HttpResponse, Problem> {
    let (Date(from), Date(to)) = (query.from, query.to);
    if to < from || to - from >= TimeDelta::days(DAYS_MAX) {
        return Err(malformed("from and to are days in this order, at most 31 with both."));
    }
    let counts = events::between(&edge.engine.shared().db.read, from, to).await?;
    reply::json(&edge, StatusCode::OK, &counts)
}
