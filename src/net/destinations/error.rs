//! Why nothing is connected to.

use std::io;
use std::net::IpAddr;

use super::special;
use crate::base::{AddressBlock, Hinted};

/// A place that connections must not lead to. Another try comes to the same. Safe to print.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefusedDestination {
    /// An address that is not of the public Internet.
    #[error("{}", address_in_words(host, *address, why))]
    Address {
        /// The host as it was written.
        host: String,
        /// One of its addresses.
        address: IpAddr,
        /// What that is: `a private address (RFC 1918)`.
        why: &'static str,
    },
    /// A port that mirrors are not served on.
    #[error("port {port} of {host} is not one that mirrors are reached on (22, 80, 443, or above 1024)")]
    Port {
        /// The host as it was written.
        host: String,
        /// The port.
        port: u16,
    },
    /// Names are looked up behind it, and nobody tells us which address was found.
    #[error("what {host} connects to cannot be seen from here")]
    Behind {
        /// The proxy, or the jump host.
        host: String,
    },
}

fn address_in_words(host: &str, address: IpAddr, why: &str) -> String {
    let literal = host.trim_matches(['[', ']']).parse::<IpAddr>();
    if literal.is_ok_and(|literal| literal.to_canonical() == address) {
        format!("{address} is {why}")
    } else {
        format!("{host} is {address}, {why}")
    }
}

impl Hinted for RefusedDestination {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Address { address, .. } => {
                let block = match special::behind_nat64(*address) {
                    Some(_) => AddressBlock::around(*address, 96),
                    None => AddressBlock::around(*address, 128),
                };
                format!(
                    "if a mirror may lie there, allow it in targets.yaml, in policy: private_networks: [{}]",
                    quoted(&block.to_string())
                )
            }
            Self::Port { .. } => {
                "ask the operator for another port; only a target with addresses: anywhere is reached on any".to_owned()
            }
            Self::Behind { .. } => "write addresses: anywhere for the target, or leave out its proxy: or jump:".to_owned(),
        })
    }
}

/// In a list in brackets YAML takes a text with a colon for a mapping.
fn quoted(block: &str) -> String {
    if block.contains(':') { format!("\"{block}\"") } else { block.to_owned() }
}

/// Why there is no address to connect to.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The name cannot be looked up.
    #[error("the name cannot be looked up")]
    Lookup(#[source] io::Error),
    /// The name has no address.
    #[error("the name has no address")]
    NoAddress,
    /// It has one that must not be connected to.
    #[error(transparent)]
    Refused(#[from] RefusedDestination),
}
