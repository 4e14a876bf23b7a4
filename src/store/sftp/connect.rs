//! From a host name to an authenticated SSH session, by way of jump hosts where there are any. For each server on the way:
//!
//! 1. TCP, through the proxy if there is one; behind a jump host, a channel of the session with that one.
//! 2. Key exchange; the host key is checked against the server's own pins inside it.
//! 3. Only then authentication, with the one credential that is configured for this server.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use russh::client::{Config, Handle};
use russh::keys::{Algorithm, HashAlg};
use russh::{Preferred, cipher};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use url::Url;

use super::dial::dial;
use super::failure::Failure;
use super::guard::{Guard, Notes};
use super::line::{Line, LineControl};
use super::login::authenticate;
use super::pin::{HostKeyPin, families, families_of, names_authority, names_only_authorities};
use super::settings::{JumpHost, SftpAuth, SftpSettings};
use crate::base::Timeouts;
use crate::net::Destinations;

/// A session that the server let us into. Dropped, it ends at once, and so do those that it was reached through.
pub(super) struct Ssh {
    /// The server's name, for messages.
    pub host: String,
    pub handle: Handle<Guard>,
    pub notes: Arc<Notes>,
    pub control: LineControl,
    /// The connections that it forwards for us, where it is a jump host.
    pub tunnels: TaskTracker,
    /// The jump host that it was reached through.
    before: Option<Box<Ssh>>,
}

impl Drop for Ssh {
    fn drop(&mut self) {
        self.control.cut();
    }
}

impl Ssh {
    /// Says good-bye, here and then to the jump hosts on the way back, and gives each a moment for that to go out.
    pub async fn leave(&self) {
        const MOMENT: Duration = Duration::from_secs(1);
        let mut next = Some(self);
        while let Some(session) = next {
            // A jump host that hears our good-bye drops what it has not passed on, so the one behind it ends first.
            session.tunnels.close();
            let _ = timeout(MOMENT, session.tunnels.wait()).await;
            // One that has ended already has heard it, or never will.
            if session.handle.disconnect(russh::Disconnect::ByApplication, "done", "").await.is_ok() {
                let _ = timeout(MOMENT, session.control.ended()).await;
            }
            next = session.before.as_deref();
        }
    }
}

/// After this long without a packet of the server it is asked for a sign of life; some servers drop who is silent for
/// two minutes. Three questions without an answer end the connection.
const KEEPALIVE: Duration = Duration::from_secs(15);
/// Nothing at all for this long, answers to keepalives included: dead. (It also bounds a write that nobody takes.)
const INACTIVITY: Duration = Duration::from_secs(75);

/// AES-GCM first: chacha20 costs three times as much per byte on machines with AES instructions (measured: 0.51
/// against 0.16 s per GiB), and russh leaves out aes128-gcm unless asked.
const CIPHERS: &[cipher::Name] = &[cipher::AES_128_GCM, cipher::AES_256_GCM, cipher::CHACHA20_POLY1305, cipher::AES_256_CTR];

/// A server to log in to: a jump host or the target itself.
#[derive(Clone, Copy)]
pub(super) struct Server<'a> {
    pub host: &'a str,
    pub port: u16,
    pub user: &'a str,
    pub auth: &'a SftpAuth,
    pub host_keys: &'a [HostKeyPin],
}

impl JumpHost {
    fn server(&self) -> Server<'_> {
        Server { host: &self.host, port: self.port, user: &self.user, auth: &self.auth, host_keys: &self.host_keys }
    }
}

impl SftpSettings {
    fn server(&self) -> Server<'_> {
        Server { host: &self.host, port: self.port, user: &self.user, auth: &self.auth, host_keys: &self.host_keys }
    }
}

/// Connects and authenticates, to one jump host after the other and at last to the target.
pub(super) async fn connect(settings: &SftpSettings) -> Result<Ssh, Failure> {
    if let Some(jump) = settings.jump.first() {
        // Before any of them sees who we are.
        settings.destinations.admit_behind(&jump.host)?;
    }
    let mut way = None;
    for jump in &settings.jump {
        let entered = enter(jump.server(), way, settings).await;
        way = Some(Box::new(entered.map_err(|failure| failure.at_jump_host(&jump.host))?));
    }
    enter(settings.server(), way, settings).await
}

/// Connects to one server, through `before` if that is given, and authenticates.
async fn enter(server: Server<'_>, before: Option<Box<Ssh>>, settings: &SftpSettings) -> Result<Ssh, Failure> {
    let way = match (&before, &settings.proxy) {
        (Some(jump), _) => Way::Jump(jump),
        (None, Some(proxy)) => Way::Proxy(proxy),
        (None, None) => Way::Straight,
    };
    let place =
        Place { host: server.host, port: server.port, timeouts: &settings.timeouts, destinations: &settings.destinations, way };
    let mut ssh = reach_pinned(place, server.host_keys).await?;
    ssh.before = before;
    let limit = settings.timeouts.handshake;
    match timeout(limit, authenticate(ssh, server)).await {
        Ok(result) => result,
        Err(_) => Err(Failure::Slow { what: "answer to our credentials", limit }),
    }
}

