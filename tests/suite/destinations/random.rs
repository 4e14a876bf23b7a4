//! Whatever is accepted is in no special block, by a list of its own.

use std::net::{IpAddr, Ipv6Addr};

use futures_util::FutureExt as _;
use proptest::prelude::*;

use super::{address, public};

/// As the registries of IANA have them (special-purpose addresses, multicast), written down apart from the program.
const SPECIAL: &str = "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 \
    192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 \
    224.0.0.0/4 240.0.0.0/4 255.255.255.255/32 \
    ::1/128 ::/128 ::ffff:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 2001::/32 2001:1::1/128 \
    2001:1::2/128 2001:1::3/128 2001:2::/48 2001:3::/32 2001:4:112::/48 2001:10::/28 2001:20::/28 2001:30::/28 2001:db8::/32 \
    2002::/16 2620:4f:8000::/48 3fff::/20 5f00::/16 fc00::/7 fe80::/10 \
    ::/96 fec0::/10 ff00::/8 ::/3 4000::/2 8000::/1";

/// Every address as one of 128 bits, IPv4 in its place.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(four) => four.to_ipv6_mapped().to_bits(),
        IpAddr::V6(six) => six.to_bits(),
    }
}

/// The first address of each block, and how many bits at the end are free.
fn special() -> Vec<(IpAddr, u32)> {
    let block = |text: &str| {
        let (first, bits) = text.split_once('/').expect("a block");
        let (first, bits) = (address(first), bits.parse::<u32>().expect("a number"));
        (first, if first.is_ipv4() { 32 - bits } else { 128 - bits })
    };
    SPECIAL.split_whitespace().map(block).collect()
}

/// Whether a block of the address's own kind has it.
fn is_special(address: IpAddr) -> bool {
    let begins_with = |(first, free): (IpAddr, u32)| number(first) >> free == number(address) >> free;
    // The blocks of IPv6 that have all of IPv4 in them say nothing about IPv4.
    special().into_iter().filter(|(first, _)| first.is_ipv4() == address.is_ipv4()).any(begins_with)
}

fn is_accepted(address: IpAddr) -> bool {
    // An address needs no looking up, so there is nothing to wait for.
    public().resolve(&address.to_string(), 443).now_or_never().expect("it is ready at once").is_ok()
}

/// Addresses near the ends of special blocks: where a slip would be.
fn near_an_end() -> impl Strategy<Value = IpAddr> {
    (0..special().len(), -2_i8..=2, any::<bool>()).prop_map(|(which, off, end)| {
        let (first, free) = special()[which];
        let last = number(first) | ((1 << free) - 1);
        let place = (if end { last } else { number(first) }).wrapping_add_signed(off.into());
        Ipv6Addr::from(place).to_canonical()
    })
}

fn anything() -> impl Strategy<Value = IpAddr> {
    let public_six = any::<u128>().prop_map(|bits| Ipv6Addr::from((bits >> 3) | (1 << 125)).into());
    prop_oneof![any::<IpAddr>(), any::<[u8; 4]>().prop_map(IpAddr::from), public_six, near_an_end()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn whatever_is_accepted_is_in_no_special_block(address in anything()) {
        let address = address.to_canonical();
        if is_special(address) {
            prop_assert!(!is_accepted(address), "{} is accepted", address);
        } else {
            // One that is left out on purpose, and one network that ended.
            let known = address == super::address("168.63.129.16") || address.to_string().starts_with("3ffe:");
            prop_assert!(is_accepted(address) || known, "{} is refused", address);
        }
    }
}
