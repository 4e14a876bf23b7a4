//! Where connections may lead.
//!
//! What a maintainer wrote leads wherever it says. What a stranger offered leads to the public Internet: nobody may have us
//! knock at our own network, at this machine, or at the services that a cloud keeps for it. It is the address that decides,
//! the one that is connected to, each time: a name can mean another one a second later. One function looks at it, for every
//! protocol ([`Destinations::resolve`], and the gate in HTTP clients, which asks the same).

mod error;
mod gate;
mod names;
mod special;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use url::Host;

pub use error::{RefusedDestination, ResolveError};
pub(super) use gate::gated;
pub use gate::refused_destination;
pub use names::Lookup;

use super::own::is_own;
use crate::base::{AddressBlock, sanitise};

/// Ports below 1025 that files are served on: SSH, and HTTP without and with TLS.
const LOW_PORTS: [u16; 3] = [22, 80, 443];

/// Where the connections of one target may lead.
#[derive(Clone, Default)]
pub struct Destinations {
    rule: Rule,
    /// `None`: as this machine looks names up.
    names: Option<Arc<dyn Lookup>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
enum Rule {
    #[default]
    Anywhere,
    Public {
        /// What a maintainer allows besides.
        allowed: Arc<[AddressBlock]>,
        /// Addresses of ours that this machine does not know of: those before a router.
        ours: Arc<[IpAddr]>,
    },
}

/// An address that was looked at and may be connected to. Nothing but [`Destinations::resolve`] makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Vetted(SocketAddr);

impl Vetted {
    /// The address.
    #[must_use]
    pub fn address(self) -> SocketAddr {
        self.0
    }
}

impl Destinations {
    /// No address is refused.
    #[must_use]
    pub fn anywhere() -> Self {
        Self::default()
    }

    /// Addresses of the public Internet alone, on ports that files are served on, and those in `allowed`. `ours` are
    /// addresses of ours that this machine does not know of, such as that of the router before it; they are refused too.
    #[must_use]
    pub fn public(allowed: &[AddressBlock], ours: &[IpAddr]) -> Self {
        let ours = ours.iter().map(IpAddr::to_canonical).collect();
        Self { rule: Rule::Public { allowed: allowed.into(), ours }, names: None }
    }

    /// The same, with names looked up by `names`.
    #[must_use]
    pub fn looked_up_by(mut self, names: Arc<dyn Lookup>) -> Self {
        self.names = Some(names);
        self
    }

    /// Whether no address is refused.
    #[must_use]
    pub fn is_anywhere(&self) -> bool {
        self.rule == Rule::Anywhere
    }

    /// The addresses of `host`, to be connected to as they are and at once. `host` is a name or an address in any spelling,
    /// IPv6 with or without brackets. When one of several is refused, so is the whole name.
    ///
    /// # Errors
    /// [`ResolveError::Refused`] is for good; the others may pass.
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Vec<Vetted>, ResolveError> {
        self.admit(host, port)?;
        let mut found = self.addresses(host).await?;
        for address in &mut found {
            address.set_port(port);
        }
        Ok(found.into_iter().map(Vetted).collect())
    }

    /// That nothing is refused where names are looked up by somebody else, at `host`.
    ///
    /// # Errors
    /// Something is.
    pub fn admit_behind(&self, host: &str) -> Result<(), RefusedDestination> {
        if self.is_anywhere() { Ok(()) } else { Err(RefusedDestination::Behind { host: sanitise(host) }) }
    }

    /// What can be said before a name is looked up: of a host that is an address, and of the port.
    fn admit(&self, host: &str, port: u16) -> Result<(), RefusedDestination> {
        if self.is_anywhere() {
            return Ok(());
        }
        literal(host).map_or(Ok(()), |address| self.vet(host, address))?;
        if port <= 1024 && !LOW_PORTS.contains(&port) {
            return Err(RefusedDestination::Port { host: sanitise(host), port });
        }
        Ok(())
    }

    async fn addresses(&self, host: &str) -> Result<Vec<SocketAddr>, ResolveError> {
        let found = match literal(host) {
            Some(address) => vec![(address, 0).into()],
            None => match &self.names {
                Some(names) => names.addresses(host).await,
                None => names::System.addresses(host).await,
            }
            .map_err(ResolveError::Lookup)?,
        };
        if found.is_empty() {
            return Err(ResolveError::NoAddress);
        }
        for address in &found {
            self.vet(host, address.ip())?;
        }
        Ok(found)
    }

    /// Whether `address`, which `host` stands for, may be connected to. This is the one place that decides it.
    fn vet(&self, host: &str, address: IpAddr) -> Result<(), RefusedDestination> {
        let Rule::Public { allowed, ours } = &self.rule else { return Ok(()) };
        // The system connects to it over IPv4, whatever it looks like.
        let address = address.to_canonical();
        let refused = |why| Err(RefusedDestination::Address { host: sanitise(host), address, why });
        if allowed.iter().any(|block| block.contains(address)) {
            // Whoever allows a NAT64 allows the way there, not every address behind it.
            return special::behind_nat64(address).map_or(Ok(()), |behind| self.vet(host, behind));
        }
        match special::what(address) {
            Some(why) => refused(why),
            None if ours.contains(&address) || is_own(address) => refused("an address of our own"),
            None => Ok(()),
        }
    }
}

/// The address that `host` is, in the spellings that are one and the same everywhere.
fn literal(host: &str) -> Option<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    bare.parse().ok().or_else(|| match Host::parse(host) {
        // Numbers in other spellings (`0x7f.1`, `2130706433`), as the URL standard reads them.
        Ok(Host::Ipv4(address)) => Some(address.into()),
        Ok(Host::Ipv6(address)) => Some(address.into()),
        Ok(Host::Domain(_)) | Err(_) => None,
    })
}

impl fmt::Debug for Destinations {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rule.fmt(formatter)
    }
}

impl PartialEq for Destinations {
    fn eq(&self, other: &Self) -> bool {
        let same_names = match (&self.names, &other.names) {
            (None, None) => true,
            (Some(mine), Some(theirs)) => Arc::ptr_eq(mine, theirs),
            _ => false,
        };
        same_names && self.rule == other.rule
    }
}

impl Eq for Destinations {}

impl Hash for Destinations {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Who looks names up makes a difference that need not show here.
        self.rule.hash(state);
    }
}
