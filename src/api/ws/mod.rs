//! The feed over a WebSocket: `hello`, `resume`, events in order without a gap, `ack`
//! (docs/protocol.md, "The feed").
//!
//! One [`hub::Hub`] per worker wakes the [`connection::Connection`]s of its subscribers, and each
//! reads the events after its own cursor. Events are never pushed into a queue, which could
//! overflow and lose them.

pub mod acks;
pub mod connection;
pub mod declared;
pub mod end;
pub mod frame;
pub mod hub;
pub mod limits;
pub mod reader;
pub mod refusal;
pub mod stopping;
pub mod subscriber;

pub use refusal::Refusal;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{HOST, ORIGIN, UPGRADE};
use actix_web::web::Data;
use actix_web::{FromRequest as _, HttpRequest, HttpResponse, get, rt, web};
use actix_ws::{CloseCode, CloseReason};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Edge;
use super::http::auth::tokens::{bearer, subscriber_of};
use super::http::problem::{Problem, malformed};
use super::http::routes::{Routes, access};
use crate::access::Principal;
use crate::config::Settings;
use crate::notifications::follow;
use connection::Connection;
use frame::Hello;
use hub::Hub;
use limits::OpenSocket;
use platform::{Audience, CommandError, Fault};
pub use stopping::Stopping;
use subscriber::Cursor;

/// The cost of a refused ticket to its address, in addition to the request (LIM-9).
const TICKET_REFUSED: u32 = 32;

/// The subprotocol.
pub const PROTOCOL: &str = "yumo.v1";
/// How long the close frame of a refused socket may take.
const TURNED_AWAY_MAX: Duration = Duration::from_secs(10);

/// Adds the route of the socket. The application gives each worker its own [`Hub`] as app data.
pub fn configure(routes: &mut Routes) {
    routes.service(open);
}

/// The requested feed, and a browser's one-time ticket.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// `client` (the default), `branch:<partner_id>` or `support`.
    #[param(
        pattern = "^(client|support(:(orders|money|sanctions|policy))?|branch:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$"
    )]
    audience: Option<String>,
    /// From `POST /v1/auth/tickets`, for browsers, which cannot set a header here.
    ticket: Option<String>,
}

access!(open: SignedIn, weight: COMMAND);
/// Opens the feed as a WebSocket, subprotocol `yumo.v1`; `/asyncapi.yaml` describes its frames.
#[utoipa::path(
    tag = "feed",
    params(Which),
    responses(
        (status = 101, description = "The socket is open; the first frame is `hello`"),
        (status = 400, description = "`malformed`"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "`origin_not_allowed`, `audience_not_yours`"),
        (status = 429, description = "`too_many_sockets`"),
    ),
    security(("bearer" = [])),
)]
#[get("/v1/feed")]
pub async fn open(
    request: HttpRequest,
    body: web::Payload,
    edge: web::Data<Edge>,
    which: web::Query<Which>,
) -> Result<HttpResponse, Problem> {
    origin(&request, &edge.settings)?;
    match admitted(&edge, &request, &which).await {
        Ok(admitted) => serve(&request, body, &edge, admitted).await,
        Err(problem) => match close_code(&problem) {
            // A browser hides an answer without the upgrade from its page, so the socket is opened
            // to be closed.
            Some(code) if which.ticket.is_some() && upgrades(&request) => {
                turned_away(&request, body, code, &problem.to_string())
            }
            _ => Err(problem),
        },
    }
}

/// A caller that may follow a feed.
struct Admitted {
    principal: Arc<Principal>,
    audience: Audience,
    counted: OpenSocket,
}

async fn admitted(
    edge: &Data<Edge>,
    request: &HttpRequest,
    which: &Which,
) -> Result<Admitted, Problem> {
    let principal = match &which.ticket {
        Some(ticket) => {
            let audience = which.audience.as_deref().unwrap_or(reader::CLIENT);
            let redeemed = edge.sessions.redeem(&edge.engine, ticket, audience).await;
            if let Err(CommandError::Refused(_)) = redeemed {
                // A guess, or a browser that reuses a spent ticket.
                metrics::counter!("yumo_tickets_refused").increment(1);
                let proxies = &edge.settings.http.trusted_proxies;
                edge.limits.address(subscriber_of(request, proxies), TICKET_REFUSED)?;
            }
            redeemed?
        }
        None => edge.sessions.authenticate(&edge.engine, bearer(request)?).await?,
    };
    let audience = reader::audience(&principal, which.audience.as_deref())?;
    let counted = edge.feed.open(&principal, &edge.settings.feed).await;
    let counted = counted.ok_or(Refusal::TooManySockets)?;
    Ok(Admitted { principal, audience, counted })
}

