//! Answers: JSON with personal data opened for whoever may read it, versions as tags.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, ETAG};
use serde::Serialize;
use serde_json::Value;

use super::problem::Problem;
use crate::edge::Edge;
use crate::platform::{Done, Stop};

/// A JSON answer; `server_now` is added to an object.
///
/// # Errors
/// A fault when it is no JSON.
pub fn json(
    edge: &Edge,
    status: StatusCode,
    answer: &impl Serialize,
) -> Result<HttpResponse, Problem> {
    let text = text(edge, answer)?;
    Ok(HttpResponse::build(status).insert_header((CONTENT_TYPE, "application/json")).body(text))
}

/// The answer of a command.
///
/// # Errors
/// A fault when it is no JSON.
pub fn done<A: Serialize>(
    edge: &Edge,
    status: StatusCode,
    done: &Done<A>,
    version: Option<i64>,
) -> Result<HttpResponse, Problem> {
    let mut response = HttpResponse::build(status);
    response.insert_header((CONTENT_TYPE, "application/json"));
    if let Some(version) = version {
        response.insert_header((ETAG, format!("\"{version}\"")));
    }
    if done.replayed {
        response.insert_header(("Idempotency-Replayed", "true"));
    }
    Ok(response.body(text(edge, &done.answer)?))
}

/// Why a command did not land. A refusal that shows an order shows it as every other answer does:
/// personal data opened, and with the instant at which it was so (ORD-3, ORD-5).
pub fn refused(edge: &Edge, stop: Stop) -> Problem {
    let Stop::Refused(mut refused) = stop else { return stop.into() };
    if refused.with.contains_key("order") {
        let now = edge.engine.shared().clock.now();
        let with = Value::Object(refused.with.clone()).to_string();
        if let Ok(opened) = serde_json::from_str(&edge.keys.open_json(&with)) {
            refused.with = opened;
        }
        *refused = refused.with("server_now", now);
    }
    Stop::Refused(refused).into()
}

fn text(edge: &Edge, answer: &impl Serialize) -> Result<String, Problem> {
    let mut value = serde_json::to_value(answer)?;
    if let Some(object) = value.as_object_mut() {
        let now = serde_json::to_value(edge.engine.shared().clock.now())?;
        object.insert("server_now".to_owned(), now);
    }
    Ok(edge.keys.open_json(&value.to_string()))
}
