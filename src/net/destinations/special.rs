//! The addresses that are not of the public Internet, and what they are.
//!
//! From IANA's registries of special-purpose addresses for IPv4 and IPv6 (RFC 6890) and of multicast. What is there for one
//! purpose alone is left out even where the registry calls it reachable: no mirror is served on it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::base::AddressBlock;

/// A block, and what one of its addresses is.
type Kind = (IpAddr, u8, &'static str);

const fn four(a: u8, b: u8, c: u8, d: u8, bits: u8, what: &'static str) -> Kind {
    (IpAddr::V4(Ipv4Addr::new(a, b, c, d)), bits, what)
}

const fn six(first: [u16; 3], bits: u8, what: &'static str) -> Kind {
    (IpAddr::V6(Ipv6Addr::new(first[0], first[1], first[2], 0, 0, 0, 0, 0)), bits, what)
}

/// The first block that an address is in names it.
const KINDS: [Kind; 53] = [
    four(0, 0, 0, 0, 32, "the unspecified address"),
    four(0, 0, 0, 0, 8, "an address of \"this network\" (RFC 791)"),
    four(10, 0, 0, 0, 8, "a private address (RFC 1918)"),
    four(172, 16, 0, 0, 12, "a private address (RFC 1918)"),
    four(192, 168, 0, 0, 16, "a private address (RFC 1918)"),
    four(100, 64, 0, 0, 10, "a shared address behind a carrier's NAT (RFC 6598)"),
    four(127, 0, 0, 0, 8, "a loopback address"),
    four(169, 254, 169, 254, 32, "the metadata service of a cloud"),
    four(169, 254, 0, 0, 16, "a link-local address (RFC 3927)"),
    // A public address by its number; inside Azure it is the host of the virtual machine.
    four(168, 63, 129, 16, 32, "the platform service of a cloud"),
    four(192, 0, 0, 0, 24, "an address for protocols (RFC 6890)"),
    four(192, 0, 2, 0, 24, "an address for documentation (RFC 5737)"),
    four(198, 51, 100, 0, 24, "an address for documentation (RFC 5737)"),
    four(203, 0, 113, 0, 24, "an address for documentation (RFC 5737)"),
    four(192, 31, 196, 0, 24, "an address of AS112 (RFC 7535)"),
    four(192, 175, 48, 0, 24, "an address of AS112 (RFC 7534)"),
    four(192, 52, 193, 0, 24, "an address of AMT relays (RFC 7450)"),
    four(192, 88, 99, 0, 24, "an address of 6to4 relays (RFC 7526)"),
    four(198, 18, 0, 0, 15, "an address for benchmarks (RFC 2544)"),
    four(255, 255, 255, 255, 32, "the broadcast address"),
    four(224, 0, 0, 0, 4, "a multicast address"),
    four(240, 0, 0, 0, 4, "a reserved address (RFC 1112)"),
    (IpAddr::V6(Ipv6Addr::UNSPECIFIED), 128, "the unspecified address"),
    (IpAddr::V6(Ipv6Addr::LOCALHOST), 128, "the loopback address"),
    six([0, 0, 0], 96, "an IPv4 address in a form of IPv6 that is out of use (RFC 4291)"),
    (IpAddr::V6(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0)), 96, "an IPv4 address written as IPv6 (RFC 4291)"),
    (IpAddr::V6(Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0)), 96, "an IPv4 address in a translator's form (RFC 7915)"),
    six([0x64, 0xff9b, 0], 96, "an IPv4 address behind NAT64 (RFC 6052)"),
    six([0x64, 0xff9b, 1], 48, "an IPv4 address behind a NAT64 of its own network (RFC 8215)"),
    six([0x100, 0, 0], 64, "an address that discards (RFC 6666)"),
    (IpAddr::V6(Ipv6Addr::new(0x100, 0, 0, 1, 0, 0, 0, 0)), 64, "a prefix without a meaning (RFC 9780)"),
    six([0x2001, 0, 0], 32, "an address of Teredo, with an IPv4 address in it (RFC 4380)"),
    six([0x2001, 2, 0], 48, "an address for benchmarks (RFC 5180)"),
    six([0x2001, 3, 0], 32, "an address of AMT relays (RFC 7450)"),
    six([0x2001, 4, 0x112], 48, "an address of AS112 (RFC 7535)"),
    six([0x2001, 0x10, 0], 28, "an identifier and no address (RFC 4843)"),
    six([0x2001, 0x20, 0], 28, "an identifier and no address (RFC 7343)"),
    six([0x2001, 0x30, 0], 28, "an identifier of drones (RFC 9374)"),
    six([0x2001, 0, 0], 23, "an address for protocols (RFC 2928)"),
    six([0x2001, 0xdb8, 0], 32, "an address for documentation (RFC 3849)"),
    six([0x3fff, 0, 0], 20, "an address for documentation (RFC 9637)"),
    six([0x2002, 0, 0], 16, "an address of 6to4, with an IPv4 address in it (RFC 3056)"),
    six([0x2620, 0x4f, 0x8000], 48, "an address of AS112 (RFC 7534)"),
    six([0x3ffe, 0, 0], 16, "an address of a network that ended (RFC 3701)"),
    six([0x5f00, 0, 0], 16, "an identifier of segments (RFC 9602)"),
    (IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)), 128, "the metadata service of a cloud"),
    six([0xfc00, 0, 0], 7, "a unique local address (RFC 4193)"),
    six([0xfe80, 0, 0], 10, "a link-local address (RFC 4291)"),
    six([0xfec0, 0, 0], 10, "a site-local address (RFC 3879)"),
    six([0xff00, 0, 0], 8, "a multicast address"),
    // Of IPv6 nothing but 2000::/3 was given to anybody (RFC 4291, section 2.4): the rest around it.
    six([0, 0, 0], 3, "a reserved address (RFC 4291)"),
    six([0x4000, 0, 0], 2, "a reserved address (RFC 4291)"),
    six([0x8000, 0, 0], 1, "a reserved address (RFC 4291)"),
];

