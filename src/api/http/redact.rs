//! The last step of an answer: removes what its reader may not see or did not send.

use actix_web::HttpMessage as _;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use serde_json::Value;

/// Marks a request of staff whose role may not see the branch's money (ACC-4).
pub struct NoMoney;

/// The fields of an order that show the branch's money.
const MONEY: [&str; 2] = ["commission", "commission_bonus"];
/// The public commission calculator (COM-2).
const CALCULATOR: &str = "/v1/partner/commission";

/// Removes the branch's money from answers to staff without that permission, and the fields at
/// fault from refusals of what was asked without a body.
///
/// # Errors
/// The errors of the application.
pub async fn redact(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let answer = next.call(request).await?.map_into_boxed_body();
    let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let problem = kind == Some("application/problem+json");
    let json = problem || kind == Some("application/json");
    let blind = answer.request().extensions().contains::<NoMoney>()
        && answer.request().path() != CALCULATOR;
    // What was asked without a body has no field at fault.
    let what = (problem, blind, answer.request().method() == Method::GET);
    let rewrites = problem || (json && blind);
    if !rewrites {
        return Ok(answer);
    }
    Ok(answer.map_body(|_, body| match body.try_into_bytes() {
        Ok(bytes) => BoxBody::new(rewritten(&bytes, what).unwrap_or(bytes)),
        Err(body) => body,
    }))
}

fn rewritten(bytes: &Bytes, (problem, blind, bodiless): (bool, bool, bool)) -> Option<Bytes> {
    let mut value: Value = serde_json::from_slice(bytes).ok()?;
    if blind {
        without_money(&mut value);
    }
    if let Some(object) = value.as_object_mut().filter(|_| problem && bodiless) {
        object.remove("errors");
    }
    Some(Bytes::from(value.to_string()))
}

/// Removes the branch's money from orders, wherever they are in a document (ACC-4).
pub fn without_money(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|name, _| !MONEY.contains(&name.as_str()));
            object.values_mut().for_each(without_money);
        }
        Value::Array(items) => items.iter_mut().for_each(without_money),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// ACC-4: an order is shown without its cost to the branch, wherever it is in a document.
    #[test]
    fn acc_4_commission_is_taken_out_wherever_it_stands() {
        let order = || json!({"id": 1, "total": {"amount": 1500}, "commission": {"amount": 135}});
        let mut page = json!({"items": [order()], "order": order(), "note": "commission"});
        without_money(&mut page);
        let bare = json!({"id": 1, "total": {"amount": 1500}});
        assert_eq!(page, json!({"items": [bare], "order": bare, "note": "commission"}));
    }
}
