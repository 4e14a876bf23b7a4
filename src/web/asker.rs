//! Who asks: the address that limits count by.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

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

/// Something about `X-Forwarded-For` that whoever set up the proxy should hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Odd {
    /// It came from a peer that is no proxy of ours.
    Unasked,
    /// A proxy of ours sent something that is no address.
    Unreadable,
}

impl Asker {
    /// Reads what proxies wrote, and believes only those in `behind`: anybody can send such a header.
    pub(super) fn of(peer: IpAddr, headers: &HeaderMap, behind: &[AddressBlock]) -> (Self, Option<Odd>) {
        let peer = peer.to_canonical();
        let trusted = |address: IpAddr| behind.iter().any(|block| block.contains(address));
        if !trusted(peer) {
            let odd = headers.contains_key("x-forwarded-for").then_some(Odd::Unasked);
            return (Self { address: peer, secure: false }, odd);
        }
        let values = |name: &str| headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect::<Vec<_>>();
        let written = values("x-forwarded-for");
        let (mut address, mut odd) = (peer, None);
        // The last entry is the one that the proxy before us wrote; what is before the first stranger is a stranger's claim.
        for text in written.iter().flat_map(|line| line.split(',')).rev().take(MOST_PROXIES) {
            let Some(next) = written_address(text) else {
                odd = Some(Odd::Unreadable);
                break;
            };
            address = next.to_canonical();
            if !trusted(address) {
                break;
            }
        }
        (Self { address, secure: values("x-forwarded-proto").last() == Some(&"https") }, odd)
    }

    /// The network that shares one allowance: a /24, or with IPv6 the /56 that one customer gets.
    pub(super) fn network(self) -> AddressBlock {
        AddressBlock::around(self.address, if self.address.is_ipv4() { 24 } else { 56 })
    }
}

/// An address as proxies write it: bare, in brackets, or with the port that it came from.
fn written_address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = || text.parse().ok();
    let with_port = || Some(text.parse::<SocketAddr>().ok()?.ip());
    let bracketed = || Some(text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?.into());
    bare().or_else(with_port).or_else(bracketed)
}

/// The block that counts as one peer: with IPv6 a machine has a whole /64.
pub(super) fn house(address: IpAddr) -> AddressBlock {
    let address = address.to_canonical();
    AddressBlock::around(address, if address.is_ipv4() { 32 } else { 64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(peer: &str, forwarded: &[&str], behind: &[&str]) -> (String, Option<Odd>) {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let behind: Vec<AddressBlock> = behind.iter().map(|block| block.parse().unwrap()).collect();
        let (asker, odd) = Asker::of(peer.parse().unwrap(), &headers, &behind);
        (asker.address.to_string(), odd)
    }

    fn of(peer: &str, forwarded: &[&str], behind: &[&str]) -> String {
        told(peer, forwarded, behind).0
    }

    #[test]
    fn proxies_may_write_ports_and_brackets() {
        for (written, address) in [
            ("203.0.113.9:5678", "203.0.113.9"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            (" [::ffff:203.0.113.9]:80 ", "203.0.113.9"),
            ("192.0.2.1, 203.0.113.9:1", "203.0.113.9"),
        ] {
            assert_eq!(told("127.0.0.1", &[written], &["127.0.0.0/8"]), (address.to_owned(), None), "{written}");
        }
        for written in ["unknown", "[2001:db8::1", "203.0.113.9:", "2001:db8::1]:80", "_hidden", ""] {
            let expected = ("127.0.0.1".to_owned(), Some(Odd::Unreadable));
            assert_eq!(told("127.0.0.1", &[written], &["127.0.0.0/8"]), expected, "{written}");
        }
        assert_eq!(told("198.51.100.7", &["203.0.113.9"], &["127.0.0.0/8"]).1, Some(Odd::Unasked));
        assert_eq!(told("198.51.100.7", &[], &[]).1, None);
        assert_eq!(told("127.0.0.1", &[], &["127.0.0.0/8"]).1, None);
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
