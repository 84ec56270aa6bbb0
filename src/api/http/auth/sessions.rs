//! `/v1/auth/*`: codes, sessions, tickets, and the signed-in person (ACC-1).

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use entity::value::SessionId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::tokens::{address, block};
use crate::access::Tokens;
use crate::access::codes::otp::{CodeSent, request_code};
use crate::access::codes::otp_budget::Requester;
use crate::access::codes::phone;
use crate::access::people::me::{Me, me};
use crate::access::sessions::session::{EndAll, EndSession, SessionView, list, refresh};
use crate::access::sessions::sign_in::sign_in;
use crate::access::sessions::ticket::Ticket;
use crate::api::Edge;
use crate::api::http::guard::SignedIn;
use crate::api::http::problem::Problem;
use crate::api::http::reply;
use crate::api::http::request::Body;
use crate::api::http::routes::{Routes, access};
use crate::api::http::run::{nothing, run};

type Answer = Result<HttpResponse, Problem>;

/// The routes.
pub fn configure(routes: &mut Routes) {
    routes
        .service(ask_code)
        .service(open_session)
        .service(refresh_session)
        .service(sessions)
        .service(end_session)
        .service(end_sessions)
        .service(take_ticket)
        .service(who_am_i);
}

/// Requests a one-time code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CodeRequest {
    /// With its country code, such as `+994501234567`.
    #[schema(pattern = "^[+][0-9](?:[ ()./-]*[0-9]){6,14}$")]
    phone: String,
    /// The id the app made for this installation: the code must then be answered from it, whatever
    /// network it is on.
    device_id: Option<String>,
}

/// Answers a one-time code to sign in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CodeAnswer {
    /// The number it was sent to.
    #[schema(pattern = "^[+][0-9](?:[ ()./-]*[0-9]){6,14}$")]
    phone: String,
    /// Six digits.
    code: String,
    /// The device's name for itself.
    device: String,
    /// The id the app made for this installation.
    device_id: Option<String>,
}

/// Exchanges a refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RefreshRequest {
    /// The newest one.
    refresh_token: String,
}

/// Requests a ticket.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TicketRequest {
    /// The only feed it may open; by default any feed of the caller.
    audience: Option<String>,
}

/// Signed-in devices.
#[derive(Serialize, ToSchema)]
struct SessionList {
    /// Newest first.
    items: Vec<SessionView>,
}

access!(ask_code: Open, weight: MONTH);
/// Sends a one-time code, whether or not the number is known.
#[utoipa::path(
    tag = "auth",
    request_body = CodeRequest,
    responses(
        (status = 202, description = "A code is on its way", body = CodeSent),
        (status = 422, description = "`phone_impossible`, `country_not_served`"),
        (status = 429, description = "`resend_too_soon`, `too_many_codes`"),
    )
)]
#[post("/v1/auth/otp")]
async fn ask_code(edge: web::Data<Edge>, request: HttpRequest, body: Body<CodeRequest>) -> Answer {
    let phone = phone::read(&body.0.phone, &edge.settings.access)?;
    let from = requester(&edge, &request, body.0.device_id);
    let sent = request_code(&edge.engine, phone, from).await?;
    reply::json(&edge, StatusCode::ACCEPTED, &sent)
}

access!(open_session: Open, weight: SEARCH);
/// Signs a device in.
#[utoipa::path(
    tag = "auth",
    request_body = CodeAnswer,
    responses(
        (status = 201, description = "Signed in", body = Tokens),
        (status = 401, description = "`code_wrong`, `code_expired`"),
        (status = 429, description = "`too_many_tries`"),
    )
)]
#[post("/v1/auth/sessions")]
async fn open_session(
    edge: web::Data<Edge>,
    request: HttpRequest,
    body: Body<CodeAnswer>,
) -> Answer {
    let CodeAnswer { phone, code, device, device_id } = body.0;
    let phone = phone::read(&phone, &edge.settings.access)?;
    let from = requester(&edge, &request, device_id);
    let tokens = sign_in(&edge.engine, phone, code, &device, &from).await?;
    secret(reply::json(&edge, StatusCode::CREATED, &tokens))
}