/// What `address` is, unless it is one of the public Internet's. IPv4 written as IPv6 is not looked into here.
pub(super) fn what(address: IpAddr) -> Option<&'static str> {
    let holds = |(first, bits, _): &&Kind| AddressBlock::around(*first, *bits).contains(address);
    KINDS.iter().find(holds).map(|(_, _, what)| *what)
}

/// The IPv4 address that a NAT64 with the well-known prefix connects to for `address` (RFC 6052, section 2.1).
pub(super) fn behind_nat64(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V6(six) if six.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0] => {
            let [.., a, b, c, d] = six.octets();
            Some(Ipv4Addr::new(a, b, c, d).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_is_written_from_its_first_address_on_and_is_named_somewhere() {
        for (first, bits, said) in KINDS {
            let block = AddressBlock::around(first, bits);
            assert_eq!(block.to_string(), format!("{first}/{bits}"));
            assert!(!said.is_empty() && what(first).is_some(), "{block}");
        }
        let named = |(first, bits, said): &Kind| {
            let (first, last) = (*first, last(AddressBlock::around(*first, *bits)));
            what(first) == Some(said) || what(last) == Some(said)
        };
        let hidden: Vec<&Kind> = KINDS.iter().filter(|kind| !named(kind)).collect();
        assert!(hidden.is_empty(), "another block before it has all of it: {hidden:?}");
    }

    fn last(block: AddressBlock) -> IpAddr {
        let text = block.to_string();
        let (first, bits) = text.split_once('/').expect("a block");
        let bits: u32 = bits.parse().expect("a number");
        match first.parse().expect("an address") {
            IpAddr::V4(first) => IpAddr::V4((first.to_bits() | u32::MAX.checked_shr(bits).unwrap_or(0)).into()),
            IpAddr::V6(first) => IpAddr::V6((first.to_bits() | u128::MAX.checked_shr(bits).unwrap_or(0)).into()),
        }
    }

    #[test]
    fn the_address_behind_nat64_is_found() {
        let found = |text: &str| behind_nat64(text.parse().expect("an address"));
        assert_eq!(found("64:ff9b::a00:7"), Some(Ipv4Addr::new(10, 0, 0, 7).into()));
        assert_eq!((found("64:ff9b:1::a00:7"), found("64:ff9b::1:a00:7"), found("10.0.0.7")), (None, None, None));
    }
}
