//! What a handler read, as an answer: JSON with personal data opened for a reader who may see it.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use serde::Serialize;

use super::problem::Problem;
use crate::api::Edge;

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

/// The text of an answer: the time of the server added, personal data opened.
///
/// # Errors
/// A fault if the answer cannot be written as JSON.
pub(super) fn text(edge: &Edge, answer: &impl Serialize) -> Result<String, Problem> {
    let mut value = serde_json::to_value(answer)?;
    if let Some(object) = value.as_object_mut() {
        let now = serde_json::to_value(edge.engine.shared().clock.now())?;
        object.insert("server_now".to_owned(), now);
    }
    Ok(edge.keys.open_json(&value.to_string()))
}
