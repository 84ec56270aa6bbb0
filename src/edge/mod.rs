//! The edge: everything with a wire format. Handlers read, hand a command to the engine, and write
//! the answer.

use std::sync::Arc;

use self::http::limits::RateLimits;
use crate::access::Sessions;
use crate::config::Settings;
use crate::platform::Engine;
use crate::platform::crypto::Keys;

pub mod http;
pub mod ical;
pub mod pay;
pub mod tcp;
pub mod ws;

/// What every handler has.
pub struct Edge {
    /// The one door.
    pub engine: Engine,
    /// Keys: sealed data is opened here alone.
    pub keys: Arc<Keys>,
    /// Settings.
    pub settings: Arc<Settings>,
    /// Who is signed in.
    pub sessions: Arc<Sessions>,
    /// How much one session and one address may ask for.
    pub limits: RateLimits,
    /// What of the feed is in use.
    pub feed: Arc<ws::limits::Limits>,
}
