//! The feed over HTTP, for clients without a socket: the same events, the same acknowledgement, and
//! the snapshot to start from.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use entity::feed_event;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::guard::SignedIn;
use super::problem::{Problem, malformed};
use super::redact::NoMoney;
use super::reply;
use super::request::Body;
use super::routes::{Routes, access};
use super::run::{nothing, run};
use crate::api::Edge;
use crate::api::ws::hub::Subscription;
use crate::api::ws::subscriber::{Cursor, WakeFlags};
use crate::api::ws::{self, frame, reader};
use crate::notifications::follow::{self, Behind, Position, Start};
use crate::notifications::snapshot::snapshot;
use crate::notifications::{self, Acknowledge, Snapshot};
use platform::feed::epoch::Epoch;

/// The longest wait, seconds.
const WAIT_MAX_S: u64 = 30;

type Events = Vec<Arc<feed_event::Model>>;

/// Adds the routes.
pub fn configure(routes: &mut Routes) {
    routes.service(next).service(acknowledge).service(state);
}

/// Where to start, and how long to wait.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventsQuery {
    /// `client` (the default), `branch:<partner_id>` or `support:<queue>`.
    #[param(
        pattern = "^(client|support(:(orders|money|sanctions|policy))?|branch:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$"
    )]
    audience: Option<String>,
    /// The newest number the device has; 0 for the beginning.
    #[serde(default)]
    #[param(minimum = 0)]
    after: i64,
    /// The epoch of that number, as given by `hello`, the snapshot or the last answer.
    epoch: Option<String>,
    /// Seconds to wait if there is nothing new, 30 at most.
    #[serde(default)]
    #[param(minimum = 0, maximum = 30)]
    wait: u64,
}

/// A frame of the feed, as on a socket.
#[derive(ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(dead_code, reason = "frames are written as text: this says what stands in them")]
enum Frame {
    /// Something happened.
    Event {
        /// The number.
        seq: i64,
        /// The same on socket, poll, push and webhook.
        id: uuid::Uuid,
        /// What happened; `/asyncapi.yaml` lists the names.
        event: String,
        /// When.
        at: DateTime<Utc>,
        /// The server's clock.
        server_now: DateTime<Utc>,
        /// This device caused it.
        own: bool,
        /// What of, as `/asyncapi.yaml` says.
        #[schema(value_type = Object)]
        data: serde_json::Value,
    },
    /// Something this reader may not see.
    Blank {
        /// The number.
        seq: i64,
    },
}

/// What a look at the feed finds.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is written as text: this says what stands in it")]
struct FeedPage {
    /// The frames after the number, in order.
    events: Vec<Frame>,
    /// The newest number.
    seq: i64,
    /// The number was too far back, of the future or of another epoch: the snapshot is needed.
    snapshot_needed: bool,
    /// The epoch the numbers belong to.
    epoch: String,
}

access!(next: SignedIn, weight: PAGE);
/// The next events after a number, at most a hundred; waits for the first one if asked to.
#[utoipa::path(
    tag = "feed",
    params(EventsQuery),
    responses(
        (status = 200, description = "The frames, and the newest number", body = FeedPage),
        (status = 400, description = "`malformed`"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "`audience_not_yours`"),
    ),
    security(("bearer" = [])),
)]
#[get("/v1/feed/events")]
pub async fn next(
    request: HttpRequest,
    edge: web::Data<Edge>,
    from: web::Query<EventsQuery>,
    SignedIn(principal): SignedIn,
) -> Result<HttpResponse, Problem> {
    if from.after < 0 || from.wait > WAIT_MAX_S {
        return Err(malformed("after begins at 0, wait is at most 30 seconds."));
    }
    let audience = reader::audience(&principal, from.audience.as_deref())?;
    // Subscribes before reading the feed, so that no event in between is missed.
    let subscription =
        ws::hub(&request)?.subscribe(audience, principal, false, Cursor::At(from.after));
    let name = audience.to_string();
    let shared = edge.engine.shared();
    let start = match follow::from(shared, &name, from.after, from.epoch.as_deref()).await? {
        Position::Here(start) => start,
        Position::Behind(behind) => return behind_of(&edge, behind).await,
    };
    let place = (&*start.epoch.id, from.after);
    let mut found = follow::next(shared, &name, place, true).await?;
    if matches!(&found, Position::Here(events) if events.is_empty()) && from.wait > 0 {
        let waiting = first(&edge, &subscription, &name, place);
        if let Ok(first) = tokio::time::timeout(Duration::from_secs(from.wait), waiting).await {
            found = first?;
        }
    }
    match found {
        Position::Here(events) => Ok(answer(&edge, &subscription, &events, &start)),
        Position::Behind(behind) => behind_of(&edge, behind).await,
    }
}

