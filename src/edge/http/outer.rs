//! What surrounds every request: its connection's phase, and methods that are other methods.

use std::rc::Rc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::TRANSFER_ENCODING;
use actix_web::http::{ConnectionType, Method, StatusCode};
use actix_web::middleware::Next;

use crate::edge::tcp::phase::Phases;

/// Passes a request on, and marks its connection as serving it meanwhile.
///
/// # Errors
/// Whatever the application answers with as an error.
pub async fn outer(
    mut request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    // Whatever can be read can be asked for its head; the body is left out on its way.
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    let phases = request.conn_data::<Rc<Phases>>().cloned();
    if let Some(phases) = &phases {
        phases.serving();
    }
    // Where such a body ends is known only when it has ended.
    let end_unknown = request.headers().contains_key(TRANSFER_ENCODING);
    let answer = next.call(request).await;
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
