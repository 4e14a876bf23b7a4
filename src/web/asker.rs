//! Who asks: the address that limits count by.

use std::net::IpAddr;

use hyper::HeaderMap;

use crate::base::AddressBlock;

/// Most proxies that are walked through.
const MOST_PROXIES: usize = 16;

/// Who sent a request, as far as it can be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asker {
    /// The address that the request came from first.
    pub(super) address: IpAddr,
    /// Whether it came to the proxy before us over https.
    pub(super) secure: bool,
}

impl Asker {
    /// Reads what proxies wrote, and believes only those in `behind`: anybody can send such a header.
    pub(super) fn of(peer: IpAddr, headers: &HeaderMap, behind: &[AddressBlock]) -> Self {
        let peer = peer.to_canonical();
        let trusted = |address: IpAddr| behind.iter().any(|block| block.contains(address));
        if !trusted(peer) {
            return Self { address: peer, secure: false };
        }
        let values = |name: &str| headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect::<Vec<_>>();
        let written = values("x-forwarded-for");
        let mut address = peer;
        // The last entry is the one that the proxy before us wrote; what is before the first stranger is a stranger's claim.
        for text in written.iter().flat_map(|line| line.split(',')).rev().take(MOST_PROXIES) {
            let Ok(next) = text.trim().parse::<IpAddr>() else { break };
            address = next.to_canonical();
            if !trusted(address) {
                break;
            }
        }
        Self { address, secure: values("x-forwarded-proto").last() == Some(&"https") }
    }

    /// The network that shares one allowance: a /24, or with IPv6 the /56 that one customer gets.
    pub(super) fn network(self) -> AddressBlock {
        AddressBlock::around(self.address, if self.address.is_ipv4() { 24 } else { 56 })
    }
}

/// The block that counts as one peer: with IPv6 a machine has a whole /64.
pub(super) fn house(address: IpAddr) -> AddressBlock {
    let address = address.to_canonical();
    AddressBlock::around(address, if address.is_ipv4() { 32 } else { 64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(peer: &str, forwarded: &[&str], behind: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let behind: Vec<AddressBlock> = behind.iter().map(|block| block.parse().unwrap()).collect();
        Asker::of(peer.parse().unwrap(), &headers, &behind).address.to_string()
    }

    #[test]
    fn only_our_own_proxies_are_believed() {
        assert_eq!(of("198.51.100.7", &["203.0.113.9"], &[]), "198.51.100.7");
        assert_eq!(of("127.0.0.1", &["203.0.113.9"], &["127.0.0.0/8"]), "203.0.113.9");
        assert_eq!(of("::ffff:127.0.0.1", &["203.0.113.9"], &["127.0.0.0/8"]), "203.0.113.9");
        // What the stranger wrote stands before what the proxy wrote.
        assert_eq!(of("127.0.0.1", &["192.0.2.1, 203.0.113.9"], &["127.0.0.0/8"]), "203.0.113.9");
        assert_eq!(of("127.0.0.1", &["192.0.2.1", "203.0.113.9, 10.1.2.3"], &["127.0.0.0/8", "10.0.0.0/8"]), "203.0.113.9");
        assert_eq!(of("127.0.0.1", &["203.0.113.9, unknown"], &["127.0.0.0/8"]), "127.0.0.1");
        assert_eq!(of("127.0.0.1", &[], &["127.0.0.0/8"]), "127.0.0.1");
    }

    #[test]
    fn one_customer_is_one_network() {
        let network = |text: &str| Asker { address: text.parse().unwrap(), secure: false }.network().to_string();
        assert_eq!(network("203.0.113.9"), "203.0.113.0/24");
        assert_eq!(network("2001:db8:1:2ff::9"), "2001:db8:1:200::/56");
        assert_eq!(house("2001:db8:1:2ff::9".parse().unwrap()).to_string(), "2001:db8:1:2ff::/64");
        assert_eq!(house("::ffff:203.0.113.9".parse().unwrap()).to_string(), "203.0.113.9/32");
    }
}
