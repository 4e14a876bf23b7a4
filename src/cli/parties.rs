//! On whom each mirror depends: what is declared, what the last round saw, and what this machine knows of addresses and
//! domains. Without network.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::exit::{self, Failure};
use super::session::{Session, hinted};
use crate::base::{Network, NetworkDatabase};
use crate::config::Target;
use crate::health::resilience::{NetworkNames, PartyKind, RegisteredDomain, Standpoint, registration};
use crate::history::NameServerRecord;
use crate::report::{Fleet, FleetMirror};

/// On whom each mirror depends that readers can be sent to.
pub fn good_standpoints(session: &Session, targets: &[&Target], all: &Fleet) -> Result<Vec<Standpoint>, Failure> {
    let known = Known::of(session)?;
    let mirrors = targets.iter().zip(&all.mirrors);
    let good = mirrors.filter(|(_, mirror)| mirror.lifecycle.is_listed() && all.counts(mirror));
    let located: Vec<_> = good.map(|(target, mirror)| (*target, mirror, known.networks(mirror))).collect();
    let names = NetworkNames::of(located.iter().flat_map(|(_, _, networks)| networks).flatten());
    let standpoint = |(target, mirror, networks): &(&Target, &FleetMirror, Vec<Option<Network>>)| {
        known.standpoint(target, mirror).in_networks(target.network.as_deref(), networks, &names)
    };
    Ok(located.iter().map(standpoint).collect())
}

/// What this machine knows beside what is configured and what was seen.
struct Known {
    networks: Option<NetworkDatabase>,
    name_servers: BTreeMap<RegisteredDomain, NameServerRecord>,
    now: Timestamp,
}

impl Known {
    fn of(session: &Session) -> Result<Self, Failure> {
        let path = session.config.health.asn_database.as_deref();
        Ok(Self {
            // A file that cannot be used was warned of when the configuration was read; networks are then not known.
            networks: path.and_then(|path| NetworkDatabase::open(path).ok()),
            name_servers: session.history.name_servers().map_err(|error| hinted(exit::UNEXPECTED, error))?,
            now: session.clock.now(),
        })
    }

    /// The network of each address that the mirror's public name had in its last look.
    fn networks(&self, mirror: &FleetMirror) -> Vec<Option<Network>> {
        let Some(database) = &self.networks else { return Vec::new() };
        let seen = mirror.seen.iter().flat_map(|seen| &seen.probes.reach);
        seen.filter_map(|reach| reach.address).map(|address| database.network_of(address)).collect()
    }

    /// All kinds but the network.
    fn standpoint(&self, target: &Target, mirror: &FleetMirror) -> Standpoint {
        let declared = Standpoint::new(target.name.clone())
            .with(PartyKind::Operator, target.operator.clone())
            .with(PartyKind::Country, target.country.clone());
        let Some(url) = &target.public_url else { return declared };
        let certified = if url.scheme() == "https" { declared.with(PartyKind::Authority, authority(mirror)) } else { declared };
        let Some(found) = registration(url.host_str().unwrap_or_default()) else { return certified };
        let landlord = found.landlord.iter().map(ToString::to_string);
        let holders = landlord.chain(std::iter::once(found.domain.to_string())).collect();
        let hosts = self.name_servers.get(&found.domain).map(|record| record.known_hosts(self.now)).unwrap_or_default();
        certified
            .with(PartyKind::Suffix, Some(found.suffix))
            .with_each(PartyKind::Domain, holders)
            .with_each(PartyKind::DnsHost, hosts.iter().map(ToString::to_string).collect())
    }
}

/// Whoever issued the certificate that was seen in the last look. Issuers of one organisation come and go, and are one party.
fn authority(mirror: &FleetMirror) -> Option<String> {
    let certificate = mirror.seen.as_ref()?.probes.certificate.as_ref()?;
    Some(certificate.organisation.as_ref().unwrap_or(&certificate.issuer).clone())
}
