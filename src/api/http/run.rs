//! The one way out of a handler that runs a command: the answer or the refusal, with personal data
//! opened in both.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, ETAG};
use entity::value::Instant;
use serde::Serialize;
use serde_json::Value;

use super::problem::Problem;
use super::reply;
use super::request::SentKey;
use crate::api::Edge;
use crate::context::Context;
use crate::orders::view::OrderView;
use platform::crypto::Keys;
use platform::{By, Command, CommandError, Done, Refused};

/// The status line and headers of an answer.
#[derive(Clone, Copy)]
pub struct AnswerHead {
    status: StatusCode,
    /// The version of what is shown, as an entity tag.
    version: Option<i64>,
}

/// 200 with the answer.
pub fn ok<A>(_: &A) -> AnswerHead {
    AnswerHead { status: StatusCode::OK, version: None }
}

/// 201 with the answer.
pub fn created<A>(_: &A) -> AnswerHead {
    AnswerHead { status: StatusCode::CREATED, version: None }
}

/// 204: there is nothing to show.
pub fn nothing<A>(_: &A) -> AnswerHead {
    AnswerHead { status: StatusCode::NO_CONTENT, version: None }
}

/// 200 with the order and its version.
pub fn order(order: &OrderView) -> AnswerHead {
    AnswerHead { status: StatusCode::OK, version: Some(order.version) }
}

/// 201 with the new order and its version.
pub fn placed(order: &OrderView) -> AnswerHead {
    AnswerHead { status: StatusCode::CREATED, version: Some(order.version) }
}

/// Runs a command, under the key of its request if it has one, and answers or refuses.
///
/// # Errors
/// The refusal or the fault, ready to be sent.
pub async fn run<C: Command<Context>>(
    edge: &Edge,
    by: By,
    key: Option<SentKey>,
    command: C,
    head: impl FnOnce(&C::Answer) -> AnswerHead,
) -> Result<HttpResponse, Problem> {
    answer(edge, edge.engine.execute(by, key.map(|key| key.of(by)), command).await, head)
}

/// Answers or refuses what was run: for handlers that do more than run one command.
///
/// # Errors
/// The refusal or the fault, ready to be sent.
pub fn answer<A: Serialize>(
    edge: &Edge,
    outcome: Result<Done<A>, CommandError>,
    head: impl FnOnce(&A) -> AnswerHead,
) -> Result<HttpResponse, Problem> {
    let Done { answer, replayed } = match outcome {
        Ok(done) => done,
        Err(CommandError::Refused(refused)) => {
            let now = edge.engine.shared().clock.now();
            return Err(opened(&edge.keys, now, *refused)?.into());
        }
        Err(other) => return Err(other.into()),
    };
    let AnswerHead { status, version } = head(&answer);
    let mut response = HttpResponse::build(status);
    if let Some(version) = version {
        response.insert_header((ETAG, format!("\"{version}\"")));
    }
    if replayed {
        response.insert_header(("Idempotency-Replayed", "true"));
    }
    if status == StatusCode::NO_CONTENT {
        return Ok(response.finish());
    }
    response.insert_header((CONTENT_TYPE, "application/json"));
    Ok(response.body(reply::text(edge, &answer)?))
}

/// A refusal that shows an order shows it as an answer does: opened, with the time of the server.
fn opened(keys: &Keys, now: Instant, mut refused: Refused) -> Result<Refused, CommandError> {
    let with = Value::Object(std::mem::take(&mut refused.with)).to_string();
    refused.with = serde_json::from_str(&keys.open_json(&with))?;
    if refused.with.contains_key("order") {
        refused.with.insert("server_now".to_owned(), serde_json::to_value(now)?);
    }
    Ok(refused)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use entity::value::SealedColumn;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::orders::Refusal;
    use platform::codes::General;
    use platform::crypto::fresh_key;

    /// ACC-5: whichever refusal carries an order, nothing in it stays sealed.
    #[test]
    fn acc_5_every_refusal_is_opened() {
        let sealing = BTreeMap::from([("k1".to_owned(), fresh_key().unwrap())]);
        let keys = Keys::new(&sealing, "k1", &fresh_key().unwrap(), &fresh_key().unwrap()).unwrap();
        let sealed = |column, text: &str| {
            keys.seal(column, Uuid::nil(), text).unwrap().at(column, Uuid::nil())
        };
        let order = json!({
            "car": {"plate": sealed(SealedColumn::CarPlate, "10-AA-123")},
            "client": {"name": sealed(SealedColumn::PersonName, "Anar")},
        });
        let all = Refusal::ALL.iter().map(|refusal| refusal.refused());
        for refused in all.chain([General::StaleVersion.refused()]) {
            let code = refused.code;
            let refused = refused.with("order", &order).with("orders", [&order]);
            let shown = opened(&keys, Instant::UNIX_EPOCH, refused).unwrap().with;
            let opened = json!({"car": {"plate": "10-AA-123"}, "client": {"name": "Anar"}});
            assert_eq!((&shown["order"], &shown["orders"][0]), (&opened, &opened), "{code}");
            assert!(!json!(shown).to_string().contains("sealed:"), "{code}");
        }
    }
}
