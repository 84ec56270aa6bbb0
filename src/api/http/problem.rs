//! Errors as RFC 9457 problems: what happened, what to do, a stable code.

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use serde_json::{Value, json};

use super::pointers;
use platform::codes::General;
use platform::scheduler::serving::Pause;
use platform::{CommandError, Fault, RefusalKind, Refused};

/// Where the codes are described.
const TYPE_BASE: &str = "https://yumo.az/problems/";

/// A refusal or a fault as an answer.
#[derive(Debug)]
pub struct Problem(CommandError);

impl<S: Into<CommandError>> From<S> for Problem {
    fn from(stop: S) -> Self {
        Self(stop.into())
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            CommandError::Refused(refused) => f.write_str(refused.code),
            CommandError::Contended | CommandError::StaleTimer => f.write_str("contended"),
            CommandError::NotServing(pause) => f.write_str(paused(*pause).0),
            CommandError::Fault(fault) => fault.fmt(f),
        }
    }
}

/// The HTTP status of a refusal.
#[must_use]
pub fn status(refused: &Refused) -> StatusCode {
    match refused.kind {
        RefusalKind::Invalid if refused.code == "too_large" => StatusCode::PAYLOAD_TOO_LARGE,
        RefusalKind::Invalid => StatusCode::BAD_REQUEST,
        RefusalKind::Slow => StatusCode::REQUEST_TIMEOUT,
        RefusalKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        RefusalKind::Forbidden => StatusCode::FORBIDDEN,
        RefusalKind::NotFound => StatusCode::NOT_FOUND,
        RefusalKind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        RefusalKind::Conflict => StatusCode::CONFLICT,
        RefusalKind::Stale => StatusCode::PRECONDITION_FAILED,
        RefusalKind::VersionMissing => StatusCode::PRECONDITION_REQUIRED,
        RefusalKind::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
        RefusalKind::TooMany => StatusCode::TOO_MANY_REQUESTS,
        RefusalKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        match &self.0 {
            CommandError::Refused(refused) => status(refused),
            CommandError::Contended
            | CommandError::StaleTimer
            | CommandError::NotServing(_)
            | CommandError::Fault(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error_response(&self) -> HttpResponse {
        match &self.0 {
            CommandError::Refused(refused) => self.refused(refused),
            CommandError::Contended | CommandError::StaleTimer => unavailable(
                "contended",
                "Too many changed this at the same time",
                "Nothing was done. Send the same command with the same Idempotency-Key again.",
            ),
            CommandError::NotServing(pause) => {
                let (code, title) = paused(*pause);
                unavailable(
                    code,
                    title,
                    "Nothing was done. Send the same command with the same Idempotency-Key again \
                     in a moment.",
                )
            }
            CommandError::Fault(fault) => {
                // The node has already raised one alarm for a storage that accepts no writes.
                if matches!(fault, Fault::Unavailable(_)) {
                    tracing::debug!(%fault, "a request met a fault");
                } else {
                    tracing::error!(%fault, "a request met a fault");
                }
                unavailable(
                    "unavailable",
                    "The engine cannot serve this now",
                    "It may or may not be done. Send the same command with the same \
                     Idempotency-Key again in a moment.",
                )
            }
        }
    }
}

/// Code and title for a pause of all commands (OUT-1).
fn paused(pause: Pause) -> (&'static str, &'static str) {
    match pause {
        Pause::Recovering => {
            ("recovering", "The engine comes back from an outage and moves its deadlines first")
        }
        Pause::ClockOff => {
            ("clock_off", "The clock of this node is wrong: nothing is decided here")
        }
    }
}

impl Problem {
    fn refused(&self, refused: &Refused) -> HttpResponse {
        let status = self.status_code();
        let mut body = json!({
            "type": format!("{TYPE_BASE}{}", refused.code),
            "title": refused.title,
            "status": status.as_u16(),
            "code": refused.code,
            "detail": refused.detail,
        });
        let mut response = HttpResponse::build(status);
        if let Some(after) = refused.with.get("retry_after_s").and_then(Value::as_i64) {
            response.insert_header((RETRY_AFTER, after.to_string()));
            if status == StatusCode::TOO_MANY_REQUESTS {
                rate_limit(&mut response, refused, after);
            }
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.insert_header((RETRY_AFTER, "1"));
        }
        if let Some(allow) = refused.with.get("allow").and_then(Value::as_str) {
            response.insert_header((ALLOW, allow));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.insert_header(("WWW-Authenticate", "Bearer"));
        }
        if let Some(object) = body.as_object_mut() {
            object.extend(refused.with.clone());
            if status == StatusCode::UNPROCESSABLE_ENTITY {
                object.extend(errors(refused));
            }
        }
        response.insert_header((CONTENT_TYPE, "application/problem+json"));
        response.body(body.to_string())
    }
}

/// The fields at fault, if it is about fields.
fn errors(refused: &Refused) -> Option<(String, Value)> {
    let error = |pointer: String| json!({"pointer": pointer, "code": refused.code, "detail": refused.detail});
    let errors: Vec<Value> = pointers::of(refused).into_iter().map(error).collect();
    (!errors.is_empty()).then(|| ("errors".to_owned(), errors.into()))
}

/// The rate limit that was exceeded, as headers.
///
/// # Source
/// draft-ietf-httpapi-ratelimit-headers: `RateLimit` and `RateLimit-Policy`.
fn rate_limit(response: &mut HttpResponseBuilder, refused: &Refused, after_s: i64) {
    let field = |name: &str| refused.with.get(name);
    let limit = field("limit").and_then(Value::as_str).unwrap_or(refused.code);
    response.insert_header(("RateLimit", format!(r#""{limit}";r=0;t={after_s}"#)));
    if let (Some(quota), Some(window_s)) = (field("quota"), field("window_s")) {
        let policy = format!(r#""{limit}";q={quota};w={window_s}"#);
        response.insert_header(("RateLimit-Policy", policy));
    }
}

fn unavailable(code: &str, title: &str, detail: &str) -> HttpResponse {
    let body = json!({
        "type": format!("{TYPE_BASE}{code}"),
        "title": title,
        "status": 503,
        "code": code,
        "detail": detail,
    });
    HttpResponse::ServiceUnavailable()
        .insert_header((RETRY_AFTER, "1"))
        .insert_header((CONTENT_TYPE, "application/problem+json"))
        .body(body.to_string())
}

/// The problem of a request that could not be parsed.
pub fn malformed(detail: impl std::fmt::Display) -> Problem {
    General::Malformed.refused().because(detail.to_string()).into()
}

/// The answer if no route matches.
pub async fn nowhere() -> HttpResponse {
    Problem::from(General::NotFound).error_response()
}
