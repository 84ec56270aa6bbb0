//! Answers: JSON with personal data opened for a reader who may see it, and versions as entity
//! tags.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, ETAG};
use serde::Serialize;

use super::problem::Problem;
use crate::edge::Edge;
use crate::platform::Done;

/// A JSON answer; `server_now` is added to an object.
///
/// # Errors
/// A fault if the answer cannot be written as JSON.
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
/// A fault if the answer cannot be written as JSON.
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

/// The answer of a command that has nothing to show.
pub fn nothing<A>(done: &Done<A>) -> HttpResponse {
    let mut response = HttpResponse::NoContent();
    if done.replayed {
        response.insert_header(("Idempotency-Replayed", "true"));
    }
    response.finish()
}

fn text(edge: &Edge, answer: &impl Serialize) -> Result<String, Problem> {
    let mut value = serde_json::to_value(answer)?;
    if let Some(object) = value.as_object_mut() {
        let now = serde_json::to_value(edge.engine.shared().clock.now())?;
        object.insert("server_now".to_owned(), now);
    }
    Ok(edge.keys.open_json(&value.to_string()))
}
