//! What a client tells its owner about itself: for statistics and for tests.

use crate::http::{ApiError, Problem};
use crate::model::Event;
use chrono::{DateTime, Utc};
use std::time::Duration;

/// One thing that happened to a session or to a follower.
#[derive(Debug)]
pub enum Observation<'a> {
    /// A request is sent.
    Request,
    /// A request will be repeated, after a connection error or a `Retry-After`.
    Retry,
    /// A command was answered after this time, in its last attempt.
    Command(Duration),
    /// A request was refused.
    Refusal(&'a Problem),
    /// A response was outside the contract.
    OddResponse {
        /// The path of the request.
        path: &'a str,
        /// What was wrong.
        error: &'a ApiError,
    },
    /// A sign-in succeeded.
    SignIn,
    /// The tokens were refreshed.
    Refresh,
    /// A feed's socket was opened; `again` after an earlier one.
    Connection {
        /// Whether this follower had one before.
        again: bool,
    },
    /// An event was received.
    Event {
        /// The event.
        event: &'a Event,
        /// When it was received, by this machine's clock.
        received_at: DateTime<Utc>,
    },
    /// A number was received without its event, which this reader may not see.
    Blank,
    /// A snapshot is taken.
    SnapshotTaken,
    /// The node told its time.
    ServerNow(DateTime<Utc>),
    /// A frame was outside the contract, or one of this client was.
    OddFrame(&'a str),
    /// A feed broke its promise: a gap, a duplicate, or a reader turned away.
    Violation(String),
}

/// Receives observations; `who` is the session's name.
pub trait Observer: Send + Sync {
    /// Takes one observation.
    fn observe(&self, who: &str, what: Observation<'_>);
}
