//! Middleware of every request: the phase of its connection, its route and weight, methods a path
//! does not have, and CORS.

use std::rc::Rc;

use actix_cors::Cors;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, IF_MATCH, TRANSFER_ENCODING};
use actix_web::http::{ConnectionType, Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, HttpResponse, ResponseError as _, web};

use crate::api::Edge;
use crate::api::http::auth::tokens::subscriber_of;
use crate::api::http::problem::{Problem, malformed};
use crate::api::http::route_table::of_path;
use crate::api::http::routes::{Matched, Route};
use crate::api::tcp::phase::Phases;
use platform::codes::General;

/// The weight of a request to an unknown path.
const UNKNOWN: u32 = 1;
/// How long a browser may cache a preflight answer, seconds.
const CORS_AGE_S: usize = 600;

/// Which pages may call the API from a browser: those of `http.allowed_origins`.
pub fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers([AUTHORIZATION, CONTENT_TYPE, IF_MATCH])
        .allowed_headers(["Accept-Language", "Idempotency-Key", "traceparent"])
        .expose_headers(["ETag", "Idempotency-Replayed", "RateLimit", "RateLimit-Policy"])
        .expose_headers(["Retry-After", "Location"])
        // Pages of other origins get an answer that their browser hides from them, as without CORS.
        .block_on_origin_mismatch(false)
        .max_age(CORS_AGE_S);
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin.trim_end_matches('/')))
}

/// Passes a request on, and marks its connection as serving it meanwhile.
///
/// # Errors
/// The errors of the application.
pub async fn outer(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    // HEAD is served as GET; the body is left out when it is sent.
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    let phases = request.conn_data::<Rc<Phases>>().cloned();
    if let Some(phases) = &phases {
        phases.serving();
    }
    // The end of a chunked body is known only when it has been read.
    let end_unknown = request.headers().contains_key(TRANSFER_ENCODING);
    let answer = match refused(&request) {
        None => next.call(request).await.map(ServiceResponse::map_into_left_body),
        Some(answer) => Ok(request.into_response(answer).map_into_right_body()),
    };
    let upgraded = answer.as_ref().is_ok_and(|a| a.status() == StatusCode::SWITCHING_PROTOCOLS);
    match &phases {
        Some(phases) if upgraded => phases.upgraded(),
        Some(phases) => phases.answered(end_unknown),
        None => {}
    }
    answer.map(|mut answer| {
        if end_unknown && answer.status().is_client_error() {
            answer.response_mut().head_mut().set_connection_type(ConnectionType::Close);
        }
        answer
    })
}

/// Finds the route of a request and counts its weight; the answer if the request is refused.
fn refused(request: &ServiceRequest) -> Option<HttpResponse> {
    let pattern = request.match_pattern();
    let routes = pattern.as_deref().map(of_path).unwrap_or_default();
    let method = request.method().as_str();
    let route = routes.iter().find(|route| route.method == method);
    let weight = route.map_or(UNKNOWN, |route| route.weight.0);
    metrics::counter!("yumo_http_weight").increment(u64::from(weight));
    if let Some(edge) = request.app_data::<web::Data<Edge>>() {
        let proxies = &edge.settings.http.trusted_proxies;
        let counted = edge.limits.address(subscriber_of(request.request(), proxies), weight);
        if let Err(stop) = counted {
            return Some(Problem::from(stop).error_response());
        }
    }
    // PostgreSQL cannot keep U+0000, and nothing that is asked for holds it.
    if request.query_string().contains("%00") {
        return Some(malformed("No text holds the character U+0000.").error_response());
    }
    match route {
        Some(route) => {
            request.extensions_mut().insert(Matched(route));
            None
        }
        None if routes.is_empty() => None,
        None => Some(no_such_method(request.method(), routes)),
    }
}

/// The path exists, but not with this method.
fn no_such_method(method: &Method, routes: &'static [Route]) -> HttpResponse {
    let mut allow: Vec<&str> = routes.iter().map(|route| route.method).collect();
    if allow.contains(&"GET") {
        allow.push("HEAD");
    }
    allow.push("OPTIONS");
    let allow = allow.join(", ");
    if method == Method::OPTIONS {
        return HttpResponse::NoContent().insert_header((ALLOW, allow)).finish();
    }
    Problem::from(General::MethodNotAllowed.refused().with("allow", allow)).error_response()
}
