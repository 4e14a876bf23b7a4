//! Networks of the Internet, and which of them an address is in, by a database on this machine.
//!
//! The file is one in MaxMind's format with autonomous systems: GeoLite2 ASN, DB-IP's ASN Lite and IPinfo's have the fields
//! that are read here. Nothing is asked over the network.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use camino::{Utf8Path, Utf8PathBuf};
use maxminddb::{LookupResult, MaxMindDbError, Reader, WithinOptions};
use serde::{Deserialize, Serialize};

use super::sanitise;

/// Largest database that is read, in bytes. Those with networks alone have about 10 MB; it is read into memory.
const LARGEST: u64 = 256 << 20;
/// Networks of a database that are looked at for a number.
const LOOKED_AT: usize = 256;

/// The number of an autonomous system, written `AS64496` (RFC 5396, asplain).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AsNumber(pub u32);

impl fmt::Display for AsNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "AS{}", self.0)
    }
}

/// A text that does not begin with the number of an autonomous system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no autonomous system: write AS64496")]
pub struct ParseAsNumberError;

impl FromStr for AsNumber {
    type Err = ParseAsNumberError;
    /// Reads `AS64496`, also with a name behind it and whatever the case of the letters.
    fn from_str(text: &str) -> Result<Self, ParseAsNumberError> {
        let first = text.split_whitespace().next().unwrap_or_default();
        let digits = first.get(..2).filter(|letters| letters.eq_ignore_ascii_case("AS")).and_then(|_| first.get(2..));
        let digits = digits.filter(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
        digits.and_then(|digits| digits.parse().ok()).map(Self).ok_or(ParseAsNumberError)
    }
}

/// A network, as a database knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Its number.
    pub number: AsNumber,
    /// Who runs it; safe to print.
    pub organisation: Option<String>,
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NetworkDatabaseError {
    /// It cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is larger than any such database.
    #[error("{path} is larger than 256 MiB, so it is no database of networks alone")]
    TooLarge {
        /// The file.
        path: Utf8PathBuf,
    },
    /// It is of another format, or damaged.
    #[error("{path} is no database in MaxMind's format")]
    Format {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        source: MaxMindDbError,
    },
    /// It tells something else of addresses.
    #[error("{path} has no autonomous systems in it: it is of the type {kind}")]
    NoNetworks {
        /// The file.
        path: Utf8PathBuf,
        /// What it says of itself; safe to print.
        kind: String,
    },
}

/// A database of networks, in memory.
pub struct NetworkDatabase {
    reader: Reader<Vec<u8>>,
}

impl fmt::Debug for NetworkDatabase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("NetworkDatabase").field("kind", &self.reader.metadata().database_type).finish()
    }
}

/// The fields of the known databases; each has its own.
#[derive(Deserialize)]
struct Record {
    autonomous_system_number: Option<u32>,
    autonomous_system_organization: Option<String>,
    asn: Option<String>,
    as_name: Option<String>,
}

impl NetworkDatabase {
    /// Reads the file, and sees that there are networks in it.
    pub fn open(path: &Utf8Path) -> Result<Self, NetworkDatabaseError> {
        let read = |source| NetworkDatabaseError::Read { path: path.to_owned(), source };
        let about = std::fs::metadata(path).map_err(read)?;
        if !about.is_file() {
            return Err(read(std::io::Error::other("it is no file")));
        }
        if about.len() > LARGEST {
            return Err(NetworkDatabaseError::TooLarge { path: path.to_owned() });
        }
        let bytes = std::fs::read(path).map_err(read)?;
        let format = |source| NetworkDatabaseError::Format { path: path.to_owned(), source };
        let database = Self { reader: Reader::from_source(bytes).map_err(format)? };
        let mut networks = database.reader.networks(WithinOptions::default().skip_empty_values()).map_err(format)?;
        if networks.by_ref().take(LOOKED_AT).flatten().any(|found| network(&found).is_some()) {
            drop(networks);
            return Ok(database);
        }
        drop(networks);
        let kind = sanitise(&database.reader.metadata().database_type);
        Err(NetworkDatabaseError::NoNetworks { path: path.to_owned(), kind })
    }

    /// The network that `address` is in, if the database knows it.
    #[must_use]
    pub fn network_of(&self, address: IpAddr) -> Option<Network> {
        // Written as IPv6, an IPv4 address would be looked for in another part of the database.
        network(&self.reader.lookup(address.to_canonical()).ok()?)
    }
}

fn network(found: &LookupResult<'_, Vec<u8>>) -> Option<Network> {
    let record: Record = found.decode().ok()??;
    let number = record.autonomous_system_number.map(AsNumber).or_else(|| record.asn.as_deref()?.parse().ok())?;
    let organisation = record.autonomous_system_organization.or(record.as_name);
    Some(Network { number, organisation: organisation.map(|name| sanitise(&name)).filter(|name| !name.is_empty()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_however_it_is_written() {
        for text in ["AS64496", "as64496", "AS64496 Example Net", "  AS64496\tExample"] {
            assert_eq!(text.parse(), Ok(AsNumber(64496)), "{text}");
        }
        for text in ["", "AS", "64496", "AS-1", "AS64496x", "ASN64496", "Example AS64496", "AS99999999999", "Ä", "AÄ1"] {
            assert_eq!(text.parse::<AsNumber>(), Err(ParseAsNumberError), "{text}");
        }
        assert_eq!(AsNumber(7).to_string(), "AS7");
    }
}
