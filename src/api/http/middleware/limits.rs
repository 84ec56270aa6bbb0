//! Rate limits per session and per address (LIM-9).

use std::net::IpAddr;
use std::sync::Arc;

use entity::value::SessionId;

use crate::config::Http;
use platform::CommandError;
use platform::codes::General;
use platform::rate_limit::{Buckets, Exceeded, Quota};

/// The buckets of sessions and of addresses.
pub struct RateLimits {
    sessions: Arc<Buckets>,
    addresses: Arc<Buckets>,
}

impl RateLimits {
    /// From the settings.
    #[must_use]
    pub fn of(http: &Http) -> Self {
        let buckets =
            |name, burst, per_s| Arc::new(Buckets::new(Quota::per_second(name, burst, per_s)));
        Self {
            sessions: buckets("session", http.rate_session_burst, http.rate_session_per_s),
            addresses: buckets("address", http.rate_address_burst, http.rate_address_per_s),
        }
    }

    /// All buckets, to be shared between nodes.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Buckets>> {
        vec![Arc::clone(&self.sessions), Arc::clone(&self.addresses)]
    }

    /// Counts a request of an address.
    ///
    /// # Errors
    /// `rate_limited`, with the time after which the caller may go on.
    pub fn address(&self, address: Option<IpAddr>, weight: u32) -> Result<(), CommandError> {
        let key = match address {
            None => return Ok(()),
            Some(IpAddr::V4(address)) => u128::from(address.to_bits()),
            Some(IpAddr::V6(address)) => address.to_bits(),
        };
        self.addresses.take(key, weight).map_err(refused)
    }

    /// Counts a request of a signed-in device.
    ///
    /// # Errors
    /// `rate_limited`, with the time after which the caller may go on.
    pub fn session(&self, session: SessionId, weight: u32) -> Result<(), CommandError> {
        self.sessions.take(session.0.as_u128(), weight).map_err(refused)
    }
}

fn refused(Exceeded { quota, retry_after }: Exceeded) -> CommandError {
    metrics::counter!("yumo_http_rate_limited", "limit" => quota.name).increment(1);
    let after_s = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
    General::RateLimited
        .refused()
        .with("retry_after_s", after_s.max(1))
        .with("limit", quota.name)
        .with("quota", quota.burst)
        .with("window_s", quota.window_s())
        .into()
}
