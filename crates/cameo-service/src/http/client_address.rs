//! The address that a client is known by, for limits on what one client may do.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::HeaderMap;

/// Returns the address of a client: its own; or behind a proxy, the last entry of `X-Forwarded-For`. Earlier entries are
/// what the client itself sent.
pub fn client_address(headers: &HeaderMap, peer: IpAddr, behind_proxy: bool) -> IpAddr {
    let forwarded = headers.get_all("x-forwarded-for").iter().next_back().filter(|_| behind_proxy);
    let last = forwarded.and_then(|list| parse(list.to_str().ok()?.rsplit(',').next()?.trim()));
    network_of(last.unwrap_or(peer))
}

/// Parses an address that may be quoted, and may be followed by a port.
fn parse(text: &str) -> Option<IpAddr> {
    let text = text.trim_matches('"');
    let with_port = || text.parse::<SocketAddr>().map(|address| address.ip());
    let in_brackets = || text.trim_start_matches('[').trim_end_matches(']').parse();
    text.parse().or_else(|_| with_port()).or_else(|_| in_brackets()).ok()
}

/// Returns the address that stands for all those of one client: an IPv4 address that is written as IPv6 is the same
/// client, and a client has a whole /64 of IPv6 to itself.
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen_as(forwarded: &str) -> IpAddr {
        let headers = HeaderMap::from_iter([("x-forwarded-for".parse().unwrap(), forwarded.parse().unwrap())]);
        client_address(&headers, [10, 0, 0, 1].into(), true)
    }

    #[test]
    fn a_forwarded_address_counts_only_behind_a_proxy() {
        let peer = IpAddr::from([10, 0, 0, 1]);
        let mut headers = HeaderMap::new();
        assert_eq!(client_address(&headers, peer, true), peer);
        headers.insert("x-forwarded-for", "1.1.1.1, 2.2.2.2".parse().unwrap());
        assert_eq!(client_address(&headers, peer, true), IpAddr::from([2, 2, 2, 2]));
        assert_eq!(client_address(&headers, peer, false), peer);
        assert_eq!(seen_as("unknown"), peer);
    }

    #[test]
    fn all_addresses_of_a_client_are_one() {
        let v4 = IpAddr::from([1, 1, 1, 1]);
        for forwarded in ["1.1.1.1", "1.1.1.1:5555", "::ffff:1.1.1.1", "[::ffff:1.1.1.1]:80", "9.9.9.9, 1.1.1.1"] {
            assert_eq!(seen_as(forwarded), v4, "{forwarded}");
        }
        let network: IpAddr = "2001:db8:1:2::".parse().unwrap();
        for forwarded in ["2001:db8:1:2::3", "2001:db8:1:2:ffff::", "[2001:db8:1:2::3]:443", "\"[2001:db8:1:2::3]\""] {
            assert_eq!(seen_as(forwarded), network, "{forwarded}");
        }
        assert_ne!(seen_as("2001:db8:1:3::3"), network);
    }
}
