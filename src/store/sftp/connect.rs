//! From a host name to an authenticated SSH session.
//!
//! 1. TCP, through the proxy if there is one.
//! 2. Key exchange; the host key is checked against the pins inside it.
//! 3. Only then authentication, with the one credential that is configured.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use russh::client::{Config, Handle};
use russh::keys::{Algorithm, HashAlg};
use russh::{Preferred, cipher};
use tokio::time::timeout;

use super::dial::dial;
use super::failure::Failure;
use super::guard::{Guard, Notes};
use super::line::{Line, LineControl};
use super::login::authenticate;
use super::pin::{HostKeyPin, families_of};
use super::settings::SftpSettings;
use crate::base::Timeouts;

/// A session that the server let us into.
pub(super) struct Ssh {
    pub handle: Handle<Guard>,
    pub notes: Arc<Notes>,
    pub control: LineControl,
}

/// After this long without a packet of the server it is asked for a sign of life; some servers drop who is silent for
/// two minutes. Three questions without an answer end the connection.
const KEEPALIVE: Duration = Duration::from_secs(15);
/// Nothing at all for this long, answers to keepalives included: dead. (It also bounds a write that nobody takes.)
const INACTIVITY: Duration = Duration::from_secs(75);

/// AES-GCM first: chacha20 costs three times as much per byte on machines with AES instructions (measured: 0.51
/// against 0.16 s per GiB), and russh leaves out aes128-gcm unless asked.
const CIPHERS: &[cipher::Name] = &[cipher::AES_128_GCM, cipher::AES_256_GCM, cipher::CHACHA20_POLY1305, cipher::AES_256_CTR];

/// Connects and authenticates.
pub(super) async fn connect(settings: &SftpSettings) -> Result<Ssh, Failure> {
    let ssh = reach_pinned(settings).await?;
    let limit = settings.timeouts.handshake;
    match timeout(limit, authenticate(ssh, settings)).await {
        Ok(result) => result,
        Err(_) => Err(Failure::Slow { what: "answer to our credentials", limit }),
    }
}

/// Exchanges keys with a server that shows a pinned key.
///
/// A server shows one of its keys, the first of our list that it has. A pinned fingerprint does not say of which kind
/// its key is, so after a mismatch the other kinds are asked for as well, each on a connection of its own.
async fn reach_pinned(settings: &SftpSettings) -> Result<Ssh, Failure> {
    let families = families_of(&settings.host_keys);
    let mut mismatch = match exchange_pinned(settings, families.concat()).await {
        Err(Failure::HostKey { algorithm, fingerprint }) => (algorithm, fingerprint),
        other => return other,
    };
    let first_seen = mismatch.0.clone();
    for family in families.into_iter().filter(|family| !family.iter().any(|member| member.as_str() == first_seen)) {
        match exchange_pinned(settings, family).await {
            Err(Failure::HostKey { algorithm, fingerprint }) => mismatch = (algorithm, fingerprint),
            // It has no key of that kind.
            Err(Failure::Unsupported(_)) => {}
            other => return other,
        }
    }
    Err(Failure::HostKey { algorithm: mismatch.0, fingerprint: mismatch.1 })
}

async fn exchange_pinned(settings: &SftpSettings, algorithms: Vec<Algorithm>) -> Result<Ssh, Failure> {
    let guard = |notes: &Arc<Notes>| Guard::pinned(&settings.host_keys, notes);
    exchange(settings.place(), algorithms, guard).await.map_err(|(failure, _)| failure)
}

/// Where to connect, apart from who we are there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub host: &'a str,
    pub port: u16,
    pub timeouts: &'a Timeouts,
    pub proxy: Option<&'a url::Url>,
}

/// TCP and key exchange. A failure comes with what was noted until then.
pub(super) async fn exchange(
    place: Place<'_>,
    algorithms: Vec<Algorithm>,
    guard: impl FnOnce(&Arc<Notes>) -> Guard,
) -> Result<Ssh, (Failure, Arc<Notes>)> {
    let notes = Arc::new(Notes::default());
    let stream = dial(place).await.map_err(|failure| (failure, Arc::clone(&notes)))?;
    let control = LineControl::new();
    let line = Line::new(stream, &control);
    let limit = place.timeouts.handshake;
    let session = russh::client::connect_stream(Arc::new(config(algorithms)), line, guard(&notes));
    match timeout(limit, session).await {
        Ok(Ok(handle)) => Ok(Ssh { handle, notes, control }),
        Ok(Err(failure)) => Err((failure, notes)),
        Err(_) => {
            // russh runs the session in a task of its own, which would go on waiting.
            control.cut();
            Err((Failure::Slow { what: "SSH handshake", limit }, notes))
        }
    }
}

fn config(algorithms: Vec<Algorithm>) -> Config {
    Config {
        // russh's own list begins with mlkem768x25519 and holds nothing of SHA-1; of MACs neither.
        preferred: Preferred { key: Cow::Owned(algorithms), cipher: Cow::Borrowed(CIPHERS), ..Preferred::DEFAULT },
        keepalive_interval: Some(KEEPALIVE),
        keepalive_max: 3,
        inactivity_timeout: Some(INACTIVITY),
        // Set on the socket by `dial`, since russh only does so for sockets that it opened.
        nodelay: true,
        ..Config::default()
    }
}

impl SftpSettings {
    fn place(&self) -> Place<'_> {
        Place { host: &self.host, port: self.port, timeouts: &self.timeouts, proxy: self.proxy.as_ref() }
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
        match exchange(place, family, Guard::looking).await {
            // The guard lets nobody pass.
            Ok(ssh) => ssh.control.cut(),
            Err((failure, notes)) => match notes.key() {
                Some(key) => found.extend(ScannedKey::of(&key)),
                None if matches!(failure, Failure::Unsupported(_)) => {}
                None => return Err(failure),
            },
        }
    }
    Ok(found)
}
