//! One request on a connection of its own, timed phase by phase: what a pooled client cannot tell.
//!
//! Nothing is fallen back to: neither another address nor plain `http`.

mod error;
mod exchange;
mod shown;
mod tls;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

pub use error::{ContactError, Stage};
pub use shown::ShownCertificate;

use super::own::own_address;
use super::{Destinations, NetError, Vetted};
use crate::base::Timeouts;
use tls::Authorities;

/// Longest answer that is read, in bytes: a signed pointer has a few thousand.
const LONGEST: usize = 64 * 1024;

/// How long each stage took; `None`: it was not passed, or there is none (TLS over plain HTTP).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// TCP.
    pub connect: Option<Duration>,
    /// TLS.
    pub tls: Option<Duration>,
    /// From the request to the head of the answer.
    pub first_byte: Option<Duration>,
    /// From there to the end of the answer.
    pub transfer: Option<Duration>,
}

/// What came of one request.
#[derive(Debug)]
pub struct Contact {
    /// How long each stage took.
    pub times: Times,
    /// The address of this machine that it was made from; `None`: there is no route.
    pub from: Option<IpAddr>,
    /// The certificate that was shown, accepted or not.
    pub shown: Option<ShownCertificate>,
    /// Why it failed, if it did.
    pub result: Result<(), ContactError>,
}

/// Makes contacts. The system's authorities are read once, and once more for each `ca` file.
#[derive(Debug)]
pub struct Contacts {
    timeouts: Timeouts,
    authorities: Mutex<HashMap<Option<Utf8PathBuf>, Arc<Authorities>>>,
}

impl Contacts {
    /// Contacts with these time-outs.
    #[must_use]
    pub fn new(timeouts: &Timeouts) -> Self {
        Self { timeouts: *timeouts, authorities: Mutex::default() }
    }

    /// The addresses of the host of `url`, with its port, as far as `destinations` allows them, and how long the look-up
    /// took (`None` for an address as such).
    pub async fn resolve(&self, url: &Url, destinations: &Destinations) -> Result<(Option<Duration>, Vec<Vetted>), ContactError> {
        let begun = Instant::now();
        let port = url.port_or_known_default().unwrap_or(443);
        let host = url.host_str().ok_or(ContactError::NoName)?;
        let limit = self.timeouts.connect;
        let looking = timeout(limit, destinations.resolve(host, port)).await;
        let found = looking.map_err(|_| ContactError::Timeout { stage: Stage::Dns, limit })?.map_err(ContactError::resolve)?;
        let is_name = matches!(url.host(), Some(url::Host::Domain(_)));
        Ok((is_name.then(|| begun.elapsed()), found))
    }

    /// GET of `url` from `address`, trusting the system's authorities and those in `ca`. At most 64 KiB are read.
    pub async fn get(&self, url: &Url, address: Vetted, ca: Option<&Utf8Path>) -> Contact {
        let address = address.address();
        let mut contact = Contact { times: Times::default(), from: own_address(address), shown: None, result: Ok(()) };
        contact.result = self.try_get(url, address, ca, &mut contact.times, &mut contact.shown).await;
        contact
    }

    async fn try_get(
        &self,
        url: &Url,
        address: SocketAddr,
        ca: Option<&Utf8Path>,
        times: &mut Times,
        shown: &mut Option<ShownCertificate>,
    ) -> Result<(), ContactError> {
        let begun = Instant::now();
        let connecting = within(Stage::Connect, self.timeouts.connect, TcpStream::connect(address));
        let stream = connecting.await?.map_err(ContactError::connect)?;
        times.connect = Some(begun.elapsed());
        // Measured without it: a request is sent whole, and waiting for more to send would be counted as the server's.
        let _ = stream.set_nodelay(true);
        if url.scheme() != "https" {
            return exchange::get(url, stream, &self.timeouts, times).await;
        }
        let begun = Instant::now();
        let authorities = self.authorities(ca)?;
        let (connector, witness) = authorities.connector();
        let name = tls::server_name(url)?;
        let handshake = within(Stage::Tls, self.timeouts.handshake, connector.connect(name, stream)).await;
        *shown = witness.shown();
        let stream = handshake?.map_err(|error| ContactError::tls(&error))?;
        times.tls = Some(begun.elapsed());
        if let Some(shown) = shown {
            shown.protocol = tls::protocol(&stream);
        }
        exchange::get(url, stream, &self.timeouts, times).await
    }

    fn authorities(&self, ca: Option<&Utf8Path>) -> Result<Arc<Authorities>, ContactError> {
        let mut known = self.authorities.lock().unwrap_or_else(PoisonError::into_inner);
        let key = ca.map(Utf8Path::to_owned);
        if let Some(authorities) = known.get(&key) {
            return Ok(authorities.clone());
        }
        let made = Arc::new(Authorities::read(ca).map_err(|error: NetError| ContactError::Setup(Box::new(error)))?);
        known.insert(key, made.clone());
        Ok(made)
    }
}

/// Waits for `work`, no longer than `limit`.
async fn within<T>(stage: Stage, limit: Duration, work: impl Future<Output = T>) -> Result<T, ContactError> {
    timeout(limit, work).await.map_err(|_| ContactError::Timeout { stage, limit })
}
