//! Whether a mirror can be reached, over each address family by itself, and what certificate it shows.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use camino::Utf8PathBuf;
use url::Url;

use super::{CertificateSight, Family, Phase, Phases, Reach, Trouble, TroubleClass};
use crate::net::{Contact, ContactError, Contacts, Destinations, ShownCertificate, Stage, Vetted};

/// What is asked for: the pointer, as readers do.
const POINTER: &str = "metadata/timestamp.json";

/// Asks one mirror for its pointer, on a connection of its own for each address family.
#[derive(Debug, Clone)]
pub struct ReachProbe {
    contacts: Arc<Contacts>,
    pointer: Url,
    ca: Option<Utf8PathBuf>,
    destinations: Destinations,
}

impl ReachProbe {
    /// A probe of the mirror below `base`, trusting the authorities in `ca` besides the system's. `None` where the pointer
    /// has no address below `base`.
    #[must_use]
    pub fn new(contacts: Arc<Contacts>, mut base: Url, ca: Option<Utf8PathBuf>) -> Option<Self> {
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        Some(Self { contacts, pointer: base.join(POINTER).ok()?, ca, destinations: Destinations::anywhere() })
    }

    /// The same, and connections lead no further than `destinations`.
    #[must_use]
    pub fn within(mut self, destinations: Destinations) -> Self {
        self.destinations = destinations;
        self
    }

    /// Looks over every family that the name has and this machine can use, at the same time. What it sees of the
    /// certificate is what the family with trouble showed, if one has any.
    pub(in crate::health) async fn look(&self) -> (Vec<Reach>, Option<CertificateSight>) {
        let (dns, addresses) = match self.contacts.resolve(&self.pointer, &self.destinations).await {
            Ok(found) => found,
            Err(error) => return (both_unknown(&error), None),
        };
        let first = |wanted: Family| addresses.iter().copied().find(|found| family_of(&found.address()) == wanted);
        let (ipv4, ipv6) =
            tokio::join!(Box::pin(self.look_over(dns, first(Family::Ipv4))), Box::pin(self.look_over(dns, first(Family::Ipv6))));
        let (mut reach, mut certificates) = (Vec::new(), Vec::new());
        for (seen, certificate) in [ipv4, ipv6].into_iter().flatten() {
            reach.push(seen);
            certificates.extend(certificate);
        }
        // Two servers behind one name may show two certificates: the refused one, or the one that ends first, is news.
        certificates.sort_by_key(|sight| (sight.trouble.is_none(), sight.not_after));
        (reach, certificates.into_iter().next())
    }

    async fn look_over(&self, dns: Option<Duration>, vetted: Option<Vetted>) -> Option<(Reach, Option<CertificateSight>)> {
        let (vetted, address) = (vetted?, vetted?.address());
        let contact = self.contacts.get(&self.pointer, vetted, self.ca.as_deref()).await;
        // Without a route of our own, or with a setting that does not work, nothing was learnt about the mirror.
        if let Err(ContactError::NoRoute(_) | ContactError::Setup(_)) = contact.result {
            return None;
        }
        let certificate = contact.shown.as_ref().map(sight);
        Some((reach(dns, address, &contact), certificate))
    }
}

fn family_of(address: &SocketAddr) -> Family {
    if address.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 }
}

/// A name that cannot be looked up is known to have no family, so both are in trouble.
fn both_unknown(error: &ContactError) -> Vec<Reach> {
    let reach =
        |family| Reach { family, address: None, from: None, phases: Phases::default(), trouble: Some(trouble(error, None)) };
    [Family::Ipv4, Family::Ipv6].map(reach).into()
}

fn reach(dns: Option<Duration>, address: SocketAddr, contact: &Contact) -> Reach {
    let times = &contact.times;
    Reach {
        family: family_of(&address),
        address: Some(address.ip()),
        from: contact.from,
        phases: Phases {
            dns_ms: dns.map(milliseconds),
            connect_ms: times.connect.map(milliseconds),
            tls_ms: times.tls.map(milliseconds),
            first_byte_ms: times.first_byte.map(milliseconds),
            transfer_ms: times.transfer.map(milliseconds),
        },
        trouble: contact.result.as_ref().err().map(|error| trouble_of(error, address, contact.shown.as_ref())),
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn sight(shown: &ShownCertificate) -> CertificateSight {
    CertificateSight {
        not_after: shown.not_after,
        issuer: shown.issuer.clone(),
        organisation: shown.organisation.clone(),
        protocol: shown.protocol.clone(),
        trouble: shown.trouble.clone(),
    }
}

/// The words of a certificate say more than those of the handshake that it ended.
fn trouble_of(error: &ContactError, address: SocketAddr, shown: Option<&ShownCertificate>) -> Trouble {
    let refused = shown.and_then(|shown| Some((shown, shown.trouble.as_ref()?)));
    match (error, refused) {
        (ContactError::Tls(_), Some((shown, why))) => {
            let until = shown.not_after.strftime("%Y-%m-%d");
            let what = format!("the certificate is not to be accepted: {why} (issued by {}, ends {until})", shown.issuer);
            Trouble { what: format!("{address}: {what}"), ..trouble(error, Some(address)) }
        }
        _ => trouble(error, Some(address)),
    }
}

fn trouble(error: &ContactError, address: Option<SocketAddr>) -> Trouble {
    let what = match address {
        Some(address) => format!("{address}: {error}"),
        None => error.to_string(),
    };
    Trouble { phase: phase_of(error), class: class_of(error), what: crate::base::sanitise(&what) }
}

fn phase_of(error: &ContactError) -> Phase {
    match error.stage() {
        Stage::Dns => Phase::Dns,
        Stage::Connect => Phase::Connect,
        Stage::Tls => Phase::Tls,
        Stage::FirstByte => Phase::FirstByte,
        Stage::Transfer => Phase::Transfer,
    }
}

fn class_of(error: &ContactError) -> TroubleClass {
    match error {
        ContactError::NoName | ContactError::Dns(_) => TroubleClass::Dns,
        ContactError::Forbidden(_) => TroubleClass::Address,
        ContactError::NoRoute(_) | ContactError::Refused(_) => TroubleClass::Refused,
        ContactError::Timeout { .. } => TroubleClass::Timeout,
        ContactError::Tls(_) | ContactError::Setup(_) => TroubleClass::Tls,
        ContactError::Status(_) => TroubleClass::HttpStatus,
        ContactError::Redirect { .. } => TroubleClass::Redirect,
        ContactError::HtmlPage => TroubleClass::HtmlPage,
        ContactError::Encoding(_) => TroubleClass::Encoding,
        ContactError::Broken { .. } => TroubleClass::Broken,
        ContactError::Protocol(_) => TroubleClass::Protocol,
    }
}
