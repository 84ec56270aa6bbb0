//! A branch's calendar: the occupancy of its bays, blocks, and the feed for other programs.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use chrono::{DateTime, TimeDelta, Utc};
use entity::value::{BayId, BlockId, Span};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::api::http::dates::Date;
use crate::api::http::guard::Staff;
use crate::api::http::problem::Problem;
use crate::api::http::reply;
use crate::api::http::request::{Nothing, Request};
use crate::api::http::routes::{Routes, access};
use crate::api::http::run::{answer, created, nothing, ok, run};
use crate::api::{Edge, ical};
use crate::orders::booking::agenda::agenda;
use crate::orders::booking::calendar::{CalendarRange, CalendarView, calendar};
use crate::partners::capacity::blocks::{self, AddBlock, BlockView, RemoveBlock};
use crate::partners::capacity::calendar_feed::{FeedSecret, RotateFeed, StopFeed, owner};
use platform::page::{Page, PageLimit, PageQuery};
use platform::{CommandError, Done, Fault};

/// The default span for which blocks are listed, days.
const BLOCKS_DAYS: i64 = 31;

/// Routes.
pub fn configure(routes: &mut Routes) {
    routes
        .service(show)
        .service(list_blocks)
        .service(add_block)
        .service(remove_block)
        .service(rotate_feed)
        .service(stop_feed)
        .service(feed);
}

/// The part of the calendar that is shown.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// One day.
    Day,
    /// The week of that day, from Monday on.
    Week,
}

/// The part of the calendar that is requested.
#[derive(Deserialize, IntoParams)]
pub struct CalendarQuery {
    /// The local date, `2026-12-31`.
    #[param(value_type = String, format = Date)]
    date: Date,
    /// The day, or its week.
    #[param(inline)]
    view: View,
    /// Only this bay.
    bay: Option<BayId>,
}

access!(show: ANY_STAFF, weight: SEARCH);
#[utoipa::path(tag = "partner", params(CalendarQuery), responses((status = 200, body = CalendarView)), security(("bearer" = [])))]
#[get("/v1/partner/calendar")]
async fn show(
    edge: Data<Edge>,
    staff: Staff,
    query: Query<CalendarQuery>,
) -> Result<HttpResponse, Problem> {
    let wanted = CalendarRange {
        partner_id: staff.partner_id(),
        date: query.date.0,
        week: matches!(query.view, View::Week),
        bay_id: query.bay,
    };
    let plans = Arc::clone(&edge.engine.context().plans);
    let view = calendar(&edge.engine.shared().db, plans, wanted).await?;
    reply::json(&edge, StatusCode::OK, &view)
}

/// Filters of the blocks.
#[derive(Deserialize, IntoParams)]
pub struct BlocksQuery {
    /// Only blocks that end after this; now by default.
    from: Option<DateTime<Utc>>,
    /// Only blocks that start before this; 31 days later by default.
    until: Option<DateTime<Utc>>,
    /// How many rows at most; 50 by default, 200 at most.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 200)]
    limit: Option<PageLimit>,
    /// From the page before.
    cursor: Option<Uuid>,
}

access!(list_blocks: ANY_STAFF);
#[utoipa::path(tag = "partner", params(BlocksQuery), responses((status = 200, body = Page<BlockView>)), security(("bearer" = [])))]
#[get("/v1/partner/blocks")]
async fn list_blocks(
    edge: Data<Edge>,
    staff: Staff,
    query: Query<BlocksQuery>,
) -> Result<HttpResponse, Problem> {
    let shared = edge.engine.shared();
    let from = query.from.unwrap_or_else(|| shared.clock.now());
    let later = from.checked_add_signed(TimeDelta::days(BLOCKS_DAYS)).unwrap_or(from);
    let span = Span { from, until: query.until.unwrap_or(later) };
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let page = blocks::list(&shared.db.read, staff.partner_id(), span, &page).await?;
    reply::json(&edge, StatusCode::OK, &page)
}

/// A block: a span in which a bay is closed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BlockBody {
    /// Which bay.
    bay_id: BayId,
    /// When it starts; rounded down to five minutes.
    starts_at: DateTime<Utc>,
    /// When it ends; rounded up to five minutes.
    ends_at: DateTime<Utc>,
    /// Why.
    #[serde(default)]
    #[schema(max_length = 200)]
    note: String,
}

