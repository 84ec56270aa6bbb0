//! Events of a feed, and the snapshot to begin from.

use super::order::Order;
use chrono::{DateTime, Utc};
use serde::Deserialize;

/// The payload of an event.
#[derive(Debug, Clone, Deserialize)]
pub struct Data {
    /// The whole order, as its reader may see it.
    #[serde(default)]
    pub order: Option<Box<Order>>,
    /// The penalty in question.
    #[serde(default)]
    pub penalty: Option<Penalty>,
}

/// A penalty.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Penalty {
    /// Its id, where the reader may know it.
    pub id: String,
    /// `pending`, `paid`, `disputed` or `waived`.
    pub state: String,
}

/// One event of a feed.
#[derive(Debug, Clone, Deserialize)]
pub struct Event {
    /// Its number in this feed.
    pub seq: i64,
    /// Its stable id.
    pub id: String,
    /// Its name, `order.confirmed`.
    pub event: String,
    /// The instant of the command that caused it.
    pub at: DateTime<Utc>,
    /// The server's time when it was sent.
    pub server_now: DateTime<Utc>,
    /// Whether this device caused it.
    #[serde(default)]
    pub own: bool,
    /// The payload.
    pub data: Data,
}

/// A snapshot: state and feed number from one read transaction.
#[derive(Debug, Clone, Deserialize)]
pub struct Snapshot {
    /// The epoch the number belongs to.
    pub epoch: String,
    /// The feed number of the state.
    pub seq: i64,
    /// The server's time.
    #[serde(default)]
    pub server_now: Option<DateTime<Utc>>,
    /// The open orders.
    #[serde(default)]
    pub orders: Vec<Order>,
}
