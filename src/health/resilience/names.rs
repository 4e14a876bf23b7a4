//! Who stands behind the name of a host: cut with the Public Suffix List.

use std::fmt;
use std::str::FromStr;

use psl::Type;
use serde::{Deserialize, Serialize};

/// Endings below which nobody registers a name with anybody (RFC 6761, 6762, 7686 and what is used in houses).
const PRIVATE: [&str; 9] = ["onion", "localhost", "local", "internal", "invalid", "lan", "home", "corp", "arpa"];

/// A domain that somebody registered, in lower case: `example.org`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RegisteredDomain(String);

impl RegisteredDomain {
    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The domain that a server's name is in, and the name itself where that is none: two servers of one host are one.
    #[must_use]
    pub fn of_server(host: &str) -> Self {
        registration(host).map_or_else(|| Self(host.trim_end_matches('.').to_ascii_lowercase()), |found| found.domain)
    }
}

impl fmt::Display for RegisteredDomain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl FromStr for RegisteredDomain {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

/// Who stands behind the name of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The ending that a registry keeps: `org`.
    pub suffix: String,
    /// The name that was registered below it.
    pub domain: RegisteredDomain,
    /// Whoever gives out names below a domain of their own (`github.io`), when this is one of them.
    pub landlord: Option<RegisteredDomain>,
}

/// Who stands behind `host`; `None`: nobody, for it is an address, or a name that is nowhere registered.
#[must_use]
pub fn registration(host: &str) -> Option<Registration> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let ending = host.rsplit('.').next().unwrap_or_default();
    let is_address = host.contains(':') || ending.bytes().all(|byte| byte.is_ascii_digit());
    if is_address || PRIVATE.contains(&ending) {
        return None;
    }
    let domain = psl::domain(host.as_bytes())?;
    let suffix = text(domain.suffix().as_bytes())?;
    let landlord = (domain.suffix().typ() == Some(Type::Private)).then(|| landlord(suffix)).flatten();
    Some(Registration {
        // `co.uk` is kept by whoever keeps `uk`.
        suffix: suffix.rsplit('.').next().unwrap_or(suffix).to_owned(),
        domain: RegisteredDomain(text(domain.as_bytes())?.to_owned()),
        landlord,
    })
}

/// The registered domain that a private suffix is in: what is one label longer than the ending of a registry.
fn landlord(suffix: &str) -> Option<RegisteredDomain> {
    let places = suffix.match_indices('.').map(|(place, _)| place);
    let mut owner = suffix;
    for place in places {
        let tail = &suffix[place + 1..];
        let found = psl::suffix(tail.as_bytes())?;
        if found.typ() != Some(Type::Private) && found.as_bytes() == tail.as_bytes() {
            return Some(RegisteredDomain(owner.to_owned()));
        }
        owner = tail;
    }
    None
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(host: &str) -> Option<(String, String, String)> {
        let found = registration(host)?;
        let landlord = found.landlord.map(|landlord| landlord.to_string()).unwrap_or_default();
        Some((found.suffix, found.domain.to_string(), landlord))
    }

    fn three(suffix: &str, domain: &str, landlord: &str) -> (String, String, String) {
        (suffix.to_owned(), domain.to_owned(), landlord.to_owned())
    }

    #[test]
    fn names_are_cut_where_registries_begin() {
        assert_eq!(of("mirror.Example.ORG"), Some(three("org", "example.org", "")));
        assert_eq!(of("a.b.example.co.uk."), Some(three("uk", "example.co.uk", "")));
        // Below an ending that the list does not know yet, names are registered like everywhere.
        assert_eq!(of("a.example.newest"), Some(three("newest", "example.newest", "")));
    }

    #[test]
    fn who_gives_out_names_below_a_domain_of_their_own_can_take_them_back() {
        assert_eq!(of("ann.github.io"), Some(three("io", "ann.github.io", "github.io")));
        assert_eq!(of("files.s3.amazonaws.com"), Some(three("com", "files.s3.amazonaws.com", "amazonaws.com")));
    }

    #[test]
    fn behind_an_address_or_a_name_of_the_house_nobody_stands() {
        let onion = format!("{}.onion", "a".repeat(56));
        for host in
            ["127.0.0.1", "2001:db8::1", "[2001:db8::1]", "localhost", "a.localhost", "nas.lan", "mirror", &onion, "", "."]
        {
            assert_eq!(of(host), None, "{host}");
        }
    }

    #[test]
    fn servers_of_one_host_are_one() {
        for server in ["ns1.example.net", "ns2.example.net.", "a.b.EXAMPLE.net"] {
            assert_eq!(RegisteredDomain::of_server(server).as_str(), "example.net");
        }
        assert_eq!(RegisteredDomain::of_server("ns1").as_str(), "ns1");
    }
}
