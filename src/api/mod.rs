//! The edge: everything with a wire format. Handlers read a request, pass a command to the engine,
//! and write the answer.

use std::sync::Arc;

use crate::access::Sessions;
use crate::config::Settings;
use crate::context::Engine;
use http::middleware::limits::RateLimits;
use platform::crypto::Keys;

pub mod http;
pub mod ical;
pub mod tcp;
pub mod ws;

/// The state shared by all handlers.
pub struct Edge {
    /// The engine, which executes every command.
    pub engine: Engine,
    /// The keys: only the edge opens sealed data.
    pub keys: Arc<Keys>,
    /// Settings.
    pub settings: Arc<Settings>,
    /// The signed-in sessions.
    pub sessions: Arc<Sessions>,
    /// The rate limits per session and per address.
    pub limits: RateLimits,
    /// The feed's usage by session and account.
    pub feed: Arc<ws::limits::SocketLimits>,
}
