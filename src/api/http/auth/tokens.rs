//! Authentication of a request: its bearer token, and the network address it comes from.

use std::net::{IpAddr, Ipv6Addr};

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use ipnet::IpNet;

use crate::access::Refusal;

/// The access token of `Authorization: Bearer …`.
///
/// # Errors
/// `unauthenticated` when there is none.
pub fn bearer(request: &HttpRequest) -> Result<&str, Refusal> {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (scheme, token) = header.and_then(|h| h.split_once(' ')).ok_or(Refusal::Unauthenticated)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(token.trim())
    } else {
        Err(Refusal::Unauthenticated)
    }
}

/// The caller's network address, for limits.
///
/// `X-Forwarded-For` headers are read from the right, as long as a trusted proxy wrote them: the
/// first address that is no such proxy is the caller's (LIM-10). Entries before it may be forged by
/// the caller.
#[must_use]
pub fn address(request: &HttpRequest, proxies: &[IpNet]) -> String {
    let address = subscriber_of(request, proxies);
    address.map_or_else(|| "unknown".to_owned(), |address| address.to_string())
}

/// Like [`address`], as an IP address; `None` where the connection has none.
#[must_use]
pub fn subscriber_of(request: &HttpRequest, proxies: &[IpNet]) -> Option<IpAddr> {
    caller(request, proxies).map(subscriber)
}

/// The network of a caller's address, for budgets of a whole block: a /24, or a /48.
#[must_use]
pub fn block(address: &str) -> String {
    let address: Option<IpAddr> = address.parse().ok();
    let bits = |address: &IpAddr| if address.is_ipv4() { BLOCK_BITS_V4 } else { BLOCK_BITS_V6 };
    let net = address.and_then(|address| IpNet::new(address, bits(&address)).ok());
    net.map_or_else(|| "unknown".to_owned(), |net| net.trunc().to_string())
}

/// The prefix length of a block, bits.
const BLOCK_BITS_V4: u8 = 24;
const BLOCK_BITS_V6: u8 = 48;
/// The most proxies in a row that are read.
const HOPS_MAX: usize = 16;

fn caller(request: &HttpRequest, proxies: &[IpNet]) -> Option<IpAddr> {
    let trusted = |address: &IpAddr| proxies.iter().any(|net| net.contains(address));
    let mut address = request.peer_addr()?.ip().to_canonical();
    if !trusted(&address) {
        return Some(address);
    }
    let said: Vec<&str> =
        request.headers().get_all("X-Forwarded-For").filter_map(|v| v.to_str().ok()).collect();
    let hops = said.iter().rev().flat_map(|said| said.rsplit(','));
    for hop in hops.take(HOPS_MAX) {
        // An unreadable entry ends the chain: the last address read counts as the caller's.
        let Ok(hop) = hop.trim().parse::<IpAddr>() else { break };
        address = hop.to_canonical();
        if !trusted(&address) {
            break;
        }
    }
    Some(address)
}

/// The network of one internet subscriber: an IPv6 /64 counts as one address.
#[must_use]
pub fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_bearer_token_is_read_and_nothing_else() {
        let shown = |value: &'static str| {
            TestRequest::default().insert_header((AUTHORIZATION, value)).to_http_request()
        };
        assert_eq!(bearer(&shown("Bearer abc")), Ok("abc"));
        assert_eq!(bearer(&shown("bearer abc")), Ok("abc"));
        assert_eq!(bearer(&shown("Basic abc")), Err(Refusal::Unauthenticated));
        assert_eq!(bearer(&shown("abc")), Err(Refusal::Unauthenticated));
    }

    /// LIM-10: the caller's address is the one named by the nearest trusted proxy, and by no other.
    #[test]
    fn lim_10_only_proxies_of_ones_own_are_believed() {
        let seen = |said: &[&str], proxies: &[&str]| {
            let mut request = TestRequest::default().peer_addr("10.0.0.1:5000".parse().unwrap());
            for said in said {
                request = request.append_header(("X-Forwarded-For", *said));
            }
            let proxies: Vec<IpNet> = proxies.iter().map(|net| net.parse().unwrap()).collect();
            address(&request.to_http_request(), &proxies)
        };
        let own = &["10.0.0.0/8"];
        assert_eq!(seen(&["1.1.1.1, 2.2.2.2"], &[]), "10.0.0.1");
        assert_eq!(seen(&["1.1.1.1, 2.2.2.2"], &["192.168.0.0/16"]), "10.0.0.1");
        assert_eq!(seen(&["1.1.1.1, 2.2.2.2"], own), "2.2.2.2");
        assert_eq!(seen(&["1.1.1.1, 2.2.2.2, 10.7.7.7"], own), "2.2.2.2");
        assert_eq!(seen(&["1.1.1.1", "2.2.2.2", "10.7.7.7"], own), "2.2.2.2");
        assert_eq!(seen(&["10.9.9.9, 10.7.7.7"], own), "10.9.9.9");
        assert_eq!(seen(&["1.1.1.1, nonsense, 10.7.7.7"], own), "10.7.7.7");
        assert_eq!(seen(&["1.1.1.1, nonsense"], own), "10.0.0.1");
        assert_eq!(seen(&[], own), "10.0.0.1");
    }

    /// LIM-10: neighbouring addresses belong to one block.
    #[test]
    fn lim_10_a_block_is_a_24_or_a_48() {
        assert_eq!(block("10.3.7.9"), "10.3.7.0/24");
        assert_eq!(block("2001:db8:1:2::"), "2001:db8:1::/48");
        assert_eq!(block("unknown"), "unknown");
    }

    #[test]
    fn a_subscriber_is_one_address() {
        let one: IpAddr = "2001:db8:1:2:3:4:5:6".parse().unwrap();
        assert_eq!(subscriber(one).to_string(), "2001:db8:1:2::");
        let mapped: IpAddr = "::ffff:1.2.3.4".parse().unwrap();
        assert_eq!(subscriber(mapped).to_string(), "1.2.3.4");
    }
}