access!(add_block: SERVING);
#[utoipa::path(tag = "partner", request_body = BlockBody, responses((status = 201, body = BlockView)), security(("bearer" = [])))]
#[post("/v1/partner/blocks")]
async fn add_block(
    edge: Data<Edge>,
    staff: Staff,
    sent: Request<BlockBody>,
) -> Result<HttpResponse, Problem> {
    let command = AddBlock {
        partner_id: staff.partner_id(),
        bay_id: sent.body.bay_id,
        starts_at: sent.body.starts_at,
        ends_at: sent.body.ends_at,
        note: sent.body.note.clone(),
    };
    run(&edge, staff.by(), Some(sent.key()), command, created).await
}

access!(remove_block: SERVING);
#[utoipa::path(tag = "partner", params(("id" = Uuid, Path)), responses((status = 204)), security(("bearer" = [])))]
#[delete("/v1/partner/blocks/{id}")]
async fn remove_block(
    edge: Data<Edge>,
    staff: Staff,
    id: Path<BlockId>,
    sent: Request<Nothing>,
) -> Result<HttpResponse, Problem> {
    let command = RemoveBlock { partner_id: staff.partner_id(), block_id: *id };
    run(&edge, staff.by(), Some(sent.key()), command, nothing).await
}

/// The address at which other programs read the branch's calendar.
#[derive(Serialize, ToSchema)]
pub struct FeedView {
    /// The address; anyone who has it may read the calendar.
    url: String,
}

access!(rotate_feed: RUNNING);
#[utoipa::path(tag = "partner", request_body = Nothing, responses((status = 200, body = FeedView)), security(("bearer" = [])))]
#[post("/v1/partner/calendar-feed")]
async fn rotate_feed(
    edge: Data<Edge>,
    staff: Staff,
    sent: Request<Nothing>,
) -> Result<HttpResponse, Problem> {
    let key = sent.key();
    let command = RotateFeed { partner_id: staff.partner_id() };
    let by = staff.by();
    let rotating = async {
        let Done { answer, replayed } = edge.engine.execute(by, Some(key.of(by)), command).await?;
        Ok::<_, CommandError>(Done {
            answer: FeedView { url: feed_url(&edge, &answer)? },
            replayed,
        })
    };
    answer(&edge, rotating.await, ok)
}

/// The address that holds the secret of a calendar.
fn feed_url(edge: &Edge, secret: &FeedSecret) -> Result<String, Fault> {
    let token = edge.keys.open_field(&secret.token);
    let token = token.ok_or_else(|| Fault::Other("a calendar's secret is sealed".to_owned()))?;
    let http = &edge.settings.http;
    let host = match http.public_url.trim_end_matches('/') {
        "" => format!("http://{}", http.listen),
        public => public.to_owned(),
    };
    Ok(format!("{host}/v1/open/calendars/{token}.ics"))
}

access!(stop_feed: RUNNING);
#[utoipa::path(tag = "partner", responses((status = 204)), security(("bearer" = [])))]
#[delete("/v1/partner/calendar-feed")]
async fn stop_feed(
    edge: Data<Edge>,
    staff: Staff,
    sent: Request<Nothing>,
) -> Result<HttpResponse, Problem> {
    let command = StopFeed { partner_id: staff.partner_id() };
    run(&edge, staff.by(), Some(sent.key()), command, nothing).await
}

access!(feed: Open, weight: SEARCH);
#[utoipa::path(tag = "open", params(("token" = String, Path)), responses((status = 200, content_type = "text/calendar"), (status = 304)))]
#[get("/v1/open/calendars/{token}.ics")]
async fn feed(
    edge: Data<Edge>,
    token: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let shared = edge.engine.shared();
    let now = shared.clock.now();
    let policy = edge.engine.context().policy.at(now)?.keys;
    let id = owner(&shared.db.read, &edge.keys, &token).await?;
    let text = ical::write(&agenda(&shared.db, id, &policy, now).await?);
    let tag = ical::tag(&text);
    let known = request.headers().get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_known = known.is_some_and(|known| ical::names(known, &tag));
    let status = if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    let mut response = HttpResponse::build(status);
    // Caches on the way must not keep an answer after the address was replaced.
    response.insert_header((ETAG, tag)).insert_header((CACHE_CONTROL, "private, no-cache"));
    if is_known {
        return Ok(response.finish());
    }
    Ok(response.insert_header((CONTENT_TYPE, "text/calendar; charset=utf-8")).body(text))
}
