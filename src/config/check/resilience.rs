//! `health: asn_database` and `health: resolver`: by what the networks and the name servers of mirrors are known.

use std::net::{IpAddr, SocketAddr};

use camino::Utf8PathBuf;

use super::super::problem::Finding;
use super::super::section::Section;
use super::local_path;
use crate::base::{NameServerPolicy, NetworkDatabase, NetworkDatabaseError, causes};

/// The port on which name servers listen.
const PORT: u16 = 53;

/// A file that cannot be used is warned of, no more: it comes from elsewhere, is replaced every week or so, and pushes must
/// not wait for it.
pub(super) fn asn_database(health: &Section<'_, '_>) -> Option<Utf8PathBuf> {
    let text = health.text("asn_database")?;
    let path = local_path(health, text)?;
    if let Err(error) = NetworkDatabase::open(&path) {
        let hint = match &error {
            NetworkDatabaseError::Read { .. } => "put the file there, or remove asn_database:",
            _ => "it has to be a database of autonomous systems, such as GeoLite2-ASN.mmdb",
        };
        health.review().report(
            Finding::warning(format!("`asn_database`: {}", causes(&error).join(": ")))
                .at(text.span, "networks are known only where `network` says so")
                .hint(hint),
        );
    }
    Some(path)
}

pub(super) fn resolver(health: &Section<'_, '_>) -> Option<NameServerPolicy> {
    let text = health.text("resolver")?;
    let address = || text.text.parse::<SocketAddr>().or_else(|_| text.text.parse::<IpAddr>().map(|ip| (ip, PORT).into()));
    match (text.text, address()) {
        ("system", _) => Some(NameServerPolicy::System),
        ("never", _) => Some(NameServerPolicy::Never),
        (_, Ok(address)) if address.port() != 0 && !address.ip().is_unspecified() => Some(NameServerPolicy::At(address)),
        _ => {
            let hint = "an address, with a port if it is not 53: resolver: 127.0.0.1:5353";
            health.wrong(text.span, "`resolver` is no address of a resolver", "write an address, system or never", Some(hint));
            None
        }
    }
}
