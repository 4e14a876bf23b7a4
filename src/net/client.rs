//! HTTP clients, shared by all targets that want the same thing.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Duration;

use camino::Utf8PathBuf;
use url::Url;

use super::destinations::gated;
use super::{Destinations, RefusedDestination, refused_destination};
use crate::base::{Hinted, Timeouts};

/// Everything that makes one client differ from another.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct HttpPolicy {
    /// `socks5h://` or `http://` proxy; there is no fall-back to a direct connection.
    pub proxy: Option<Url>,
    /// A PEM file of certificate authorities trusted besides the system's.
    pub ca: Option<Utf8PathBuf>,
    /// TCP and TLS set-up, together.
    pub connect: Duration,
    /// Longest silence while reading. The client counts it from the first byte of the *request*, so it also limits
    /// how long a body may take to upload: see [`HttpPolicy::for_uploads`].
    pub idle: Duration,
    /// Bodies are uploaded: `idle` is not applied, and every request goes through [`send`](super::send) instead.
    pub uploads: bool,
    /// Idle connections kept per host.
    pub pool: usize,
    /// Only addresses of the family of this one are connected to, as `0.0.0.0` and `::` say; `None`: all.
    pub family: Option<IpAddr>,
    /// Where connections may lead.
    pub destinations: Destinations,
}

impl std::fmt::Debug for HttpPolicy {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("HttpPolicy")
            .field("proxy", &self.proxy.as_ref().map(without_login))
            .field("ca", &self.ca)
            .field("connect", &self.connect)
            .field("idle", &self.idle)
            .field("uploads", &self.uploads)
            .field("pool", &self.pool)
            .field("family", &self.family)
            .field("destinations", &self.destinations)
            .finish()
    }
}

/// A proxy's address for printing: its user and password are left out.
#[must_use]
pub fn without_login(proxy: &Url) -> String {
    let host = proxy.host_str().unwrap_or_default();
    let port = proxy.port_or_known_default().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}", proxy.scheme())
}

impl HttpPolicy {
    /// A policy with these time-outs, the system's authorities and no proxy, leading anywhere.
    #[must_use]
    pub fn new(timeouts: &Timeouts) -> Self {
        Self {
            proxy: None,
            ca: None,
            connect: timeouts.connect + timeouts.handshake,
            idle: timeouts.first_byte.max(timeouts.idle),
            uploads: false,
            pool: 32,
            family: None,
            destinations: Destinations::anywhere(),
        }
    }

    /// The same policy for a second try: every request on a fresh connection, over the family of `any` alone. Whoever let
    /// the time for TCP and TLS pass once is given the longer of the two now.
    #[must_use]
    pub fn afresh(mut self, any: IpAddr, timeouts: &Timeouts) -> Self {
        self.connect = timeouts.connect.max(timeouts.handshake);
        self.pool = 0;
        self.family = Some(any);
        self
    }

    /// The same policy for a client that uploads.
    ///
    /// reqwest's read time-out starts with the request and ends with the head of the answer. A body that needs longer
    /// than that to go up, on a link that is merely slow, would be cut off in mid-flight every time.
    #[must_use]
    pub fn for_uploads(mut self) -> Self {
        self.uploads = true;
        self
    }
}

/// A client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// The CA file cannot be read.
    #[error("cannot read the certificate file {path}")]
    ReadCa {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The CA file holds no certificate in PEM form.
    #[error("{path} holds no certificate in PEM form")]
    ParseCa {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        source: Option<reqwest::Error>,
    },
    /// Where connections lead cannot be seen behind the proxy, and not every place is allowed.
    #[error(transparent)]
    Refused(#[from] RefusedDestination),
    /// The client refused its settings.
    #[error("cannot set up the HTTP client")]
    Build(#[source] reqwest::Error),
    /// The system's authorities, or those of a CA file, cannot be used.
    #[error("cannot use the certificate authorities")]
    Authorities(#[source] rustls::Error),
    /// A server could not be reached, or its certificate is not one to accept.
    #[error("cannot get the certificate of {host}")]
    Certificate {
        /// Its name or address.
        host: String,
        /// Why.
        source: reqwest::Error,
    },
}

impl Hinted for NetError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Refused(refused) => refused.hint(),
            Self::Certificate { source, .. } => refused_destination(source).and_then(Hinted::hint),
            _ => None,
        }
    }
}

/// With more targets than this no idle connection is kept: each keeps up to 16 for a minute and a half after its work is
/// done, and a process may have 1,024 files open unless its system was told otherwise.
const KEPT_UP_TO: usize = 256;

/// Makes clients, one for each distinct policy: a client of its own for each target would cost 107 KiB and 6 ms.
#[derive(Debug, Default)]
pub struct Clients {
    made: Mutex<HashMap<HttpPolicy, reqwest::Client>>,
    crowd: bool,
}

impl Clients {
    /// Clients for a run over so many targets: beyond a few hundred none keeps idle connections, whatever its policy says.
    #[must_use]
    pub fn for_targets(count: usize) -> Self {
        Self { crowd: count > KEPT_UP_TO, ..Self::default() }
    }

    /// The client for `policy`.
    pub fn get(&self, policy: &HttpPolicy) -> Result<reqwest::Client, NetError> {
        let pool = if self.crowd { 0 } else { policy.pool };
        let policy = HttpPolicy { pool, ..policy.clone() };
        let mut made = self.made.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(client) = made.get(&policy) {
            return Ok(client.clone());
        }
        let client = build(&policy)?;
        made.insert(policy, client.clone());
        Ok(client)
    }
}

fn build(policy: &HttpPolicy) -> Result<reqwest::Client, NetError> {
    builder(policy)?.build().map_err(NetError::Build)
}

/// A client in the making, with everything that a policy says.
pub(super) fn builder(policy: &HttpPolicy) -> Result<reqwest::ClientBuilder, NetError> {
    // No certificate of ours is ever shown: docs/protocol-quirks.md says why. No least version of TLS is set either, since
    // rustls knows none below 1.2.
    // `none`: a mirror that answers a PUT with a redirect would otherwise see the credentials sent elsewhere, and a
    // reader would be sent to places nobody vetted. Referer and cookies are never sent for the same reason.
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .user_agent(concat!("spartacus/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(policy.connect)
        .pool_max_idle_per_host(policy.pool)
        .local_address(policy.family)
        .tcp_nodelay(true)
        // Only what targets.yaml says: a proxy from the environment would be one nobody vetted for this target.
        .no_proxy();
    if !policy.uploads {
        builder = builder.read_timeout(policy.idle);
    }
    if let Some(proxy) = &policy.proxy {
        policy.destinations.admit_behind(&without_login(proxy))?;
        builder = builder.proxy(reqwest::Proxy::all(proxy.clone()).map_err(NetError::Build)?);
    }
    if let Some(path) = &policy.ca {
        let pem = std::fs::read(path).map_err(|source| NetError::ReadCa { path: path.clone(), source })?;
        let found = reqwest::Certificate::from_pem_bundle(&pem)
            .map_err(|source| NetError::ParseCa { path: path.clone(), source: Some(source) })?;
        if found.is_empty() {
            return Err(NetError::ParseCa { path: path.clone(), source: None });
        }
        builder = builder.tls_certs_merge(found);
    }
    Ok(gated(builder, &policy.destinations))
}
