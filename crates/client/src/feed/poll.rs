//! The feed over HTTP: long poll, acknowledgement and snapshot.

use super::frame::Frame;
use super::position::Position;
use crate::http::Request;
use serde::Deserialize;
use serde_json::json;

/// A response of the long poll.
#[derive(Debug, Clone, Deserialize)]
pub struct EventPage {
    /// The epoch of the numbers.
    pub epoch: String,
    /// Whether the position is too old: begin again from a snapshot.
    pub snapshot_needed: bool,
    /// The next events and blanks, in order.
    pub events: Vec<Frame>,
}

/// The request for what follows a position; the node waits up to `wait_s` for an event.
pub fn poll(audience: &str, position: &Position, wait_s: u8) -> Request {
    let after = position.after.unwrap_or(0);
    let epoch = position.epoch.as_ref().map(|epoch| format!("&epoch={epoch}")).unwrap_or_default();
    Request::get(format!("/v1/feed/events?audience={audience}&after={after}&wait={wait_s}{epoch}"))
}

/// The acknowledgement of everything up to a number for this device.
pub fn ack(audience: &str, seq: i64, epoch: &str) -> Request {
    let body = json!({ "audience": audience, "seq": seq, "epoch": epoch });
    Request::post("/v1/feed/ack", &body).without_key()
}

/// The request for the open orders and the number to go on from.
pub fn snapshot(audience: &str) -> Request {
    Request::get(format!("/v1/feed/snapshot?audience={audience}"))
}