/// Waits for a new event, the end of the caller's access, or the stop of the server.
async fn first(
    edge: &Edge,
    subscription: &Subscription,
    name: &str,
    place: (&str, i64),
) -> Result<Position<Events>, Problem> {
    let subscriber = &subscription.subscriber;
    loop {
        let marks = subscriber.woken().await;
        if marks.has(WakeFlags::STOP) {
            return Ok(Position::Here(Vec::new()));
        }
        if marks.has(WakeFlags::CHECK) {
            let principal = edge.sessions.renewed(&edge.engine, &subscriber.reader()).await?;
            if !principal.hears(&subscriber.audience) {
                return Err(ws::Refusal::NotYours.into());
            }
            *subscriber.principal.borrow_mut() = principal;
        }
        let found = follow::next(edge.engine.shared(), name, place, true).await?;
        if !matches!(&found, Position::Here(events) if events.is_empty()) {
            return Ok(found);
        }
    }
}

fn answer(
    edge: &Edge,
    subscription: &Subscription,
    events: &Events,
    start: &Start,
) -> HttpResponse {
    let now = edge.engine.shared().clock.now();
    let (subscriber, principal) = (&subscription.subscriber, subscription.subscriber.reader());
    let newest = events.last().map_or(start.newest, |event| event.seq.max(start.newest));
    let frames: Vec<String> = events
        .iter()
        .map(|event| frame::event(event, &principal, &subscriber.audience, &edge.keys, now))
        .collect();
    json(edge, &frames.join(","), (&start.epoch, newest), false)
}

async fn behind_of(edge: &Edge, behind: Behind) -> Result<HttpResponse, Problem> {
    let epoch = edge.engine.shared().epoch().await?;
    Ok(json(edge, "", (&epoch, behind.newest), true))
}

fn json(
    edge: &Edge,
    frames: &str,
    (Epoch { id, .. }, seq): (&Epoch, i64),
    snapshot_needed: bool,
) -> HttpResponse {
    let now = frame::instant(edge.engine.shared().clock.now());
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/json")).body(format!(
        r#"{{"events":[{frames}],"seq":{seq},"snapshot_needed":{snapshot_needed},"epoch":"{id}","server_now":"{now}"}}"#
    ))
}

/// What a device acknowledges.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ack {
    /// `client` (the default), `branch:<partner_id>` or `support:<queue>`.
    #[schema(
        pattern = "^(client|support(:(orders|money|sanctions|policy))?|branch:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$"
    )]
    audience: Option<String>,
    /// Everything up to this number.
    #[schema(minimum = 0)]
    seq: i64,
    /// The epoch of that number.
    epoch: Option<String>,
}

access!(acknowledge: SignedIn, weight: PAGE);
/// Acknowledges everything up to a number for this device; only then it counts as *delivered*.
#[utoipa::path(
    tag = "feed",
    request_body = Ack,
    responses(
        (status = 204, description = "Kept"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "`audience_not_yours`"),
        (status = 409, description = "`other_epoch`"),
        (status = 422, description = "`not_yet_told`"),
    ),
    security(("bearer" = [])),
)]
#[post("/v1/feed/ack")]
pub async fn acknowledge(
    edge: web::Data<Edge>,
    SignedIn(principal): SignedIn,
    body: Body<Ack>,
) -> Result<HttpResponse, Problem> {
    let Body(ack) = body;
    if ack.seq < 0 {
        return Err(malformed("A number of a feed is 0 or more."));
    }
    let audience = reader::audience(&principal, ack.audience.as_deref())?;
    if !edge.engine.shared().epoch().await?.continues(ack.epoch.as_deref(), ack.seq) {
        return Err(notifications::Refusal::OtherEpoch.into());
    }
    let command = Acknowledge { audience, seq: ack.seq, handed: None };
    run(&edge, reader::by(&principal, &audience), None, command, nothing).await
}

/// The feed whose snapshot is requested.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SnapshotQuery {
    /// `client` (the default), `branch:<partner_id>` or `support:<queue>`.
    #[param(
        pattern = "^(client|support(:(orders|money|sanctions|policy))?|branch:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$"
    )]
    audience: Option<String>,
}

access!(state: SignedIn, weight: SEARCH);
/// A snapshot: the open orders and the number to resume after, read at one moment.
#[utoipa::path(
    tag = "feed",
    params(SnapshotQuery),
    responses(
        (status = 200, body = Snapshot),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "`audience_not_yours`"),
        (status = 429, description = "`too_many_snapshots`"),
    ),
    security(("bearer" = [])),
)]
#[get("/v1/feed/snapshot")]
pub async fn state(
    request: HttpRequest,
    edge: web::Data<Edge>,
    whose: web::Query<SnapshotQuery>,
    SignedIn(principal): SignedIn,
) -> Result<HttpResponse, Problem> {
    let audience = reader::audience(&principal, whose.audience.as_deref())?;
    if !reader::money(&principal, &audience) {
        request.extensions_mut().insert(NoMoney);
    }
    let spent = edge.feed.snapshot(principal.session_id);
    spent
        .map_err(|wait_s| ws::Refusal::TooManySnapshots.refused().with("retry_after_s", wait_s))?;
    let snapshot = snapshot(&edge.engine, &audience).await?;
    reply::json(&edge, StatusCode::OK, &snapshot)
}