access!(refresh_session: Open);
/// Exchanges a refresh token for new tokens.
#[utoipa::path(
    tag = "auth",
    request_body = RefreshRequest,
    responses(
        (status = 200, description = "New tokens; the old refresh token is spent", body = Tokens),
        (status = 401, description = "`refresh_invalid`, `refresh_reused`"),
    )
)]
#[post("/v1/auth/refresh")]
async fn refresh_session(edge: web::Data<Edge>, body: Body<RefreshRequest>) -> Answer {
    let tokens = refresh(&edge.engine, &body.0.refresh_token).await?;
    secret(reply::json(&edge, StatusCode::OK, &tokens))
}

access!(sessions: SignedIn);
/// The caller's signed-in devices.
#[utoipa::path(
    tag = "auth",
    security(("bearer" = [])),
    responses((status = 200, description = "Newest first", body = SessionList))
)]
#[get("/v1/auth/sessions")]
async fn sessions(edge: web::Data<Edge>, who: SignedIn) -> Answer {
    let items = list(&edge.engine, &who.0).await?;
    reply::json(&edge, StatusCode::OK, &SessionList { items })
}

access!(end_session: SignedIn);
/// Signs one device out.
#[utoipa::path(
    tag = "auth",
    security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The session")),
    responses(
        (status = 204, description = "Signed out"),
        (status = 404, description = "`no_such_session`"),
    )
)]
#[delete("/v1/auth/sessions/{id}")]
async fn end_session(edge: web::Data<Edge>, who: SignedIn, id: web::Path<Uuid>) -> Answer {
    let session_id = SessionId(id.into_inner());
    let command = EndSession { person_id: who.person_id(), session_id };
    run(&edge, who.by(), None, command, nothing).await
}

access!(end_sessions: SignedIn);
/// Signs out everywhere, here too.
#[utoipa::path(
    tag = "auth",
    security(("bearer" = [])),
    responses((status = 204, description = "Signed out everywhere"))
)]
#[delete("/v1/auth/sessions")]
async fn end_sessions(edge: web::Data<Edge>, who: SignedIn) -> Answer {
    let command = EndAll { person_id: who.person_id() };
    run(&edge, who.by(), None, command, nothing).await
}

access!(take_ticket: SignedIn);
/// A one-time ticket for a browser's WebSocket.
#[utoipa::path(
    tag = "auth",
    security(("bearer" = [])),
    request_body = TicketRequest,
    responses((status = 201, description = "Good once, for a short time", body = Ticket))
)]
#[post("/v1/auth/tickets")]
async fn take_ticket(edge: web::Data<Edge>, who: SignedIn, body: Body<TicketRequest>) -> Answer {
    let ticket = edge.sessions.ticket(&edge.engine, &who.0, body.0.audience)?;
    secret(reply::json(&edge, StatusCode::CREATED, &ticket))
}

access!(who_am_i: SignedIn);
/// The signed-in person and their roles.
#[utoipa::path(
    tag = "auth",
    security(("bearer" = [])),
    responses((status = 200, description = "Oneself", body = Me))
)]
#[get("/v1/auth/me")]
async fn who_am_i(edge: web::Data<Edge>, who: SignedIn) -> Answer {
    let me = me(&edge.engine, &who.0).await?;
    reply::json(&edge, StatusCode::OK, &me)
}

/// The requester or answerer of a code.
fn requester(edge: &Edge, request: &HttpRequest, device: Option<String>) -> Requester {
    let address = address(request, &edge.settings.http.trusted_proxies);
    Requester { block: block(&address), address, device }
}

/// Forbids caches to store the answer.
fn secret(answer: Answer) -> Answer {
    let mut response = answer?;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
