//! Blocks of addresses, and which addresses the connections of a target may lead to.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Addresses that begin with the same bits, written `10.0.0.0/8` or `2001:db8::/32` (RFC 4632, RFC 4291 section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressBlock {
    first: IpAddr,
    /// How many bits all addresses of the block share.
    bits: u8,
}

/// A text that is no block of addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseAddressBlockError {
    /// An address without a slash and a number behind it.
    #[error("{0} is one address and no block: write {0}/{bits}", bits = width(*.0))]
    Bare(IpAddr),
    /// No address before the slash, or no number after it.
    #[error("this is no block of addresses: write 10.0.0.0/8 or fd00::/8")]
    Shape,
    /// More bits than such addresses have.
    #[error("an address like {first} has {bits} bits: the number after the slash is at most that", bits = width(*.first))]
    TooLong {
        /// What was before the slash.
        first: IpAddr,
    },
    /// Bits behind the number are set: was the block meant, or the address?
    #[error("{address} is not the first address of its block: write {block}, or {address}/{bits} for it alone", bits = width(*.address))]
    NotFirst {
        /// What was written.
        address: IpAddr,
        /// The block that it is in.
        block: AddressBlock,
    },
    /// Every address there is.
    #[error("{0} is every address there is")]
    Everything(AddressBlock),
    /// IPv4 written as IPv6, which is looked at as IPv4.
    #[error("{0} is IPv4 written as IPv6: write it as IPv4")]
    Mapped(IpAddr),
}

impl AddressBlock {
    /// The block of all addresses that share the first `bits` bits with `address`; all of them when it has fewer.
    #[must_use]
    pub fn around(address: IpAddr, bits: u8) -> Self {
        let bits = bits.min(width(address));
        let first = match address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(u32::from(32 - bits)).unwrap_or(0);
                IpAddr::V4((address.to_bits() & mask).into())
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(u32::from(128 - bits)).unwrap_or(0);
                IpAddr::V6((address.to_bits() & mask).into())
            }
        };
        Self { first, bits }
    }

    /// Whether `address` is in it. IPv4 and IPv6 are never in each other's blocks.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.first.is_ipv4() && Self::around(address, self.bits) == *self
    }
}

/// How many bits an address of this kind has.
const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

impl fmt::Display for AddressBlock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.first, self.bits)
    }
}

impl FromStr for AddressBlock {
    type Err = ParseAddressBlockError;

    fn from_str(text: &str) -> Result<Self, ParseAddressBlockError> {
        let Some((first, bits)) = text.split_once('/') else {
            return Err(text.parse().map_or(ParseAddressBlockError::Shape, ParseAddressBlockError::Bare));
        };
        let address: IpAddr = first.parse().map_err(|_| ParseAddressBlockError::Shape)?;
        if bits.is_empty() || !bits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ParseAddressBlockError::Shape);
        }
        let bits = bits.parse().ok().filter(|bits| *bits <= width(address));
        let block = Self::around(address, bits.ok_or(ParseAddressBlockError::TooLong { first: address })?);
        if block.bits == 0 {
            return Err(ParseAddressBlockError::Everything(block));
        }
        if address.to_canonical() != address {
            return Err(ParseAddressBlockError::Mapped(address));
        }
        if block.first != address {
            return Err(ParseAddressBlockError::NotFirst { address, block });
        }
        Ok(block)
    }
}

/// Where the connections of a target may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Addresses {
    /// Wherever its entry says: a maintainer wrote it.
    #[default]
    Anywhere,
    /// To addresses of the public Internet, and to those that the maintainer allows besides: a stranger offered it.
    Public,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn block(text: &str) -> AddressBlock {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_block_has_the_addresses_that_begin_like_it() {
        for (text, inside, outside) in [
            ("10.0.0.0/8", &["10.0.0.0", "10.255.255.255"][..], &["9.255.255.255", "11.0.0.0", "::ffff:10.0.0.1", "a00::"][..]),
            ("192.0.2.7/32", &["192.0.2.7"], &["192.0.2.6", "192.0.2.8"]),
            ("172.16.0.0/12", &["172.16.0.0", "172.31.255.255"], &["172.15.255.255", "172.32.0.0"]),
            ("fd00::/8", &["fd00::", "fdff::1"], &["fc00::", "fe00::", "253.0.0.0"]),
            ("::1/128", &["::1"], &["::", "::2", "0.0.0.1"]),
            ("128.0.0.0/1", &["128.0.0.0", "255.255.255.255"], &["127.255.255.255"]),
        ] {
            assert_eq!(block(text).to_string(), text);
            for yes in inside {
                assert!(block(text).contains(address(yes)), "{yes} is in {text}");
            }
            for no in outside {
                assert!(!block(text).contains(address(no)), "{no} is not in {text}");
            }
        }
    }

    #[test]
    fn what_is_no_block_is_told_with_what_to_write() {
        for (text, said) in [
            ("10.0.0.7", "10.0.0.7 is one address and no block: write 10.0.0.7/32"),
            ("fd00::1", "fd00::1 is one address and no block: write fd00::1/128"),
            ("10.0.0.7/8", "10.0.0.7 is not the first address of its block: write 10.0.0.0/8, or 10.0.0.7/32 for it alone"),
            ("10.0.0.0/33", "an address like 10.0.0.0 has 32 bits: the number after the slash is at most that"),
            ("fd00::/129", "an address like fd00:: has 128 bits: the number after the slash is at most that"),
            ("0.0.0.0/0", "0.0.0.0/0 is every address there is"),
            ("::/0", "::/0 is every address there is"),
            ("::ffff:10.0.0.0/104", "::ffff:10.0.0.0 is IPv4 written as IPv6: write it as IPv4"),
        ] {
            assert_eq!(text.parse::<AddressBlock>().map_err(|error| error.to_string()), Err(said.to_owned()));
        }
        for text in
            ["", "/", "/8", "10.0.0.0/", "10/8", "10.0.0.0/+8", "10.0.0.0/8 ", "localhost/8", "10.0.0.0/255.0.0.0", "fe80::%1/64"]
        {
            assert_eq!(text.parse::<AddressBlock>(), Err(ParseAddressBlockError::Shape), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn the_block_around_an_address_has_it_and_can_be_read_again(address in any::<IpAddr>(), bits in 1_u8..=128) {
            let block = AddressBlock::around(address, bits);
            prop_assert!(block.contains(address));
            let again = block.to_string().parse::<AddressBlock>();
            prop_assert!(again == Ok(block) || matches!(again, Err(ParseAddressBlockError::Mapped(_))), "{:?}", again);
        }
    }
}