/// Exchanges keys with a server that shows a pinned key, or a certificate by a pinned authority.
///
/// A server shows one of its keys, the first of our list that it has. A pinned fingerprint does not say of which kind
/// its key is, so after a mismatch the other kinds are asked for as well, each on a connection of its own. Certificates
/// are asked for once: those of a server are made together.
async fn reach_pinned(place: Place<'_>, pins: &[HostKeyPin]) -> Result<Ssh, Failure> {
    let families = families_of(pins);
    let certificates = if names_authority(pins) { self::families().concat() } else { Vec::new() };
    let mut mismatch = match exchange_pinned(place, pins, Offer { keys: families.concat(), certificates }).await {
        Err(failure) if failure.is_mismatch() && !names_only_authorities(pins) => failure,
        other => return other,
    };
    let first_seen = match &mismatch {
        Failure::HostKey { algorithm, .. } => Some(algorithm.clone()),
        _ => None,
    };
    let seen = |family: &[Algorithm]| family.iter().any(|member| Some(member.as_str()) == first_seen.as_deref());
    for family in families.into_iter().filter(|family| !seen(family)) {
        match exchange_pinned(place, pins, Offer::keys(family)).await {
            // What is wrong with a certificate says more than that there are other keys, too.
            Err(Failure::HostKey { .. }) if matches!(mismatch, Failure::Certificate { .. }) => {}
            Err(failure) if failure.is_mismatch() => mismatch = failure,
            // It has no key of that kind.
            Err(Failure::Unsupported(_)) => {}
            other => return other,
        }
    }
    Err(mismatch)
}

async fn exchange_pinned(place: Place<'_>, pins: &[HostKeyPin], offer: Offer) -> Result<Ssh, Failure> {
    let guard = |notes: &Arc<Notes>| Guard::pinned(place.host, pins, notes);
    exchange(place, offer, guard).await.map_err(|(failure, _)| failure)
}

/// The kinds of keys that a server may show, most wanted first.
pub(super) struct Offer {
    keys: Vec<Algorithm>,
    /// Kinds of keys in certificates; a server that has one shows it rather than a key.
    certificates: Vec<Algorithm>,
}

impl Offer {
    fn keys(keys: Vec<Algorithm>) -> Self {
        Self { keys, certificates: Vec::new() }
    }
}

/// Where to connect, apart from who we are there.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub host: &'a str,
    pub port: u16,
    pub timeouts: &'a Timeouts,
    pub destinations: &'a Destinations,
    pub way: Way<'a>,
}

/// What lies between us and a server.
#[derive(Clone, Copy)]
pub(super) enum Way<'a> {
    /// Nothing.
    Straight,
    /// A proxy of our own.
    Proxy(&'a Url),
    /// A server that forwards connections.
    Jump(&'a Ssh),
}

impl<'a> Way<'a> {
    /// By way of the proxy, if there is one.
    pub fn by(proxy: Option<&'a Url>) -> Self {
        proxy.map_or(Self::Straight, Self::Proxy)
    }
}

/// Connection and key exchange. A failure comes with what was noted until then.
pub(super) async fn exchange(
    place: Place<'_>,
    offer: Offer,
    guard: impl FnOnce(&Arc<Notes>) -> Guard,
) -> Result<Ssh, (Failure, Arc<Notes>)> {
    let notes = Arc::new(Notes::default());
    let stream = dial(place).await.map_err(|failure| (failure, Arc::clone(&notes)))?;
    let control = LineControl::new();
    let line = Line::new(stream, &control);
    let limit = place.timeouts.handshake;
    let session = russh::client::connect_stream(Arc::new(config(offer)), line, guard(&notes));
    match timeout(limit, session).await {
        Ok(Ok(handle)) => {
            Ok(Ssh { host: place.host.to_owned(), handle, notes, control, tunnels: TaskTracker::new(), before: None })
        }
        Ok(Err(failure)) => Err((failure, notes)),
        Err(_) => {
            // russh runs the session in a task of its own, which would go on waiting.
            control.cut();
            Err((Failure::Slow { what: "SSH handshake", limit }, notes))
        }
    }
}

fn config(offer: Offer) -> Config {
    Config {
        // russh's own list begins with mlkem768x25519 and holds nothing of SHA-1; of MACs neither.
        preferred: Preferred {
            key: Cow::Owned(offer.keys),
            host_key_certificates: Cow::Owned(offer.certificates),
            cipher: Cow::Borrowed(CIPHERS),
            ..Preferred::DEFAULT
        },
        keepalive_interval: Some(KEEPALIVE),
        keepalive_max: 3,
        inactivity_timeout: Some(INACTIVITY),
        // Set on the socket by `dial`, since russh only does so for sockets that it opened.
        nodelay: true,
        ..Config::default()
    }
}

/// A host key as a server showed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScannedKey {
    /// Its kind, such as `ssh-ed25519`.
    pub algorithm: String,
    /// `SHA256:...`, for comparing by eye with what the operator says.
    pub fingerprint: String,
    /// The line to pin.
    pub line: String,
}

impl ScannedKey {
    fn of(key: &russh::keys::PublicKey) -> Option<Self> {
        Some(Self {
            algorithm: key.algorithm().to_string(),
            fingerprint: key.fingerprint(HashAlg::Sha256).to_string(),
            line: key.to_openssh().ok()?,
        })
    }
}

/// Asks a server for each of its host keys, one connection a kind, and never authenticates.
pub(super) async fn scan(place: Place<'_>) -> Result<Vec<ScannedKey>, Failure> {
    let no_pins: &[HostKeyPin] = &[];
    let mut found = Vec::new();
    for family in families_of(no_pins) {
        match exchange(place, Offer::keys(family), Guard::looking).await {
            // The guard lets nobody pass.
            Ok(ssh) => drop(ssh),
            Err((failure, notes)) => match notes.key() {
                Some(key) => found.extend(ScannedKey::of(&key)),
                None if matches!(failure, Failure::Unsupported(_)) => {}
                None => return Err(failure),
            },
        }
    }
    Ok(found)
}