async fn serve(
    request: &HttpRequest,
    body: web::Payload,
    edge: &Data<Edge>,
    admitted: Admitted,
) -> Result<HttpResponse, Problem> {
    let Admitted { principal, audience, counted } = admitted;
    let (session_id, expires_at) = (principal.session_id, principal.expires_at);
    // Subscribes before reading the state of the feed, so that no event in between is missed.
    let subscription = hub(request)?.subscribe(audience, principal, true, Cursor::Outside);
    let shared = edge.engine.shared();
    let epoch = shared.epoch().await?.id;
    let (seq, acked) = follow::standing(shared, &audience.to_string(), session_id).await?;
    subscription.subscriber.acked.set(acked);
    subscription.subscriber.to_ack.set(acked);
    let most = edge.settings.feed.frame_max_bytes;
    let mut payload: Payload =
        Payload::Stream { payload: Box::pin(declared::Limited::new(body.into_inner(), most)) };
    let body = web::Payload::from_request(request, &mut payload).into_inner();
    let body = body.map_err(malformed)?;
    let (response, session, stream) =
        actix_ws::handle_with_protocols(request, body, &[PROTOCOL]).map_err(malformed)?;
    let stream = stream.max_frame_size(most).aggregate_continuations().max_continuation_size(most);
    let heartbeat_s = edge.settings.feed.heartbeat_s;
    let hello = Hello { audience, session_id, epoch, seq, acked, heartbeat_s, expires_at };
    let hello = hello.frame(shared.clock.now());
    rt::spawn(Connection { subscription, session, stream, counted }.serve(hello));
    Ok(response)
}

/// The close code for a refusal after a valid ticket (LIM-8).
fn close_code(problem: &Problem) -> Option<u16> {
    match problem.to_string().as_str() {
        "session_ended" => Some(4001),
        "token_expired" => Some(4002),
        "audience_not_yours" => Some(4003),
        "too_many_sockets" => Some(4029),
        _ => None,
    }
}

fn upgrades(request: &HttpRequest) -> bool {
    let upgrade = request.headers().get(UPGRADE).and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
}

/// Opens the socket only to close it with a code.
fn turned_away(
    request: &HttpRequest,
    body: web::Payload,
    code: u16,
    why: &str,
) -> Result<HttpResponse, Problem> {
    let (response, session, _) =
        actix_ws::handle_with_protocols(request, body, &[PROTOCOL]).map_err(malformed)?;
    let reason = CloseReason { code: CloseCode::from(code), description: Some(why.to_owned()) };
    rt::spawn(async move {
        let _ = tokio::time::timeout(TURNED_AWAY_MAX, session.close(Some(reason))).await;
    });
    Ok(response)
}

/// The hub of the current worker.
///
/// # Errors
/// A fault if the application did not provide it.
pub fn hub(request: &HttpRequest) -> Result<Rc<Hub>, Fault> {
    let hub = request.app_data::<Rc<Hub>>().cloned();
    hub.ok_or_else(|| Fault::Other("this worker has no hub".to_owned()))
}

/// Checks the page's origin: it must be this host, the public address, or an allowed origin.
fn origin(request: &HttpRequest, settings: &Settings) -> Result<(), Refusal> {
    let Some(origin) = request.headers().get(ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let own = |origin: &str| {
        let place = origin.split_once("://").map(|(_, place)| place);
        place.is_some_and(|place| host.is_some_and(|host| place.eq_ignore_ascii_case(host)))
    };
    let same = |allowed: &str| allowed.trim_end_matches('/').eq_ignore_ascii_case(origin);
    let http = &settings.http;
    let allowed = http.allowed_origins.iter().any(|allowed| same(allowed));
    if allowed || own(origin) || (!http.public_url.is_empty() && same(&http.public_url)) {
        Ok(())
    } else {
        Err(Refusal::Origin)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_page_from_elsewhere_follows_nothing() {
        let mut settings = Settings::load(None).unwrap();
        settings.http.allowed_origins = vec!["https://panel.yumo.az".to_owned()];
        settings.http.public_url = "https://yumo.az/".to_owned();
        let from = |page: &'static str| {
            let request = TestRequest::default().insert_header((HOST, "10.0.0.1:8080"));
            origin(&request.insert_header((ORIGIN, page)).to_http_request(), &settings)
        };
        for page in ["http://10.0.0.1:8080", "https://panel.yumo.az", "https://yumo.az"] {
            assert_eq!(from(page), Ok(()), "{page}");
        }
        for page in ["https://evil.az", "https://panel.yumo.az.evil.az", "http://10.0.0.1", "null"]
        {
            assert_eq!(from(page), Err(Refusal::Origin), "{page}");
        }
        let no_page = TestRequest::default().to_http_request();
        assert_eq!(origin(&no_page, &settings), Ok(()));
    }
}
