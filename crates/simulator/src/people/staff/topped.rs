//! A desk's last top-up.

use tokio::time::Instant;

/// The desk's last top-up.
#[derive(Debug)]
pub(crate) struct Topped {
    /// Its id.
    pub(crate) id: String,
    /// Whether a refund will be requested.
    pub(crate) regrets: bool,
    /// When it was paid.
    pub(crate) at: Instant,
}
