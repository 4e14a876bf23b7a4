//! A mirror as a vantage reads it: by its address alone.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::list::Address;
use crate::base::{Holds, ObjectPath, Sha256, Timeouts};
use crate::health::{Family, Mirror, ProbeOrders, ReachProbe, Unreachable};
use crate::net::{Clients, Contacts, HttpPolicy, NetError};
use crate::reader::{HttpSource, Part, PartOrder, Source};
use crate::trust::{Fetch, FetchError};

/// The only object that every mirror has.
const POINTER: &str = "metadata/timestamp.json";

/// The mirror at this address. Nothing is asked yet, so nothing can fail.
pub fn mirror(clients: &Clients, contacts: &Arc<Contacts>, timeouts: &Timeouts, address: &Address) -> Mirror {
    let direct = address.proxy.is_none();
    let families = [(Family::Ipv4, Ipv4Addr::UNSPECIFIED.into()), (Family::Ipv6, Ipv6Addr::UNSPECIFIED.into())];
    let again = families.map(|(family, any)| (family, source(clients, timeouts, address, Some(any))));
    let reach = direct.then(|| ReachProbe::new(contacts.clone(), address.url.clone(), address.ca.clone()));
    let reach = reach.flatten().map(|probe| probe.within(address.destinations.clone()));
    Mirror {
        target: address.name.clone(),
        source: source(clients, timeouts, address, None),
        holds: Holds::All,
        known: None,
        probes: ProbeOrders::default(),
        reach,
        again: if direct { again.into() } else { Vec::new() },
    }
}

fn source(clients: &Clients, timeouts: &Timeouts, address: &Address, any: Option<IpAddr>) -> Arc<dyn Source> {
    match face(clients, timeouts, address, any) {
        Ok(face) => Arc::new(face),
        Err(error) => Arc::new(Unreachable::new(address.url.as_str(), &error)),
    }
}

fn face(clients: &Clients, timeouts: &Timeouts, address: &Address, any: Option<IpAddr>) -> Result<Face, NetError> {
    let policy = HttpPolicy {
        proxy: address.proxy.clone(),
        ca: address.ca.clone(),
        destinations: address.destinations.clone(),
        ..HttpPolicy::new(timeouts)
    };
    let policy = match any {
        Some(any) => policy.afresh(any, timeouts),
        None => policy,
    };
    let strict = HttpSource::new(clients.get(&policy)?, address.url.clone());
    Ok(Face { lenient: strict.clone().with_forbidden_as_missing(), strict })
}

/// A public face of which nobody says what stands behind it.
///
/// Object stores that may not be listed answer 403 for what is not there, the next root among it. The pointer is there on
/// every mirror: whoever answers 403 for it keeps this place out.
struct Face {
    strict: HttpSource,
    lenient: HttpSource,
}

impl Face {
    fn of(&self, path: &ObjectPath) -> &HttpSource {
        if path.as_str() == POINTER { &self.strict } else { &self.lenient }
    }
}

#[async_trait]
impl Fetch for Face {
    async fn fetch(&self, path: &ObjectPath, cap: u64) -> Result<Option<Bytes>, FetchError> {
        self.of(path).fetch(path, cap).await
    }
}

#[async_trait]
impl Source for Face {
    fn name(&self) -> String {
        self.strict.name()
    }

    async fn size(&self, path: &ObjectPath) -> Result<Option<u64>, FetchError> {
        self.of(path).size(path).await
    }

    async fn digest(&self, path: &ObjectPath, cap: u64) -> Result<Option<(u64, Sha256)>, FetchError> {
        self.of(path).digest(path, cap).await
    }

    async fn part(&self, path: &ObjectPath, order: PartOrder) -> Result<Option<Part>, FetchError> {
        self.of(path).part(path, order).await
    }
}
