//! Who is calling: the bearer token a request shows, and the network address it comes from.

use std::net::{IpAddr, Ipv6Addr};

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;

use crate::access::Refusal;

/// The access token in `Authorization: Bearer …`.
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
/// Behind a proxy of one's own it is the last hop of `X-Forwarded-For`: whatever stands before that
/// the caller may have written.
#[must_use]
pub fn address(request: &HttpRequest, trust_forwarded: bool) -> String {
    let forwarded = if trust_forwarded { forwarded(request) } else { None };
    let address = forwarded.or_else(|| request.peer_addr().map(|peer| peer.ip()));
    address.map_or_else(|| "unknown".to_owned(), |address| subscriber(address).to_string())
}

fn forwarded(request: &HttpRequest) -> Option<IpAddr> {
    let last = request.headers().get_all("X-Forwarded-For").last()?.to_str().ok()?;
    last.rsplit(',').next()?.trim().parse().ok()
}

/// IPv6 gives one subscriber a /64 full of addresses; they count as one.
fn subscriber(address: IpAddr) -> IpAddr {
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

    #[test]
    fn only_a_proxy_of_ones_own_is_believed() {
        let request = TestRequest::default()
            .peer_addr("10.0.0.1:5000".parse().unwrap())
            .insert_header(("X-Forwarded-For", "1.1.1.1, 2.2.2.2"))
            .to_http_request();
        assert_eq!(address(&request, false), "10.0.0.1");
        assert_eq!(address(&request, true), "2.2.2.2");
    }

    #[test]
    fn a_subscriber_is_one_address() {
        let one: IpAddr = "2001:db8:1:2:3:4:5:6".parse().unwrap();
        assert_eq!(subscriber(one).to_string(), "2001:db8:1:2::");
        let mapped: IpAddr = "::ffff:1.2.3.4".parse().unwrap();
        assert_eq!(subscriber(mapped).to_string(), "1.2.3.4");
    }
}
