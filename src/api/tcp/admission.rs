//! Admission: the limit of open connections, in total and per address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::api::http::auth::tokens::subscriber;
use crate::config::Http;

/// File descriptors reserved for the database, the bus, logs and files.
const RESERVED: usize = 256;
/// With this many descriptors or fewer, half of them are for connections.
const FEW: usize = RESERVED * 2;
/// The assumed limit if it cannot be read.
const UNKNOWN: u64 = 1_024;

/// The limits of connections.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// In total.
    pub connections: usize,
    /// Per address (per /64 of IPv6).
    pub per_address: usize,
    /// Trusted proxies: connections from them are exempt from the limit per address.
    pub proxies: Vec<IpNet>,
}

impl ConnectionLimits {
    /// From the settings; without a total there, the limit of open files decides.
    #[must_use]
    pub fn of(http: &Http) -> Self {
        let open = descriptors();
        let most = if open <= FEW { open / 2 } else { open - RESERVED };
        let connections = match http.connections_max {
            0 => most,
            wanted => wanted.min(most),
        };
        Self {
            connections: connections.max(1),
            per_address: http.connections_per_address,
            proxies: http.trusted_proxies.clone(),
        }
    }
}

/// The number of descriptors the process may open, after raising the limit to the maximum.
fn descriptors() -> usize {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((UNKNOWN, UNKNOWN));
    let raised = soft < hard && setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok();
    usize::try_from(if raised { hard } else { soft }).unwrap_or(usize::MAX)
}

/// The open connections of this process.
pub struct Admission {
    limits: ConnectionLimits,
    open: AtomicUsize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

/// One open connection; counted until dropped.
pub struct Admitted {
    admission: Arc<Admission>,
    address: Option<IpAddr>,
}

impl Admission {
    /// Starts with no open connections.
    #[must_use]
    pub fn new(limits: ConnectionLimits) -> Self {
        Self { limits, open: AtomicUsize::new(0), by_address: Mutex::default() }
    }

    /// The limit in total.
    #[must_use]
    pub fn connections_max(&self) -> usize {
        self.limits.connections
    }

    /// Counts one more connection from this address, unless a limit is reached.
    #[must_use]
    pub fn admit(self: &Arc<Self>, address: Option<IpAddr>) -> Option<Admitted> {
        let proxied = |address: &IpAddr| {
            let address = address.to_canonical();
            self.limits.proxies.iter().any(|proxies| proxies.contains(&address))
        };
        let address = address.filter(|address| !proxied(address)).map(subscriber);
        if self.open.fetch_add(1, Ordering::Relaxed) >= self.limits.connections {
            return self.refuse("total");
        }
        if let Some(address) = address {
            let mut by_address = self.by_address();
            let open = by_address.entry(address).or_default();
            if *open >= self.limits.per_address {
                drop(by_address);
                return self.refuse("address");
            }
            *open += 1;
        }
        metrics::gauge!("yumo_http_connections").increment(1.0);
        Some(Admitted { admission: Arc::clone(self), address })
    }

    fn refuse(&self, limit: &'static str) -> Option<Admitted> {
        self.open.fetch_sub(1, Ordering::Relaxed);
        metrics::counter!("yumo_http_connections_refused", "limit" => limit).increment(1);
        None
    }

    fn by_address(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.by_address.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.admission.open.fetch_sub(1, Ordering::Relaxed);
        metrics::gauge!("yumo_http_connections").decrement(1.0);
        if let Some(address) = self.address {
            let mut by_address = self.admission.by_address();
            if let Some(open) = by_address.get_mut(&address) {
                *open = open.saturating_sub(1);
                if *open == 0 {
                    by_address.remove(&address);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_leaves_room_for_others() {
        let limits = ConnectionLimits { connections: 3, per_address: 2, proxies: Vec::new() };
        let admission = Arc::new(Admission::new(limits));
        let first = admission.admit(Some(address("10.0.0.1"))).unwrap();
        let _second = admission.admit(Some(address("10.0.0.1"))).unwrap();
        assert!(admission.admit(Some(address("10.0.0.1"))).is_none(), "two from one address");
        let _other = admission.admit(Some(address("10.0.0.2"))).unwrap();
        assert!(admission.admit(Some(address("10.0.0.3"))).is_none(), "three in all");
        drop(first);
        assert!(admission.admit(Some(address("10.0.0.1"))).is_some(), "one was closed");
    }

    #[test]
    fn a_block_of_ipv6_is_one_address_and_a_proxy_is_not_counted() {
        let proxies = vec!["10.0.0.0/8".parse().unwrap()];
        let admission =
            Arc::new(Admission::new(ConnectionLimits { connections: 9, per_address: 1, proxies }));
        let _first = admission.admit(Some(address("2001:db8::1"))).unwrap();
        assert!(admission.admit(Some(address("2001:db8::2"))).is_none());
        let _one = admission.admit(Some(address("10.0.0.1"))).unwrap();
        assert!(admission.admit(Some(address("10.0.0.1"))).is_some());
    }
}
